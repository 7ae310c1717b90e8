# Without root: the recipe of examples/zfs-allow.sh, and examples/sudoers.
load zfs_helper

EXAMPLES=$TOP/examples
CURSOR=zrepl_CURSOR_G_

setup_file() {
	local name
	for name in zr zrzfs; do
		id "$name" > /dev/null 2>&1 || useradd -r -s /bin/sh "$name"
	done
	# sudo complains where the host's name has no address.
	getent hosts "$(hostname)" > /dev/null || echo "127.0.0.1 $(hostname)" >> /etc/hosts
}

# Others than root can enter our directory, and the programs are in it.
setup() {
	chmod 711 "$BATS_RUN_TMPDIR"
	enter_directory || return
	cp -r "$ZR_BUILD/bin" .
	make_pool src
	make_pool dst
	zfs create src/data
	zfs create -u -o canmount=off dst/backup
	random 3000000 src/data/one
	zfs create src/data/below
	zfs snapshot -r src/data@1
	random 3000000 src/data/two
	zfs snapshot -r src/data@2
	sh "$EXAMPLES/zfs-allow.sh" sender zrzfs src/data
	sh "$EXAMPLES/zfs-allow.sh" receiver zrzfs dst/backup
}

teardown_file() {
	rm -rf /etc/sudoers.d/zr-test /usr/local/bin/zr-endpoint /usr/local/bin/zr-guard /etc/zr /var/lib/zr
}

# as USER COMMAND...: with none of root's rights.
as() {
	setpriv --reuid "$1" --regid "$1" --clear-groups --no-new-privs \
	    env PATH="$BATS_TEST_TMPDIR/bin:$PATH" HOME=/ "${@:2}"
}

sender="zr-endpoint sender -j web -f 'src/data<'"
receiver='zr-endpoint receiver -n -u -e off -j sink dst/backup'

@test "a tree is replicated, steps resumed and snapshots destroyed without root" {
	# The first one leaves a placeholder for the other.
	as zrzfs zr-step -s "$sender" -r "$receiver" "$(send_request '' src/data/below@1)"
	[ "$(property zrepl:placeholder dst/backup/src/data)" = on ]
	as zrzfs zr-replicate -I all -s "$sender" -r "$receiver"
	for name in data data/below; do
		[ "$(snapshots_of "src/$name")" = "$(snapshots_of "dst/backup/src/$name")" ]
		[ "$(fs_digest "src/$name@2")" = "$(fs_digest "dst/backup/src/$name@2")" ]
	done
	[ "$(property zrepl:placeholder dst/backup/src)" = on ]
	[ "$(holds_of src/data)" = '' ]
	[[ "$(bookmarks_of src/data)" == "$CURSOR"*_J_web\ * ]]
	[ "$(holds_of dst/backup/src/data)" = '2 zrepl_last_received_J_sink' ]

	# Interrupted, resumed; interrupted, given up.
	random 3000000 src/data/three
	zfs snapshot src/data@3
	for how in resumed given-up; do
		as zrzfs sh -c "$sender \"\$@\"" zr Send "$(send_request src/data@2 src/data@3)" |
		    { read -r _; head -c 2000000; } > part
		run -1 as zrzfs sh -c "$receiver \"\$@\"" zr Receive \
		    "$(receive_request src/data@3 src/data)" < part
		token=$(property receive_resume_token dst/backup/src/data)
		[ "$token" != - ]
		[ $how = resumed ] || break
		as zrzfs zr-replicate -I all -s "$sender" -r "$receiver"
		[ "$(snapshots_of src/data)" = "$(snapshots_of dst/backup/src/data)" ]
		zfs release zrepl_last_received_J_sink dst/backup/src/data@3
		zfs rollback -r dst/backup/src/data@2
	done
	as zrzfs zr-step -s "$sender" -r "$receiver" "$(send_request src/data@2 src/data@3)"
	[ "$(fs_digest src/data@3)" = "$(fs_digest dst/backup/src/data@3)" ]

	# One more process than root needs, as zr-endpoint(1) says.
	zfs snapshot src/data@4
	printf '#!/bin/sh\necho "$*" >> count\nexec zfs "$@"\n' > counting-zfs
	chmod +x counting-zfs
	install -m 666 /dev/null count
	request=$(send_request src/data@3 src/data@4)
	as zrzfs env ZR_ZFS=./counting-zfs zr-step -s "$sender" -r "$receiver" "$request"
	[ "$(wc -l < count)" -eq 11 ] || { cat count; false; }

	request=$(jq -cn --argjson one "$(version src/data@1)" '{Filesystem: "src/data", Snapshots: [$one]}')
	for endpoint in "$sender" "$receiver"; do
		run -0 as zrzfs sh -c "$endpoint DestroySnapshots \"\$1\"" zr "$request"
		[ "$(jq '.Results[0].Error // ""' <<< "$output")" = '""' ]
	done
	run -1 zfs list src/data@1 dst/backup/src/data@1
}

@test "the recipe allows nothing outside those filesystems" {
	zfs create src/other
	zfs snapshot src/other@1
	run -1 as zrzfs zfs send src/other@1
	run -1 as zrzfs zfs hold tag src/other@1
	run -1 as zrzfs zfs destroy src/other@1
	run -1 as zrzfs zfs create dst/other
	run -1 as zrzfs zfs snapshot src/data@mine
	run ! as zrzfs zfs set readonly=on src/data
}

@test "the error for a missing permission includes the zfs allow that helps" {
	zfs unallow -u zrzfs hold src/data
	run -1 --separate-stderr as zrzfs sh -c "$sender \"\$@\"" zr Send \
	    "$(send_request '' src/data@1)"
	stderr_has 'permission denied'
	stderr_has 'zfs allow -u zrzfs hold src/data'
}

@test "the user that faces the network may only run the endpoint by sudo" {
	cp bin/zr-endpoint bin/zr-guard /usr/local/bin/
	install -D -m 644 "$EXAMPLES/keep" /etc/zr/keep
	install -d -o zrzfs /var/lib/zr/guard
	sed -e 's,backup/zr,dst/backup,; s,tank<,src/data<,' "$EXAMPLES/sudoers" > sudoers
	visudo -cf sudoers
	install -m 440 sudoers /etc/sudoers.d/zr-test
	run -1 as zr zfs send src/data@1
	for port in sink web; do
		case $port in
		sink) set -- zr-guard -d /var/lib/zr/guard -K /etc/zr/keep \
		    /usr/local/bin/zr-endpoint receiver -u -e inherit -j sink dst/backup ;;
		web) set -- zr-endpoint sender -j web -f 'src/data<' -- ;;
		esac
		PATH=$BATS_TEST_TMPDIR/bin:$PATH background zr-listen -u zr -1 -i 127.0.0.1=client \
		    tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
		    zr-serve -b sudo -n -u zrzfs "/usr/local/bin/$@" > port-$port
		eventually 30 test -s port-$port
	done
	sink=tcp:127.0.0.1:$(cat port-sink) web=tcp:127.0.0.1:$(cat port-web)

	zr-step -s "zr-remote $web" -r "zr-remote $sink" "$(send_request '' src/data@1)"
	zr-step -s "zr-remote $web" -r "zr-remote $sink" "$(send_request src/data@1 src/data@2)"
	[ "$(fs_digest src/data@2)" = "$(fs_digest dst/backup/client/src/data@2)" ]

	# A stream that is cut leaves no process, and can be resumed.
	random 3000000 src/data/three
	zfs snapshot src/data@3
	stream_of zr-remote "$web" Send "$(send_request src/data@2 src/data@3)" | head -c 2000000 > part
	run -1 zr-remote "$sink" Receive "$(receive_request src/data@3 src/data)" < part
	eventually 30 nothing_of_zrzfs
	[ "$(property receive_resume_token dst/backup/client/src/data)" != - ]

	# zr, taken over, could run no other command line than those.
	for words in 'receiver -u -e off -j sink src' 'receiver -u -j sink -n dst/backup' \
	    'sender -j web -f < --' 'sender -j web -f src/data< -f <' 'sender -j restore -f dst/backup/client< --'; do
		run ! as_sudoer zr sudo -n -u zrzfs /usr/local/bin/zr-endpoint $words ListFilesystems '{}'
	done
	run -100 as_sudoer zr sudo -n -u zrzfs /usr/local/bin/zr-endpoint \
	    sender -j web -f 'src/data<' -- -f '<' ListFilesystems
	run ! as_sudoer zr sudo -n -u zrzfs /bin/sh -c true
	# Nor may it do without the rules.
	for words in '-k last_n\ 1' '-d /var/lib/zr/guard -K /dev/null' ''; do
		run ! as_sudoer zr sudo -n -u zrzfs /usr/local/bin/zr-guard $words \
		    /usr/local/bin/zr-endpoint receiver -u -e inherit -j sink dst/backup ListFilesystems '{}'
	done
}

nothing_of_zrzfs() {
	! pgrep -u zrzfs > /dev/null
}

# Like as, but setuid programs keep their effect.
as_sudoer() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}" < /dev/null
}

# sudo hands signals on, unless it is told to be the command instead of watching it:
# then kill(2) is not allowed.
@test "an endpoint behind sudo that hangs is ended or left behind, with a reason" {
	printf '#!/bin/sh\nread -r request\nexec sleep 300\n' > /usr/local/bin/zr-endpoint
	chmod 755 /usr/local/bin/zr-endpoint
	for how in ended left; do
		echo 'zr ALL=(zrzfs) NOPASSWD: /usr/local/bin/zr-endpoint *' > sudoers
		echo 'Defaults:zr !use_pty' >> sudoers
		[ $how = ended ] || echo 'Defaults:zr !pam_session, !pam_setcred' >> sudoers
		install -m 440 sudoers /etc/sudoers.d/zr-test
		PATH=$BATS_TEST_TMPDIR/bin:$PATH background zr-listen -u zr -1 -i 127.0.0.1=client \
		    tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
		    zr-serve -T 10 sudo -n -u zrzfs /usr/local/bin/zr-endpoint > port-$how 2> server-$how
		eventually 30 test -s port-$how
		run -1 --separate-stderr zr-remote "tcp:127.0.0.1:$(cat port-$how)" Send "$(send_request '' src/data@1)"
		stderr_has 'the endpoint did nothing'
		if [ $how = ended ]; then
			eventually 30 nothing_of_zrzfs
		else
			eventually 30 grep -q 'cannot be ended' server-$how
			pkill -KILL -u zrzfs
		fi
	done
}

@test "zr-snap needs the permission to take snapshots, and names it where it is missing" {
	run --separate-stderr as zrzfs zr-snap -r src/data
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "${stderr_lines[-1]}" = 'zr-snap: hint: the user zrzfs may not do that: "zfs allow -u zrzfs snapshot src/data", on it or a parent, allows it' ]
	zfs allow -u zrzfs snapshot src/data
	run --separate-stderr as zrzfs zr-snap -r -w src/data
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 0 ]
	run --separate-stderr as zrzfs zr-snap -r -b 'id -nu; cat' src/data
	[ "$status" -eq 0 ]
	[ "$stderr" = 'zr-snap: -b: zrzfs
zr-snap: -b: src/data
zr-snap: -b: src/data/below' ]
	zfs list "${lines[@]}"
	[ "${#lines[@]}" -eq 2 ]
}
