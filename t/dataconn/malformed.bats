# What nobody should say on a data connection (zr-protocol(7)), to our server and
# to our client: one line says what it was, at once, and nothing is run or kept.
# For banners and labels see transport/handshake and transport/mux, for HTTP/2
# rpc/faults.
load ../lib/helper
load ../lib/frames

# served CODE TEXT: our server, to which "said" is said.
served() {
	printf '#!/bin/sh\nread -r request; touch ran; echo "{}"\n[ "$1" != Send ] || echo stream\n' > endpoint
	chmod +x endpoint
	stderr=$(timeout 8 zr-dataconn serve "$PWD/endpoint" < said 2>&1 > heard 3>&-) && status=0 || status=$?
	[ "$status" -eq "$1" ] && [ "$stderr" = "zr-dataconn: $2" ] && [ ! -e ran ] ||
		{ echo "exit $status, not $1"; echo "got  $stderr"; echo "want zr-dataconn: $2"; return 1; }
}

# called CODE TEXT: our client's Send, to which "said" is answered.
called() {
	local request='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'
	local peer="cat said; /usr/bin/python3 -c 'import socket; socket.socket(fileno=0).shutdown(1)'; cat > heard"
	stderr=$(timeout 8 zr-connect exec:"$peer" zr-dataconn Send "$request" \
	    2>&1 > got < /dev/null 3>&-) && status=0 || status=$?
	[ "$status" -eq "$1" ] && [ "$stderr" = "${2:+zr-dataconn: $2}" ] ||
		{ echo "exit $status, not $1"; echo "got  $stderr"; echo "want zr-dataconn: $2"; return 1; }
}

@test "a request made of invalid frames is an error" {
	while IFS='|' read -r words text; do
		echo "$words"
		eval "frames $words" > said
		served 98 "$text"
	done <<-'END'
	63=x|unknown frame type 0x00000063
	63=xy|unknown frame type 0x00000063
	ffffffff|unknown frame type 0xffffffff
	answer='HANDLER OK\n'|unexpected ResHeader frame inside ReqHeader
	stream=ab|unexpected ZFSStream frame inside ReqHeader
	message=ab|unexpected ReqStructured frame inside ReqHeader
	request=/v1/ping message=ab|unexpected ReqStructured frame inside ReqHeader
	request=/v1/ping end=ab|an End frame has a payload of 2 bytes
	request=/v1/ping error=no end|the peer failed inside the request header: no
	request=/v1/ping error=no request=/v1|unexpected ReqHeader frame after an error trailer of ReqHeader
	heartbeat=x|a Heartbeat frame has a payload of 1 bytes
	shutdown=xy|a Shutdown frame has a payload of 2 bytes
	request=/v1/ping end request=/v1|unexpected ReqHeader frame inside ReqStructured
	request=/v1/recv end stream=ab|unexpected ZFSStream frame inside ReqStructured
	request=/v1/send end message=ab error=no end|the peer failed inside the request message: no
	request=/v1/send end message=ab shutdown|the client ended the connection
	shutdown|the client ended the connection
	END
}

@test "a request that ends too early or is too long is an error" {
	while IFS='|' read -r bytes text; do
		echo "$bytes"
		printf "$bytes" > said
		served 98 "$text"
	done <<-'END'
	\0\0|connection closed in the middle of a frame of the request header
	\0\0\0\01\0\0\0\010/v1|connection closed in the middle of a frame of the request header
	\0\0\0\01\0\0\0\010/v1/ping|connection closed before the end of the request header
	\0\0\0\01\0\0\0\010/v1/ping\0\02\0\0\0\0\0\0|connection closed before the end of the request message
	\0\0\0\01\0\0\200\01|the request header is longer than 32768 bytes
	\0\0\0\01\377\377\377\377|the request header is longer than 32768 bytes
	\0\0\0\01\0\0\0\010/v1/ping\0\02\0\0\0\0\0\0\0\0\0\02\377\377\377\377|the request message is longer than 4194304 bytes
	END
}

@test "a client that closes the connection without a request is no error" {
	printf '#!/bin/sh\ntouch ran\n' > endpoint
	chmod +x endpoint
	for beats in '' heartbeat 'heartbeat heartbeat'; do
		# shellcheck disable=SC2086 # words
		frames $beats > said
		timeout 8 zr-dataconn serve "$PWD/endpoint" < said 2> errors > heard 3>&-
		[ ! -s errors ]
		[ ! -e ran ]
	done
}

@test "a request that would crash zrepl is answered with its fault" {
	local to='\032\033\022\001s\030\001*\0242024-01-02T00:00:00Z' config='2\006\n\004\010\001\020\002'
	while IFS='|' read -r message text; do
		echo "$message"
		message=${message//TO/$to}
		frames request=/v1/send end message="${message//CONFIG/$config}" end shutdown > said
		served 1 "$text"
		cmp heard <(frames answer="HANDLER ERROR:\n$text" end shutdown)
	done <<-'END'
	\377\377|request: 2 bytes are not a SendReq message
	\n\03a/b\032|request: 6 bytes are not a SendReq message
	\n\02a\377TOCONFIG|request: SendReq: Filesystem: is not UTF-8
	\n\03a/bTO|request: ReplicationConfig.protection is missing
	\n\03a/bCONFIG|request: To is missing
	\n\05a/../TOCONFIG|request: Filesystem has a component ".."
	\n\03a/b\032\003\022\001sCONFIG|request: To: Creation is not a time in RFC 3339: ""
	\n\03a/b\032\033\022\001@\030\001*\0242024-01-02T00:00:00ZCONFIG|request: To: Name is not the name of a snapshot or bookmark: "@"
	\n\03a/b\032\033\022\001s\010\007*\0242024-01-02T00:00:00ZCONFIG|request: To: Type is neither Snapshot nor Bookmark: 7
	\n\03a/b\022\035\022\003a@s\030\001*\0242024-01-02T00:00:00ZTOCONFIG|request: From: Name is not the name of a snapshot or bookmark: "a@s"
	\n\03a/b\022\033\022\001s\010\007*\0242024-01-02T00:00:00ZTOCONFIG|request: From: Type is neither Snapshot nor Bookmark: 7
	END
}

@test "a Receive and recorded clients that violate the protocol are errors" {
	frames request=/v1/recv end message='\n\03a/b\022\033\022\001s\030\001*\0242024-01-02T00:00:00Z' end stream=ab end > said
	served 1 "request: ReplicationConfig.protection is missing"
	frames request=/v1/recv end message='\n\03a/b"\006\n\004\010\001\020\002' end stream=ab end > said
	served 1 "request: To is missing"
	frames request=/v1/recv end message='\n\05a/../\022\033\022\001s\030\001*\0242024-01-02T00:00:00Z"\006\n\004\010\001\020\002' end \
	    stream=ab end > said
	served 1 'request: Filesystem has a component ".."'
	while IFS='|' read -r name code text; do
		tail -c +132 "$DATA/recordings/$name.data.c2s.bin" > said
		served "$code" "$text"
	done <<-'END'
	r04-data-unknown-endpoint|1|requested endpoint does not exist
	r05-data-unknown-frame-type|98|unknown frame type 0x00000063
	r09-data-oversize-reqheader-40000|98|the request header is longer than 32768 bytes
	r10-data-client-RST-frame-mid-request|98|the client ended the connection
	r14-data-unknown-frame-type-2-bytes|98|unknown frame type 0x00000063
	END
}

@test "an invalid answer is an error" {
	while IFS='|' read -r words text; do
		echo "$words"
		eval "frames $words" > said
		called 98 "$text"
		[ ! -s got ]
	done <<-'END'
	63=x|unknown frame type 0x00000063
	request=/v1/send|unexpected ReqHeader frame inside ResHeader
	answer=HANDLER end|the response header is neither OK nor an error
	answer='HANDLER OK\nx' end|the response header is neither OK nor an error
	answer='HANDLER OK\n' end stream=ab|unexpected ZFSStream frame inside ResStructured
	answer='HANDLER OK\n' end result='\377\377' end|the peer's response: 2 bytes are not a SendRes message
	answer='HANDLER OK\n' end result=ab error=no end|the peer failed inside the response message: no
	shutdown|the peer ended the connection without an answer
	END
}

@test "an answer that is too long or ends too early is an error" {
	while IFS='|' read -r bytes text; do
		echo "$bytes"
		printf "$bytes" > said
		called 98 "$text"
		[ ! -s got ]
	done <<-'END'
	|connection closed before the end of the response header
	\0\0\0\03\0\0\0\013HANDLER|connection closed in the middle of a frame of the response header
	\0\0\0\03\0\0\0\013HANDLER OK\n|connection closed before the end of the response header
	\0\0\0\03\0\0\0\013HANDLER OK\n\0\02\0\0\0\0\0\0|connection closed before the end of the response message
	\0\0\0\03\0\0\200\01|the response header is longer than 32768 bytes
	\0\0\0\03\377\377\377\377|the response header is longer than 32768 bytes
	\0\0\0\03\0\0\0\013HANDLER OK\n\0\02\0\0\0\0\0\0\0\0\0\04\0\200\0\01|the response message is longer than 8388608 bytes
	END
}

@test "a stream that is invalid or ends too early is an error" {
	while IFS='|' read -r words text; do
		echo "$words"
		eval "frames answer='HANDLER OK\n' end end $words" > said
		called 98 "$text"
		[ "$(head -n 1 got)" = '{}' ]
	done <<-'END'
	stream=ab error=no stream=ab|unexpected ZFSStream frame after an error trailer of ZFSStream
	stream=ab result=ab|unexpected ResStructured frame inside ZFSStream
	stream=ab 63=x|unknown frame type 0x00000063
	stream=ab shutdown|the peer ended the connection without a whole stream
	shutdown|the peer ended the connection without a whole stream
	stream=ab|connection closed before the end of the ZFS stream
	|connection closed before the end of the ZFS stream
	END
}

@test "we can read frames of one byte, which zrepl cannot" {
	frames answer='HANDLER OK\n' end end stream=a stream=b end shutdown > said
	called 0 ''
	cmp got <(printf '{}\nab')
	printf '#!/bin/sh\nread -r request; cat > stored; echo "{}"\n' > endpoint
	chmod +x endpoint
	frames request=/v1/recv end message='\n\03a/b\022\033\022\001s\030\001*\0242024-01-02T00:00:00Z"\006\n\004\010\001\020\002' end \
	    stream=a stream=b end shutdown > said
	zr-dataconn serve "$PWD/endpoint" < said > heard
	[ "$(cat stored)" = ab ]
	cmp heard <(frames answer='HANDLER OK\n' end end shutdown)
	"$HELPERS/replay.py" client r15-send-1-byte-last-frame-client-PANICS.data
}
