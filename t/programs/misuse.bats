# Programs used wrongly by hand: one clear line, and the status of zr-chain(7).
load ../lib/helper

setup() {
	enter_directory || return
	mkdir archive
}

SERVED='exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive archive'

# says STATUS TEXT COMMAND...: it ends so, with that one line, and prints nothing
says() {
	run -"$1" --separate-stderr timeout 50 "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "$2" ] || { printf '%s: %s\n' "${*:3}" "$stderr"; return 1; }
}

@test "--help does the same as -h and names the page; --version names the program" {
	for program in "$ZR_BUILD"/bin/*; do
		name=${program##*/}
		case $name in *.*) continue ;; esac
		run -0 "$program" --help
		[[ $output == "usage: $name "*"
See $name(1)." ]]
		[ -f "$TOP/man/$name.1" ]
		help=$output
		run -0 "$program" -h
		[ "$output" = "$help" ]
		run -0 "$program" --version
		[[ $output == "$name (zr) "[0-9]* ]]
		if [ "$name" = zr-endpoint ]; then
			run -0 zr-endpoint sender --help
			[ "$output" = "$help" ]
		fi
		usage=100 system=111
		# Its statuses are a monitor's: whatever it cannot do is "unknown".
		[ "$name" != zr-check ] || usage=3 system=3
		run "-$usage" "$program" --nonsense
		run "-$system" sh -c "$program --version > /dev/full"
	done
}

@test "without arguments a program prints its usage and exits 100, zr-check 3" {
	for program in "$ZR_BUILD"/bin/*; do
		program=${program##*/}
		case $program in
		*.* | zr-dump | zr) continue ;;	# an object; reads standard input; lists
		zr-token)
			says 100 'zr-token: no token on standard input: end of file' zr-token < /dev/null
			continue ;;
		zr-streamsum)
			says 1 'zr-streamsum: the stream is empty' zr-streamsum < /dev/null
			continue ;;
		esac
		usage=100
		[ "$program" != zr-check ] || usage=3
		run "-$usage" --separate-stderr timeout 50 "$program" < /dev/null
		[ -z "$output" ]
		[[ $stderr == "usage: $program "* ]] || { echo "$program: $stderr"; false; }
	done
}

@test "the error for an unknown method lists the known ones" {
	calls='Ping, ListFilesystems, ListFilesystemVersions, DestroySnapshots, ReplicationCursor, SendDry, SendCompleted'
	for store in 'archive archive' 'sender -f <' 'receiver -n tank'; do
		says 100 "zr-endpoint: Nonsense: no such method ($calls, Send, Receive, batch)" \
		    zr-endpoint $store Nonsense '{}'
	done
	says 100 "zr-rpc: Nonsense: not a method of a control connection ($calls)" zr-rpc Nonsense '{}'
	says 100 'zr-dataconn: Nonsense: not a method of a data connection (Ping, Send, Receive)' \
	    zr-dataconn Nonsense '{}'
	run -100 zr-dump -m Nonsense
	[[ $output == 'zr-dump: Nonsense: no such method (Ping, '*', SendCompleted)' ]]
	for endpoint in 'zr-endpoint archive archive' "zr-remote $SERVED"; do
		words=("${endpoint%% *}" "${endpoint#* }")
		[ "${words[0]}" = zr-remote ] || words=($endpoint)
		run -0 "${words[@]}" batch <<< '{"id":1,"method":"Nonsense"}'
		[[ $(jq -r .error.message <<< "$output") == "Nonsense: not a method "*" ($calls)" ]]
	done
}

@test "the error for a request on several lines says that it must be one line" {
	printf '{\n\t"Message": "x"\n}\n' > request
	text='request: it does not end on its line: it must be one line of JSON (jq -c . makes it one)'
	says 100 "zr-endpoint: $text" zr-endpoint archive archive Ping < request
	says 100 "zr-rpc: $text" zr-remote "$SERVED" Ping < request
	says 100 "zr-step: $text" zr-step -s false -r false < request
	says 100 'zr-endpoint: request: the line is blank: it must be one line of JSON (jq -c . makes it one)' \
	    zr-endpoint archive archive Ping <<< ''
	run -0 zr-endpoint archive archive batch < request
	[[ $(head -n 1 <<< "$output" | jq -r .error.message) == 'not a line of a batch: it does not end on its line: '* ]]
	# Brackets in a string do not count; as an argument it may have lines.
	run -0 zr-endpoint archive archive Ping <<< '{"Message":"[{\"["}'
	run -0 zr-endpoint archive archive Ping "$(cat request)"
	[ "$output" = '{"Echo":"x"}' ]
}

@test "the error for JSON of the wrong type names the field and the right type" {
	says 100 'zr-endpoint: request: ListFilesystemReq: is not an object' \
	    zr-endpoint archive archive ListFilesystems '[]'
	says 100 'zr-endpoint: request: ListFilesystemVersionsReq.Filesystem: is not a string' \
	    zr-endpoint archive archive ListFilesystemVersions '{"Filesystem":1}'
}

@test "a batch keeps an error's text that was cut inside a character" {
	for ((i = 0; i < 2; i++)); do
		printf '{"id":1,"method":"%*s%s"}\n' $i '' "$(yes é | head -n 6000 | tr -d '\n')" > call
		run -0 zr-endpoint archive archive batch < call
		[[ $(jq -r .error.message <<< "$output") == *éééé* ]]
	done
}

# An answer that nobody gets is no success.
@test "standard output that is full, or closed, is an error" {
	token=$(head -n 1 "$DATA"/streams/*.resume-token.txt | grep -m 1 '^1-')
	set -- "zr-endpoint archive archive Ping {}" "zr-token $token" \
	    "zr-dump $DATA/recordings/c02-list.control.c2s.bin" 'zr-token -h' 'zr-connect -h'
	for command; do
		run -111 sh -c "exec timeout 50 $command 2>&1 > /dev/full" < /dev/null
		[[ $output == zr-*": No space left on device" ]] || { echo "$command: $output"; false; }
		run -111 sh -c "exec timeout 50 $command 2>&1 >&-" < /dev/null
		[[ $output == zr-*": Bad file descriptor" ]] || { echo "$command: $output"; false; }
	done
	for program in zr-remote zr-serve zr-ssh; do
		run -111 sh -c "$program -h > /dev/full"
	done
}

@test "standard input that is closed, or a directory, is an error" {
	for command in 'zr-endpoint archive archive Ping' 'zr-endpoint archive archive batch' \
	    zr-token zr-dump 'zr-step -s false -r false'; do
		run -111 sh -c "exec timeout 50 $command 2>&1 <&-"
		[[ $output == zr-*": Bad file descriptor" ]] || { echo "$command: $output"; false; }
		run -111 sh -c "exec timeout 50 $command 2>&1 < ."
		[[ $output == zr-*": Is a directory" ]] || { echo "$command: $output"; false; }
	done
}

@test "options come before the word; a missing, wrong or useless one is named" {
	for program in zr-handshake zr-mux zr-tls; do
		says 100 "$program: connect or accept is missing after the options" $program -f 0,1
		says 100 "$program: acept stands where connect or accept is expected" $program acept true
	done
	says 100 'zr-handshake: -n is for connect' zr-handshake -n accept
	says 100 'zr-mux: -l is for accept' zr-mux -l x connect x true
	says 100 'zr-tls: -s is for connect' zr-tls -s x accept true
	says 100 'zr-tls: -c and -l are for accept' zr-tls -c x connect true
	says 100 'zr-holds: list or release is missing after the options' zr-holds -H
	says 100 'zr-holds: lists stands where list or release is expected' zr-holds lists
	says 100 'zr-holds: -a and -y are for release' zr-holds -y list
	says 100 'zr-holds: -s is for list: release takes only stale ones' zr-holds -s release
	says 100 'zr-endpoint: sendr stands where archive, receiver or sender is expected' zr-endpoint sendr
	says 100 'zr-rpc: -m is not for serve' zr-rpc -m 1 serve true
	says 100 'zr-rpc: -b is for serve' zr-rpc -b Ping '{}'
	says 100 'zr-cert: -c and -s are for check' zr-cert -s x ca pki
	says 100 'zr-cert: ca, server, client, show or check is missing after the options' zr-cert -s x
	says 100 'zr-cert: chek stands where ca, server, client, show or check is expected' zr-cert chek
}
