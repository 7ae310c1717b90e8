# The batch form through zr-guard.
load ../lib/helper
load ../lib/archive
load ../lib/guard

DAYS='grid . 3x1d'

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	stand_in
	# What the endpoint's own batch is asked.
	method batch <<< 'tee -a asked | zr-endpoint archive box batch'
	daily 5
}

# destroy_line ID: a line that asks for everything
destroy_line() {
	all | jq -c --argjson id "$1" '{id: $id, method: "DestroySnapshots", request: .}'
}

# batch: with the rules, over ./endpoint
batch() {
	zr-guard -k "$DAYS" ./endpoint batch
}

@test "calls are answered with their ids, DestroySnapshots by the floor" {
	{
		echo '{"id":1,"method":"Ping","request":{"Message":"a"}}'
		destroy_line '"two"'
		echo '{"id":{"x":[3]},"method":"ListFilesystems"}'
		echo '{"id":4,"method":"ListFilesystemVersions","request":{"Filesystem":"none"}}'
		printf '{"id":5,"method":"Ping"}'
	} > calls.in
	batch < calls.in > out
	[ "$(wc -l < out)" -eq 5 ]
	[ "$(jq -c 'select(.id == 1)' out)" = '{"id":1,"response":{"Echo":"a"}}' ]
	[ "$(jq -c 'select(.id == {x: [3]}).response' out)" = '{"Filesystems":[{"Path":"a"}]}' ]
	[[ $(jq -r 'select(.id == 4).error.message' out) == *none* ]]
	[ "$(jq -c 'select(.id == 5)' out)" = '{"id":5,"response":{}}' ]
	[ "$(jq -c 'select(.id == "two").response' out | answers)" = "d5=
d4=
d3=\"a@d3\" is kept by the floor of retention on this receiver (rule: $DAYS)
d2=\"a@d2\" is kept by the floor of retention on this receiver (rule: $DAYS)
d1=\"a@d1\" is kept by the floor of retention on this receiver (rule: $DAYS)" ]
	[ "$(left)" = d3,d2,d1 ]
	run -1 grep -q Destroy asked
}

@test "no way to write a line brings DestroySnapshots to the endpoint" {
	request=$(all)
	backslash='\'
	u=$backslash'u00'
	{
		echo '{"id":1,"method":"Ping","method":"DestroySnapshots","request":'"$request"'}'
		echo '{"id":2,"method":"DestroySnapshots","method":"Ping","request":'"$request"'}'
		echo '{"id":3,"method":"Destroy'$u'53napshots","request":'"$request"'}'
		echo '{"id":4,"m'$u'65thod":"DestroySnapshots","method":"Ping","request":'"$request"'}'
		echo '{"id":5,"Method":"DestroySnapshots","METHOD":"DestroySnapshots","method":"Ping","request":{}}'
		echo '{"id":6,"method":"Ping'$backslash'",'$backslash'"method'$backslash'":'$backslash'"DestroySnapshots","request":'"$request"'}'
		echo '{"id":7,"method":"Ping'$u'00DestroySnapshots","request":'"$request"'}'
		echo '{"id":{"id":8,"method":"DestroySnapshots","request":'"$request"'},"method":"Ping"}'
		printf '{"id":9,"method":"Ping"}\0{"id":9,"method":"DestroySnapshots","request":%s}\n' "$request"
		printf '{"id":10,"method":"Ping"}\r{"id":10,"method":"DestroySnapshots","request":%s}\n' "$request"
		echo '{"id":11,"method":"Ping"} {"id":11,"method":"DestroySnapshots","request":'"$request"'}'
		echo '{"id":12,"cancel":true,"method":"DestroySnapshots","request":'"$request"'}'
		echo '[{"id":13,"method":"DestroySnapshots","request":'"$request"'}]'
		echo '{"id":14,"method":"Ping","request":{},"request":'"$request"'}'
		echo '{"id":15,"method":" DestroySnapshots","request":'"$request"'}'
		echo '{"id":16,"method":["DestroySnapshots"],"request":'"$request"'}'
		echo '{"id":17,"method":"Ping","x":{"method":"DestroySnapshots"},"request":{}}'
		printf '{"id":18,"method":"DestroySnapshots","request":%s}' "$request"
	} > calls.in
	batch < calls.in > out
	[ "$(left)" = d3,d2,d1 ]
	# Nothing but lines that we would have written.
	jq -e -n '[inputs] | all((keys | . == ["id", "method", "request"] or . == ["cancel", "id"]) and (.method == "Ping" or .cancel))' asked
	sed 's/"id":{.*},"method"/"id":8,"method"/' asked > methods
	run -1 grep -q DestroySnapshots methods
	# Each has its answer, but for the cancel of a call that there is not.
	[ "$(wc -l < out)" -eq 17 ]
	[ "$(jq -c 'select(.response.Results) | .id' out | tr '\n' ' ' | tr -d ' ' | fold -w1 | sort | tr -d '\n')" = 1138 ]
}

@test "Send, Receive and what nobody knows are no calls of a batch" {
	for name in Send Receive batch Nonsense ''; do
		batch <<< '{"id":1,"method":"'$name'","request":{}}' > out
		[[ $(jq -r .error.message out) == "${name:-(none)}: not a method for a batch (Ping, ListFilesystems, "* ]]
		[ "$(jq .error.code out)" -eq 100 ]
	done
	[ ! -s asked ]
	batch <<< '{"id":1,"method":"DestroySnapshots","request":{"Nonsense":1}}' > out
	[[ $(jq -c .error out) == '{"code":100,"message":"request: '* ]]
	batch <<< nonsense > out
	[[ $(jq -c . out) == '{"id":null,"error":{"code":100,"message":"not a line of a batch: '* ]]
}

@test "a line that is too long ends the batch" {
	{ printf '{"id":1,"method":"Ping","request":{"Message":"'; head -c 20000000 /dev/zero | tr '\0' x; } > long
	run -100 --separate-stderr bash -c 'zr-guard -a ./endpoint batch < long'
	stderr_has 'zr-guard: standard input: '
}

@test "1000 calls, and 100 destroys between them" {
	for ((i = 0; i < 1000; i++)); do
		echo '{"id":'$i',"method":"Ping","request":{"Message":"'$i'"}}'
		[ $((i % 10)) -ne 0 ] || echo '{"id":"d'$i'","method":"DestroySnapshots","request":{"Filesystem":"a"}}'
	done > calls.in
	batch < calls.in > out
	[ "$(jq -r 'select(.response.Echo == (.id | tostring)).id' out | sort -un | wc -l)" -eq 1000 ]
	[ "$(jq -c 'select(.response == {}) | .id' out | sort -u | wc -l)" -eq 100 ]
}

@test "destroys at once, at most 8" {
	method ListFilesystemVersions <<-'END'
	mkdir -p running
	touch running/$$
	ls running | wc -l >> most
	until [ -e go ]; do sleep 0.05; done
	rm running/$$
	exec zr-endpoint archive box "$@"
	END
	for i in {1..12}; do destroy_line $i; done > calls.in
	background zr-guard -k "$DAYS" ./endpoint batch < calls.in > out
	eventually 20 sh -c '[ "$(ls running | wc -l)" -eq 8 ]'
	: > go
	wait "${children[-1]}"
	[ "$(wc -l < out)" -eq 12 ]
	[ "$(sort -n most | tail -n 1)" -eq 8 ]
	[ "$(left)" = d3,d2,d1 ]
}

@test "a destroy that is cancelled ends with its processes; other cancels are passed on" {
	method ListFilesystemVersions <<< 'echo $$ >> pids; exec sleep 1000'
	mkfifo calls.in
	exec 8<> calls.in
	background zr-guard -k "$DAYS" ./endpoint batch < calls.in > out 8>&-
	for i in 1 2; do destroy_line $i >&8; done
	eventually 20 sh -c '[ "$(wc -l < pids)" -eq 2 ]'
	echo '{"id":1,"cancel":true}' >&8
	eventually 20 grep -q '"id":1,' out
	[ "$(cat out)" = '{"id":1,"error":{"code":1,"message":"cancelled"}}' ]
	echo '{"id":77,"cancel":true}' >&8
	echo '{"id":3,"method":"Ping"}' >&8
	eventually 20 grep -q '"id":3,' out
	grep -qx '{"id":77,"cancel":true}' asked
	echo '{"id":2,"cancel":true}' >&8
	exec 8>&-
	wait "${children[-1]}"
	[ "$(wc -l < out)" -eq 3 ]
	for pid in $(cat pids); do gone "$pid"; done
	[ "$(left)" = d5,d4,d3,d2,d1 ]
}

@test "one that waits for its turn can be cancelled, too" {
	method ListFilesystemVersions <<< 'echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; exec zr-endpoint archive box "$@"'
	mkfifo calls.in
	exec 8<> calls.in
	background zr-guard -k "$DAYS" ./endpoint batch < calls.in > out 8>&-
	for i in {1..10}; do destroy_line $i >&8; done
	eventually 20 sh -c '[ "$(wc -l < pids)" -eq 8 ]'
	echo '{"id":10,"cancel":true}' >&8
	eventually 20 grep -q '"id":10,"error"' out
	: > go
	exec 8>&-
	wait "${children[-1]}"
	[ "$(wc -l < out)" -eq 10 ]
	[ "$(grep -c Results out)" -eq 9 ]
	[ "$(wc -l < pids)" -eq 9 ]
}

@test "a destroy that fails, or is killed, is an error; the batch goes on" {
	method ListFilesystemVersions <<< 'echo "no pool today" >&2; exit 7'
	{ destroy_line 1; echo '{"id":2,"method":"Ping"}'; } > calls.in
	run -0 --separate-stderr batch < calls.in
	[ "$(jq -c 'select(.id == 1).error' <<< "$output")" = '{"code":7,"message":"no pool today"}' ]
	[ "$(jq -c 'select(.id == 2).response' <<< "$output")" = '{}' ]
	stderr_has 'zr-guard: no pool today'
	method ListFilesystemVersions <<< 'kill -9 $PPID; sleep 0.2'
	run -0 --separate-stderr batch < calls.in
	[ "$(jq -c 'select(.id == 1).error' <<< "$output")" = '{"code":137,"message":"endpoint ended by signal 9"}' ]
	[ "$(jq -c 'select(.id == 2).response' <<< "$output")" = '{}' ]
	[ "$(left)" = d5,d4,d3,d2,d1 ]
}

@test "-q: in a batch the log has what was kept, too" {
	destroy_line 1 > calls.in
	run -0 --separate-stderr zr-guard -q -k "$DAYS" ./endpoint batch < calls.in
	[ "$(jq -c '[.response.Results[] | .Error // ""] | unique' <<< "$output")" = '[""]' ]
	[ "$(grep -c '^zr-guard: log: "a@d[123]" is kept' <<< "$stderr")" -eq 3 ]
	[ "$(left)" = d3,d2,d1 ]
}

@test "an endpoint without a batch: 100, and its text" {
	method batch <<< 'echo "no batch" >&2; exit 100'
	run -100 --separate-stderr bash -c 'echo "{\"id\":1,\"method\":\"Ping\"}" | zr-guard -a ./endpoint batch'
	[ "$stderr" = 'no batch' ]
	[ -z "$output" ]
	rm endpoint batch
	run -127 --separate-stderr zr-guard -a ./endpoint batch < /dev/null
}

@test "an endpoint's batch that ends early: what it said, and its status" {
	method batch <<-'END'
	read -r line
	echo '{"id":1,"response":{}}'
	printf '{"id":2,"resp'
	exit 9
	END
	mkfifo calls.in
	exec 8<> calls.in
	background zr-guard -k "$DAYS" ./endpoint batch < calls.in > out 8>&-
	echo '{"id":1,"method":"Ping"}' >&8
	ended_with 9 "${children[-1]}"
	[ "$(cat out)" = '{"id":1,"response":{}}
{"id":2,"resp' ]
	# With status 0 it is no failure; the destroys that have begun are answered.
	method batch <<< 'exec <&-; until [ -e begun ]; do sleep 0.05; done'
	method ListFilesystemVersions <<< ': > begun; sleep 0.5; exec zr-endpoint archive box "$@"'
	destroy_line 1 > one
	background zr-guard -k "$DAYS" ./endpoint batch < one > out
	wait "${children[-1]}"
	[ "$(jq -c '.response.Results | length' out)" -eq 5 ]
}

@test "lines of ours stand between lines of the endpoint, however it writes them" {
	method batch <<-'END'
	for i in 1 2 3 4 5 6 7 8; do
		printf '{"id":%s,"resp' $i
		sleep 0.1
		printf 'onse":{}}\n{"id":"x%s",' $i
		sleep 0.1
		printf '"response":{}}\n'
	done
	cat > /dev/null
	END
	for i in {1..20}; do echo '{"id":"d'$i'","method":"DestroySnapshots","request":{"Filesystem":"a"}}'; done > calls.in
	batch < calls.in > out
	[ "$(jq -c .id out | wc -l)" -eq 36 ]
	[ "$(wc -l < out)" -eq 36 ]
}

@test "no more is read from standard input while nobody reads the answers" {
	# Quick, and as many bytes out as in.
	method batch <<< 'tee -a asked | sed "s/\"method.*request\":{\"Message/\"response\":{\"Echo/"'
	mkfifo answers.out
	exec 7<> answers.out
	yes '{"id":1,"method":"Ping","request":{"Message":"'"$(printf 'x%.0s' {1..200})"'"}}' | head -n 200000 > calls.in
	background zr-guard -k 'last_n 1' ./endpoint batch < calls.in > answers.out 7>&-
	eventually 20 test -s asked
	size=-1
	until [ "$(stat -c %s asked)" -eq "$size" ]; do
		size=$(stat -c %s asked)
		sleep 0.5
	done
	[ "$size" -lt 10000000 ]
	peak=$(awk '/^VmHWM/ { print $2 }' "/proc/${children[-1]}/status")
	[ "$peak" -lt $(($(memory_limit) + 20000)) ] || { echo "$peak KiB"; false; }
	wc -l < answers.out > lines 7>&- &
	children+=($!)
	exec 7>&-
	wait "${children[-2]}" "${children[-1]}"
	[ "$(cat lines)" -eq 200000 ]
}

@test "SIGTERM ends it and everything that it started" {
	method batch <<< 'echo $$ >> pids; exec sleep 1000'
	method ListFilesystemVersions <<< 'echo $$ >> pids; exec sleep 1000'
	mkfifo calls.in
	exec 8<> calls.in
	background zr-guard -k "$DAYS" ./endpoint batch < calls.in > out 8>&-
	for i in 1 2 3; do destroy_line $i >&8; done
	eventually 20 sh -c '[ "$(wc -l < pids)" -eq 4 ]'
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	for pid in $(cat pids); do eventually 10 gone "$pid"; done
	[ ! -s out ]
}

@test "answers that nobody can get: an error, and everything ends" {
	run -111 --separate-stderr bash -c 'yes "{\"id\":1,\"method\":\"Ping\"}" | head -n 100 | zr-guard -a ./endpoint batch > /dev/full'
	stderr_has 'No space left on device'
	run -111 --separate-stderr bash -c 'yes "{\"id\":1,\"method\":\"Ping\"}" | head -n 100 | zr-guard -a ./endpoint batch 2> words | true; exit "${PIPESTATUS[2]}"'
}
