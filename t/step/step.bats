# zr-step: one replication step between two endpoints.
load ../lib/helper

REQUEST='{"Filesystem":"a/data","From":{"Name":"one","Guid":"11","CreateTXG":"1","Creation":"2026-01-01T00:00:00Z"},"To":{"Name":"two","Guid":"12","CreateTXG":"2","Creation":"2026-01-01T00:00:01Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}'

# A sender and a receiver: they log what they are asked; the receiver keeps
# the stream only when its producer says that it was whole.
endpoints() {
	cat > sender <<-'END'
		#!/bin/sh
		read -r request
		printf '%s %s\n' "$1" "$request" >> sender.log
		echo "${ZR_VERDICT-none} ${ZR_PROGRESS-none}" >> sender.environment
		[ "$1" = Send ] || { echo '{}'; exit 0; }
		echo "${ANSWER-{\}}"
		cat stream
	END
	cat > receiver <<-'END'
		#!/bin/sh
		printf '%s %s\n' "$1" "$2" >> receiver.log
		cat > partial
		read -r verdict <&"$ZR_VERDICT" || verdict=EOF
		printf '%s\n' "$verdict" > verdict
		[ "$verdict" = 0 ] || { echo "receiver: not whole" >&2; exit 1; }
		mv partial stored
		echo "{\"bytes\":$(wc -c < stored)}" >&"$ZR_PROGRESS"
		echo '{}'
	END
	chmod +x sender receiver
	head -c 3000001 /dev/urandom > stream
}

step() {
	run -"$1" --separate-stderr zr-step "${@:2}" "$REQUEST"
}

@test "a step is Send, Receive with the sender's stream, SendCompleted" {
	endpoints
	step 0 -s ./sender -r ./receiver
	cmp stream stored
	[ "$(jq -c 'del(.seconds)' <<< "$output")" = '{"filesystem":"a/data","from":"one","to":"two","resumed":false,"bytes":3000001}' ]
	[ "$(cut -d ' ' -f 1 sender.log | paste -sd ' ')" = 'Send SendCompleted' ]
	sed -n 's/^Send //p' sender.log | jq -S . > a
	jq -S . <<< "$REQUEST" | cmp - a
	sed -n 's/^SendCompleted //p' sender.log | jq -S .OriginalReq | cmp - a
	[ "$(cat receiver.log | sed 's/^Receive //' | jq -c '[.Filesystem, .To.Name, .To.Guid, .ClearResumeToken, .From, .ReplicationConfig.protection.Initial]')" \
	    = '["a/data","two","12",true,null,"GuaranteeResumability"]' ]
	[ -z "$stderr" ]
}

@test "the request may come as the first line of standard input" {
	endpoints
	run -0 --separate-stderr zr-step -s ./sender -r ./receiver <<< "$REQUEST"
	cmp stream stored
}

@test "a resume token that is used leaves the receiver's state alone; -d maps the name" {
	endpoints
	ANSWER='{"UsedResumeToken":true,"ExpectedSize":"7"}' step 0 -d backup/data -s ./sender -r ./receiver
	sed 's/^Receive //' receiver.log | jq -e '.ClearResumeToken != true and .Filesystem == "backup/data"'
	jq -e .resumed <<< "$output"
}

@test "the receiver gets a descriptor for the verdict, both sides one for the progress" {
	endpoints
	ZR_PROGRESS=5 ZR_VERDICT=4 step 0 -s ./sender -r ./receiver 5> progress 4< /dev/null
	[ "$(sed -n 1p sender.environment | tr 0-9 N)" = 'none N' ]
	[ "$(sed -n 2p sender.environment)" = 'none none' ]
	[ "$(tail -n 1 progress)" = '{"bytes":3000001}' ]
}

@test "if the sender refuses, nothing is received and its reason is named" {
	endpoints
	step 1 -s 'echo "no such snapshot" >&2; exit 3; :' -r ./receiver
	[ "$stderr" = 'zr-step: a/data@two: sender: no such snapshot' ]
	[ ! -e receiver.log ]
	[ -z "$output" ]
}

@test "if the sender dies midway or fails after the whole stream, nothing is stored" {
	endpoints
	step 1 -s './sender "$@"; echo "pool suspended" >&2; exit 7; :' -r ./receiver
	stderr_has 'zr-step: a/data@two: sender: pool suspended; receiver: receiver: not whole'
	[ ! -e stored ]
	[ "$(cat verdict)" = 'pool suspended' ]
	step 1 -s './sender "$@" | head -c 1000; kill -9 $$; :' -r ./receiver
	stderr_has 'sender: endpoint ended by signal 9'
	[ ! -e stored ]
	run -1 grep SendCompleted sender.log
}

@test "a receiver that refuses early is the cause, not the sender's broken pipe" {
	endpoints
	step 1 -s ./sender -r 'echo "out of space" >&2; exit 1; :'
	stderr_has 'zr-step: a/data@two: receiver: out of space'
	[[ "$stderr" != *sender* ]]
	[ "$(cut -d ' ' -f 1 sender.log)" = Send ]
}

@test "an error is printed once, with its cause last, followed only by hints" {
	endpoints
	step 1 -s ./sender -r 'echo warning >&2; cat > /dev/null; echo "zr-x: out of space" >&2; echo "zr-x: hint: make some" >&2; exit 1; :'
	[ "$stderr" = 'zr-step: receiver: warning
zr-step: a/data@two: receiver: zr-x: out of space
zr-step: receiver: zr-x: hint: make some' ]
	# One that repeats what it was told has nothing to add.
	step 1 -s './sender "$@"; echo "pool suspended" >&2; exit 7; :' \
	    -r 'cat > /dev/null; read -r verdict <&$ZR_VERDICT; echo "incomplete: $verdict" >&2; exit 1; :'
	[ "$stderr" = 'zr-step: a/data@two: sender: pool suspended' ]
	# What a running one said last is shown all the same.
	cat > slow <<-'END'
		#!/bin/sh
		[ "$1" = Send ] || exec ./sender "$@"
		echo 'be patient' >&2
		until [ -e seen ]; do sleep 0.1; done
		exec ./sender "$@"
	END
	chmod +x slow
	background zr-step -s ./slow -r ./receiver "$REQUEST" > answer 2> log
	eventually 20 grep -qx 'zr-step: sender: be patient' log
	: > seen
	wait "${children[0]}"
	[ "$(wc -l < log)" -eq 1 ]
}

@test "status 255, as from ssh, is not taken for a signal" {
	endpoints
	step 1 -s 'echo "Permission denied (publickey)." >&2; exit 255; :' -r ./receiver
	[ "$stderr" = 'zr-step: a/data@two: sender: Permission denied (publickey).' ]
	step 1 -s 'exit 255; :' -r ./receiver
	[ "$stderr" = 'zr-step: a/data@two: sender: endpoint ended with status 255' ]
	step 1 -s 'exit 128; :' -r ./receiver
	stderr_has 'sender: endpoint ended with status 128'
	step 1 -s 'echo working >&2; kill -9 $$; :' -r ./receiver
	stderr_has 'sender: ended by signal 9 after saying: working'
}

@test "an answer that a start-up file printed is quoted" {
	endpoints
	step 98 -s 'printf "Welcome to \033[1mthis host\n{}\n"; :' -r ./receiver
	stderr_has 'sender: the answer is not JSON, but begins with "Welcome to \033[1mthis host" (does a shell start-up file print?)'
	step 98 -s ./sender -r 'cat > /dev/null; echo Welcome; echo {}; :'
	stderr_has 'receiver: the answer is not JSON, but begins with "Welcome"'
}

@test "if the receiver succeeds early, the rest is dropped and the step is done" {
	endpoints
	step 0 -s ./sender -r 'echo {}; :'
	[ "$(cut -d ' ' -f 1 sender.log | paste -sd ' ')" = 'Send SendCompleted' ]
}

@test "the standard error of both commands is shown, whatever their status" {
	endpoints
	step 0 -s 'echo "as $1" >&2; ./sender' -r 'echo in >&2; ./receiver'
	stderr_has 'zr-step: sender: as Send'
	stderr_has 'zr-step: sender: as SendCompleted'
	stderr_has 'zr-step: receiver: in'
}

@test "an invalid answer is a protocol error" {
	endpoints
	step 98 -s 'cat > /dev/null; :' -r ./receiver
	stderr_has 'sender: no answer line'
	step 98 -s 'echo {\"Bytes\":1}; :' -r ./receiver
	stderr_has 'sender: the answer: '
	step 98 -s 'head -c 100000 /dev/zero | tr "\0" x; :' -r ./receiver
	stderr_has 'sender: the answer is longer than 65536 bytes'
	step 98 -s ./sender -r 'cat > /dev/null; :'
	stderr_has 'receiver: no answer line'
	step 98 -s ./sender -r 'cat > /dev/null; echo {}; echo {}; :'
	stderr_has 'receiver: more than one answer line'
}

@test "an endless answer keeps nobody waiting" {
	endpoints
	yes | tr -d '\n' | head -c 3000000 > stream
	ends() {
		run -98 --separate-stderr timeout 60 zr-step "${@:2}" "$REQUEST"
		stderr_has "$1: the answer is longer than 65536 bytes"
	}
	ends receiver -s ./sender -r 'tee copy; :'
	ends receiver -s ./sender -r 'cat > /dev/null; cat stream; exit; :'
	run -1 grep SendCompleted sender.log
	ends 'received, but SendCompleted failed: sender' \
	    -s '[ "$1" = Send ] || exec cat stream; ./sender' -r ./receiver
}

@test "the error of a failed SendCompleted says that the snapshot was received" {
	endpoints
	step 1 -s '[ "$1" = Send ] || { echo "no bookmark for you" >&2; exit 1; }; ./sender' -r ./receiver
	stderr_has 'received, but SendCompleted failed: sender: no bookmark for you'
	cmp stream stored
}

@test "text from a peer is never evaluated" {
	endpoints
	REQUEST=${REQUEST/a\/data/\`touch pwned\`\$(touch pwned)\'\;touch pwned\;\'}
	step 0 -s ./sender -r ./receiver
	[ ! -e pwned ]
	grep -qF '`touch pwned`$(touch pwned)' receiver.log
}

@test "a request that would crash zrepl is refused before anything runs" {
	endpoints
	REQUEST='{"Filesystem":"a"}'
	step 100 -s ./sender -r ./receiver
	REQUEST='{"Filesystem":"a","Filesystems":1}'
	step 100 -s ./sender -r ./receiver
	stderr_has 'Filesystems'
	[ ! -e sender.log ]
}

@test "SIGTERM ends both commands and their children, and is the exit code" {
	endpoints
	cat > sleeper <<-'END'
		#!/bin/sh
		case $1 in Send) echo '{}' ;; esac
		sleep 600 &
		echo $! > "pid.$1"
		wait
	END
	chmod +x sleeper
	background zr-step -s './sleeper "$@"; :' -r './sleeper "$@"; :' "$REQUEST" 2> log
	eventually 20 test -s pid.Send
	eventually 20 test -s pid.Receive
	kill "${children[0]}"
	status=0
	wait "${children[0]}" || status=$?
	[ "$status" -eq 143 ]
	grep -q 'ended by signal 15' log
	eventually 10 gone "$(cat pid.Send)"
	eventually 10 gone "$(cat pid.Receive)"
}

@test "a command that cannot be found is the endpoint's error" {
	step 1 -s /nonexistent/sender -r true
	stderr_has '/nonexistent/sender'
}
