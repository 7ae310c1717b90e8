# The servers of examples/ as they stand, with their paths changed, asked over TLS by
# clients as they are; and what setup-server.sh says that it would do.
load ../lib/helper
load ../lib/archive
load ../lib/guard

setup_file() {
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
	zr-cert client "$PKI" web2
}

setup() {
	enter_directory || return
	mkdir etc state state/archive client
	cp "$PKI"/ca.crt "$PKI"/server.* "$TOP/examples/keep" etc
	printf '# admitted\nweb1\nweb2\n' > etc/clients
	cp "$PKI"/ca.crt "$PKI"/web?.* client
	sed "s|^PATH=.*|PATH='$PATH'|; s|/etc/zr|$PWD/etc|g; s|/var/lib/zr|$PWD/state|g" \
	    "$TOP/examples/zr-server-archive" > server
	chmod +x server
}

# serve [COMMAND...]: the server on a free port
serve() {
	rm -f port
	background "$@" zr-listen -1 tcp:127.0.0.1:0 "$PWD/server" > port 2> server.err
	eventually 20 test -s port
	port=$(cat port)
}

# as CLIENT METHOD REQUEST
as() {
	zr-remote -d client -n "$1" -s localhost "tls:127.0.0.1:$port" "${@:2}"
}

push() {
	as "$1" Receive "$(receive_request a/data@one "${2-a/data}")" < "$STREAMS/data.full.zstream"
}

everything() {
	as "$1" ListFilesystemVersions "{\"Filesystem\":\"$2\"}" |
	    jq -c --arg fs "$2" '{Filesystem: $fs, Snapshots: .Versions}'
}

stored() {
	(cd state/archive && find . -name '*.zstream' -exec sha256sum {} + | sort)
}

@test "no client can see, read, destroy or overwrite the backup of another" {
	serve
	push web1
	before=$(stored)
	[ "$(wc -l <<< "$before")" -eq 1 ]
	all=$(everything web1 a/data)
	run -0 as web2 ListFilesystems '{}'
	[ "$output" = '{}' ]
	for name in a/data web1/a/data ../web1/a/data; do
		run ! as web2 ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		run ! as web2 Send "$(send_request '' a/data@one "$name")"
		as web2 DestroySnapshots "$(jq -c --arg fs "$name" '.Filesystem = $fs' <<< "$all")" || true
		push web2 "$name" || true
	done
	[ "$(stored | grep ' \./web1/')" = "$before" ]
	as web1 ListFilesystemVersions '{"Filesystem":"a/data"}' | jq -e '.Versions[0].Name == "one"'
	# What web2 has received is its own.
	[ -d state/archive/web2/a/data ]
	as web1 ListFilesystems '{}' | jq -e '[.Filesystems[].Path] == ["a", "a/data"]'
	as web1 Send "$(send_request '' a/data@one)" | tail -n +2 | cmp - "$STREAMS/data.full.zstream"
}

@test "a client that is not in the file, or has another CA, is refused" {
	serve
	sed -i '/web2/d' etc/clients
	run -98 --separate-stderr as web2 Ping '{}'
	eventually 10 grep -q web2 server.err
	as web1 Ping '{}'
	zr-cert ca other
	zr-cert client other web1
	cp other/web1.* client
	run -98 as web1 Ping '{}'
}

@test "a client destroys what the rules do not keep, and nothing else" {
	mkdir state/archive/web1
	chmod 700 state/archive/web1
	ln -s state/archive/web1 box
	daily 40
	serve
	as web1 DestroySnapshots "$(everything web1 a)" > answer
	# Two days in full and thirty daily ones, and then one each thirty days.
	for ((i = 1; i <= 31; i++)); do
		[[ ,$(left), == *,d$i,* ]] || { left; cat answer; false; }
		jq -e --arg name "d$i" '.Results[] | select(.Snapshot.Name == $name) | .Error | test("kept by the floor")' answer
	done
	[ "$(left | tr , '\n' | wc -l)" -le 35 ]
	[ "$(left | tr , '\n' | wc -l)" -ge 33 ]
	[[ ,$(left), == *,d40,* ]]
	# And in a batch.
	before=$(left)
	everything web1 a | jq -c '{id: 1, method: "DestroySnapshots", request: .}' | as web1 batch > answer
	[ "$(left)" = "$before" ]
}

@test "if the rules are missing or invalid no call is served, and the log and the client are told why" {
	serve
	push web1
	before=$(stored)
	all=$(everything web1 a/data)
	for how in missing invalid empty; do
		case $how in
		missing) rm etc/keep; reason='No such file' ;;
		invalid) echo 'grid . 1x' > etc/keep; reason=grid ;;
		empty) : > etc/keep; reason='no rule' ;;
		esac
		for call in "ListFilesystems {}" "DestroySnapshots $all"; do
			: > server.err
			run ! as web1 "${call%% *}" "${call#* }"
			eventually 10 grep -q "zr-guard.*$PWD/etc/keep.*$reason" server.err || { cat server.err; false; }
			[[ "$output" == *zr-guard*"$PWD/etc/keep"*"$reason"* ]] || { echo "$output"; false; }
		done
		run ! push web1 a/other
		[[ "$output" == *zr-guard*"$PWD/etc/keep"*"$reason"* ]] || { echo "$output"; false; }
	done
	[ "$(stored)" = "$before" ]
}

@test "a file of TLS that is missing on the server is one line in its log, which names it" {
	serve
	for name in ca.crt server.crt server.key clients; do
		: > server.err
		mv "etc/$name" aside
		run ! as web1 Ping '{}'
		mv aside "etc/$name"
		eventually 10 grep -q "$PWD/etc/$name: No such file or directory" server.err || { cat server.err; false; }
		[ "$(wc -l < server.err)" -eq 1 ]
	done
	as web1 Ping '{}'
}

@test "a file of TLS that is missing on the client is one line, which names it" {
	serve
	for name in ca.crt web1.crt web1.key; do
		mv "client/$name" aside
		run -111 --separate-stderr as web1 Ping '{}'
		mv aside "client/$name"
		[[ "$stderr" == *"client/$name: No such file or directory" ]] || { echo "$stderr"; false; }
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
	as web1 Ping '{}'
}

@test "a key that others can read is warned of, one that the server cannot read is an error" {
	serve
	chmod 644 etc/server.key client/web1.key
	run -0 --separate-stderr as web1 Ping '{}'
	[[ "$stderr" == *client/web1.key*other* ]] || { echo "$stderr"; false; }
	eventually 10 grep -q "$PWD/etc/server.key.*other" server.err
	# Root could read it all the same.
	[ "$(id -u)" -ne 0 ] || chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" .
	chmod 600 etc/server.key
	as_other=()
	if [ "$(id -u)" -eq 0 ]; then
		as_other=(setpriv --reuid nobody --clear-groups)
	else
		chmod 000 etc/server.key
	fi
	serve "${as_other[@]}"
	run ! as web1 Ping '{}'
	eventually 10 grep -q "$PWD/etc/server.key: Permission denied" server.err || { cat server.err; false; }
	[ "$(wc -l < server.err)" -eq 1 ]
}

# planned ARGUMENT...: what setup-server.sh would do, in the file plan.
planned() {
	planned_to plan "$@"
}

planned_to() {
	run -0 --separate-stderr sh "$TOP/examples/setup-server.sh" -n "${@:2}"
	[ -z "$stderr" ] || { echo "$stderr"; false; }
	printf '%s\n' "${lines[@]}" > "$1"
}

# a_zfs ANSWER [STATUS]: a zfs that always says the same
a_zfs() {
	cat > zfs <<-END
	#!/bin/sh
	echo "\$*" >> "\${0%/*}/ran"
	echo "$1" >&$((${2-1} + 1))
	exit ${2-1}
	END
	chmod +x zfs
}

@test "setup-server.sh -n shows each command for an archive, and runs none" {
	planned archive "$PWD/archive"
	run -0 grep '^+ ' plan
	[ "${#lines[@]}" -ge 2 ]
	[ ! -e archive ]
	grep -qx "+ install -d -o zr -g zr -m 700 $PWD/archive" plan
	grep -q 'install -g zr -m 640 server.key /etc/zr' plan
	# Three files a side, and never the fourth.
	grep -q 'ca.crt server.crt /etc/zr' plan
	grep -q 'install -m 644 ca.crt web1.crt /etc/zr' plan
	run -1 grep 'install.*ca\.key' plan
	grep -qF "zr-sync -T '-d /etc/zr -n web1' tank/web tls:" plan
	# The client's lines make the directory, without which the key would become a file of
	# that name.
	sed -n '/files to the client/,/web1.key/s/^    //p' plan | sed "s|/etc/zr|$PWD/made|" > commands
	[ -s commands ]
	(cd "$PKI" && sh -e "$OLDPWD/commands")
	[ "$(cd made && echo *)" = 'ca.crt web1.crt web1.key' ]
	[ "$(stat -c %a made/web1.key)" = 600 ]
}

@test "setup-server.sh -n shows each command for a pool, and runs none" {
	a_zfs "cannot open 'no-pool/backup': dataset does not exist"
	PATH=$PWD:$PATH planned pool no-pool/backup
	grep -qx '+ zfs create -u -o mountpoint=none -o readonly=on no-pool/backup' plan
	grep -q '^+ sh .*/zfs-allow.sh receiver zrzfs no-pool/backup send$' plan
	run -1 grep -vx -e 'list -H -o type no-pool/backup' -e 'allow no-pool/backup' ran
}

@test "setup-server.sh -n works for a user whose PATH has no sbin, from any directory" {
	a_zfs "cannot open 'no-pool/backup': dataset does not exist"
	local bin
	bin=$(dirname "$(command -v zr-endpoint)")
	cd /
	export CDPATH=$TOP
	PATH=$OLDPWD:$bin:/usr/bin:/bin planned_to "$OLDPWD/plan" pool no-pool/backup
	grep -q "^+ sh $TOP/examples/zfs-allow.sh receiver" "$OLDPWD/plan"
	run -0 --separate-stderr env -C "$TOP" PATH="$OLDPWD:$bin:/usr/bin:/bin" CDPATH=/etc:.. sh examples/setup-server.sh -n pool no-pool/backup
	[ -z "$stderr" ]
}

@test "setup-server.sh does not begin a pool's server without zfs, or where zfs does not answer" {
	mkdir programs
	ln -s "$(dirname "$(command -v zr-endpoint)")"/zr-* programs
	if [ -z "$(PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin command -v zfs)" ]; then
		PATH=$PWD/programs:/usr/bin:/bin run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n pool tank/backup
		[ "$stderr" = 'setup-server: zfs is not installed' ]
		[ -z "$output" ]
	fi
	a_zfs 'Permission denied the ZFS utilities must be run as root.'
	PATH=$PWD:$PATH run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n pool tank/backup
	[ "$stderr" = 'setup-server: zfs list tank/backup: Permission denied the ZFS utilities must be run as root.' ]
	run -1 grep 'zfs create' <<< "$output"
	# A warning is no error.
	a_zfs filesystem 0
	sed -i '2i echo "warning: of some kind" >&2' zfs
	PATH=$PWD:$PATH planned pool tank/backup
	grep -qx '= filesystem tank/backup' plan
	a_zfs volume 0
	PATH=$PWD:$PATH run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n pool tank/backup
	[ "$stderr" = 'setup-server: tank/backup is a volume, not a filesystem' ]
}

@test "setup-server.sh does not advise to take a directory away from whoever has it" {
	mkdir -m 755 disk disk/lost+found
	run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n archive "$PWD/disk"
	grep -q "^! $PWD/disk: .* not empty: .*$PWD/disk/zr$" <<< "$output"
	run -1 grep -E 'chown|chmod' <<< "$output"
	rmdir disk/lost+found
	run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n archive "$PWD/disk"
	grep -q "^! $PWD/disk: .*: chown zr:zr $PWD/disk; chmod 700 $PWD/disk$" <<< "$output"
}

@test "setup-server.sh wants the programs by an absolute path" {
	mkdir bin
	ln -s "$(dirname "$(command -v zr-endpoint)")"/zr-* bin
	PATH=bin:/usr/bin:/bin run -1 --separate-stderr sh "$TOP/examples/setup-server.sh" -n archive /srv/zr
	[[ "$stderr" == "setup-server: bin: "*absolute* ]]
	[ -z "$output" ]
}

@test "setup-server.sh refuses names that would mean something else in sudoers or a script" {
	for words in 'archive backup' 'archive /a|b' 'archive /srv/../etc' 'archive /srv/..' 'archive /srv/./a' 'archive /' 'archive -n' 'pool /tank' 'pool tank/a*' 'pool tank,x' 'archive' 'pool' 'other x' 'archive /a /b'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr sh "$TOP/examples/setup-server.sh" -n $words
		[ "$status" -ne 0 ] || { echo "$words"; false; }
		[ -n "$stderr" ]
		[ -z "$output" ]
	done
}
