# zr-serve, zr-remote and zr-ssh: which put the programs in a row.
load ../lib/helper

ADDRESS='exec:zr-handshake accept zr-mux accept zr-serve ./endpoint'
TO='{"Name":"one","Guid":"11","CreateTXG":"1","Creation":"2026-01-01T00:00:00Z"}'
PROTECTION='"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}'
REQUEST="{\"Filesystem\":\"a/data\",\"To\":$TO,$PROTECTION}"

# Programs that only say what they were run with, in front of the real ones.
stand_in() {
	mkdir -p fake
	for name; do
		printf '#!/bin/sh\necho "${0##*/} $*"\n' > "fake/$name"
		chmod +x "fake/$name"
	done
	PATH=$PWD/fake:$PATH
}

# An endpoint that sends a file and keeps what it receives.
endpoint() {
	head -c 2000003 /dev/urandom > stream
	cat > endpoint <<-'END'
		#!/bin/sh
		[ $# -gt 1 ] || read -r request
		case $1 in
		Send) echo '{}'; exec cat stream ;;
		Receive) cat > partial && mv partial stored; echo '{}' ;;
		SendCompleted) echo '{}' ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a/data"}]}' ;;
		*) exit 100 ;;
		esac
	END
	chmod +x endpoint
}

@test "zr-serve picks the program by the label and hands its options on" {
	stand_in zr-rpc zr-dataconn
	ZR_LABEL=zrepl_control run -0 zr-serve -r 5M -S file -T 30 some endpoint
	[ "$output" = 'zr-rpc -T 30 serve some endpoint' ]
	ZR_LABEL=zrepl_data run -0 zr-serve -r 5M -S file -T 30 some endpoint
	[ "$output" = 'zr-dataconn -S file -r 5M -T 30 serve some endpoint' ]
	ZR_LABEL=zrepl_data run -0 zr-serve some -r endpoint
	[ "$output" = 'zr-dataconn serve some -r endpoint' ]
	ZR_LABEL=zrepl_data run -0 zr-serve -r '' -S '' -T '' -t '' endpoint
	[ "$output" = 'zr-dataconn serve endpoint' ]
}

@test "zr-serve refuses a connection without a label or with an unknown one" {
	run -100 --separate-stderr env -u ZR_LABEL zr-serve some endpoint
	stderr_has 'ZR_LABEL is not set'
	ZR_LABEL=zrepl_other run -100 --separate-stderr zr-serve some endpoint
	stderr_has 'zrepl_other'
	ZR_LABEL=zrepl_data run -100 --separate-stderr zr-serve
	stderr_has 'usage: zr-serve'
}

@test "zr-remote uses a data connection for streams, a control connection for other calls" {
	stand_in zr-connect
	run -0 zr-remote -o answer -r 5M -S statistics tcp:host:1 Send '{}'
	[ "$output" = 'zr-connect tcp:host:1 zr-handshake connect zr-mux connect zrepl_data zr-dataconn -S statistics -r 5M -o answer Send {}' ]
	run -0 zr-remote unix:/run/zr Receive
	[ "$output" = 'zr-connect unix:/run/zr zr-handshake connect zr-mux connect zrepl_data zr-dataconn Receive' ]
	run -0 zr-remote -z tcp:host:1 Send
	[ "$output" = 'zr-connect tcp:host:1 zr-handshake -z connect zr-mux connect zrepl_data zr-dataconn Send' ]
	for method in Ping ListFilesystems SendCompleted batch; do
		run -0 zr-remote -z tcp:host:1 "$method"
		[ "$output" = "zr-connect tcp:host:1 zr-handshake connect zr-mux connect zrepl_control zr-rpc $method" ]
	done
}

@test "an option where an endpoint, a method or a host is expected is a usage error" {
	stand_in zr-connect zr-rpc zr-dataconn zr-ssh-connect
	ZR_LABEL=zrepl_data run -100 --separate-stderr zr-serve -- -r 5M endpoint
	stderr_has '-r stands where an endpoint is expected'
	run -100 --separate-stderr zr-remote tcp:host:1 -o x
	stderr_has '-o stands where a method is expected'
	run -100 zr-ssh host -t endpoint Ping
	PATH=${PATH#*:}
	for program in zr-rpc zr-dataconn; do
		run -100 --separate-stderr $program serve -T 5 endpoint < /dev/null
		stderr_has '-T stands where an endpoint is expected'
	done
	run -100 --separate-stderr zr-step -s '-x' -r true "$REQUEST"
	stderr_has '-x stands where a sender is expected'
}

@test "zr-remote passes -o to streams only; a rate waits for the next stream" {
	stand_in zr-connect
	run -100 --separate-stderr zr-remote -o answer tcp:host:1 ListFilesystems
	stderr_has '-o is for Send and Receive'
	run -0 zr-remote -r 5M -S file tcp:host:1 SendCompleted
	[[ "$output" == *'zr-rpc SendCompleted' ]]
	run -100 --separate-stderr zr-dataconn -r 5M Ping '{}' 6< /dev/null 7> /dev/null
	stderr_has '-r is for Send and Receive'
}

@test "zr-remote ssh takes a port, and an address in brackets" {
	stand_in zr-ssh-connect
	run -0 zr-remote 'ssh:u@[::1]:22' Ping
	[[ "$output" == 'zr-ssh-connect -p 22 -- u@::1 '* ]]
	for address in ssh:host: ssh::22 ssh:u@::1; do
		run -100 --separate-stderr zr-remote "$address" Ping
		stderr_has "$address: "
	done
}

@test "zr-remote refuses invalid addresses" {
	run -100 --separate-stderr zr-remote host:8888 Ping
	stderr_has 'host:8888: not an address'
	run -100 --separate-stderr zr-remote tcp:host:1
	stderr_has 'usage: zr-remote'
}

@test "streams pass through zr-remote and zr-serve in both directions" {
	endpoint
	zr-remote -o answer "$ADDRESS" Send <<< "$REQUEST" > got
	cmp stream got
	[ "$(cat answer)" = '{}' ]
	run -0 zr-remote "$ADDRESS" Receive "$REQUEST" < stream
	[ "$output" = '{}' ]
	cmp stream stored
}

@test "a unary call passes through zr-remote and zr-serve" {
	endpoint
	run -0 zr-remote "$ADDRESS" ListFilesystems '{}'
	[ "$(jq -r '.Filesystems[].Path' <<< "$output")" = a/data ]
}

@test "zr-serve can serve zr-remote, as a relay" {
	endpoint
	cat > relay <<-END
		#!/bin/sh
		exec zr-remote '$ADDRESS' "\$@"
	END
	chmod +x relay
	zr-remote -o answer 'exec:zr-handshake accept zr-mux accept zr-serve ./relay' \
	    Send <<< "$REQUEST" > got
	cmp stream got
	run -0 zr-remote "exec:zr-handshake accept zr-mux accept zr-serve ./relay" \
	    Receive "$REQUEST" < stream
	cmp stream stored
}

@test "zr-step over zr-remote: if the sender fails after the stream, nothing is stored" {
	endpoint
	sender='./endpoint "$@"; case $1 in Send) echo "pool suspended" >&2; exit 5 ;; esac; :'
	run -1 --separate-stderr zr-step -s "$sender" -r "zr-remote '$ADDRESS'" "$REQUEST"
	stderr_has 'zr-step: a/data@one: sender: pool suspended'
	[ ! -e stored ]
	run -0 --separate-stderr zr-step -s ./endpoint -r "zr-remote '$ADDRESS'" "$REQUEST"
	cmp stream stored
	[ "$(jq .bytes <<< "$output")" -eq 2000003 ]
}

# What zr-ssh gives to ssh is read by a shell again, as sshd has it.
fake_ssh() {
	mkdir -p fake
	cat > fake/ssh <<-'END'
		#!/bin/sh
		[ "$1 $2" = '-T --' ] || exit 255
		echo "$3" > host
		shift 3
		exec sh -c "$*"
	END
	chmod +x fake/ssh
	PATH=$PWD/fake:$PATH
}

@test "zr-ssh quotes every word, so that no shell evaluates it" {
	fake_ssh
	words=("it's" '`touch pwned`' '$(touch pwned)' ';touch pwned' '' ' a  b ' '*' \
	    '\' '"' $'two\nlines\n' '-n' "''" '{"Filesystem":"a`touch pwned`"}')
	run -0 zr-ssh user@host printf '<%s>' "${words[@]}"
	[ "$output" = "$(printf '<%s>' "${words[@]}")" ]
	[ "$(cat host)" = user@host ]
	[ ! -e pwned ]
}

@test "zr-ssh passes on request, stream and exit status, as an endpoint" {
	fake_ssh
	endpoint
	run -0 --separate-stderr zr-step -s 'zr-ssh here ./endpoint' -r 'zr-ssh there ./endpoint' "$REQUEST"
	cmp stream stored
	run -100 zr-ssh here ./endpoint NoSuchMethod < /dev/null
}

@test "zr-ssh refuses a host that looks like an option" {
	run -100 --separate-stderr zr-ssh -oProxyCommand=touch\ pwned endpoint Ping
	[ ! -e pwned ]
}

@test "a whole connection works over ssh, with exec: and no listener" {
	fake_ssh
	endpoint
	run -0 --separate-stderr zr-step -s ./endpoint \
	    -r "zr-remote 'exec:ssh -T -- host zr-handshake accept zr-mux accept zr-serve ./endpoint'" "$REQUEST"
	cmp stream stored
}

@test "the example in zr-endpoint-interface(7) is a valid endpoint" {
	sed -n '/^#!\/bin\/sh/,/^\.Ed/p' "$TOP/man/zr-endpoint-interface.7" |
	    sed '$d' > endpoint
	chmod +x endpoint
	head -c 100000 /dev/urandom > stream
	run -0 --separate-stderr zr-step -s ./endpoint -r ./endpoint "$REQUEST"
	cmp stream stored
	rm stored
	run -1 --separate-stderr zr-step -s './endpoint "$@"; exit 3; :' -r ./endpoint "$REQUEST"
	stderr_has 'a/data@one: sender: endpoint ended with status 3'
	[ ! -e stored ]
	run -0 zr-remote "$ADDRESS" Receive "$REQUEST" < stream
	cmp stream stored
}
