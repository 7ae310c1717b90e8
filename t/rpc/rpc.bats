# zr-rpc: one call, a batch of them, and the server that runs an endpoint.
load ../lib/helper

# pair CLIENT... -- SERVER...: the server's exit status goes to ./served.
pair() {
	timeout $PATIENCE python3 "$HELPERS/pair.py" -s served "$@"
}

endpoint() {
	cat > endpoint <<-'END'
		#!/bin/sh
		read -r request
		case $1 in
		Ping) printf '%s\n' "$request" | jq -c '{Echo: .Message}' ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"}]}' ;;
		ListFilesystemVersions) printf 'no such: é\nsecond 100%%\n' >&2; exit 3 ;;
		ReplicationCursor) echo "$$" > pid; sleep 300 & wait ;;
		SendCompleted) echo '{}'; echo more ;;
		*) exit 100 ;;
		esac
	END
	chmod +x endpoint
}

call() {
	run -"$1" --separate-stderr pair zr-rpc "${@:2}" -- zr-rpc serve ./endpoint
}

@test "a call is answered with one line of JSON" {
	endpoint
	call 0 Ping '{"Message":"hello"}'
	[ "$output" = '{"Echo":"hello"}' ]
	[ -z "$stderr" ]
	[ "$(cat served)" = 0 ]
}

@test "the request may be the first line of standard input" {
	endpoint
	run -0 --separate-stderr pair zr-rpc Ping -- zr-rpc serve ./endpoint <<< '{"Message":"x"}'
	[ "$output" = '{"Echo":"x"}' ]
}

@test "an endpoint's error comes with its status and its text" {
	endpoint
	call 1 ListFilesystemVersions '{"Filesystem":"x"}'
	stderr_has ': no such: é\nsecond 100%'
	[ -z "$output" ]
}

@test "more than one line from an endpoint is not an answer" {
	endpoint
	call 1 SendCompleted '{"OriginalReq":{"Filesystem":"a","To":{"Name":"x","Creation":"2026-01-01T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}}'
	stderr_has 'more than one line'
}

@test "an endpoint with a malformed answer is named" {
	check() {
		printf '#!/bin/bash\nread -r request\n%s\n' "$1" > endpoint
		chmod +x endpoint
		call 1 Ping '{}'
		stderr_has "$2"
		[ "$(cat served)" = 0 ]
	}
	check ':' 'the endpoint ended without an answer'
	check 'echo nonsense' "the endpoint's answer: "
	check 'echo "{\"Ekko\":\"\"}"' 'there is no such field'
	check 'printf "{\"Echo\":"' 'the endpoint ended without an answer'
	check 'printf "{\"Echo\":"; kill -9 $$' 'endpoint ended by signal 9'
	check 'trap "" TERM; cat /dev/zero' "the endpoint's answer is longer than 64 MiB"
	check 'head -c 3000000 /dev/zero | tr "\0" x >&2; echo; echo the end >&2; exit 1' 'the end'
}

@test "Send and Receive are refused on a control connection" {
	call 100 Send '{}'
	stderr_has 'zr-dataconn'
}

@test "a deadline ends the call on both sides and the endpoint's process group" {
	endpoint
	call 99 -t 0.7 ReplicationCursor '{"Filesystem":"x"}'
	stderr_has 'DEADLINE_EXCEEDED'
	[ "$(cat served)" = 0 ]
	! kill -0 "$(cat pid)" 2>/dev/null
}

@test "-T ends an endpoint that takes too long" {
	endpoint
	run -99 --separate-stderr pair zr-rpc ReplicationCursor '{"Filesystem":"x"}' \
	    -- zr-rpc -T 1 serve ./endpoint
	stderr_has 'DEADLINE_EXCEEDED'
	! kill -0 "$(cat pid)" 2>/dev/null
}

@test "a batch answers every call by its id, and one failure does not end it" {
	endpoint
	run -0 --separate-stderr pair zr-rpc batch -- zr-rpc serve ./endpoint <<-'END'
		{"id":1,"method":"Ping","request":{"Message":"one"}}
		{"id":"b","method":"ListFilesystems"}
		{"id":3,"method":"Send","request":{}}
		{"id":4,"method":"ListFilesystemVersions","request":{"Filesystem":"x"}}
		nonsense
	END
	[ "$(jq -c 'select(.id == 1).response' <<< "$output")" = '{"Echo":"one"}' ]
	[ "$(jq -c 'select(.id == "b").response' <<< "$output")" = '{"Filesystems":[{"Path":"a"}]}' ]
	[ "$(jq -c 'select(.id == 3).error.code' <<< "$output")" = 100 ]
	[ "$(jq -c 'select(.id == 4).error | [.code, .status]' <<< "$output")" = '[1,"UNKNOWN"]' ]
	[ "$(wc -l <<< "$output")" = 5 ]
}

@test "a call of a batch can be cancelled by its id, which ends its endpoint" {
	endpoint
	mkfifo in
	pair zr-rpc batch -- zr-rpc serve ./endpoint < in > out 3>&- &
	children+=($!)
	exec 9> in
	echo '{"id":1,"method":"ReplicationCursor","request":{"Filesystem":"x"}}' >&9
	eventually 20 [ -s pid ]
	printf '%s\n' '{"id":1,"cancel":true}' '{"id":2,"method":"ListFilesystems"}' >&9
	exec 9>&-
	wait "${children[0]}"
	[ "$(jq -c 'select(.id == 1).error.status' out)" = '"CANCELLED"' ]
	jq -e 'select(.id == 2).response' out
	! kill -0 "$(cat pid)" 2>/dev/null
}

@test "a cancel takes effect although 256 calls before it hang, and more wait" {
	endpoint
	mkfifo in
	pair zr-rpc batch -- zr-rpc -c 3 serve ./endpoint < in > out 3>&- &
	children+=($!)
	exec 9> in
	jq -cn 'range(300) | {id: ., method: "ReplicationCursor", request: {Filesystem: "x"}}' >&9
	printf '%s\n' '{"id":60,"cancel":true}' '{"id":280,"cancel":true}' \
	    '{"id":9999,"cancel":true}' '{"id":"60","cancel":true}' >&9
	eventually 20 jq -se 'map(.id) == [280, 60]' out
	jq -cn 'range(300) | {id: ., cancel: true}' >&9
	exec 9>&-
	wait "${children[0]}"
	[ "$(jq -s 'map(select(.error.status == "CANCELLED").id) | unique | length' out)" = 300 ]
	[ "$(wc -l < out)" = 300 ]
}

@test "every line of a batch is answered once, whatever its id" {
	endpoint
	cat > lines <<-'END'
		{"id":1,"method":"Ping","request":{"Message":"a"}}
		{"id":1,"method":"Ping","request":{"Message":"b"}}
		{"id":"1","method":"Ping"}
		{"id":{"x":[1,2.5,null]},"method":"Ping"}
		{"id":null,"method":"Ping"}
		{"id":18446744073709551615,"method":"Ping"}

		{"method":"Ping"}
		[]
		{"id":2}
		{"id":3,"method":7}
		{"id":4,"method":"Ping","request":[]}
		{"id":5,"method":"Ping","request":{"No":1}}
		{"id":6,"method":"Ping","request":
	END
	printf '{"id":7,"method":"Ping"}' >> lines
	run -0 --separate-stderr pair zr-rpc batch -- zr-rpc serve ./endpoint < lines
	[ "$(grep '"response"' <<< "$output" | sed 's/{"id":\(.*\),"response":.*/\1/' | sort | paste -sd ' ')" = \
	    '"1" 1 1 18446744073709551615 7 null {"x":[1,2.5,null]}' ]
	[ "$(jq -c 'select(.error) | [.id, .error.code]' <<< "$output" | sort | paste -sd ' ')" = \
	    '[2,100] [3,100] [4,100] [5,100] [6,100] [null,100] [null,100]' ]
}

@test "100,000 versions are answered; the error for a limit of 4 MiB names it" {
	cat > endpoint <<-'END'
		#!/bin/sh
		jq -cn '{Versions: [range(100000) | {Name: "zrepl_\(1000000 + .)", Guid: "\(. * 184467440737)", CreateTXG: "\(.)", Creation: "2020-09-13T12:31:48Z"}]}'
	END
	chmod +x endpoint
	call 0 ListFilesystemVersions '{"Filesystem":"x"}'
	[ "$(jq '.Versions | length' <<< "$output")" = 100000 ]
	call 1 -m 4 ListFilesystemVersions '{"Filesystem":"x"}'
	stderr_has 'RESOURCE_EXHAUSTED: grpc: received message larger than max'
	stderr_has 'vs. 4194304'
}

# call_slowly: ./endpoint answers a Ping once ./go exists; the server's pid is in ./pid.
call_slowly() {
	cat > endpoint <<-'END'
		#!/bin/sh
		touch started
		until [ -e go ]; do sleep 0.05; done
		echo '{"Echo":"late"}'
	END
	chmod +x endpoint
	printf '#!/bin/sh\necho $$ > pid\nexec zr-rpc serve ./endpoint\n' > server
	chmod +x server
	pair zr-rpc Ping '{"Message":"x"}' -- ./server > out 3>&- &
	children+=($!)
	eventually 20 [ -e started ]
}

@test "after SIGTERM, however often, the running call is answered before the end" {
	call_slowly
	delivered() { grep -q '^ShdPnd:[[:space:]]*0*$' "/proc/$(cat pid)/status"; }
	for _ in 1 2 3; do
		kill -TERM "$(cat pid)"
		eventually 20 delivered
	done
	touch go
	wait "${children[0]}"
	[ "$(cat out)" = '{"Echo":"late"}' ]
	[ "$(cat served)" = 0 ]
}

@test "SIGINT ends the running call and the connection at once" {
	call_slowly
	kill -INT "$(cat pid)"
	wait "${children[0]}" || true
	[ ! -s out ]
	[ "$(cat served)" = 130 ]
}

@test "bytes that are not HTTP/2 are an error at once" {
	endpoint
	run --separate-stderr pair sh -c 'echo GET / HTTP/1.1 >&7; cat <&6 >got' -- zr-rpc serve ./endpoint
	[ "$(cat served)" = 98 ]
}

@test "an idle server stays below 4 MiB" {
	mkfifo in
	printf '#!/bin/sh\necho $$ > pid\nexec zr-rpc serve ./endpoint\n' > server
	chmod +x server
	endpoint
	pair zr-rpc batch -- ./server < in > out 3>&- &
	children+=($!)
	exec 9> in
	echo '{"id":1,"method":"ListFilesystems"}' >&9
	eventually 20 [ -s out ]
	awk '/^VmRSS/ { print; exit ($2 > 4096 && ENVIRON["ZR_BUILD"] !~ /sanitize/) }' "/proc/$(cat pid)/status"
	exec 9>&-
	wait "${children[0]}"
}

# flood LIMIT: sixteen calls of four seconds, eight of them begun before the others
# come, at a server with so many descriptors.  Its CPU time is ms, its answers ./answers.
flood() {
	printf '#!/bin/sh\nread -r request\n: > begun.$$\nsleep 4\necho "{}"\n' > endpoint
	printf '#!/bin/bash\nulimit -n %s\nzr-rpc serve ./endpoint\ntimes > used\n' "$1" > serve
	chmod +x endpoint serve
	rm -f calls begun.*
	calls() { seq -f '{"id":%g,"method":"Ping","request":{}}' "$@"; }
	mkfifo calls
	exec 8<> calls
	background timeout $PATIENCE "$HELPERS/pair.py" zr-rpc batch -- ./serve \
	    < calls > answers 2> log 8>&-
	calls 1 8 >&8
	begun() { compgen -G 'begun.*' > list && [ "$(wc -l < list)" -eq 8 ]; }
	eventually 60 begun
	calls 9 16 >&8
	exec 8>&-
	wait "${children[-1]}"
	[ "$(wc -l < answers)" -eq 16 ]
	cat used
	ms=$(awk -F '[ms ]+' 'NR == 2 { print int(1000 * (60 * ($1 + $3) + $2 + $4)) }' used)
}

@test "with too few descriptors for all calls, each is answered, and no process spins" {
	# A call that has its request needs two descriptors and three entries of
	# poll(2), which counts unused ones, too, and takes no more than the limit.
	flood 36
	[ "$(grep -c '"response"' answers)" -ge 8 ]
	grep -q 'Too many open files' answers
	few=$ms
	flood 200
	[ "$(grep -c '"response"' answers)" -eq 16 ]
	echo "$few ms, without a limit $ms ms"
	[ "$few" -le $((2 * ms + 200)) ]
}
