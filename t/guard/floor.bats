# What the floor keeps is there, whatever a client asks for.
load ../lib/helper
load ../lib/archive
load ../lib/guard

DAYS='grid . 1x1h(keep=all) | 3x1d'

@test "what no rule keeps is destroyed, what one keeps is not, and the answer says why" {
	daily 6
	put now 60 7
	run -0 --separate-stderr guard -k "$DAYS" DestroySnapshots "$(all)"
	[ -z "$stderr" ]
	[ "$(left)" = d3,d2,d1,now ]
	kept="\"a@d3\" is kept by the floor of retention on this receiver (rule: $DAYS)"
	[ "$(answers <<< "$output")" = "d6=
d5=
d4=
d3=$kept
d2=${kept/d3/d2}
d1=${kept/d3/d1}
now=${kept/d3/now}" ]
	# It is the same as before.
	run -0 guard -k "$DAYS" DestroySnapshots "$(all)"
	[ "$(left)" = d3,d2,d1,now ]
}

@test "one by one, in any order, again and again" {
	daily 8
	for try in 1 2 3; do
		for name in d1 d8 d2 d7 d3 d6 d4 d5; do
			run -0 guard -k "$DAYS" DestroySnapshots "$(all "select(.Name == \"$name\")")"
		done
		[ "$(left)" = d3,d2,d1 ]
	done
}

@test "the rule that is named is the first that keeps it; options and files add up" {
	daily 6
	printf '# the floor\n\nlast_n 1\nregex ^d4$\n' > floor.rules
	run -0 guard -k 'regex ^d3$' -K floor.rules -k 'regex d' -k 'not_regex d' DestroySnapshots "$(all)"
	[ "$(answers <<< "$output" | grep -o '(rule: .*')" = '(rule: regex d)
(rule: regex d)
(rule: regex ^d4$)
(rule: regex ^d3$)
(rule: regex d)
(rule: last_n 1)' ]
	run -0 guard -k 'regex ^d3$' -K floor.rules DestroySnapshots "$(all)"
	[ "$(left)" = d4,d3,d1 ]
}

@test "names and guids that are not the listed ones reach nobody" {
	daily 5
	stand_in
	for name in d5%d1 % d5, @d5 a@d5 d5@ d5#d4 d5/d4; do
		run -100 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all ".Name = \"$name\"")"
		[[ $output == *'Name is not the name of a snapshot'* ]] || { echo "$name: $output"; false; }
	done
	for name in -r ..d5 'd5 ' ' d5' D5 d5.; do
		request=$(jq -cn --arg n "$name" '{Filesystem: "a", Snapshots: [{Name: $n, Creation: "2026-01-01T00:00:00Z"}]}')
		run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$request"
		[ "$(answers <<< "$output")" = "$name=dataset \"a@$name\" does not exist" ] || { echo "$output"; false; }
	done
	# Those of the request that the endpoint has under another guid: both ways.
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all '.Guid = "77"')"
	[ "$(answers <<< "$output" | head -n 1)" = 'd5="a@d5" has guid 1, not 77' ]
	[ "$(answers <<< "$output" | grep -c 'not 77$')" -eq 5 ]
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all '.Guid = (if .Name == "d5" then "5" else "1" end)')"
	run -1 grep -q DestroySnapshots calls
	[ "$(left)" = d5,d4,d3,d2,d1 ]
	# Without a guid the name counts; the endpoint hears the one that was judged.
	method DestroySnapshots <<-'END'
	tee asked | zr-endpoint archive box DestroySnapshots
	END
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all '.Guid = "0"')"
	[ "$(jq -c '[.Snapshots[] | [.Name, .Guid]]' asked)" = '[["d5","1"],["d4","2"]]' ]
	[ "$(left)" = d3,d2,d1 ]
}

@test "a bookmark is refused, with everything beside it" {
	daily 5
	run -1 --separate-stderr guard -k "$DAYS" DestroySnapshots "$(all 'if .Name == "d4" then .Type = "Bookmark" else . end')"
	stderr_has 'version "d4" is not a snapshot'
	[ "$(left)" = d5,d4,d3,d2,d1 ]
}

@test "a snapshot that is named several times is asked for once, and answered each time" {
	daily 5
	stand_in
	method DestroySnapshots <<-'END'
	tee asked | zr-endpoint archive box DestroySnapshots
	END
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all | jq -c '.Snapshots += .Snapshots')"
	[ "$(jq -c '[.Snapshots[].Name]' asked)" = '["d5","d4"]' ]
	[ "$(answers <<< "$output" | grep -c '^d[45]=$')" -eq 4 ]
	[ "$(answers <<< "$output" | grep -c '^d[123]="a@d[123]" is kept')" -eq 6 ]
}

@test "one that the endpoint refuses has its text" {
	put base 1000000 1
	put increment 900000 2 1
	put kept 60 3 2
	run -0 guard -k "$DAYS" DestroySnapshots "$(all)"
	[ "$(answers <<< "$output" | head -n 2)" = 'base=a@base is the base of the stored increment increment
increment=a@increment is the base of the stored increment kept' ]
	[ "$(left)" = base,increment,kept ]
}

@test "nothing to destroy: the endpoint is not asked to" {
	daily 3
	stand_in
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all)"
	[ "$(cat calls)" = ListFilesystemVersions ]
	run -0 zr-guard -k "$DAYS" ./endpoint DestroySnapshots '{"Filesystem":"a"}'
	[ "$output" = '{}' ]
	run -1 zr-guard -k "$DAYS" ./endpoint DestroySnapshots '{"Filesystem":"b"}'
	[[ $output == *'"b" does not exist'* ]]
	run -1 grep -q DestroySnapshots calls
}

@test "snapshots dated in the future age nobody out" {
	daily 6
	for i in 1 2 3 4 5; do
		put "future$i" $((-i * 365 * D)) $((6 + i))
		put "soon$i" $((-i * 600)) $((11 + i))
	done
	guard -k "$DAYS" -k 'last_n 2' DestroySnapshots "$(all)" > answer
	for name in d3 d2 d1; do
		[[ ,$(left), == *,$name,* ]] || { left; false; }
	done
	[[ $(left) != *d4* ]]
}

@test "snapshots that are dated back push nobody out of a bucket, and out of last_n only in order" {
	daily 6
	# Into the buckets of d2 and d3, and before and behind each.
	for i in 1 2 3 4 5 6 7 8; do
		put "back$i" $((i * D / 3 + H)) $((6 + i))
	done
	guard -k "$DAYS" -k 'last_n 3 ^d' DestroySnapshots "$(all)" > answer
	for name in d3 d2 d1; do
		[[ ,$(left), == *,$name,* ]] || { left; false; }
	done
}

@test "the order of arrival counts, not the createtxg that the client claims" {
	# Two in one bucket, a day of UTC; the one that arrived later claims to be older.
	noon=$(($(date +%s) % D + D / 2))
	put good $noon 1
	put evil $((noon - 60)) 2
	grep -q '"createtxg":"998"' box/a/@0000000000000002.json
	put last 60 3
	guard -k "$DAYS" DestroySnapshots "$(all)" > answer
	[[ ,$(left), == *,good,* ]]
	[[ ,$(left), != *,evil,* ]]
}

@test "-q: the answer is success, and the log has what was kept" {
	daily 5
	run -0 --separate-stderr guard -q -k "$DAYS" DestroySnapshots "$(all)"
	[ "$(answers <<< "$output")" = 'd5=
d4=
d3=
d2=
d1=' ]
	[ "$(grep -c '^zr-guard: log: "a@d[123]" is kept by the floor of retention on this receiver (rule: grid' <<< "$stderr")" -eq 3 ]
	[ "$(left)" = d3,d2,d1 ]
	# What is not there, or another, is no success.
	run -0 guard -q -k "$DAYS" DestroySnapshots "$(all '.Guid = "77"')"
	[ "$(answers <<< "$output" | grep -c 'has guid')" -eq 3 ]
}

@test "-a: nothing is destroyed, and nobody is asked" {
	daily 5
	stand_in
	run -0 zr-guard -a ./endpoint DestroySnapshots "$(all)"
	[ "$(answers <<< "$output" | grep -c 'is kept: this receiver is append only$')" -eq 5 ]
	run -0 --separate-stderr zr-guard -aq ./endpoint DestroySnapshots "$(all)"
	[ "$(answers <<< "$output" | grep -c '=$')" -eq 5 ]
	[ "$(grep -c 'log: .* is kept: this receiver is append only$' <<< "$stderr")" -eq 5 ]
	[ ! -e calls ]
	[ "$(left)" = d5,d4,d3,d2,d1 ]
}

@test "two destroys at once: the floor stays" {
	rules='grid . 1x1h(keep=all) | 5x1d'
	for try in 1 2 3 4 5; do
		rm -rf box
		for ((i = 60; i >= 1; i--)); do
			put "s$i" $((i * D / 8)) $((61 - i))
		done
		all > request
		zr-guard -k "$rules" zr-endpoint archive box DestroySnapshots < request > one &
		first=$!
		zr-guard -k "$rules" zr-endpoint archive box DestroySnapshots < request > two
		wait $first
		# The first of each day of UTC, and of the oldest what is within the five.
		[[ $(left) =~ ^s40(,s[0-9]+){4,5}$ ]] || { left; false; }
	done
}

# refused CODE TEXT: whatever it destroyed or not, the call fails so.
refused() {
	run -"$1" --separate-stderr zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all)"
	[ -z "$output" ]
	stderr_has "$2"
	[ "$(left)" = d6,d5,d4,d3,d2,d1 ]
}

@test "a listing that fails, or makes no sense: its error, and nothing is destroyed" {
	daily 6
	stand_in
	method ListFilesystemVersions <<< 'echo "no pool today" >&2; exit 7'
	refused 7 'no pool today'
	[ "$stderr" = 'no pool today' ]
	method ListFilesystemVersions <<< 'kill -9 $$'
	refused 137 'ListFilesystemVersions of the endpoint: endpoint ended by signal 9'
	method ListFilesystemVersions <<< 'exit 0'
	refused 1 'ListFilesystemVersions of the endpoint: the endpoint ended without an answer'
	method ListFilesystemVersions <<< 'echo "{}"; echo "{}"'
	refused 1 'the endpoint wrote more than one line'
	method ListFilesystemVersions <<< 'echo "{\"Versions\":[7]}"'
	refused 98 'ListFilesystemVersions of the endpoint: '
	method ListFilesystemVersions <<< 'echo "{\"Versions\":[{\"Name\":\"d1\"}]}"'
	refused 98 'Creation'
	method ListFilesystemVersions <<-'END'
	zr-endpoint archive box "$@" | jq -c '.Versions += [.Versions[0] | .Guid = "9"]'
	END
	refused 98 'the endpoint lists two snapshots named "d6"'
	for creation in '' now 2026-02-30T00:00:00Z 20260101 '2026-01-01 00:00:00Z'; do
		method ListFilesystemVersions <<-END
		zr-endpoint archive box "\$@" | jq -c '.Versions[2].Creation = "$creation"'
		END
		refused 98 "Creation is not a time in RFC 3339: \"$creation\""
	done
	method ListFilesystemVersions <<-'END'
	zr-endpoint archive box "$@" | jq -c '.Versions[2].CreateTXG = "0"'
	END
	refused 98 'the endpoint lists the snapshot "d4" without a CreateTXG'
	run -1 grep -q DestroySnapshots calls
	rm ListFilesystemVersions endpoint
	run -127 --separate-stderr zr-guard -k "$DAYS" ./endpoint DestroySnapshots "$(all)"
	[ "$stderr" = 'zr-guard: cannot execute ./endpoint: No such file or directory' ]
}

@test "an answer of the endpoint that is not about what it was asked is an error" {
	daily 6
	stand_in
	for wrong in '{}' '{"Results":[{"Snapshot":{"Name":"d6","Creation":"2026-01-01T00:00:00Z"}}]}' \
	    '{"Results":[{},{},{}]}'; do
		method DestroySnapshots <<< "echo '$wrong'"
		refused 98 'the answer is not about the snapshots of the request'
	done
	method DestroySnapshots <<< 'echo busy >&2; exit 3'
	refused 3 busy
}

@test "what an expression cannot be judged by in time is kept: the call fails" {
	put "$(printf 'a%.0s' {1..60})-" $((9 * D)) 1
	run -1 --separate-stderr guard -k 'regex ^(a+)+$' DestroySnapshots "$(all)"
	stderr_has 'zr-guard: '
	[ -n "$(left)" ]
}

@test "SIGTERM ends it and the endpoint that it waits for" {
	daily 6
	stand_in
	method ListFilesystemVersions <<< 'echo $$ > pid; exec sleep 100'
	all > request
	background zr-guard -k "$DAYS" ./endpoint DestroySnapshots < request
	eventually 20 test -s pid
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	eventually 20 gone "$(cat pid)"
	[ "$(left)" = d6,d5,d4,d3,d2,d1 ]
}

@test "rules and options that make no sense" {
	bad() {
		run -100 --separate-stderr zr-guard "${@:2}" zr-endpoint archive box ListFilesystems '{}'
		[ -z "$output" ]
		stderr_has "$1"
	}
	mkdir box
	bad 'no rule: -k RULE, -K FILE with at least one, or -a'
	bad 'no rule' -q
	: > empty
	bad 'empty: there is no rule in it' -k 'last_n 1' -K empty
	printf 'regex .\ngrid . 1x1h(keep=all)' > cut
	bad '-K: cut: line 2 does not end with a newline' -K cut
	bad '-k nonsense' -k nonsense
	bad 'not_replicated: a receiver does not know what was replicated' -k not_replicated
	echo 'last_n x' > rules
	bad 'rules' -K rules
	bad '-a keeps everything' -a -d state
	bad 'usage: ' -a -k 'last_n 1'
	run -111 --separate-stderr zr-guard -K missing zr-endpoint archive box Ping '{}'
	run -100 --separate-stderr zr-guard -k 'last_n 1' -- -x Ping
	run -100 --separate-stderr zr-guard -k 'last_n 1' Ping
	[[ $stderr == 'usage: '* ]]
}
