# Compressed streams, between zr and zr: zr-remote -z, and what may come instead.
load ../lib/helper
load ../lib/frames

REQUEST='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'

# Send of "stream", and Receive into "got".
endpoint() {
	cat > endpoint <<-'END'
		#!/bin/bash
		[ $# -gt 1 ] || read -r request
		[ -z "${ZR_EXTENSIONS-}" ] || echo "an endpoint sees $ZR_EXTENSIONS" >&2
		case $1 in
		Send) echo '{}'; exec cat stream ;;
		Receive) cat > got; read -r verdict <&"$ZR_VERDICT" && echo '{}' ;;
		esac
	END
	[ $# -eq 0 ] || printf '#!/bin/bash\nread -r request\n%s\n' "$1" > endpoint
	chmod +x endpoint
}

# served HANDSHAKE-OPTIONS: what connects to our server.
served() {
	printf 'exec:zr-handshake %s accept zr-mux accept zr-serve -S server.json %s/endpoint' "$1" "$PWD"
}

# both_ways ADDRESS OPTIONS...: the file "stream" comes whole, from there and to there.
both_ways() {
	zr-remote -o answer -S send.json "${@:2}" "$1" Send "$REQUEST" | cmp - stream
	eventually 10 jq -e .exit server.json > /dev/null
	mv server.json sent.json
	{ echo "$REQUEST"; cat stream; } | zr-remote -S receive.json "${@:2}" "$1" Receive 9< <(echo 0) > answer
	[ "$(cat answer)" = '{}' ]
	cmp got stream
	eventually 10 jq -e .exit server.json > /dev/null
	mv server.json received.json
	jq -e '.exit == 0' send.json sent.json receive.json received.json > /dev/null
	jq -es '.[0].wire_bytes == .[1].wire_bytes and .[0].bytes == .[1].bytes' send.json sent.json > /dev/null
	jq -es '.[0].wire_bytes == .[1].wire_bytes and .[0].bytes == .[1].bytes' receive.json received.json > /dev/null
	[ "$(jq .bytes send.json)" = "$(stat -c %s stream)" ]
}

# A text of some size: SIZE.
text() {
	yes 'a line of a text, to be compressed' | head -c "$1"
}

@test "real streams come whole, both ways, in fewer bytes" {
	local name
	endpoint
	for name in "$DATA"/streams/*.zstream; do
		echo "$name"
		cp "$name" stream
		both_ways "$(served '')" -z
		[ "$(stat -c %s stream)" -lt 1000 ] || jq -e '.compressed_frames > 0' send.json receive.json
		[[ $name != */data.full.zstream ]] || jq -e '.wire_bytes < 0.8 * .bytes' send.json receive.json
	done
}

@test "over TCP, unix sockets and TLS" {
	local address one port
	endpoint
	zr-cert ca pki > /dev/null
	zr-cert server pki server localhost > /dev/null
	zr-cert client pki web1 > /dev/null
	text 3000000 > stream
	cat "$DATA/streams/vol.full.zstream" >> stream
	for address in tcp:127.0.0.1:0 unix:"$PWD/socket" tls; do
		rm -f port
		if [ "$address" = tls ]; then
			background zr-listen -1 tcp:127.0.0.1:0 zr-tls -d pki -n server -c web1 accept \
			    zr-handshake accept zr-mux accept zr-serve -S server.json ./endpoint > port
			eventually 20 test -s port
			both_ways "tls:localhost:$(cat port)" -z -d pki -n web1
		else
			one=-1
			[[ $address != unix:* ]] || one=''
			background zr-listen $one "$address" zr-handshake accept zr-mux accept \
			    zr-serve -S server.json ./endpoint > port
			if [[ $address == unix:* ]]; then
				eventually 20 test -S socket
			else
				eventually 20 test -s port
				address=${address%0}$(cat port)
			fi
			both_ways "$address" -z
		fi
		jq -e '.compressed_frames > 0 and .wire_bytes < 0.9 * .bytes' send.json received.json
	done
}

@test "what cannot be compressed is sent as it is, but for a few trials" {
	endpoint
	head -c 20000000 /dev/urandom > stream
	both_ways "$(served '')" -z
	jq -e '.compressed_frames > 0 and .compressed_frames < 30 and .wire_bytes < 1.001 * .bytes' \
	    send.json receive.json
}

@test "nothing is compressed unless the client asks for it and the server allows it" {
	endpoint
	text 1000000 > stream
	both_ways "$(served '')"
	jq -e '.compressed_frames == 0 and .wire_bytes > .bytes' send.json receive.json
	both_ways "$(served -Z)" -z
	jq -e '.compressed_frames == 0 and .wire_bytes > .bytes' send.json receive.json
	ZR_EXTENSIONS=zr-zstd-1 both_ways "$(served -Z)"
	jq -e '.compressed_frames == 0' send.json receive.json
}

@test "a recorded zrepl server, offered compression, is understood, and gets plain frames" {
	local recorded=$DATA/recordings
	zr-remote -z -o answer exec:"cat '$recorded/d02-send-1MiB.data.s2c.bin'; cat > heard" Send "$REQUEST" > got
	[ "$(stat -c %s got)" -eq 1048576 ]
	text 300000 > stream
	# Its answer comes when the stream is over.
	cat > zrepl <<-'END'
		head -c 67 "$1"
		head -c 300000 > heard
		tail -c +68 "$1"
		cat >> heard
	END
	zr-remote -z -S receive.json exec:"sh zrepl '$recorded/d04-receive-1MiB.data.s2c.bin'" Receive "$REQUEST" < stream
	jq -e '.compressed_frames == 0 and .exit == 0' receive.json
	eventually 10 grep -aq ZREPL heard
	[ "$(head -n 2 heard | tail -n 1)" = zr-zstd-1 ]
	grep -aq 'a line of a text, to be compressed' heard
}

@test "a corrupt frame is an error, and the stream is cut before it" {
	local hello='\x28\xb5\x2f\xfd\x00\x58\x29\x00\x00hello' peer words text
	# 600,000 NULs.
	local bomb='\x28\xb5\x2f\xfd\x00\x58\x54\x00\x00\x10\x00\x00\x01\x00\xfb\xff\x39\xc0\x02\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00\x03\x3e\x09\x00'
	peer="cat said; /usr/bin/python3 -c 'import socket; socket.socket(fileno=0).shutdown(1)'; cat > heard"
	while IFS='|' read -r words text; do
		echo "$words"
		eval "frames answer='HANDLER OK\n' end end stream=ab $words" > said
		run -98 --separate-stderr zr-connect exec:"$peer" env ZR_EXTENSIONS=zr-zstd-1 zr-dataconn -o answer Send "$REQUEST"
		[ "$stderr" = "zr-dataconn: $text" ] || { echo "$stderr"; false; }
		[[ $output == ab* ]]
	done <<-END
	7a73='\\0\\0\\0\\5$hello' 7a73='\\0\\0\\0\\5hello' end shutdown|a compressed frame is not Zstandard
	7a73='\\0\\0\\0\\6$hello' end shutdown|a compressed frame inflates to fewer bytes than it says
	7a73='\\0\\0\\0\\4$hello' end shutdown|a compressed frame inflates to more bytes than it says
	7a73='\\0\\0\\0\\4${hello%llo}' end shutdown|a compressed frame inflates to fewer bytes than it says
	7a73='\\0\\x08\\0\\0$bomb' end shutdown|a compressed frame inflates to more bytes than it says
	7a73='\\0\\x08\\0\\1$bomb' end shutdown|a compressed frame inflates to 524289 bytes, not 1 to 524288
	7a73='\\0\\0\\0\\0$hello' end shutdown|a compressed frame inflates to 0 bytes, not 1 to 524288
	7a73='\\0\\0\\0\\5' end shutdown|a compressed frame has a payload of 4 bytes, not 5 to 524288
	7a73 end shutdown|a compressed frame has a payload of 0 bytes, not 5 to 524288
	7a73='\\0\\0\\0\\5$hello'|connection closed before the end of the ZFS stream
	7a73='\\0\\0\\0\\5$hello' shutdown|the peer ended the connection without a whole stream
	7a73='\\0\\0\\0\\5$hello' error=no 7a73='\\0\\0\\0\\5$hello'|unknown frame type 0x00007a73
	END
	# In the middle of it, and one that is too long, of which no byte needs to come.
	frames answer='HANDLER OK\n' end end 7a73="\\0\\0\\0\\5$hello" | head -c -1 > said
	run -98 --separate-stderr zr-connect exec:"$peer" env ZR_EXTENSIONS=zr-zstd-1 zr-dataconn -o answer Send "$REQUEST"
	stderr_has 'connection closed in the middle of a frame of the ZFS stream'
	{ frames answer='HANDLER OK\n' end end; printf '\0\0\x7a\x73\0\x08\0\1'; } > said
	run -98 --separate-stderr zr-connect exec:"$peer" env ZR_EXTENSIONS=zr-zstd-1 zr-dataconn -o answer Send "$REQUEST"
	stderr_has 'a compressed frame has a payload of 524289 bytes, not 5 to 524288'
	# All is well.
	frames answer='HANDLER OK\n' end end stream=ab 7a73="\\0\\0\\0\\5$hello" stream=cd \
	    7a73="\\0\\0\\0\\5$hello" end shutdown > said
	run -0 --separate-stderr zr-connect exec:"$peer" env ZR_EXTENSIONS=zr-zstd-1 zr-dataconn -o answer Send "$REQUEST"
	[ "$output" = abhellocdhello ]
	[ -z "$stderr" ]
	# Where nothing was agreed upon, it is as unknown as it is to zrepl.
	ZR_EXTENSIONS=zr-zstd-1 run -98 --separate-stderr zr-connect exec:"$peer" zr-dataconn -o answer Send "$REQUEST"
	[ "$output" = ab ]
	[ "$stderr" = 'zr-dataconn: unknown frame type 0x00007a73' ]
}

@test "a sender that is killed in mid-stream is no clean end, and its endpoint goes" {
	endpoint 'echo $$ > pid; cat > got; read -r v <&"$ZR_VERDICT" && echo kept > kept; echo "{}"'
	mkfifo stream
	exec 8<> stream
	background bash -c 'echo $$ > client; exec zr-remote -z "$0" Receive "$1" < stream' "$(served '')" "$REQUEST" 2> log
	text 300000 >&8
	eventually 10 test -s got
	kill -9 "$(cat client)"
	eventually 15 test -s server.json
	jq -e '.exit == 98 and .compressed_frames > 0' server.json
	eventually 10 gone "$(cat pid)"
	[ ! -e kept ]
	exec 8>&-
}

@test "if Receive is refused early a client that compresses stops at once" {
	endpoint 'head -c 100000 > /dev/null; echo "no space left on device" >&2; exit 1'
	run -1 --separate-stderr timeout 20 bash -c 'yes | zr-remote -z "$0" Receive "$1"' "$(served '')" "$REQUEST"
	stderr_has "no space left on device"
}

@test "while a stream pauses, heartbeats go on, and progress counts the stream's bytes" {
	endpoint 'echo "{}"; head -c 500000 /dev/zero; sleep 5.5; head -c 500000 /dev/zero'
	ZR_PROGRESS=9 zr-remote -z -S client.json -o answer "$(served '')" Send "$REQUEST" 9> progress |
		cmp - <(head -c 1000000 /dev/zero)
	jq -e '.heartbeats_received > 0 and .compressed_frames > 0 and .wire_bytes < 10000' client.json
	[ "$(tail -n 1 progress)" = '{"bytes":1000000}' ]
}

@test "-r of the receiver limits what a stream inflates to, not the bytes that carry it" {
	local nuls='\2\0\x10\0\2\0\x10\0\2\0\x10\0\2\0\x10\0' begin='\x28\xb5\x2f\xfd\0\x58' words=()
	# 512 KiB of NULs, 40 times.
	for ((i = 0; i < 40; i++)); do
		words+=(7a73="\\0\\x08\\0\\0$begin$nuls")
		begin=
	done
	frames answer='HANDLER OK\n' end end "${words[@]}" end shutdown > said
	timeout 20 zr-connect exec:"cat said; cat > heard" env ZR_EXTENSIONS=zr-zstd-1 \
	    zr-dataconn -r 30M -S client.json -o answer Send "$REQUEST" | cmp - <(head -c 20971520 /dev/zero)
	jq -e '.compressed_frames == 40 and .wire_bytes < 2000 and .waited_for_rate > 0.3 and .exit == 0' client.json
	endpoint
	head -c 1000000 /dev/zero > stream
	{ echo "$REQUEST"; cat stream; } | zr-remote -z "exec:zr-handshake accept zr-mux accept \
	    zr-dataconn -r 1M -S server.json serve $PWD/endpoint" Receive 9< <(echo 0) > answer
	cmp got stream
	eventually 10 test -s server.json
	jq -e '.compressed_frames > 0 and .wire_bytes < 10000 and .waited_for_rate > 0.4 and .exit == 0' server.json
}

@test "memory stays bounded whatever the stream's length, to compress and to inflate" {
	endpoint 'echo "{}"; head -c 100000000 /dev/zero; grep VmHWM /proc/$PPID/status > peak'
	zr-remote -z -o answer "$(served '')" Send "$REQUEST" | cat > /dev/null
	cat peak
	[ "$(awk '{ print $2 }' peak)" -lt "$(($(memory_limit) + 20000))" ]
	endpoint 'cat > /dev/null; grep VmHWM /proc/$PPID/status > peak; echo "{}"'
	head -c 100000000 /dev/zero | zr-remote -z -o answer "$(served '')" Receive "$REQUEST"
	cat peak
	[ "$(awk '{ print $2 }' peak)" -lt "$(($(memory_limit) + 6000))" ]
}
