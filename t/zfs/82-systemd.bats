# The systemd units as they stand, run by a systemd of their own: with the user,
# the sandbox and the credentials that they ask for.  Here, because the machine's
# kernel and root directory are ours to play with.
load zfs_helper
load ../lib/sshd

setup_file() {
	export EXAMPLES=$TOP/examples
	export STREAM=$DATA/streams/data.full.zstream
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
}

# with_systemd KIND WHERE < SCRIPT: make a server as setup-server.sh does, and run SCRIPT as
# a service; its output goes to the file out.  No file that is changed here is seen
# outside.
with_systemd() {
	export KIND=$1 WHERE=$2
	cat > check
	chmod +x check
	cat > boot <<-'EOF2'
	set -e
	mount -t proc proc /proc
	mount -t cgroup2 cgroup2 /sys/fs/cgroup || mountpoint -q /sys/fs/cgroup
	for directory in /run /etc/zr /etc/systemd/system /etc/sudoers.d /usr/local/bin /usr/local/sbin /var/lib; do
		mkdir -p "$directory"
		mount -t tmpfs -o mode=755 tmpfs "$directory"
	done
	# Its credentials are mounts that a service must see.
	mount --make-rshared /
	ip link set lo up
	install "$PROGRAMS"/zr-* /usr/local/bin
	mkdir -p /run/systemd/system
	PATH=/usr/local/bin:$PATH sh "$EXAMPLES/setup-server.sh" "$KIND" "$WHERE"
	install -m 644 "$PKI"/*.crt "$PKI/web1.key" /etc/zr
	install -g zr -m 640 "$PKI/server.key" /etc/zr
	echo web1 >> /etc/zr/clients
	cp "$EXAMPLES"/systemd/zr-listen.* /run/systemd/system
	# What belongs to a start of the whole system is not for us.
	for unit in /lib/systemd/system/sysinit.target.wants/*; do
		[[ $unit == *journald* ]] || ln -s /dev/null "/run/systemd/system/${unit##*/}"
	done
	printf '%s\n' '[Unit]' DefaultDependencies=no 'Requires=systemd-journald.socket' \
	    '[Service]' Type=oneshot "ExecStart=/bin/sh -c 'exec \"$PWD/check\" > \"$PWD/out\" 2>&1'" \
	    'ExecStopPost=systemctl --force exit' > /run/systemd/system/check.service
	exec env -i container=zr /lib/systemd/systemd --system --unit=check.service \
	    --log-target=console --show-status=no
	EOF2
	PROGRAMS=$(dirname "$(command -v zr-tls)")
	export PROGRAMS
	timeout -s KILL 500 unshare --pid --fork --kill-child --mount --uts --ipc --net --cgroup bash boot 3>&- ||
	    true
}

@test "systemd's own service manager runs the units, sandboxed" {
	with_systemd archive /var/lib/zr/archive <<-EOF2
	#!/bin/bash
	PATH=/usr/local/bin:\$PATH
	request='{"Filesystem":"a/b","To":{"Type":"Snapshot","Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}'
	ask() {
		zr-remote -d /etc/zr -n web1 -s localhost tls:127.0.0.1:8888 "\$@"
	}
	for unit in zr zr-listen; do
		systemctl start \$unit.socket
		ask Receive "\$request" < $STREAM && echo "received by \$unit"
		# Those of the connections before may still be ending.
		while pgrep zr-tls > /dev/null; do read -r -t 0.2 <> <(:); done
		exec 6<> /dev/tcp/127.0.0.1/8888
		until pid=\$(pgrep -n zr-tls); do read -r -t 0.2 <> <(:); done
		grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/\$pid/status
		awk '\$5 == "/" { print "root " substr(\$6, 1, 2) }
		    \$5 == "/tmp" && \$4 ~ /systemd-private/ { print "tmp of its own" }' /proc/\$pid/mountinfo
		stat -c 'user %u' /proc/\$pid | sed 's/[1-9][0-9]*/of its own/'
		exec 6<&-
		# A control connection that stays, as zrepl's do, is no reason to wait.
		sleep 400 | ask batch &
		until [ "\$(pgrep -c zr-rpc)" -ge 2 ]; do read -r -t 0.2 <> <(:); done
		# A transfer comes to its end all the same.
		rm -f /run/going
		{ head -c 1000 $STREAM; until [ -e /run/going ]; do read -r -t 0.2 <> <(:); done
		    tail -c +1001 $STREAM; } | ask Receive "\$request" && echo "finished by \$unit" &
		transfer=\$!
		until pgrep -f 'zr-endpoint archive .*Receive' > /dev/null; do read -r -t 0.2 <> <(:); done
		timeout 60 systemctl stop \$unit.socket 'zr@*.service' zr-listen.service && echo "stopped \$unit" &
		stop=\$!
		until ! kill -0 \$stop 2> /dev/null ||
		    systemctl show -p ActiveState --value 'zr@*.service' zr-listen.service | grep -q deactivating
		do read -r -t 0.2 <> <(:); done
		: > /run/going
		wait \$transfer
		wait \$stop
	done
	cp "$EXAMPLES"/systemd/zr-scrub@.* /etc/systemd/system
	systemctl daemon-reload
	scrub=zr-scrub@\$(systemd-escape -p /var/lib/zr/archive)
	systemctl start \$scrub.timer && echo "next: \$(systemctl show -p Unit --value \$scrub.timer)"
	systemctl start \$scrub.service && echo "scrubbed: \$(cat /var/lib/zr/archive/@scrub)"
	printf x | dd of="\$(find /var/lib/zr/archive -name '@*.zstream')" bs=1 seek=600000 conv=notrunc
	systemctl start \$scrub.service || echo "damage: \$(systemctl is-failed \$scrub.service)"
	journalctl -o cat
	EOF2
	cat out
	grep -qx 'next: zr-scrub@var-lib-zr-archive.service' out
	grep -q '^scrubbed: .*"streams":"1",.*"finished"' out
	grep -qx 'damage: failed' out
	grep -q '^web1/a/b@one: damaged: checksum mismatch' out
	for unit in zr zr-listen; do
		grep -qx "received by $unit" out
		grep -qx "finished by $unit" out
		grep -qx "stopped $unit" out
	done
	[ "$(grep -cx 'CapBnd:	0000000000000000' out)" -eq 2 ]
	[ "$(grep -cx 'NoNewPrivs:	1' out)" -eq 2 ]
	[ "$(grep -cx 'Seccomp:	2' out)" -eq 2 ]
	[ "$(grep -cx 'user of its own' out)" -eq 2 ]
	[ "$(grep -cx 'root ro' out)" -eq 2 ]
	[ "$(grep -cx 'tmp of its own' out)" -eq 2 ]
}

@test "the units serve a pool through sudo, with no rights for what faces the network" {
	two_pools
	zfs create src/data
	random 300000 src/data/file
	zfs snapshot src/data@1
	with_systemd pool dst/backup <<-EOF2
	#!/bin/bash
	PATH=/usr/local/bin:\$PATH
	# zr-listen.service has the same drop-in, by hand.
	cp -r /etc/systemd/system/zr@.service.d /etc/systemd/system/zr-listen.service.d
	systemctl daemon-reload
	n=1
	for unit in zr zr-listen; do
		systemctl start \$unit.socket
		zr-replicate -w 20 -s 'zr-endpoint sender -j job -f src/data' \
		    -r 'zr-remote -d /etc/zr -n web1 -s localhost tls:127.0.0.1:8888' && echo "received by \$unit"
		# Those of the connections before may still be ending.
		while pgrep zr-tls > /dev/null; do read -r -t 0.2 <> <(:); done
		exec 6<> /dev/tcp/127.0.0.1/8888
		until pid=\$(pgrep -n zr-tls); do read -r -t 0.2 <> <(:); done
		grep -E '^CapEff:' /proc/\$pid/status
		echo "as \$(stat -c %U /proc/\$pid)"
		exec 6<&-
		timeout 60 systemctl stop \$unit.socket 'zr@*.service' zr-listen.service && echo "stopped \$unit"
		n=\$((n + 1))
		zfs snapshot src/data@\$n
	done
	journalctl -o cat
	EOF2
	cat out
	for unit in zr zr-listen; do
		grep -qx "received by $unit" out
		grep -qx "stopped $unit" out
	done
	[ "$(grep -cx 'CapEff:	0000000000000000' out)" -eq 2 ]
	[ "$(grep -cx 'as zr' out)" -eq 2 ]
	[ "$(snapshots_of dst/backup/web1/src/data | cut -d ' ' -f 1 | paste -sd ' ')" = '1 2' ]
}

@test "the night is a unit: it runs twice in its sandbox, over ssh, and one that is broken has failed" {
	two_pools
	make_ssh_keys
	zfs create src/web
	random 100000 src/web/file
	zfs create dst/pool
	start_sshd
	# Where root has its keys, which the sandbox lets it read.
	[ ! -e ~/.ssh ] || mv ~/.ssh saved
	mkdir -m 700 ~/.ssh
	cp "$SSH_DIR/client" ~/.ssh/id
	sed 's/^127.0.0.1 /backup.example /' known_hosts > ~/.ssh/known_hosts
	printf '%s\n' 'Host backup' 'HostName 127.0.0.1' 'HostKeyAlias backup.example' 'Port 2222' \
	    'IdentityFile ~/.ssh/id' > ~/.ssh/config
	sed "s|^source=.*|source=src/web host=backup target=dst/pool/web job=web|" \
	    "$EXAMPLES/nightly" > night
	with_systemd archive /var/lib/zr/archive <<-EOF2
	#!/bin/bash
	# The network here is ours alone.
	mkdir /run/sshd
	tcpserver -RHl0 127.0.0.1 2222 "$PWD/sshd" &
	install -m 755 "$PWD/night" /etc/zr/web
	cp "$EXAMPLES"/systemd/zr-job@.* /etc/systemd/system
	systemctl daemon-reload
	for night in 1 2; do
		systemctl start zr-job@web.service && echo "night \$night: \$(tail -n 1 /var/lib/zr-job/web.log)"
	done
	journalctl -o cat -u zr-job@web.service -t web | sed 's/^/says: /'
	sed -i 's/host=backup/host=nowhere.invalid/' /etc/zr/web
	systemctl start zr-job@web.service || echo "a broken night: \$(systemctl is-failed zr-job@web.service)"
	journalctl -o cat
	EOF2
	rm -rf ~/.ssh
	[ ! -e saved ] || mv saved ~/.ssh
	cat out
	grep -qx 'night 1: OK: 1 filesystem, .*' out
	grep -qx 'night 2: OK: 1 filesystem, .*' out
	run -1 grep '^says: ' out
	grep -qx 'a broken night: failed' out
	grep -q 'nowhere.invalid' out
	[ "$(snapshots_of dst/pool/web | wc -l)" -eq 2 ]
	[ "$(snapshots_of src/web | head -n 2)" = "$(snapshots_of dst/pool/web)" ]
}
