# A server that receives into a pool, made by examples/setup-server.sh as root, and asked
# over TLS by its clients.
load zfs_helper

SETUP=$TOP/examples/setup-server.sh

setup_file() {
	install "$ZR_BUILD"/bin/zr-* /usr/local/bin
	getent hosts "$(hostname)" > /dev/null || echo "127.0.0.1 $(hostname)" >> /etc/hosts
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
	zr-cert client "$PKI" web2
}

setup() {
	enter_directory || return
	export PATH=/usr/local/bin:$PATH
	two_pools
	zfs create src/data
	random 300000 src/data/one
	zfs snapshot src/data@1
	random 300000 src/data/two
	zfs snapshot src/data@2
}

teardown() {
	end_children
	clean
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
}

teardown_file() {
	rm -f /usr/local/bin/zr-*
}

clean() {
	rm -rf /etc/zr /var/lib/zr /etc/sudoers.d/zr /usr/local/sbin/zr-server /usr/local/sbin/zr-server-restore
}

# made: the server, as the script and its last lines say
made() {
	sh "$SETUP" pool dst/backup > setup.out
	install -m 644 "$PKI/ca.crt" "$PKI/server.crt" /etc/zr
	install -g zr -m 640 "$PKI/server.key" /etc/zr
	printf '%s\n' web1 web2 >> /etc/zr/clients
	mkdir client
	cp "$PKI"/ca.crt "$PKI"/web?.* client
}

# serve PROGRAM: on a free port; its address is in $address
serve() {
	background zr-listen -u zr -1 tcp:127.0.0.1:0 "/usr/local/sbin/$1" > "port-$1" 2> "$1.err"
	eventually 30 test -s "port-$1"
	address=tls:127.0.0.1:$(cat "port-$1")
}

# remote CLIENT: its endpoint, as a command string
remote() {
	echo "zr-remote -d $PWD/client -n $1 -s localhost $address"
}

# as CLIENT METHOD REQUEST
as() {
	sh -c "$(remote "$1")"' "$@"' zr "${@:2}"
}

@test "setup-server.sh makes a server for a pool, and a second run changes nothing" {
	sh "$SETUP" -n pool dst/backup > plan
	[ ! -e /etc/zr/keep ]
	[ ! -e /usr/local/sbin/zr-server ]
	run -1 zfs list dst/backup
	made
	# It did what it had said.
	diff plan setup.out
	sh "$SETUP" pool dst/backup > again
	run -1 grep '^[+!]' again
	grep -qx '= /etc/zr/server.key: root zr 640' again
	[ "$(stat -c %a /etc/sudoers.d/zr)" = 440 ]
	[ "$(stat -c '%U %a' /var/lib/zr/guard)" = 'zrzfs 700' ]
	[ "$(property mountpoint,readonly dst/backup | paste -sd ' ')" = 'none on' ]

	# What is wrong is said, and left as it is.
	chmod 644 /etc/zr/server.key
	echo '# mine' >> /usr/local/sbin/zr-server
	chmod 775 /usr/local/sbin/zr-server-restore
	chown zr /etc/sudoers.d/zr
	# Of this host as a client of another server.
	install -m 600 "$PKI/web1.key" /etc/zr
	install -m 644 "$PKI/web2.key" /etc/zr
	run -1 sh "$SETUP" pool dst/backup
	grep -q '^! /etc/zr/server.key: root zr 644, expected root zr 640: ' <<< "$output"
	grep -q '^! /usr/local/sbin/zr-server: differs from zr-server-pool' <<< "$output"
	grep -q '^! /usr/local/sbin/zr-server-restore: root root 775, expected root root 755: ' <<< "$output"
	grep -q '^! /etc/sudoers.d/zr: zr root 440, expected root root 440: ' <<< "$output"
	grep -q '^= /etc/zr/web1.key: root root 600$' <<< "$output"
	grep -q '^! /etc/zr/web2.key: root root 644, expected root root 600: ' <<< "$output"
	[ "$(grep -c '^!' <<< "$output")" -eq 5 ]
	run -1 grep '^+' <<< "$output"
	[ "$(stat -c %a /etc/zr/server.key)" = 644 ]
	grep -qx '# mine' /usr/local/sbin/zr-server
	cp "$PKI/ca.key" /etc/zr
	run -1 --separate-stderr sh "$SETUP" pool dst/backup
	[ -z "$output" ]
	stderr_has "setup-server: /etc/zr/ca.key: the CA's own key does not belong on a server"
}

@test "setup-server.sh says if the server's user cannot reach the archive, or the programs" {
	mkdir -m 700 closed
	run -1 sh "$SETUP" archive "$PWD/closed/archive"
	grep -q "^! $PWD/closed/archive: the user zr cannot go there" <<< "$output"
	[ "$(grep -c '^!' <<< "$output")" -eq 1 ]
	clean
	cp -r /usr/local/bin closed/bin
	PATH=$PWD/closed/bin:$PATH run -1 sh "$SETUP" pool dst/backup
	grep -q "^! $PWD/closed/bin/zr-tls: the user zr cannot go there" <<< "$output"
}

@test "setup-server.sh takes no place that the units would hide" {
	cat > hidden <<-'END'
	mount -t tmpfs tmpfs /run
	mkdir -p /run/systemd/system
	exec sh "$@"
	END
	for place in /home/backup /root/x /tmp/x /run/x; do
		run -1 --separate-stderr unshare --mount sh hidden "$SETUP" -n archive "$place"
		stderr_has "setup-server: $place: systemd shows a service nothing there"
		[ -z "$output" ]
	done
	unshare --mount sh hidden "$SETUP" -n archive /srv/backup | grep -qx '+ install -o root -g root -m 644 systemd/zr@.service /etc/systemd/system/zr@.service'
}

@test "a push over TLS is received without root, kept from the clients, and restored" {
	made
	serve zr-server
	pool=$address
	zr-sync -I all -T "-d $PWD/client -n web1 -s localhost" src/data "$address"
	[ "$(snapshots_of src/data)" = "$(snapshots_of dst/backup/web1/src/data)" ]
	[ "$(fs_digest src/data@2)" = "$(fs_digest dst/backup/web1/src/data@2)" ]

	# The other client sees none of it, and nobody destroys it.
	run -0 as web2 ListFilesystems '{}'
	[ "$output" = '{}' ]
	request=$(jq -cn --argjson one "$(version src/data@1)" '{Filesystem: "src/data", Snapshots: [$one]}')
	as web2 DestroySnapshots "$request" || true
	as web1 DestroySnapshots "$request" | jq -e '.Results[0].Error | test("kept by the floor of retention")'
	zr-prune -y -e "$(remote web1)" -k 'last_n 1' || true
	[ "$(snapshots_of src/data)" = "$(snapshots_of dst/backup/web1/src/data)" ]
	# The rules are those of /etc/zr/keep.
	echo 'regex ^2$' > /etc/zr/keep
	as web1 DestroySnapshots "$request" | jq -e '.Results[0].Error == null'
	[ "$(snapshots_of dst/backup/web1/src/data)" = "2 $(guid_of src/data@2)" ]

	# The way back, which changes nothing here.
	zfs get -Hpr -o name,property,value guid,userrefs dst/backup > before
	zfs list -Hr -t all -o name dst/backup >> before
	serve zr-server-restore
	zr-sync -g nothing -T "-d $PWD/client -n web1 -s localhost" \
	    -f dst/backup/web1/src/data "$address" src/restored
	[ "$(fs_digest src/restored@2)" = "$(fs_digest src/data@2)" ]
	run as web2 ListFilesystems '{}'
	[[ "$output" != *web1* ]]
	run -1 as web2 ListFilesystemVersions '{"Filesystem":"dst/backup/web1/src/data"}'
	request=$(jq -cn --argjson two "$(version src/data@2)" '{Filesystem: "dst/backup/web1/src/data", Snapshots: [$two]}')
	as web1 DestroySnapshots "$request" | jq -e '.Results[0].Error | test("append only")'
	zfs get -Hpr -o name,property,value guid,userrefs dst/backup > after
	zfs list -Hr -t all -o name dst/backup >> after
	diff before after
	# A pusher cannot use the way back, nor the other way round.
	run ! as web1 Receive "$(receive_request src/data@2 src/other)" < /dev/null
	[ "$(zfs list -Hr -o name dst/backup | wc -l)" -eq 4 ]
	address=$pool
	run -1 as web1 Send "$(send_request '' src/data@2)"
}

@test "without its rules the server serves nobody, and says so to the client" {
	made
	rm /etc/zr/keep
	serve zr-server
	run ! as web1 ListFilesystems '{}'
	[[ "$output" == *'zr-guard'*'/etc/zr/keep: No such file or directory'* ]] || { echo "$output"; false; }
}
