# zr-dump, on what zrepl said and on what we say.
load ../lib/helper
load ../lib/frames

RECORDINGS=$DATA/recordings

# both NAME: of a recording, client's and server's side.
both() {
	run --separate-stderr zr-dump "$RECORDINGS/$1.c2s.bin" "$RECORDINGS/$1.s2c.bin"
}

# whole FILE DIRECTION: are the offsets and sizes without a gap?  Some things
# stand inside of others: a message in its DATA frames, a heartbeat anywhere.
whole() {
	sort -snk 2,2 | awk -v direction="$2" -v size="$(stat -c %s "$1")" '
	    $1 == direction { if ($2 > at) { print "gap at", at; exit 1 }; if ($2 + $3 > at) at = $2 + $3 }
	    END { if (at != size) { print "ends at", at, "of", size; exit 1 } }'
}

@test "every recording of correct peers is explained to its last byte, on both sides" {
	local name client count=0
	for client in "$RECORDINGS"/[cdv]*.c2s.bin "$RECORDINGS"/ssh-stdinserver/*.c2s.bin; do
		name=${client#"$RECORDINGS/"}
		name=${name%.c2s.bin}
		case $name in
		c17*) continue ;;	# ends in the middle of an answer, see below
		esac
		[ -e "$RECORDINGS/$name.s2c.bin" ] || continue
		both "$name"
		[ "$status" -eq 0 ] || { echo "$name: $stderr"; return 1; }
		whole "$client" '>' <<< "$output" || { echo "$name"; return 1; }
		whole "$RECORDINGS/$name.s2c.bin" '<' <<< "$output" || { echo "$name"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -gt 30 ]
}

@test "a data connection is explained" {
	both d02-send-1MiB.data
	[ "$status" -eq 0 ]
	diff - <(echo "$output") <<-'END'
	> 0 67 banner version 7
	> 67 64 label zrepl_data
	> 131 112 request "/v1/send" SendReq {"Filesystem":"pool/a","To":{"Name":"zrepl_20240102_000000_000","Guid":"2","CreateTXG":"200","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}
	> 243 8 shutdown
	< 0 67 banner version 7
	< 67 47 response SendRes {"ExpectedSize":"1048576"}
	< 114 1048600 stream of 1048576 bytes in 2 frames
	< 1048714 8 shutdown
	END
	both d03-send-midstream-error.data
	[[ $output = *'stream failed "simulated send stream error: dataset is busy"'* ]]
	both d07-send-handler-error.data
	[[ $output = *'< 67 '*' error "'* ]]
	both d10-send-heartbeats-12s-handler-delay.data
	[[ $output = *'< 67 8 heartbeat'* ]]
}

@test "compressed frames are counted, and their bytes are those of the stream" {
	local hello='\x28\xb5\x2f\xfd\x00\x58\x29\x00\x00hello'
	{
		printf '0000000066 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-1\n'
		frames answer='HANDLER OK\n' end end 7a73="\\0\\0\\0\\5$hello" stream=abc end shutdown
	} > said
	run -0 --separate-stderr zr-dump /dev/null said
	diff <(echo "$output") - <<-'END'
	< 0 77 banner version 7 1 extensions "zr-zstd-1\n"
	< 77 35 response message of 0 bytes
	< 112 45 stream of 8 bytes in 2 frames, 1 compressed
	< 157 8 shutdown
	END
}

@test "a compressed frame is allowed where both banners agree to it, and nowhere else" {
	local hello='\x28\xb5\x2f\xfd\x00\x58\x29\x00\x00hello' bare with
	bare='0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0000\n'
	with='0000000066 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-1\n'
	# said CLIENT'S-BANNER SERVER'S-BANNER: Receive, with compressed frames both ways.
	said() {
		{ printf "$1"; head -c 131 "$RECORDINGS/d04-receive-1MiB.data.c2s.bin" | tail -c 64
		    frames request=/v1/recv end end 7a73="\\0\\0\\0\\5$hello" end shutdown; } > asked
		{ printf "$2"; frames answer='HANDLER OK\n' end end shutdown; } > answered
		{ printf "$1"; head -c 131 "$RECORDINGS/d02-send-1MiB.data.c2s.bin" | tail -c 64
		    frames request=/v1/send end end shutdown; } > asked-send
		{ printf "$2"; frames answer='HANDLER OK\n' end end stream=ab 7a73="\\0\\0\\0\\5$hello" \
		    end shutdown; } > answered-send
	}
	said "$with" "$with"
	run -0 --separate-stderr zr-dump asked answered
	grep -qx '> 0 77 banner version 7 1 extensions "zr-zstd-1\\n"' <<< "$output"
	grep -qx '< 0 77 banner version 7 1 extensions "zr-zstd-1\\n", agreed: zr-zstd-1' <<< "$output"
	grep -q 'stream of 5 bytes in 1 frames, 1 compressed' <<< "$output"
	run -0 zr-dump asked-send answered-send
	grep -q 'stream of 7 bytes in 2 frames, 1 compressed' <<< "$output"
	# Not offered: as unknown to a server as it is to us.
	said "$bare" "$with"
	run -98 --separate-stderr zr-dump asked
	stderr_has 'at offset 163: unknown frame type 0x00007a73'
	run -98 --separate-stderr zr-dump asked-send answered-send
	stderr_has 'at offset 122: unknown frame type 0x00007a73'
	grep -qx '< 0 77 banner version 7 1 extensions "zr-zstd-1\\n", agreed: none' <<< "$output"
	# Offered, and not agreed to, which the client's bytes alone do not tell.
	said "$with" "$bare"
	run -0 zr-dump asked
	run -98 --separate-stderr zr-dump asked answered
	stderr_has 'at offset 0: the client has sent a compressed frame, at its offset 173, to which this banner does not agree'
	grep -qx '< 0 67 banner version 7, agreed: none' <<< "$output"
	run -98 --separate-stderr zr-dump -r answered-send
	stderr_has 'at offset 112: unknown frame type 0x00007a73'
}

@test "a control connection is explained" {
	both c02-list.control
	[ "$status" -eq 0 ]
	for line in '> 131 24 preface' '> 252 5 message 1 ListFilesystemReq {}' \
	    '< 67 15 SETTINGS MAX_FRAME_SIZE=16384' '> 257 17 PING ACK 02041010090e0707' \
	    '< 222 33 HEADERS 1 END_STREAM grpc-status="0" grpc-message=""' \
	    '> 304 42 GOAWAY last=1 NO_ERROR "client transport shutdown"'; do
		grep -qxF -- "$line" <<< "$output" || { echo "$line"; false; }
	done
	[[ $output = *'< 153 69 message 1 ListFilesystemRes {"Filesystems":[{"Path":"pool/a"},'* ]]
	both c04-versions-5000.control
	[ "$(grep -c '^< .* message 1 ListFilesystemVersionsRes ' <<< "$output")" -eq 1 ]
	both c14-client-timeout-cancel.control
	[[ $output = *'RST_STREAM 1 CANCEL'* ]]
	both c12-all-calls-one-connection.control
	[ "$(grep -c ' message [0-9]* [A-Za-z]*Req ' <<< "$output")" -eq "$(grep -c ' message [0-9]* [A-Za-z]*Res ' <<< "$output")" ]
}

@test "inside ssh, the greeting is explained first" {
	both ssh-stdinserver/11619
	[ "$status" -eq 0 ]
	grep -qx '> 0 31 greeting SSHCON_BEGIN' <<< "$output"
	grep -qx '< 0 31 greeting SSHCON_HELO' <<< "$output"
}

@test "the server's side alone can be explained" {
	run -0 zr-dump -r "$RECORDINGS/c02-list.control.s2c.bin"
	grep -qx '< 153 69 message 1 message of 64 bytes' <<< "$output"
	run -0 zr-dump -r -m ListFilesystems "$RECORDINGS/c02-list.control.s2c.bin"
	[[ $output = *'message 1 ListFilesystemRes {"Filesystems"'* ]]
	run -0 zr-dump -r -m Send "$RECORDINGS/d02-send-1MiB.data.s2c.bin"
	[[ $output = *'response SendRes {"ExpectedSize":"1048576"}'* ]]
	run -0 zr-dump -r "$RECORDINGS/d02-send-1MiB.data.s2c.bin"
	[[ $output = *'response message of 4 bytes'* ]]
}

@test "the place and the fault of invalid bytes are named" {
	while read -r name offset text; do
		run -98 --separate-stderr zr-dump "$RECORDINGS/$name.c2s.bin"
		stderr_has "at offset $offset: $text"
	done <<-'END'
	r02-wrong-label.data 67 unknown label "zrepl_bogus"
	r05-data-unknown-frame-type.data 131 unknown frame type 0x00000063
	r14-data-unknown-frame-type-2-bytes.data 131 unknown frame type 0x00000063
	r09-data-oversize-reqheader-40000.data 131 the request header is longer than 32768 bytes
	END
	run -98 --separate-stderr zr-dump -r "$RECORDINGS/c02-list.control.c2s.bin"
	stderr_has "at offset 67: a label: these are the client's bytes"
	run -98 --separate-stderr zr-dump "$RECORDINGS/c02-list.control.s2c.bin"
	stderr_has "at offset 67: no label: are these the server's bytes?"
	both c17-versions-100000-over-4MiB.control
	[ "$status" -eq 98 ]
	stderr_has "the bytes end in the middle of a message of stream 1"
	# An HTTP/2 frame of 70000 bytes, behind the connection's preface, is none of that.
	{ head -c 155 "$RECORDINGS/c02-list.control.c2s.bin"; printf '\x01\x11\x70\x20\0\0\0\0\0'
	    head -c 70000 /dev/zero; } > long
	run -0 zr-dump long
	[[ "$output" == *'70009 frame of unknown type'* ]]
	while IFS='|' read -r bytes text; do
		run -98 --separate-stderr zr-dump <(printf "$bytes")
		stderr_has "$text"
	done <<-'END'
	GET / HTTP/1.1\r\n\r\n|this is not zrepl but an HTTP
	SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n|this is not zrepl but an SSH
	\026\003\001\002|this is not zrepl but a TLS
	00000|the bytes end in the middle of the banner
	0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0000 EXTENSIONS=0000\n|says protocol version 0
	END
}

@test "a stream that ends in the middle of its message is reported" {
	local call=$RECORDINGS/c02-list.control
	{ head -c 243 "$call.c2s.bin"; printf '\0\0\3\0\1\0\0\0\1\0\0\0'; } > bytes
	run -98 --separate-stderr zr-dump bytes
	stderr_has 'at offset 243: stream 1 ends in the middle of its message'
	# Of the answer's 69 bytes 40, and then the trailers.
	{
		head -c 144 "$call.s2c.bin"
		printf '\0\0\50\0\0\0\0\0\1'
		tail -c +154 "$call.s2c.bin" | head -c 40
		tail -c +223 "$call.s2c.bin"
	} > bytes
	run -98 --separate-stderr zr-dump -r bytes
	stderr_has 'at offset 193: stream 1 ends in the middle of its message'
	# Who resets a stream may do so anywhere.
	{
		head -c 243 "$call.c2s.bin"
		printf '\0\0\3\0\0\0\0\0\1\0\0\0\0\0\4\3\0\0\0\0\1\0\0\0\10'
	} > bytes
	run -0 zr-dump bytes
	[[ $output = *'RST_STREAM 1 CANCEL' ]]
}

@test "streams without an end are reported, too" {
	both r10-data-client-RST-frame-mid-request.data
	[ "$status" -eq 0 ]
	[[ $output = *$'\n> 131 16 unfinished\n> 147 8 shutdown\n'* ]]
	both r06-data-idle-no-heartbeats.data
	[ "$status" -eq 0 ]
	[[ $output = *$'\n< 75 8 heartbeat\n< 83 8 shutdown' ]]
	{ head -c 155 "$RECORDINGS/d02-send-1MiB.data.c2s.bin"; printf '\0\0\0c\0\0\0\0'; } > bytes
	run -98 --separate-stderr zr-dump bytes
	[ "${lines[2]}" = '> 131 24 unfinished' ]
	stderr_has 'at offset 155: unknown frame type 0x00000063'
}

@test "every cut of a connection is reported, and never more than its bytes" {
	for name in d01-ping+c01-ping.data c02-list.control; do
		size=$(stat -c %s "$RECORDINGS/$name.c2s.bin")
		zr-dump "$RECORDINGS/$name.c2s.bin" > all
		for ((cut = 1; cut < size; cut += 3)); do
			head -c "$cut" "$RECORDINGS/$name.c2s.bin" > some
			code=0
			zr-dump some > lines 2> errors || code=$?
			case $code in
			0) [ ! -s errors ] ;;
			98) [ "$(wc -l < errors)" -eq 1 ] ;;
			*) echo "$cut: $code"; return 1 ;;
			esac
			# What is told is what is told of the whole.
			[ -z "$(grep -vxFf all lines)" ] || { echo "$cut"; return 1; }
		done
	done
}

@test "a connection can be watched while it lasts" {
	mkfifo pipe
	exec 8<> pipe
	background zr-dump < pipe > lines 8>&-
	head -c 100 "$RECORDINGS/c02-list.control.c2s.bin" >&8
	eventually 10 grep -q banner lines
	[ "$(wc -l < lines)" -eq 1 ]
	tail -c +101 "$RECORDINGS/c02-list.control.c2s.bin" >&8
	eventually 10 grep -q 'client transport shutdown' lines
	exec 8>&-
	wait "${children[0]}"
}

@test "recordings that socat makes as in the manual page are explained" {
	mkdir archive
	background zr-listen -1 tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve -b zr-endpoint archive "$PWD/archive" > port
	eventually 10 test -s port
	zr-connect exec:"socat -r asked -R answered - tcp:127.0.0.1:$(cat port)" \
	    zr-handshake connect zr-mux connect zrepl_control zr-rpc ListFilesystems '{}'
	run -0 zr-dump asked answered
	[[ $output = *'message 1 ListFilesystemReq {}'*'message 1 ListFilesystemRes {}'* ]]
	rm asked answered	# socat appends
	zr-connect exec:"socat -r asked -R answered - tcp:127.0.0.1:$(cat port)" \
	    zr-handshake connect zr-mux connect zrepl_data zr-dataconn Ping '{"Message":"hello"}'
	run -0 zr-dump asked answered
	[[ $output = *'PingReq {"Message":"hello"}'*'PingRes {"Echo":"hello"}'* ]]
}

@test "bytes that control a terminal are not shown, not even inside JSON" {
	{
		head -c 131 "$RECORDINGS/d01-ping+c01-ping.data.c2s.bin"
		frames request=/v1/ping end message='\n\012\302\233[31m\177\033\303\251' end
	} > bytes
	run -0 zr-dump bytes
	[ "${lines[2]#* * * }" = 'request "/v1/ping" PingReq {"Message":"\u009B[31m\u007F\u001Bé"}' ]
}

@test "usage errors and unreadable files are refused" {
	run -100 zr-dump -x
	run -100 zr-dump a b c
	run -100 zr-dump -m Nonsense
	run -100 --separate-stderr zr-dump -m Send /dev/null /dev/null
	stderr_has '-m is for -r'
	run -111 zr-dump nowhere
	code=0
	zr-dump "$RECORDINGS/d02-send-1MiB.data.c2s.bin" > /dev/full 2> errors || code=$?
	[ "$code" -eq 111 ]
	grep -qx 'zr-dump: standard output: No space left on device' errors
}
