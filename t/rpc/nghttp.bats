# zr-rpc serve and another HTTP/2: nghttp and h2load.  They know neither banner
# nor label, so the server stands bare behind the listener.
load ../lib/helper

# serve ENDPOINT: from then on $url, with the request in ./body
serve() {
	zr-listen -1 -i 127.0.0.1=x tcp:127.0.0.1:0 zr-rpc serve "$1" > port 2> log 3>&- &
	children+=($!)
	eventually 20 [ -s port ]
	url=http://127.0.0.1:$(cat port)/Replication
	printf '\0\0\0\0\4\n\2hi' > body
}

echoing() {
	printf '#!/bin/sh\nread -r r\necho "$r" | sed s/Message/Echo/\n' > endpoint
	chmod +x endpoint
}

grpc=(-H 'content-type: application/grpc' -H 'te: trailers')

@test "nghttp gets answers, and errors in trailers" {
	echoing
	serve ./endpoint
	run -0 timeout 20 nghttp -v --no-dep -H ':method: POST' "${grpc[@]}" -d body "$url/Ping"
	[[ "$output" == *'content-type: application/grpc'*'grpc-status: 0'* ]]
	[[ "$output" == *'hi['*'recv DATA frame <length=9'* ]]
	run -0 timeout 20 nghttp -v -H ':method: POST' "${grpc[@]}" -d body "$url/Nonsense"
	[[ "$output" == *'grpc-status: 12'*'unknown method Nonsense'* ]]
	run -0 timeout 20 nghttp -v "$url/Ping"
	[[ "$output" == *':status: 405'* ]]
}

@test "an answer of 3 MiB passes through nghttp's windows of 64 KiB" {
	cat > endpoint <<-'END'
		#!/bin/sh
		printf '{"Echo":"'; head -c 3145728 /dev/zero | tr '\0' x; printf '"}\n'
	END
	chmod +x endpoint
	serve ./endpoint
	timeout 20 nghttp -H ':method: POST' "${grpc[@]}" -d body "$url/Ping" > got
	# gRPC's prefix, the field's tag and its length
	[ "$(wc -c < got)" = $((3145728 + 5 + 1 + 4)) ]
}

@test "a request of 5 MiB is refused, in whatever pieces it comes" {
	echoing
	serve ./endpoint
	{ printf '\0\0\120\0\0'; head -c 5242880 /dev/zero; } > body
	run -0 timeout 20 nghttp -v -H ':method: POST' "${grpc[@]}" -d body "$url/Ping"
	[[ "$output" == *'grpc-status: 8'*'(5242880 vs. 4194304)'* ]]
}

@test "h2load gets 400 answers on 4 connections, with 10 calls at a time on each" {
	echoing
	serve ./endpoint
	run -0 timeout 50 h2load -n 400 -c 4 -m 10 -d body "${grpc[@]}" "$url/Ping"
	[[ "$output" == *'400 succeeded, 0 failed, 0 errored, 0 timeout'* ]]
	[[ "$output" == *'3.52KB (3600) data'* ]]
	[ ! -s log ]
}

@test "50,000 calls of h2load on one connection leave the server's memory as it was" {
	printf '#!/bin/sh\necho $$ > pid\nexec zr-rpc serve false\n' > server
	chmod +x server
	zr-listen -1 -i 127.0.0.1=x tcp:127.0.0.1:0 ./server > port 2> log 3>&- &
	children+=($!)
	eventually 20 [ -s port ]
	printf '\0\0\0\0\4\n\2hi' > body
	# An unknown method is refused by the server itself.
	timeout 50 h2load -n 50000 -c 1 -m 50 -d body "${grpc[@]}" \
	    "http://127.0.0.1:$(cat port)/Replication/Nonsense" > loaded 2>&1 3>&- &
	load=$!
	eventually 20 [ -s pid ]
	peak=0
	while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$(cat pid)/status" 2> gone) && [ -n "$now" ]; do
		peak=$now
	done
	wait "$load"
	cat loaded
	grep -q '50000 succeeded' loaded
	echo "$peak KiB"
	[ "$peak" -gt 0 ]
	[ "$peak" -lt "$(memory_limit)" ]
}
