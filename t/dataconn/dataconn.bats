# zr-dataconn: one request on a data connection.  The endpoints here are
# stand-ins; zr-endpoint has its own tests.
load ../lib/helper

REQUEST='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'

# endpoint BODY: a stand-in; $1 is the method, $request the request line.
endpoint() {
	printf '#!/bin/bash\nread -r request\n%s\n' "$1" > endpoint
	chmod +x endpoint
}

pair() {
	"$HELPERS/pair.py" -s server "$@" -- zr-dataconn ${SERVE:-serve} "$PWD/endpoint"
}

@test "Ping goes to the endpoint and its answer comes back as one line" {
	endpoint 'echo "$request" > seen; echo "{\"Echo\":\"pong\"}"'
	run --separate-stderr pair zr-dataconn Ping '{"Message":"hello"}'
	[ "$status" -eq 0 ]
	[ "$output" = '{"Echo":"pong"}' ]
	[ -z "$stderr" ]
	[ "$(cat seen)" = '{"Message":"hello"}' ]
	[ "$(cat server)" = 0 ]
}

@test "the request is the first line of standard input, and the stream is the rest" {
	endpoint 'cat > got; echo "{}"'
	head -c 1000000 /dev/urandom > stream
	{ echo "$REQUEST"; cat stream; } | pair zr-dataconn Receive
	cmp stream got
}

@test "with ZR_REQUEST the request has a descriptor of its own, and may come late" {
	endpoint 'echo "$request" > seen; cat > got; echo "{}"'
	head -c 1000000 /dev/urandom > stream
	ZR_REQUEST=9 pair zr-dataconn Receive < stream 9< <(sleep 0.5; echo "$REQUEST")
	cmp stream got
	[ "$(jq .To.Name seen)" = '"s"' ]
	rm got
	# None came: nothing has been said to the server.
	run -100 --separate-stderr env ZR_REQUEST=9 "$HELPERS/pair.py" -s server zr-dataconn Receive -- \
	    zr-dataconn serve "$PWD/endpoint" < stream 9< /dev/null
	[ "$stderr" = 'zr-dataconn: no request as an argument or on standard input: end of file' ]
	[ "$(cat server)" = 0 ]
	[ ! -e got ]
	run -100 --separate-stderr "$HELPERS/pair.py" -s server env ZR_REQUEST=99 zr-dataconn Receive -- \
	    zr-dataconn serve "$PWD/endpoint" < stream
	[ "$stderr" = 'zr-dataconn: ZR_REQUEST=99 is not an open descriptor' ]
}

@test "while it waits for the request, it sees the end of the connection" {
	for method in Send Receive Ping; do
		mkfifo never
		exec 8<> never
		run -98 --separate-stderr timeout 20 zr-connect exec:true zr-dataconn "$method" <&8 3>&-
		exec 8>&-
		rm never
		[[ "$stderr" == 'zr-dataconn: connection closed before the end of the response header'* ]]
	done
}

@test "Send: the answer line, then the stream; -o puts the line elsewhere" {
	head -c 700001 /dev/urandom > stream
	endpoint 'echo "{\"ExpectedSize\":\"700001\"}"; cat stream'
	pair zr-dataconn Send "$REQUEST" > both
	head -n 1 both | grep -qx '{"ExpectedSize":"700001"}'
	tail -c 700001 both | cmp - stream
	pair zr-dataconn -o answer Send "$REQUEST" | cmp - stream
	[ "$(cat answer)" = '{"ExpectedSize":"700001"}' ]
}

@test "no frame has a single byte, whatever the stream's length and pieces" {
	for length in 0 2 3 4 5 131071 131072 131073 131074; do
		head -c $length /dev/zero > stream
		endpoint 'echo "{}"; cat stream'
		pair zr-dataconn -o answer Send "$REQUEST" | cmp - stream
	done
	# Byte by byte: watched on the wire by a reader that counts.
	endpoint 'echo "{}"; for i in 1 2 3 4 5 6 7; do printf x; sleep 0.02; done'
	run python3 - "$PWD/endpoint" <<'PY'
import socket, struct, subprocess, sys
near, far = socket.socketpair()
server = subprocess.Popen(["zr-dataconn", "serve", sys.argv[1]], stdin=far, stdout=far)
far.close()
frame = lambda kind, data: struct.pack(">II", kind, len(data)) + data
request = b'\n\x01a\x1a\x1b\x12\x01s\x18\x01*\x142024-01-02T00:00:00Z2\x06\n\x04\x08\x01\x10\x02'
near.sendall(frame(1, b"/v1/send") + frame(0x20000, b"") + frame(2, request) + frame(0x20000, b""))
data = b""
while (piece := near.recv(65536)):
    data += piece
    if data.endswith(frame(0x10000000, b"")):
        near.sendall(frame(0x10000000, b""))
        near.shutdown(socket.SHUT_WR)
lengths, total, at = [], 0, 0
while at < len(data):
    kind, length = struct.unpack(">II", data[at:at + 8])
    at += 8 + length
    lengths.append(length)
    total += length if kind == 5 else 0
assert total == 7, (total, data)
assert 1 not in lengths, lengths
PY
	[ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "a stream of one byte cannot be sent and says so" {
	endpoint 'echo "{}"; printf x'
	run --separate-stderr pair zr-dataconn Send "$REQUEST"
	[ "$status" -eq 1 ]
	stderr_has "a stream of a single byte cannot be sent"
}

@test "an endpoint's failure reaches the client and the log, in its last words" {
	endpoint 'echo "pool is suspended" >&2; exit 3'
	for method in Send Receive; do
		run --separate-stderr pair zr-dataconn $method "$REQUEST" < /dev/null
		[ "$status" -eq 1 ]
		[ "$(cat server)" = 1 ]
		stderr_has ": pool is suspended"
		stderr_has "$method failed: $PWD/endpoint ended with status 3"
	done
}

@test "bytes that control a terminal are encoded in the log, other text is not" {
	endpoint 'printf "caf\303\251 \302\233[31m \033[31m \177 \377\n" >&2; exit 3'
	run --separate-stderr pair zr-dataconn Ping '{}'
	stderr_has ': café \302\233[31m \033[31m \177 \377'
}

@test "a sender that fails after the whole stream has not ended cleanly" {
	endpoint 'echo "{}"; echo stream; echo "cannot read block" >&2; exit 1'
	run --separate-stderr pair zr-dataconn Send "$REQUEST"
	[ "$status" -eq 1 ]
	stderr_has "the sender failed: cannot read block"
	endpoint 'echo "{}"; echo stream; kill -9 $$'
	run --separate-stderr pair zr-dataconn Send "$REQUEST"
	[ "$status" -eq 1 ]
	stderr_has "the sender failed: endpoint ended by signal 9"
}

# The end comes in the same piece as data that nobody takes any more.
@test "an endpoint that reads only a part of the stream gets its ZR_VERDICT, too" {
	head -c 200000 /dev/urandom > stream
	endpoint 'exec < /dev/null; sleep 0.3; read -r verdict <&"$ZR_VERDICT"; echo "$verdict" > verdict; echo "{}"'
	for bytes in 1000 70000 200000; do
		rm -f verdict
		head -c $bytes stream | timeout 60 "$HELPERS/pair.py" \
		    zr-dataconn Receive "$REQUEST" -- zr-dataconn serve "$PWD/endpoint"
		[ "$(cat verdict)" = 0 ]
	done
}

@test "ZR_VERDICT tells the receiving endpoint that the stream is not whole" {
	endpoint 'cat > got; read -r verdict <&"$ZR_VERDICT" && [ "$verdict" = 0 ] || exit 1; echo kept > kept; echo "{}"'
	echo stream > stream
	ZR_VERDICT=9 pair zr-dataconn Receive "$REQUEST" < stream 9< <(echo 0)
	[ -e kept ]
	rm kept
	for verdict in 'echo "disk failed"' :; do
		run --separate-stderr env ZR_VERDICT=9 "$HELPERS/pair.py" zr-dataconn Receive "$REQUEST" -- zr-dataconn serve "$PWD/endpoint" < stream 9< <(eval "$verdict")
		[ "$status" -eq 1 ]
		[ ! -e kept ]
		stderr_has "the sender failed: "
	done
}

@test "a stream that cannot be read to its end is not whole, whatever the verdict" {
	endpoint 'cat > got; read -r verdict <&"$ZR_VERDICT" && touch kept; echo "{}"'
	for verdict in "" 9; do
		run --separate-stderr env ${verdict:+ZR_VERDICT=9} "$HELPERS/pair.py" -s server bash -c 'exec zr-dataconn Receive "$0" < .' "$REQUEST" -- zr-dataconn serve "$PWD/endpoint" 9< <(echo 0)
		[ "$status" -eq 111 ]
		[ "$(cat server)" = 1 ]
		[ ! -e kept ]
		stderr_has "zr-dataconn: cannot read the stream: Is a directory"
		stderr_has "zr-dataconn: the sender failed: cannot read the stream: Is a directory"
	done
}

@test "a client that is killed in mid-stream leaves no endpoint and no verdict" {
	endpoint 'echo $$ > pid; cat > got; read -r v <&"$ZR_VERDICT" && echo kept > kept; echo "{}"'
	mkfifo stream
	exec 8<> stream
	background "$HELPERS/pair.py" -s server bash -c 'echo $$ > client; exec zr-dataconn Receive "$0"' "$REQUEST" -- zr-dataconn serve "$PWD/endpoint" < stream 2> log
	head -c 300000 /dev/zero >&8
	eventually 10 test -s got
	kill -9 "$(cat client)"
	eventually 15 test -s server
	[ "$(cat server)" = 98 ]
	run kill -0 "$(cat pid)"
	[ "$status" -ne 0 ]
	[ ! -e kept ]
	exec 8>&-
}

@test "if Receive is refused early the client stops at once with the server's words" {
	endpoint 'head -c 100000 > /dev/null; echo "no space left on device" >&2; exit 1'
	run --separate-stderr bash -c 'yes | "$0" zr-dataconn Receive "$1" -- zr-dataconn serve "$2"' "$HELPERS/pair.py" "$REQUEST" "$PWD/endpoint"
	[ "$status" -eq 1 ]
	stderr_has "no space left on device"
}

@test "after an early success the rest of the stream is drained" {
	endpoint 'head -c 1000 > got; echo "{}"'
	head -c 3000000 /dev/zero | pair zr-dataconn Receive "$REQUEST"
}

@test "an endpoint with a malformed answer is named" {
	check() {
		endpoint "$1"
		run --separate-stderr pair zr-dataconn Ping '{}'
		[ "$status" -eq 1 ]
		stderr_has "$2"
	}
	check ':' "the endpoint ended without an answer"
	check 'echo "{}"; echo more' "the endpoint wrote more than one line"
	check 'echo nonsense' "the endpoint's answer: "
	check 'echo "{\"Ekko\":\"\"}"' "PingRes.Ekko: there is no such field"
	check 'yes | tr -d "\n"' "the endpoint's answer is longer than 64 MiB"
	check 'trap "" TERM; cat /dev/zero' "the endpoint's answer is longer than 64 MiB"
	check 'printf "{\"Echo\":"' "the endpoint ended without an answer"
	check 'printf "{\"Echo\":"; kill -9 $$' "endpoint ended by signal 9"
	check 'exit 7' "endpoint ended with status 7"
}

@test "an endpoint that cannot be executed is answered with an error" {
	run --separate-stderr "$HELPERS/pair.py" -s server zr-dataconn Ping '{}' -- zr-dataconn serve /nonexistent/endpoint
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 127 ]
	stderr_has "cannot execute /nonexistent/endpoint"
}

@test "-T ends an endpoint that stands still, even if it ignores SIGTERM" {
	endpoint 'trap "" TERM; echo $$ > pid; exec sleep 600'
	SERVE="-T 1 serve" run --separate-stderr pair zr-dataconn Ping '{}'
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 99 ]
	stderr_has "the endpoint did nothing for 1 seconds"
	run kill -0 "$(cat pid)"
	[ "$status" -ne 0 ]
}

@test "-T ends a stream that a child of an ended endpoint keeps open" {
	endpoint 'echo "{}"; echo begin; sleep 20 2>&- & echo $! > pid'
	SECONDS=0
	SERVE="-T 1 serve" run --separate-stderr pair zr-dataconn Send "$REQUEST"
	kill "$(cat pid)"
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 99 ]
	[ "$SECONDS" -lt 15 ]
	stderr_has "the sender failed: the endpoint did nothing for 1 seconds"
}

@test "SIGTERM, however often, lets the endpoint finish; SIGINT ends it at once" {
	endpoint 'for i in 1 2 3; do kill -TERM $PPID; sleep 0.2; done; echo "{}"'
	run -0 pair zr-dataconn Ping '{}'
	[ "$(cat server)" = 0 ]
	endpoint 'kill -INT $PPID; exec sleep 600'
	run --separate-stderr pair zr-dataconn Ping '{}'
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 130 ]
	stderr_has "zr-dataconn: interrupted"
}

@test "after SIGTERM the endpoint's last bytes still reach the client" {
	head -c 3000000 /dev/urandom > stream
	endpoint 'echo "{}"; kill -TERM $PPID; cat stream; kill -TERM $PPID'
	pair zr-dataconn -r 3M -o answer Send "$REQUEST" | cmp - stream
	[ "$(cat server)" = 0 ]
}

@test "SIGTERM and SIGINT end a connection on which nothing runs yet" {
	caught() {
		(( (0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$!/status") & 0x4002) == 0x4002 ))
	}
	mkfifo in
	for signal in "TERM 143 terminated" "INT 130 interrupted"; do
		read -r name code text <<< "$signal"
		exec 8<> in
		background zr-dataconn serve false < in > heard 2> log 8>&-
		eventually 10 caught
		kill -"$name" $!
		eventually 10 test -s heard
		exec 8>&-
		wait $! && status=0 || status=$?
		[ "$status" -eq "$code" ]
		[ "$(cat log)" = "zr-dataconn: $text" ]
	done
}

@test "SIGTERM ends a server that only drains the rest of a stream; the answer stands" {
	endpoint 'echo $$ > pid; echo $PPID > parent; echo "{}"'
	background pair zr-dataconn -r 1M Receive "$REQUEST" < <(head -c 100000000 /dev/zero)
	eventually 10 test -s parent
	eventually 10 gone "$(cat pid)"
	[ ! -s server ]
	kill -TERM "$(cat parent)"
	eventually 10 test -s server
	[ "$(cat server)" = 0 ]
}

@test "an endpoint's child that keeps an unread stream open does not delay the client" {
	endpoint 'sleep 60 <&0 >&- 2>&- & echo $! > pid; echo "{}"'
	run timeout 30 "$HELPERS/pair.py" -s server zr-dataconn Receive "$REQUEST" \
	    -- zr-dataconn serve "$PWD/endpoint" < <(head -c 3000000 /dev/zero)
	kill "$(cat pid)"
	[ "$status" -eq 0 ]
	[ "$(cat server)" = 0 ]
}

@test "-T ends an idle endpoint that reads no more of its stream" {
	endpoint 'exec <&-; exec sleep 60'
	SECONDS=0
	SERVE="-T 1 serve" run --separate-stderr pair zr-dataconn -r 100K Receive "$REQUEST" \
	    < <(head -c 3000000 /dev/zero)
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 99 ]
	[ "$SECONDS" -lt 20 ]
	stderr_has "the endpoint did nothing for 1 seconds"
}

@test "of a flood on standard error the last 4 KiB are kept" {
	endpoint 'head -c 3000000 /dev/zero | tr "\0" x >&2; echo; echo the end >&2; exit 1'
	run --separate-stderr pair zr-dataconn Ping '{}'
	[ "$status" -eq 1 ]
	stderr_has "the end"
	[ "${#stderr}" -lt 20000 ]
}

@test "large answers are sent, but no message that would hang a zrepl peer" {
	endpoint 'echo "${request/Message/Echo}"'
	ping() { printf '{"Message":"'; head -c "$1" /dev/zero | tr '\0' x; printf '"}\n'; }
	ping 300000 | pair zr-dataconn Ping > answer
	cmp answer <(ping 300000 | sed s/Message/Echo/)
	ping 4194304 > request
	run --separate-stderr pair zr-dataconn Ping < request
	[ "$status" -eq 100 ]
	stderr_has "a message of 4194309 bytes cannot be sent: a peer takes 4194304"
	endpoint 'printf "{\"Echo\":\""; head -c 8388608 /dev/zero | tr "\0" x; echo "\"}"'
	run --separate-stderr pair zr-dataconn Ping '{}'
	[ "$status" -eq 1 ]
	stderr_has "the endpoint's answer: a message of 8388613 bytes cannot be sent: a peer takes 8388608"
}

@test "a full disk is an error on the server and on the client" {
	endpoint 'ulimit -f 400; trap "" XFSZ; cat > got || exit; echo "{}"'
	run --separate-stderr pair zr-dataconn Receive "$REQUEST" < <(head -c 3000000 /dev/zero)
	[ "$status" -eq 1 ]
	[ "$(cat server)" = 1 ]
	stderr_has "zr-dataconn: cat: write error: File too large"
	endpoint 'echo "{}"; head -c 3000000 /dev/zero'
	stderr=$(pair zr-dataconn -o answer Send "$REQUEST" 2>&1 > /dev/full) && status=0 || status=$?
	[ "$status" -eq 111 ]
	[ "$(cat server)" = 98 ]
	stderr_has "zr-dataconn: cannot write the stream: No space left on device"
}

@test "requests that would kill a zrepl peer are not sent" {
	refuse() {
		run --separate-stderr pair zr-dataconn "$1" "$2" < /dev/null
		[ "$status" -eq 100 ]
		stderr_has "$3"
	}
	endpoint 'echo "{}"'
	refuse Send '{"Filesystem":"a","To":{"Name":"s","Creation":"2024-01-02T00:00:00Z"}}' "ReplicationConfig.protection is missing"
	refuse Send '{"Filesystem":"a","ReplicationConfig":{"protection":{}}}' "To is missing"
	refuse Send "${REQUEST/2024-01-02T00:00:00Z/yesterday}" 'To: Creation is not a time in RFC 3339: "yesterday"'
	refuse Send "${REQUEST/\"Name\":\"s\"/\"Name\":\"a%b\"}" 'To: Name is not the name of a snapshot'
	refuse Receive "${REQUEST/a\/b/a\/..\/b}" 'Filesystem has a component ".."'
	refuse Ping '{"Massage":"x"}' "PingReq.Massage: there is no such field"
	refuse Ping 'hello' "not JSON for PingReq"
}

@test "usage errors name the mistake in the command line" {
	run --separate-stderr zr-dataconn
	[ "$status" -eq 100 ]
	stderr_has "usage: zr-dataconn"
	run --separate-stderr zr-dataconn ListFilesystems
	[ "$status" -eq 100 ]
	stderr_has "not a method of a data connection"
	run --separate-stderr zr-dataconn -f 40,41 Ping '{}'
	[ "$status" -eq 100 ]
	stderr_has "descriptor 40 is not open"
	run --separate-stderr zr-dataconn -r 5 Ping '{}'
	[ "$status" -eq 100 ]
	stderr_has "a rate is bytes per second"
	run --separate-stderr zr-dataconn serve
	[ "$status" -eq 100 ]
}

@test "-S reports the bytes moved and the times spent waiting" {
	endpoint 'echo "{}"; head -c 1000000 /dev/zero; sleep 0.5; head -c 1000 /dev/zero'
	pair zr-dataconn -S statistics Send "$REQUEST" > /dev/null
	[ "$(jq .bytes statistics)" = 1001000 ]
	jq -e '.waited_for_network > 0.4 and .exit == 0 and .frames > 1' statistics
}

@test "-S does not count the time before the request, and nothing is written if none comes" {
	endpoint 'cat > /dev/null; echo "{}"'
	printf stream > stream
	# shellcheck disable=SC2016 # is for the other shell
	ZR_REQUEST=9 pair bash -c 'exec zr-dataconn -S statistics Receive < stream' 9< <(sleep 4; echo "$REQUEST")
	jq -e '.bytes == 6 and .seconds < 3.5 and .waited_for_network < 3.5' statistics
	mkfifo never
	exec 8<> never
	run -98 zr-connect exec:true zr-dataconn -S statistics Send <&8 3>&-
	exec 8>&-
	[ "$(jq .exit statistics)" = 0 ]
	zr-dataconn -S unused.json serve "$PWD/endpoint" < /dev/null 2> errors
	[ ! -s errors ]
	[ ! -e unused.json ]
}

@test "-r limits the rate of a stream" {
	endpoint 'echo "{}"; cat /dev/zero | head -c 1000000'
	pair zr-dataconn -r 500k -S statistics Send "$REQUEST" > /dev/null
	jq -e '.seconds > 1.5 and .waited_for_rate > 1' statistics
	head -c 1000000 /dev/zero > stream
	endpoint 'cat > /dev/null; echo "{}"'
	pair zr-dataconn -r 500k -S statistics Receive "$REQUEST" < stream
	jq -e '.seconds > 1.5' statistics
}

@test "ZR_PROGRESS gets a line a second and the last count; SIGUSR1 prints one line" {
	endpoint 'echo "{}"; head -c 50000 /dev/zero; kill -USR1 "$(cat client)"; sleep 1.3; head -c 50000 /dev/zero'
	ZR_PROGRESS=9 "$HELPERS/pair.py" bash -c 'echo $$ > client; exec zr-dataconn Send "$0"' "$REQUEST" -- zr-dataconn serve "$PWD/endpoint" 9> progress > /dev/null 2> log
	[ "$(tail -n 1 progress)" = '{"bytes":100000}' ]
	[ "$(wc -l < progress)" -ge 2 ]
	grep -q 'zr-dataconn: [0-9]* bytes of the stream in' log
}

@test "a reader that does not read ZR_PROGRESS misses lines and delays nothing" {
	endpoint 'echo "{}"; head -c 50000 /dev/zero; sleep 1.3; head -c 50000 /dev/zero'
	mkfifo progress
	exec 8<> progress
	run -1 dd if=/dev/zero of=progress bs=4096 count=1000 oflag=nonblock	# full now
	ZR_PROGRESS=9 timeout 10 "$HELPERS/pair.py" zr-dataconn -o answer Send "$REQUEST" -- zr-dataconn serve "$PWD/endpoint" 9> progress > stream
	[ "$(wc -c < stream)" -eq 100000 ]
	exec 8>&-
}

@test "memory stays small whatever the stream's length" {
	endpoint 'echo "{}"; head -c 300000000 /dev/zero; grep VmHWM /proc/$PPID/status > server.peak'
	pair bash -c 'zr-dataconn -f 6,7 -o answer Send "$0" | { cat > /dev/null; }' "$REQUEST"
	[ "$(awk '{ print $2 }' server.peak)" -lt "$(memory_limit)" ]
}
