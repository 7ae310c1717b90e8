# zr-endpoint -H: another host by a real sshd, on which zfs is a stand-in that fails,
# hangs or prints odd things, and whose login shell may be anything.
# Takes long
load ../lib/helper
load ../lib/zfs_faults
load ../lib/sshd

setup_file() {
	make_ssh_keys
}

eval "$(declare -f setup | sed '1s/setup/stand_in/')"

setup() {
	stand_in || return
	start_sshd
}

# there METHOD REQUEST: a method of the sender with zfs on the other host.  $code is its
# exit status, where that could be one of bats.
there() {
	run ${code:+"-$code"} --separate-stderr timeout 90 zr-endpoint sender -H "$(id -un)@box.test" -f '<' -j job "$@"
}

# receives [OPTION...]: the file stream, there.
receives() {
	run --separate-stderr timeout 90 zr-endpoint receiver -H "$(id -un)@box.test" -c host -e inherit \
	    -j job "$@" tank/sink Receive "$(receive_request)" < stream
}

# fails STATUS TEXT: the last call did, with one line that has this.
fails() {
	[ "$status" -eq "$1" ] || { echo "$status: $stderr"; return 1; }
	[ -z "$output" ]
	[ "$(wc -l <<< "$stderr")" -eq 1 ] || { echo "$stderr"; return 1; }
	stderr_has "$2"
	eventually 10 ssh_ended
}

@test "each method runs the same commands and answers the same, here and there" {
	stream
	: > none
	does send <<< 'case $2 in -n*) printf "size\t624\n" ;; *) head -c 100000 "$HOME/blob" ;; esac'
	head -c 100000 /dev/urandom > blob
	does recv <<< 'sha256sum > "$HOME/received"'
	while IFS='|' read -r side method input request; do
		case $side in
		sender) call=(zr-endpoint sender -f '<' -j job) ;;
		receiver) call=(zr-endpoint receiver -c host -e inherit -j job tank/sink) ;;
		esac
		case $request in @*) request=$(${request#@}) ;; esac
		: > ran
		"${call[@]}" "$method" "$request" < "$input" > here 2> here.err
		mv ran here.ran
		: > ran
		"${call[@]:0:2}" -H "$(id -un)@box.test" "${call[@]:2}" "$method" "$request" < "$input" > there 2> there.err
		echo "$method"
		cmp here there
		diff here.ran ran
		diff here.err there.err
		[ -s here ]
	done <<-'END'
	sender|Ping|none|{"Message":"hello"}
	sender|ListFilesystems|none|{}
	sender|ListFilesystemVersions|none|{"Filesystem":"tank/a"}
	sender|ReplicationCursor|none|{"Filesystem":"tank/a"}
	sender|SendDry|none|@request
	sender|Send|none|@request
	sender|SendCompleted|none|@completed
	sender|DestroySnapshots|none|@destroy
	receiver|Receive|stream|@receive_request
	receiver|DestroySnapshots|none|@destroy
	END
	[ "$(cat received)" = "$(sha256sum < stream)" ]
	eventually 10 ssh_ended
}

completed() {
	echo "{\"OriginalReq\":$(request)}"
}

destroy() {
	echo "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
}

@test "every login shell passes on every word, and evaluates none" {
	value='it'\''s "5" $(touch evaluated) `touch evaluated`; touch evaluated & !1 \n $HOME * é'
	stream
	does recv <<< 'printf "<%s>" "$@" > words; sha256sum > received'
	for shell in sh bash dash zsh ksh93 mksh tcsh csh fish 'busybox sh'; do
		command -v "${shell%% *}" > /dev/null || continue
		login "exec $shell -c \"\$SSH_ORIGINAL_COMMAND\""
		rm -f words received
		receives -o "user:x=$value"
		echo "$shell: $output $stderr"
		[ "$output" = '{}' ]
		[ "$(cat words)" = "<recv><-s><-h><-o><user:x=$value><tank/sink/host/tank/a@2>" ]
		[ "$(cat received)" = "$(sha256sum < stream)" ]
		[ ! -e evaluated ]
	done
}

@test "a newline in an option or a name is refused, and nothing is run for it" {
	stream
	receives -o $'user:x=a\nb'
	fails 1 'a newline or another control character cannot be part of a command for another host'
	run ! grep recv ran
	: > ran
	for name in 'tank/a\nb' 'tank/$(touch evaluated)' '-r' 'tank/a;b' "tank/a'b"; do
		there ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		[ "$status" -eq 1 ]
		[ ! -s ran ]
	done
	[ ! -e evaluated ]
}

@test "what a login shell prints on standard error is not taken for zfs's words" {
	login 'echo "Welcome to this host!" >&2; printf "prompt> " >&2
		sh -c "$SSH_ORIGINAL_COMMAND"; s=$?; echo "Good bye" >&2; exit $s'
	there ListFilesystemVersions '{"Filesystem":"tank/a"}'
	[ "$status" -eq 0 ]
	[ "$(jq '.Versions | length' <<< "$output")" -eq 3 ]
	[ -z "$stderr" ]
	# Words that mean something, and one line of an error.
	does hold <<< 'echo "cannot hold: tag already exists on this dataset" >&2; exit 1'
	does send <<< 'head -c 100000 blob'
	head -c 100000 /dev/urandom > blob
	run --separate-stderr timeout 90 zr-endpoint sender -H box.test -f '<' -j job Send "$(request)" > sent
	[ "$status" -eq 0 ]
	says hold 'cannot hold: out of luck'
	there Send "$(request)"
	fails 1 'zr-endpoint: cannot hold: out of luck'
	does hold <<< 'printf "no newline at its end" >&2; exit 1'
	there Send "$(request)"
	fails 1 'zr-endpoint: no newline at its end'
	does hold <<< 'exit 7'
	there Send "$(request)"
	fails 1 'zr-endpoint: zfs hold on '
	stderr_has 'box.test ended with status 7'
	# The shell there has its own words for a signal, or none.
	does hold <<< 'kill -9 $$'
	there Send "$(request)"
	fails 1 ''
	[[ $stderr == *Killed* || $stderr == *'box.test was ended by signal 9' ]]
	# A flood of either, and a status that is ssh's own as well.
	login 'yes | head -c 300000 >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"'
	does hold <<< 'yes "cannot do that" | head -c 3000000 >&2; exit 255'
	there Send "$(request)"
	fails 1 'cannot do that'
}

@test "a login shell that prints on standard output is an error that shows it" {
	for noise in 'echo "Welcome to this host!"; ' 'printf "Welcome to this host!"; '; do
		login "$noise"'exec sh -c "$SSH_ORIGINAL_COMMAND"'
		there ListFilesystems '{}'
		fails 1 'box.test prints "Welcome to this host!" where there is no terminal: its start-up files must be silent then'
	done
	# So it is seen before a stream.
	there Send "$(request)"
	fails 1 'prints "Welcome to this host!"'
	run ! grep -e '^hold' -e '^send' ran
}

@test "a login shell that runs nothing is an error in its own words" {
	while IFS='|' read -r command text; do
		login "$command"
		there ListFilesystems '{}'
		fails 1 "$text"
	done <<-'END'
	echo "This account is currently not available."; exit 1|did not run /bin/sh, and ended with status 1: This account is currently not available.
	echo "No shells for you" >&2; exit 3|did not run /bin/sh, and ended with status 3: No shells for you
	exit 0|did not run /bin/sh, and ended with status 0
	END
}

@test "a host without zfs, or with one that cannot be executed, is named" {
	export ZR_ZFS=no-zfs
	code=127 there ListFilesystems '{}'
	fails 127 'box.test has no zfs in PATH, /usr/local/sbin, /usr/sbin or /sbin: install it there, or name it in ZR_ZFS'
	export ZR_ZFS=./zfs
	chmod -x zfs
	there ListFilesystems '{}'
	fails 126 'box.test cannot execute zfs: '
}

@test "no connection: one line with ssh's reason, and the status of ssh" {
	ssh_with stranger
	there ListFilesystems '{}'
	fails 255 'Permission denied'
	ssh_with client
	sed 's/ssh-ed25519 .*/'"$(cut -d ' ' -f 1,2 "$SSH_DIR/stranger.pub" | sed 's,/,\\/,g')"'/' known_hosts > other
	mv other known_hosts
	there ListFilesystems '{}'
	fails 255 'Host key verification failed.'
	there Ping '{"Message":"hello"}'
	fails 255 'no ssh connection to'
	ssh_with client -o Port=1
	sed -i "s/-p '$port'//" ssh
	there ListFilesystems '{}'
	fails 255 'Connection refused'
	printf '#!/bin/sh\nkill -9 $$\n' > ssh
	there ListFilesystems '{}'
	fails 255 'no ssh connection to'
	rm ssh
	code=127 there ListFilesystems '{}'
	fails 127 'cannot execute'
	run -100 --separate-stderr zr-endpoint sender -H -oProxyCommand=touch -f '<' Ping '{}'
	stderr_has 'a host is [USER@]HOST'
}

@test "a batch and zr-step call it a lost connection, which is tried again" {
	ssh_with stranger
	run -0 --separate-stderr zr-endpoint sender -H box.test -f '<' batch <<-'END'
	{"id":1,"method":"ListFilesystems","request":{}}
	END
	[ "$(jq -c '[.id, .error.code]' <<< "$output")" = '[1,255]' ]
	[[ $output == *'no ssh connection to box.test: '*'Permission denied'* ]]
	run --separate-stderr timeout 60 zr-replicate -a 2 -s "zr-endpoint sender -H box.test -f '<' -j job" \
	    -r 'zr-endpoint receiver -H box.test -n -e inherit -j job tank/sink'
	[ "$status" -ne 0 ]
	stderr_has 'no ssh connection to box.test'
	eventually 10 ssh_ended
}

@test "hints are about the other host, and its user" {
	says hold "cannot hold: permission denied"
	there Send "$(request)"
	[ "$status" -eq 1 ]
	stderr_has "zr-endpoint: hint: on $(id -un)@box.test: the user $(id -un) may not do that: \"zfs allow -u $(id -un) hold tank/a\""
	says destroy "cannot destroy snapshot tank/a@2: it's being held"
	does holds <<< "printf 'tank/a@2\tmy hold\tMon Nov 23 14:25 2026\n'"
	there DestroySnapshots "$(destroy)"
	[ "$status" -eq 0 ]
	stderr_has "hint: on $(id -un)@box.test: the hold my hold keeps tank/a@2: \"zfs release 'my hold' 'tank/a@2'\" releases it"
	login 'LOGNAME="a;b"; exec sh -c "$SSH_ORIGINAL_COMMAND"'
	there Send "$(request)"
	stderr_has 'the user USER may not do that'
}

@test "a signal ends the endpoint, ssh, and zfs that reads or writes a stream" {
	raw_stream
	does recv <<< 'echo $$ > hangs; exec cat > /dev/null'
	mkfifo input
	background sh -c 'exec 9> input; cat stream >&9; exec sleep 100'
	background zr-endpoint receiver -H box.test -c host -e inherit -j job tank/sink \
	    Receive "$(cat request)" < input > answer 2> errors
	eventually 20 test -s hangs
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	grep -q 'ended by signal 15' errors
	eventually 10 gone "$(cat hangs)"
	rm hangs
	does send <<< 'echo $$ > hangs; exec yes'
	background zr-endpoint sender -H box.test -f '<' -j job Send "$(request)" > /dev/null 2> errors
	eventually 20 test -s hangs
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	grep -q 'ended by signal 15' errors
	eventually 10 gone "$(cat hangs)"
	eventually 10 ssh_ended
}

@test "a stream that is not wanted any more ends zfs there, and is no lost connection" {
	does send <<< 'yes'
	{ timeout 60 zr-endpoint sender -H box.test -f '<' -j job Send "$(request)" 2> errors || echo $? > code; } |
	    head -c 100000 > /dev/null
	[ "$(cat code)" -eq 1 ]
	[ "$(cat errors)" = 'zr-endpoint: the stream was not wanted any more' ]
	eventually 10 ssh_ended
}

@test "a stream whose sender failed after its end is not accepted, as it is not here" {
	raw_stream
	does recv <<< 'sha256sum > received'
	for host in '' '-H box.test'; do
		: > ran
		# shellcheck disable=SC2086 # two words, or none
		run --separate-stderr bash -c 'exec 9< <(echo "the sender failed"); ZR_VERDICT=9 "$@" < stream' zr \
		    zr-endpoint receiver $host -c host -e inherit -j job tank/sink Receive "$(cat request)"
		[ "$status" -eq 1 ]
		[ "$stderr" = 'zr-endpoint: the sender failed' ]
		[ "$(cat received)" = "$(sha256sum < stream)" ]
		run ! grep '^hold' ran
	done
}

# kill_one_of VICTIMS: kill one of the processes in this file, at random, if it is still there.
kill_one_of() {
	local victims
	mapfile -t victims < "$1"
	[ ${#victims[@]} -eq 0 ] || kill "-$((RANDOM % 2 ? 9 : 15))" "${victims[RANDOM % ${#victims[@]}]}" 2> /dev/null || :
}

@test "a connection that is cut anywhere is one line, its status, and no process" {
	raw_stream
	does recv <<< 'exec cat > /dev/null'
	does send <<< 'for i in 1 2 3 4 5 6; do head -c 100000 /dev/zero; sleep 0.05; done'
	RANDOM=${ZR_TEST_SEED:-$$}
	echo "ZR_TEST_SEED=${ZR_TEST_SEED:-$$}"
	lost=0
	for i in $(seq 30); do
		: > connections
		: > clients
		case $((i % 3)) in
		0) call=(sender -H box.test -f '<' -j job Send "$(request)") ;;
		1) call=(sender -H box.test -f '<' -j job ListFilesystemVersions '{"Filesystem":"tank/a"}') ;;
		2) call=(receiver -H box.test -c host -e inherit -j job tank/sink Receive "$(cat request)") ;;
		esac
		timeout 60 zr-endpoint "${call[@]}" < stream > answer 2> errors 3>&- &
		children+=($!)
		sleep "0.$((RANDOM % 6))$((RANDOM % 10))"
		if ((RANDOM % 2)); then kill_one_of connections; else kill_one_of clients; fi
		status=0
		wait "${children[-1]}" || status=$?
		echo "$i: ${call[0]} $status $(cat errors)"
		case $status in
		0) ;;
		255)
			lost=$((lost + 1))
			[ "$(wc -l < errors)" -eq 1 ]
			grep -q -e '^zr-endpoint: the ssh connection to box.test was lost' \
			    -e '^zr-endpoint: no ssh connection to box.test' errors
			[ $((i % 3)) -ne 1 ] || [ ! -s answer ] ;;
		*) false ;;
		esac
		eventually 20 ssh_ended
	done
	[ "$lost" -gt 5 ]
}

@test "many calls share a connection that somebody opened, and go on without it" {
	export ZR_SSH_CONTROL=$PWD/%C
	background "$ZR_SSH" -NM -S "$ZR_SSH_CONTROL" box.test < /dev/null > /dev/null 2>&1
	eventually 10 "$ZR_SSH" -S "$ZR_SSH_CONTROL" -O check box.test 2> /dev/null
	[ "$(wc -l < connections)" -eq 1 ]
	for i in 1 2 3; do
		run -0 zr-endpoint sender -H box.test -f '<' -j job Send "$(request)"
	done
	for i in $(seq 20); do
		echo "{\"id\":$i,\"method\":\"ReplicationCursor\",\"request\":{\"Filesystem\":\"tank/a\"}}"
	done > calls
	run -0 --separate-stderr zr-endpoint sender -H box.test -f '<' -j job batch < calls
	[ "$(grep -c Notexist <<< "$output")" -eq 20 ]
	[ "$(wc -l < connections)" -eq 1 ]
	"$ZR_SSH" -S "$ZR_SSH_CONTROL" -O exit box.test
	eventually 10 ssh_ended
	run -0 --separate-stderr zr-endpoint sender -H box.test -f '<' -j job Ping '{"Message":"hello"}'
	[ -z "$stderr" ]
	[ "$(wc -l < connections)" -eq 2 ]
}
