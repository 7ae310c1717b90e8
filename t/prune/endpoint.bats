# zr-prune at an endpoint: what is destroyed, what is left alone, and what can fail.
load ../lib/helper
load ../lib/archive

# endpoint FILESYSTEM:COUNT...: ./endpoint (python), with so many snapshots s0001 ... a
# minute apart, the youngest a minute ago.  Each call is a line of "calls", each request
# to destroy one of "requests".  The file "special" is run in it at each such request:
# it may set "results" or "end".
endpoint() {
	cat > endpoint <<-END
		#!/usr/bin/env -S python3 -I
		import datetime, json, os, sys, threading, time
		START = $(($(date +%s) - 60))
		HAS = "$*"
	END
	cat >> endpoint <<-'END'
		def version(i, count):
		    when = datetime.datetime.fromtimestamp(START - 60 * (count - i), datetime.timezone.utc)
		    return {"Name": "s%04d" % i, "Guid": str(i), "CreateTXG": str(i),
		            "Creation": when.strftime("%Y-%m-%dT%H:%M:%SZ")}
		def note(file, text):
		    with open(file, "a") as out:
		        out.write(text + "\n")
		lock, running = threading.Lock(), 0
		def answer(id, **more):
		    with lock:
		        os.write(1, (json.dumps(dict(id=id, **more)) + "\n").encode())
		has = {}
		for word in HAS.split():
		    name, count = word.split(":")
		    has[name] = [version(i, int(count)) for i in range(1, int(count) + 1)]
		def call(id, method, request):
		    global running
		    note("calls", method + " " + request.get("Filesystem", ""))
		    if method == "ListFilesystems":
		        answer(id, response={"Filesystems": [{"Path": n} for n in has]})
		        return
		    filesystem = request["Filesystem"]
		    if method == "ListFilesystemVersions":
		        extra = json.load(open("extra")).get(filesystem, []) if os.path.exists("extra") else []
		        answer(id, response={"Versions": has[filesystem] + extra})
		        return
		    note("requests", json.dumps([s["Name"] for s in request["Snapshots"]]))
		    results = [{"Snapshot": s} for s in request["Snapshots"]]
		    with lock:
		        running += 1
		        note("running", str(running))
		    scope = dict(globals(), results=results, end=None, filesystem=filesystem, id=id)
		    if os.path.exists("special"):
		        exec(open("special").read(), scope)
		    with lock:
		        running -= 1
		    if scope["end"] is not None:
		        os._exit(scope["end"])
		    if scope["results"] is not None:
		        answer(id, response={"Results": scope["results"]})
		assert sys.argv[1:] == ["batch"]
		note("pids", str(os.getpid()))
		for line in sys.stdin:
		    c = json.loads(line)
		    if "method" in c:
		        threading.Thread(target=call, args=(c["id"], c["method"], c["request"]), daemon=True).start()
		time.sleep(0.1)
		while running:
		    time.sleep(0.02)
		os._exit(0)
	END
	chmod +x endpoint
	rm -f special extra calls requests running
}

# prune STATUS ARGUMENT...: of ./endpoint
prune() {
	run "-$1" --separate-stderr timeout "$PATIENCE" zr-prune -e 'exec ./endpoint' "${@:2}"
}

# summary TEXT: the last line of stderr
summary() {
	[ "${stderr##*$'\n'}" = "zr-prune: $1" ] || { printf 'stderr: %s\n' "$stderr"; return 1; }
}

destroys() {
	grep -c '^DestroySnapshots' calls || :
}

@test "without -y nothing is destroyed: it shows what would be" {
	endpoint a:3 b:2 empty:0
	prune 0 -k 'last_n 1'
	[ "$output" = $'a@s0001\na@s0002\nb@s0001' ]
	[ "$stderr" = 'zr-prune: 3 filesystems: 3 snapshots would go, 2 stay; nothing was changed' ]
	prune 0 -A -v -k 'last_n 1'
	[ "${lines[2]}" = 'a@s0003: kept by rule 1' ]
	prune 0 -j -A -k 'last_n 1'
	[ "$(jq -c '[.filesystem, .snapshot, .keep, .destroyed]' <<< "$output" | head -n 2 | tail -n 1)" = '["a","s0002",false,null]' ]
	prune 1 -k 'regex x'
	prune 0 -A -k 'regex x' b
	[ "$(destroys)" -eq 0 ]
}

@test "-y destroys what no rule keeps, the oldest first, and prints it once it is gone" {
	endpoint a:4 b:2 c:1
	prune 0 -y -k 'last_n 1'
	[ "$(sort <<< "$output")" = $'a@s0001\na@s0002\na@s0003\nb@s0001' ]
	summary '3 filesystems: 4 snapshots destroyed, 3 kept, 0 in use, 0 not destroyed'
	[ "$(sort requests)" = $'["s0001", "s0002", "s0003"]\n["s0001"]' ]
	endpoint a:3
	prune 0 -yv -k 'last_n 1'
	[ "$output" = $'a@s0003: kept by rule 1\na@s0001: destroyed\na@s0002: destroyed' ]
	prune 0 -yj -k 'last_n 2'
	[ "$(jq -c '[.snapshot, .keep, .destroyed]' <<< "$output" | paste -sd ' ')" = \
	    '["s0002",true,null] ["s0003",true,null] ["s0001",false,true]' ]
}

@test "operands limit it; one that matches nothing is named" {
	endpoint a:2 a/b:2 ab:2
	prune 1 -y -k 'last_n 1' a none
	[ "$(sort <<< "$output")" = $'a/b@s0001\na@s0001' ]
	stderr_has 'none: the endpoint has no such filesystem'
	endpoint
	prune 1 -y -k 'last_n 1'
	stderr_has 'zr-prune: the endpoint has no filesystem'
}

@test "6,000 snapshots of one filesystem: 2,500 in a call, one call after the other" {
	endpoint a:6003
	prune 0 -y -k 'last_n 3'
	[ "$(wc -l <<< "$output")" -eq 6000 ]
	summary '1 filesystem: 6000 snapshots destroyed, 3 kept, 0 in use, 0 not destroyed'
	[ "$(jq length requests | paste -sd ' ')" = '2500 2500 1000' ]
	[ "$(jq -r '.[0]' requests | paste -sd ' ')" = 's0001 s2501 s5001' ]
	[ "$(sort -u running)" = 1 ]
	[ "$(wc -l < pids)" -eq 1 ]
}

@test "many filesystems: eight calls at once, begun while others are still being listed" {
	endpoint $(seq -f 'f%04g:2' 400)
	echo 'time.sleep(0.02)' > special
	prune 0 -y -k 'last_n 1'
	[ "$(wc -l <<< "$output")" -eq 400 ]
	[ "$(sort -n running | tail -n 1)" -eq 8 ]
	# The listing is 256 filesystems ahead.
	first=$(grep -n -m 1 '^DestroySnapshots' calls | cut -d : -f 1)
	[ "$(tail -n "+$first" calls | grep -c '^ListFilesystemVersions')" -gt 50 ]
}

@test "rules that keep nothing leave a filesystem alone, unless -A is given" {
	endpoint a:3 b:2
	prune 1 -y -k 'regex s0003'
	[ "$(sort <<< "$output")" = $'a@s0001\na@s0002' ]
	stderr_has 'zr-prune: b: left alone: the rules keep none of its 2 snapshots (-A'
	summary '2 filesystems: 2 snapshots destroyed, 1 kept, 0 in use, 0 not destroyed; 1 filesystem left alone'
	prune 1 -k 'regex s0003'
	stderr_has 'b: left alone'
	prune 0 -yA -k 'regex s0003'
	[ "$(wc -l <<< "$output")" -eq 4 ]
}

@test "a snapshot from the future leaves a filesystem alone, unless -A or -G is given" {
	endpoint a:3 b:2
	future() {
		printf '{"a":[{"Name":"f","Guid":"9","CreateTXG":"9","Creation":"%s"}]}' \
		    "$(date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ)" > extra
	}
	future '2 hours'
	prune 1 -y -k 'grid . 1x1h'
	[ "$output" = b@s0002 ]
	stderr_has 'zr-prune: a: left alone: @f is dated in the future, at '
	prune 1 -k 'grid . 1x1h' a
	# Nothing goes: nothing is to be said.
	prune 0 -y -k 'regex .' a
	prune 0 -yA -k 'grid . 1x1h' a
	[ "$(wc -l <<< "$output")" -eq 3 ]
	# By our clock it takes no place of the others.
	prune 0 -yG -k 'grid . 1x5000d' a
	[ "$output" = $'a@s0002\na@s0003\na@f' ]
	future '50 minutes'
	prune 0 -y -k 'grid . 1x1h' a
}

@test "snapshots that are in use are counted, once, and are no failure" {
	endpoint a:5
	echo 'for r in results[:2]: r["Error"] = "dataset is busy"
results[2]["Error"] = "cannot destroy: it'"'"'s being held. Run zfs holds"' > special
	prune 0 -y -k 'last_n 1'
	[ "$output" = a@s0004 ]
	[ "$stderr" = 'zr-prune: a: 3 snapshots are in use, and stay
zr-prune: 1 filesystem: 1 snapshot destroyed, 1 kept, 3 in use, 0 not destroyed' ]
	prune 0 -yj -k 'last_n 1'
	[ "$(jq -c 'select(.destroyed == false).error' <<< "$output" | head -n 1)" = '"dataset is busy"' ]
}

@test "failures with one reason are one line, others a line each, at most four" {
	endpoint a:20
	echo 'for r in results[:9]: r["Error"] = "permission denied for a@%s" % r["Snapshot"]["Name"]
results[9]["Error"] = "no luck"
for r in results[10:15]: r["Error"] = "reason " + r["Snapshot"]["Name"]' > special
	prune 1 -y -k 'last_n 1'
	[ "$(wc -l <<< "$output")" -eq 4 ]
	[ "$stderr" = 'zr-prune: a: 9 snapshots, @s0001 the first, were not destroyed: permission denied for a@...
zr-prune: a@s0010 was not destroyed: no luck
zr-prune: a@s0011 was not destroyed: reason s0011
zr-prune: a@s0012 was not destroyed: reason s0012
zr-prune: a: 3 more snapshots were not destroyed, for other reasons
zr-prune: 1 filesystem: 4 snapshots destroyed, 1 kept, 0 in use, 15 not destroyed' ]
}

@test "a missing result is an error, and so is one that was not asked for" {
	endpoint a:4
	echo 'results = results[1:]' > special
	prune 1 -y -k 'last_n 1'
	[ "$output" = $'a@s0002\na@s0003' ]
	stderr_has 'a@s0001 was not destroyed: the endpoint gave no result for it'
	# By name, not by place.
	echo 'results = results[::-1]; results[0]["Error"] = "no"' > special
	prune 1 -y -k 'last_n 1'
	stderr_has 'a@s0003 was not destroyed: no'
	echo 'results.append(dict(results[0]))' > special
	prune 1 -y -k 'last_n 1'
	stderr_has 'a: the endpoint gives a result for @s0001, which was not asked for'
	[ "$(wc -l <<< "$output")" -eq 3 ]
	echo 'results = [{}]' > special
	prune 1 -y -k 'last_n 1'
	stderr_has 'gives a result for no snapshot'
	stderr_has 'a: 3 snapshots, @s0001 the first, were not destroyed: the endpoint gave no result'
}

@test "an endpoint that dies in a call: that filesystem alone, and the rest of it is not tried" {
	endpoint a:5500 b:2
	echo 'if filesystem == "a" and os.path.exists("second"):
    while not os.path.exists("b-done"): time.sleep(0.02)
    time.sleep(0.3)
    sys.stderr.write("zr-x: pool suspended\n"); sys.stderr.flush(); end = 7
open("second" if filesystem == "a" else "b-done", "w").close()' > special
	prune 1 -y -k 'last_n 1'
	[ "$(grep -c '^b@' <<< "$output")" -eq 1 ]
	[ "$(grep -c '^a@' <<< "$output")" -eq 2500 ]
	[ "$stderr" = 'zr-prune: a: 2500 snapshots may not have been destroyed: endpoint: zr-x: pool suspended
zr-prune: a: 499 more were not tried
zr-prune: 2 filesystems: 2501 snapshots destroyed, 2 kept, 0 in use, 2999 not destroyed' ]
	# Killed.
	endpoint a:3
	echo 'os.kill(os.getpid(), 9)' > special
	prune 1 -y -k 'last_n 1'
	stderr_has 'a: 2 snapshots may not have been destroyed: endpoint: endpoint ended by signal 9'
	summary '1 filesystem: 0 snapshots destroyed, 1 kept, 0 in use, 2 not destroyed'
}

@test "an endpoint that answers nonsense" {
	endpoint a:3 b:1
	nonsense() {
		printf '%s\n' "$1" > special
		prune 1 -y -k 'last_n 1'
		[ -z "$output" ]
		stderr_has 'a: 2 snapshots may not have been destroyed: endpoint: '
	}
	nonsense 'os.write(1, b"hello\n"); results = None'
	nonsense 'answer(id, response={"Results": 3}); results = None'
	nonsense 'answer(id, response=[]); results = None'
	nonsense 'answer(id, response={"Results": [{"Snapshot": {"Name": "@"}}]}); results = None'
	nonsense 'answer(12345, response={}); results = None'
	nonsense 'answer(id, error={"code": 1, "message": "I cannot"}); results = None'
	stderr_has 'endpoint: I cannot'
}

@test "an endpoint that hangs: -t, and no process is left" {
	endpoint a:3 b:3
	echo 'time.sleep(1000) if filesystem == "a" else None' > special
	SECONDS=0
	prune 1 -y -t 2 -k 'last_n 1'
	[ "$SECONDS" -lt 30 ]
	[ "$(grep -c '^b@' <<< "$output")" -eq 2 ]
	stderr_has 'a: 2 snapshots may not have been destroyed: endpoint: no answer to DestroySnapshots in time'
	while read -r pid; do
		eventually 10 gone "$pid"
	done < pids
}

@test "SIGINT, SIGTERM: 128+N, and no process is left" {
	for signal in INT:130 TERM:143; do
		endpoint a:3
		rm -f pids
		echo 'time.sleep(1000)' > special
		background python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("zr-prune", sys.argv[1:])' zr-prune -y -k 'last_n 1' -e 'exec ./endpoint' 2> log
		eventually 20 test -s requests
		kill "-${signal%:*}" "${children[-1]}"
		ended_with "${signal#*:}" "${children[-1]}"
		grep -q 'ended by signal' log
		grep -q '2 not destroyed' log
		while read -r pid; do
			eventually 10 gone "$pid"
		done < pids
	done
}

@test "what cannot be listed is left alone; ListFilesystems that fails is the end" {
	endpoint a:3 b:3
	echo '{"a":[{"Name":"x","Creation":"now"}]}' > extra
	prune 1 -y -k 'last_n 1'
	[ "$(sort <<< "$output")" = $'b@s0001\nb@s0002' ]
	stderr_has 'a: left alone, as the endpoint could not list it: endpoint: the answer: '
	printf '%s\n' '#!/bin/sh' 'echo no such pool >&2' 'exit 9' > endpoint
	prune 9 -y -k 'last_n 1'
	[ "$stderr" = 'zr-prune: endpoint: no such pool' ]
	run -127 zr-prune -y -e ./missing -k 'last_n 1'
}

@test "what the endpoint lists twice: a snapshot leaves its filesystem alone, a filesystem is the end" {
	endpoint a:3 b:2
	echo '{"a":[{"Name":"s0001","Guid":"9","CreateTXG":"9","Creation":"2100-01-01T00:00:00Z"}]}' > extra
	prune 1 -yA -k 'last_n 1'
	[ "$output" = b@s0001 ]
	[ "$(cat requests)" = '["s0001"]' ]
	stderr_has 'zr-prune: a: left alone: @s0001 is listed twice'
	rm extra requests
	sed -i 's/for n in has\]/for n in [*has, "a"]]/' endpoint
	prune 98 -yA -k 'last_n 1'
	stderr_has 'zr-prune: endpoint: it lists a twice'
	[ ! -e requests ]
}

@test "-s: the sender's cursors, and only filesystems that it has" {
	endpoint a:3 b:3 c:3 d:3
	mkdir sender
	cp endpoint sender/
	sed -i 's/^HAS = .*/HAS = "a:0 c:0 d:0"/' sender/endpoint
	printf '{"a":[{"Type":"Bookmark","Name":"zrepl_CURSOR_G_0000000000000003_J_job","Guid":"3","CreateTXG":"3","Creation":"2026-01-01T00:00:00Z"}],"d":[{"Name":"x","Creation":"now"}]}' > sender/extra
	prune 1 -y -s 'cd sender && exec ./endpoint' -J job -k not_replicated
	[ "$(sort <<< "$output")" = $'a@s0001\na@s0002' ]
	stderr_has 'd: left alone, as the sender could not list it'
	stderr_has '1 filesystem was left alone, as the sender does not have it'
	prune 1 -v -s 'cd sender && exec ./endpoint' -k 'last_n 1'
	stderr_has 'b: left alone, as the sender does not have it'
	# No cursor: nothing has been replicated, which is said.
	prune 0 -y -s 'cd sender && exec ./endpoint' -J jop -k not_replicated a b c
	[ -z "$output" ]
	stderr_has 'no filesystem has a cursor of the job jop: not_replicated keeps everything'
	rm -f requests
	prune 3 -y -s 'echo no pool >&2; exit 3' -k 'last_n 1'
	[ "$stderr" = $'zr-prune: sender: no pool\nzr-prune: 0 filesystems: 0 snapshots destroyed, 0 kept, 0 in use, 0 not destroyed' ]
	[ ! -e requests ]
}

@test "the sender itself has the cursors" {
	endpoint a:3
	printf '{"a":[{"Type":"Bookmark","Name":"zrepl_CURSOR_G_0000000000000002_J_job","Guid":"2","CreateTXG":"2","Creation":"2026-01-01T00:00:00Z"}]}' > extra
	prune 0 -y -J job -k not_replicated
	[ "$output" = a@s0001 ]
	prune 0 -y -J job -k 'not_replicated drop_cursor'
	[ "$output" = $'a@s0001\na@s0002' ]
}

@test "an endpoint without batch" {
	endpoint a:3 b:2
	mv endpoint batch
	cat > endpoint <<-'END'
		#!/bin/sh
		[ "$1" != batch ] || exit 100
		read -r request
		printf '{"id":1,"method":"%s","request":%s}\n' "$1" "$request" | ./batch batch | jq -c .response
	END
	chmod +x endpoint
	prune 0 -y -k 'last_n 1'
	[ "$(sort <<< "$output")" = $'a@s0001\na@s0002\nb@s0001' ]
}

@test "a reader that does not read keeps no signal waiting, one that is gone ends it" {
	endpoint a:9003
	mkfifo out
	exec 8<> out
	background zr-prune -y -k 'last_n 3' -e ./endpoint > out
	eventually 60 sh -c '[ "$(wc -l < requests)" -eq 4 ]'
	kill "${children[0]}"
	ended_with 143 "${children[0]}"
	exec 8>&-
	endpoint a:9003
	run -111 sh -c 'zr-prune -k "last_n 3" -e ./endpoint 2>&1 > /dev/full'
	[[ $output == *'standard output: No space left on device'* ]]
}

@test "an archive: what is the base of another stays" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.full.zstream a/data@one b
	run -0 --separate-stderr zr-prune -k 'last_n 1' -e 'zr-endpoint archive box'
	[ "$output" = a/data@one ]
	[ "$(names a/data)" = one,two ]
	run -0 --separate-stderr zr-prune -y -k 'last_n 1' -e 'zr-endpoint archive box'
	[ -z "$output" ]
	[ "$(names a/data)" = one,two ]
	stderr_has 'a/data: 1 snapshot is in use, and stays'
	run -0 --separate-stderr zr-prune -y -k 'regex one' -e 'zr-endpoint archive box'
	[ "$output" = a/data@two ]
	[ "$(names a/data)" = one ]
	run -1 --separate-stderr zr-prune -y -k 'regex x' -e "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive box'"
	[ "$(names a/data),$(names b)" = one,one ]
	run -0 --separate-stderr zr-prune -yA -k 'regex x' -e "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive box'"
	[ -z "$(names a/data)$(names b)" ]
}

@test "-G through zr-guard with the same rules: nothing is refused" {
	rule='grid . 1x1h(keep=all) | 24x1h | 14x1d'
	mkdir -m 700 -p box/a
	for ((i = 1; i <= 60; i++)); do
		# The youngest is 5 hours old; one is dated too early, one too late.
		age=$((5 * 3600 + (60 - i) * 2220))
		[ "$i" -ne 50 ] || age=$((age + 9000))
		[ "$i" -ne 20 ] || age=-100000
		record box/a "s$i" "$i" 0 "$i" "$(date -u -d "@$(($(date +%s) - age))" +%FT%TZ)" 1
		printf x > "box/a/@$(printf %016x "$i").zstream"
	done
	endpoint="zr-guard -d $PWD/state -k '$rule' zr-endpoint archive box"
	# zrepl's judgement is another: it wants to destroy what the guard keeps.
	run -1 --separate-stderr zr-prune -y -A -k 'regex none' -e "$endpoint"
	stderr_has 'kept by the floor'
	kept=$(names a)
	[ "$(tr , '\n' <<< "$kept" | wc -l)" -gt 20 ]
	[ "$(tr , '\n' <<< "$kept" | wc -l)" -lt 50 ]
	run -0 --separate-stderr zr-prune -y -G -k "$rule" -e "$endpoint"
	[ -z "$output" ]
	# And from the beginning.
	for ((i = 1; i <= 60; i++)); do
		case ,$kept, in *,s$i,*) continue ;; esac
		age=$((5 * 3600 + (60 - i) * 2220 + 60))
		record box/a "s$i" "$i" 0 "$i" "$(date -u -d "@$(($(date +%s) - age))" +%FT%TZ)" 1
		printf x > "box/a/@$(printf %016x "$i").zstream"
	done
	run -0 --separate-stderr zr-prune -y -G -k "$rule" -e "$endpoint"
	[ "$(wc -l <<< "$output")" -gt 5 ]
}
