# Data connections that take their time: heartbeats, time limits, slow readers.
load helper
load frames

@test "12 s before the answer and 12 s in mid-stream: heartbeats, as recorded" {
	for name in d10-send-heartbeats-12s-handler-delay d11-send-heartbeats-12s-midstream-pause; do
		for role in server client; do
			background "$BATS_TEST_DIRNAME/replay.py" $role $name.data
		done
	done
	for pid in "${children[@]}"; do
		wait "$pid"
	done
}

@test "a silent client is found after 10 s (exit 99) and told Shutdown" {
	# It sends nothing at all: the recorded one of r06.
	replay=$BATS_TEST_DIRNAME/replay.py
	run --separate-stderr "$replay" server r06-data-idle-no-heartbeats.data
	[ "$status" -eq 0 ]
	[[ "$output" == *"exit 99"* ]]
	stderr_has "the peer has sent nothing for 10 seconds"
}

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

@test "who waits for an endpoint, or for a client to go, sleeps" {
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
