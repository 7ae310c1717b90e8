# zr-rpc and peers that break HTTP/2 or gRPC.
load ../lib/helper

faults() {
	run --separate-stderr timeout $PATIENCE /usr/bin/python3 "$HELPERS/rpc_faults.py" "$@"
	[ "$status" -eq 0 ] || { printf '%s\n%s\n' "$output" "$stderr"; return 1; }
}

# How each request and each answer fared: both are asked for once.
setup_file() {
	cd "$BATS_FILE_TMPDIR"
	printf '#!/bin/sh\nread -r r\necho "$r" | sed s/Message/Echo/\n' > endpoint
	chmod +x endpoint
	for what in request answer; do
		timeout $PATIENCE /usr/bin/python3 "$HELPERS/rpc_faults.py" $what > $what
	done
}

# broken ROLE: every fault that zr-rpc in this role meets ends it with an error,
# in bounded memory
broken() {
	local name code memory text faults=0
	faults break "$1"
	echo "$output"
	while read -r name code memory text; do
		[ "$code" = 98 ]
		[ "$memory" -lt "$(memory_limit)" ]
		[[ "$text" == 'zr-rpc: '?* ]]
		faults=$((faults + 1))
	done <<< "$output"
	[ "$faults" -gt 20 ]
}

# said NAME TEXT: what zr-rpc said to that fault
said() {
	grep -q "^$1 98 [0-9]* zr-rpc: $2" <<< "$output"
}

@test "a client's floods, bombs and broken frames end the connection, in bounded memory" {
	broken server
	said ping-flood 'the client sends too many PINGs'
	said preface 'what the client sends is not HTTP/2'
	said rapid-reset 'the peer resets too many streams'
	said empty-frames 'the peer sends too many empty frames'
	said hpack-bomb "the client's headers are too long"
	said long-headers "the client's headers are too long"
	said window-overflow 'the peer breaks HTTP/2: FLOW_CONTROL_ERROR'
}

@test "a server's floods, bombs and broken frames end the call, in bounded memory" {
	broken client
	said preface 'the peer breaks HTTP/2: PROTOCOL_ERROR'
	said empty-frames 'the peer sends too many empty frames'
	said hpack-bomb "the server's headers are too long"
	said long-headers "the server's headers are too long"
	said push-flood 'the server pushes what nobody asked for'
	said bad-hpack 'the peer breaks HTTP/2: COMPRESSION_ERROR'
}

@test "calls that are given up at once do not exceed the limit on endpoints" {
	faults resets
	echo "$output"
	read -r code memory most <<< "$output"
	[ "$code" = 98 ]
	[ "$memory" -lt "$(memory_limit)" ]
	[ "$most" -ge 16 ]
	[ "$most" -le 17 ]	# one is asked whether it knows batch
}

@test "refused streams end the connection of a client that reads nothing, and of no other" {
	cp "$BATS_FILE_TMPDIR/endpoint" .
	faults refused
	echo "$output"
	read -r code memory text <<< "${lines[0]}"
	[ "$code" = 98 ]
	[ "$memory" -lt $((2 * $(memory_limit))) ]
	[ "$text" = 'zr-rpc: the client asks for much and reads little' ]
	read -r count status right memory <<< "${lines[1]}"
	[ "$count $status $right" = '8000 0 True' ]
	[ "$memory" -lt "$(memory_limit)" ]
}

# answered NAME HTTP-STATUS GRPC-STATUS TEXT
answered() {
	grep -Fxq "$1: $2 $3 $4" "$BATS_FILE_TMPDIR/request" ||
	    { grep -F "$1: " "$BATS_FILE_TMPDIR/request"; return 1; }
}

@test "half a message, or more than one, is refused, but the connection remains" {
	answered half 200 13 'the request ends in the middle of its message'
	answered half-prefix 200 13 'the request ends in the middle of its message'
	answered nothing 200 13 'the request ends in the middle of its message'
	answered two 200 13 'grpc: more than one message in a unary call'
	answered promise 200 8 'grpc: received message larger than max (4294967295 vs. 4194304)'
}

@test "compressed and non-gRPC requests are refused with the right status" {
	answered flag 200 13 'grpc: compressed flag set with identity or empty encoding'
	answered gzip 200 12 'grpc: Decompressor is not installed for grpc-encoding "gzip"'
	answered content-type 415 3 'invalid gRPC request content-type "application/json"'
	answered no-content-type 415 3 'invalid gRPC request content-type ""'
	answered grpc-web 415 3 'invalid gRPC request content-type "application/grpc-web"'
	answered grpc+proto 200 0 ''
	answered get 405 13 'the method is "GET", which should be POST'
}

@test "a long deadline and any authority are accepted" {
	answered timeout=99999999H 200 0 ''
	answered timeout=00000009M 200 0 ''
	for i in 0 1 2 3; do
		answered "authority=$i" 200 0 ''
	done
}

@test "a wrong path, deadline or message is refused with the right status" {
	answered path 200 12 'malformed method name: "/Replication"'
	answered service 200 12 'unknown service Other'
	answered method 200 12 'unknown method Nonsense for service Replication'
	for timeout in '' S 12 12x -1S 1.5S ' 1S' 123456789S; do
		answered "timeout=$timeout" 200 13 'malformed grpc-timeout'
	done
	answered timeout=0S 200 4 'context deadline exceeded'
	answered timeout=1n 200 4 'context deadline exceeded'
	answered protobuf 200 3 'request: 2 bytes are not a PingReq message'
	answered utf-8 200 3 'request: PingReq: Message: is not UTF-8'
}

@test "a request that would crash zrepl is answered with its fault" {
	answered no-to 200 3 'request: To is missing'
	answered no-config 200 3 'request: ReplicationConfig.protection is missing'
	answered dots 200 3 'request: Filesystem has a component ".."'
	answered no-original 200 3 'request: OriginalReq is missing'
	answered completed-no-config 200 3 'request: OriginalReq: ReplicationConfig.protection is missing'
	for call in 'completed OriginalReq: To' 'destroy Snapshots'; do
		answered "${call%% *}-creation" 200 3 "request: ${call#* }: Creation is not a time in RFC 3339: \"\""
		answered "${call%% *}-type" 200 3 "request: ${call#* }: Type is neither Snapshot nor Bookmark: 7"
		answered "${call%% *}-name" 200 3 "request: ${call#* }: Name is not the name of a snapshot or bookmark: \"@\""
	done
}

@test "an answer that would crash zrepl is an error, from a server and from an endpoint" {
	ends version-creation 98 'the answer: Versions: Creation is not a time in RFC 3339: ""'
	ends version-type 98 'the answer: Versions: Type is neither Snapshot nor Bookmark: 7'
	ends version-name 98 'the answer: Versions: Name is not the name of a snapshot or bookmark: "@"'
	while IFS='|' read -r version text; do
		printf '#!/bin/sh\nread -r r\necho %q\n' "{\"Versions\":[$version]}" > endpoint
		chmod +x endpoint
		run -1 --separate-stderr "$HELPERS/pair.py" \
		    zr-rpc ListFilesystemVersions '{"Filesystem":"a"}' -- zr-rpc serve ./endpoint
		stderr_has "the endpoint's answer: Versions: $text"
	done <<-'END'
	{"Name":"s"}|Creation is not a time
	{"Name":"s","Creation":"2024-01-02T00:00:00Z","Type":7}|Type is neither
	{"Name":"s@t","Creation":"2024-01-02T00:00:00Z"}|Name is not the name
	END
}

# ends NAME CODE TEXT
ends() {
	grep -F "$1: $2 zr-rpc: " "$BATS_FILE_TMPDIR/answer" | grep -Fq "$3" ||
	    { grep -F "$1: " "$BATS_FILE_TMPDIR/answer"; return 1; }
}

@test "an invalid answer is an error that names the fault" {
	grep -Fxq 'good: 0 {"Echo":"hi"}' "$BATS_FILE_TMPDIR/answer"
	ends half 98 'INTERNAL: the server ended its answer in the middle of the message'
	ends no-message 98 'INTERNAL: the server ended its answer in the middle of the message'
	ends two 98 'INTERNAL: grpc: more than one message in a unary call'
	ends flag 98 'INTERNAL: grpc: compressed flag set'
	ends content-type 98 "the server's answer is not application/grpc"
	ends http-503 98 'UNAVAILABLE: the server answers with HTTP status 503'
	ends no-status 98 'the server ended its answer without grpc-status'
	ends protobuf 98 '2 bytes are not a PingRes message'
	ends leaves 98 'the peer closed the connection'
	ends bomb 98 "the server's headers are too long"
}

@test "an answer with an error is reported, whatever its status and text" {
	ends odd-status 1 'zr-rpc: the server gives no reason'
	ends escapes 1 'zr-rpc: \033[2J%zz?'
	ends promise 1 'RESOURCE_EXHAUSTED: grpc: received message larger than max'
	ends reset 1 'INTERNAL: stream terminated by RST_STREAM'
	ends refused 1 'UNAVAILABLE: stream terminated by RST_STREAM'
	ends calm 1 'UNAVAILABLE: the server is going away: ENHANCE_YOUR_CALM, too_many_pings'
}

@test "no more endpoints are run for a client that reads nothing, until it reads" {
	faults slow
	echo "$output"
	read -r ran calls memory <<< "$output"
	[ "$ran" -lt "$calls" ]
	[[ "$ZR_BUILD" == *sanitize* || "$memory" -lt 262144 ]]
}

@test "a server that stops loses no byte of an answer that its client reads slowly" {
	faults last
	[ "$output" = '0 True' ]
}

@test "a batch with a slow reader holds few answers, and loses none" {
	faults reader
	echo "$output"
	read -r memory came calls <<< "$output"
	[ "$came" = "$calls" ]
	[[ "$ZR_BUILD" == *sanitize* || "$memory" -lt 102400 ]]
}
