# Data connections that take their time: heartbeats, time limits, slow readers.  Those
# that were recorded are in replay/time.bats.
# Takes long
load ../lib/helper
load ../lib/frames

# silent NAME OPTION...: our server, and the endpoint NAME, for a client that says
# what is in NAME.said and from then on neither says nor takes anything, but does
# not go.  To NAME.end go the exit code and the seconds of processor time.
silent() {
	mkfifo "$1.in" "$1.out"
	chmod +x "$1"
	background /usr/bin/python3 - "$@" <<-'PY'
	import os, resource, subprocess, sys
	name = sys.argv[1]
	ends = [os.open(name + end, os.O_RDWR) for end in (".in", ".out")]
	server = subprocess.Popen(["zr-dataconn", *sys.argv[2:], "serve", f"./{name}"], stdin=ends[0], stdout=ends[1])
	with open(name + ".said", "rb") as said:
	    os.write(ends[0], said.read())
	code = server.wait()
	used = resource.getrusage(resource.RUSAGE_CHILDREN)
	print(code, used.ru_utime + used.ru_stime, file=open(name + ".end", "w"))
	PY
}

@test "the server sleeps while it waits for an endpoint or for a client's end" {
	local name message='\n\03a/b\032\033\022\001s\030\001*\0242024-01-02T00:00:00Z2\006\n\004\010\001\020\002'
	local receive='\n\03a/b\022\033\022\001s\030\001*\0242024-01-02T00:00:00Z"\006\n\004\010\001\020\002'
	printf '#!/bin/bash\ncat > /dev/null; sleep 15; echo "{}"\n' | tee whole > shutdown
	frames request=/v1/recv end message="$receive" end stream=ab end > whole.said
	{ cat whole.said; frames shutdown; } > shutdown.said
	printf '#!/bin/bash\ntrap "" TERM; read -r request; echo "{}"; cat /dev/zero; sleep 600\n' > send
	frames request=/v1/send end message="$message" end > send.said
	printf '#!/bin/bash\ntrap "" TERM; sleep 600\n' > still
	printf '#!/bin/bash\nread -r request; sleep 5; echo "{}"\n' > drain
	frames request=/v1/ping end end | tee drain.said > still.said
	# Of this request not all has room in a pipe; nobody reads it.
	cp still unread
	frames request=/v1/ping end message="\n\240\215\006$(printf %0100000d 0)" end heartbeat > unread.said
	silent whole
	silent shutdown
	silent send
	silent still -T 1
	silent drain
	silent unread
	wait "${children[@]}"
	for name in whole:0 shutdown:0 send:99 still:99 drain:0 unread:99; do
		echo "$name: $(cat "${name%:*}.end")"
		# An endpoint of bash needs a little.
		awk -v code="${name#*:}" -v most="$([[ $ZR_BUILD = *sanitize* ]] && echo 1 || echo 0.25)" \
		    '$1 != code || $2 > most { exit 1 }' "${name%:*}.end"
	done
}

# alive NAME OPTION...: our server for a client that says what is in NAME.said and
# then heartbeats, as long as it can; it takes no more than a byte each time, and
# does not go.  To NAME.end go the server's exit code and its words.
alive() {
	background timeout $PATIENCE /usr/bin/python3 - "$@" <<-'PY'
	import socket, subprocess, sys, time
	name = sys.argv[1]
	ours, theirs = socket.socketpair()
	theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
	server = subprocess.Popen(["zr-dataconn", *sys.argv[2:], "serve", "./endpoint"], stdin=theirs,
	    stdout=theirs, stderr=subprocess.PIPE)
	with open(name + ".said", "rb") as said:
	    ours.sendall(said.read())
	ours.setblocking(False)
	while server.poll() is None:
	    time.sleep(0.2)
	    try:
	        ours.send(bytes([1, 0, 0, 0, 0, 0, 0, 0]))
	        ours.recv(1)
	    except OSError:
	        pass
	print(server.wait(), server.stderr.read().decode(), file=open(name + ".end", "w"))
	PY
}

@test "a client that only sends heartbeats is disconnected" {
	local message='\n\03a/b\032\033\022\001s\030\001*\0242024-01-02T00:00:00Z2\006\n\004\010\001\020\002'
	local receive='\n\03a/b\022\033\022\001s\030\001*\0242024-01-02T00:00:00Z"\006\n\004\010\001\020\002'
	cat > endpoint <<-'END'
		#!/bin/bash
		read -r request
		case $1 in
		Ping) printf '{"Echo":"%01000000d"}\n' 0 ;;
		Send) echo refused >&2; exit 1 ;;
		Receive) cat > got; echo '{}' ;;
		esac
	END
	chmod +x endpoint
	frames request=/v1/re > request.said
	frames request=/v1/recv end message="$receive" end > begin.said
	{ cat begin.said; frames stream=ab; } > middle.said
	frames request=/v1/send end message="$message" end > refused.said
	frames request=/v1/ping end end > message.said
	alive request
	alive begin -t 2
	alive middle -t 2
	alive refused
	alive message
	wait "${children[@]}"
	head *.end
	[[ $(cat request.end) == "99 zr-dataconn: the client's request has not come in 30 seconds"* ]]
	[[ $(cat begin.end) == *"99 zr-dataconn: the client's stream stands still"* ]]
	[[ $(cat middle.end) == *"99 zr-dataconn: the client's stream stands still"* ]]
	[[ $(cat refused.end) == 1\ *'Send failed'* ]]
	[[ $(cat message.end) == 0\ * ]]
}

@test "a stream that moves from time to time is waited for" {
	printf '#!/bin/bash\nread -r request\ncat > got\necho "{}"\n' > endpoint
	chmod +x endpoint
	request='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'
	printf '#!/bin/bash\nfor i in 1 2 3; do echo $i; sleep 4; done | zr-dataconn Receive "$1"\n' > client
	chmod +x client
	run -0 timeout $PATIENCE "$HELPERS/pair.py" ./client "$request" -- zr-dataconn -t 10 serve ./endpoint
	[ "$(tr -d '\n' < got)" = 123 ]
}
