# zr-plan: two listings in, a plan for each filesystem out.
load ../lib/helper
load ../lib/archive

# snap NAME GUID CREATETXG [DAY], mark ...: a version as JSON
snap() {
	printf '{"Name":"%s","Guid":"%s","CreateTXG":"%s","Creation":"2026-11-%02dT00:00:00Z"}' \
	    "$1" "$2" "$3" "${4-$3}"
}
mark() {
	snap "$@" | sed 's/^{/{"Type":"Bookmark",/'
}

# listed FILESYSTEM [VERSION...]: a line of a listing
listed() {
	local name=$1 IFS=,
	shift
	printf '{"Filesystem":"%s","Versions":[%s]}\n' "$name" "$*"
}

# listing ENDPOINT...: all of an endpoint, with the endpoint interface alone
listing() {
	"$@" ListFilesystems '{}' | jq -c '.Filesystems[]?' | while read -r entry; do
		request=$(jq -c '{Filesystem: .Path}' <<< "$entry")
		"$@" ListFilesystemVersions "$request" | jq -c --argjson entry "$entry" \
		    --argjson name "$request" '$name + . + ($entry | del(.Path))'
	done
}

@test "for random histories the plan is that of an independent model" {
	count=${ZR_PLAN_HISTORIES:-1000}
	"$HELPERS/plan_model.py" "$count" 1 most_recent
	"$HELPERS/plan_model.py" "$count" 2 all
	"$HELPERS/plan_model.py" "$count" 3 fail -x
	"$HELPERS/plan_model.py" "$count" 4 all -l -i
}

@test "after steps cut anywhere and destroyed snapshots the next plan goes on from there" {
	count=$((${ZR_PLAN_HISTORIES:-1000} / 10))
	for guarantee in resumability incremental nothing resumability,incremental \
	    incremental,resumability; do
		for initial in all most_recent; do
			run -0 "$HELPERS/step_model.py" $((count / 2)) 1 "$guarantee" "$initial"
			echo "$guarantee $initial: $output"
			# They come to what they are about.
			[[ "$output" == *incremental=*initial=*resume=* ]]
		done
	done
}

# finds FAULT GUARANTEE WORDS: the model shows this fault to be one, by a short history.
finds() {
	run -1 "$HELPERS/step_model.py" -f "$1" 300 1 "$2"
	echo "$1: $output"
	[[ "${lines[-1]}" == *"$3"* ]]
	[ "${#lines[@]}" -le 8 ]
}

@test "each fault that is planted in the model of the steps is found" {
	finds token resumability 'received blocks of s1 are sent again'
	finds bookmarks incremental 'no way to go on: '
	finds hold-from resumability 'no way to go on: '
	finds hold-to resumability 'received blocks of s1 are sent again'
	finds stale-first resumability 'the sender no longer has s1'
	finds from incremental 'the sender no longer has tentative1'
	finds tentative incremental 'no way to go on: '
	finds received incremental 'sent in full: the common snapshot is lost'
	finds cursor resumability 'no way to go on: '
	finds overlap resumability 'no way to go on: '
	finds unfinished resumability 'holds or cursors are left'
}

@test "-k sends what the receiver's rules would keep, as a model of them says" {
	run -0 "$HELPERS/retention_model.py" plan "${ZR_PLAN_HISTORIES:-1000}" 1
	echo "$output"
	[[ $output =~ kept=[1-9][0-9]+\ gone=[1-9][0-9]+ ]]
}

@test "-k leaves out what the receiver's rules would destroy at once, but not the last" {
	listed a "$(snap x 1 1)" "$(snap y 2 2)" "$(snap z 3 3)" "$(snap last 4 4)" > ours
	: > theirs
	sent() {
		run -0 zr-plan -j -I all "${@:2}" ours theirs
		[ "$(jq -r '.steps[].To.Name' <<< "$output" | paste -sd ' ')" = "$1" ]
	}
	sent 'x last' -k 'regex x'
	[ "$(jq -c .skipped <<< "$output")" = '[{"snapshot":"y","why":"the receiver'"'"'s rules would destroy it"},{"snapshot":"z","why":"the receiver'"'"'s rules would destroy it"}]' ]
	[ "$(jq -r '.steps[1].From.Name' <<< "$output")" = x ]
	sent 'last' -k 'regex none'
	sent 'x y last' -k 'regex x' -k 'regex y'
	printf '# theirs\nregex x\n' > rules
	sent 'x y last' -K rules -k 'regex y'
	# -i, -x and -l come first.
	sent 'x z' -k 'regex x' -x last
	sent 'last' -k 'regex x' -l
	# What it has takes its place; there its CreateTXG counts.
	sent 'x last' -k 'grid . 1x1h(keep=all) | 1x30d'
	listed a "$(snap x 1 900 1)" > theirs
	sent 'last' -k 'grid . 1x1h(keep=all) | 1x30d'
	sent 'y last' -k 'grid . 1x1h(keep=all) | 1x30d(keep=2)'
	# A resumed step goes on, whatever the rules say of its end, and counts.
	printf '{"Filesystem":"a","ResumeToken":"%s"}\n' "$("$HELPERS/forge_token.py" a@y 2 -)" > theirs
	sent 'y last' -k 'regex none'
	sent 'y last' -k 'grid . 1x1h(keep=all) | 1x30d'
}

@test "-k refuses rules that are invalid, or not for a receiver" {
	listed a "$(snap x 1 1)" > ours
	run -100 --separate-stderr zr-plan -k 'grid . 1x1h(keep=0)' ours ours
	[[ $stderr == 'zr-plan: -k: the rule "grid . 1x1h(keep=0)": '* ]]
	run -100 --separate-stderr zr-plan -k not_replicated ours ours
	[ "$stderr" = 'zr-plan: -k: not_replicated is no rule for a receiver' ]
	run -111 zr-plan -K missing ours ours
	: > none
	run -100 --separate-stderr zr-plan -K none ours ours
	[ "$stderr" = 'zr-plan: -K: none: there is no rule in it' ]
	run -100 --separate-stderr zr-replicate -s false -r false -k nonsense
	[[ $stderr == 'zr-replicate: -k: the rule "nonsense": '* ]]
}

@test "an initial plan sends the newest snapshot or all of them, or is a conflict" {
	listed a "$(snap x 1 1)" "$(snap y 2 2)" "$(mark z 3 3)" > ours
	: > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: initial: 1 step: @y in full' ]
	run -0 zr-plan -v ours theirs
	[ "${lines[1]}" = '    a@x: not the newest' ]
	run -0 zr-plan -I all ours theirs
	[ "$output" = 'a: initial: 2 steps: @x in full, then to @y' ]
	run -1 zr-plan -I fail ours theirs
	[[ "$output" == 'a: conflict: the receiver does not have it,'* ]]
	listed a "$(mark z 3 3)" > ours
	run -1 zr-plan ours theirs
	[[ "$output" == 'a: conflict: the sender has only bookmarks'* ]]
}

@test "increments begin at any common version, and send the chosen snapshots" {
	listed a "$(mark base 1 1)" "$(snap day1 2 2)" "$(snap hour 3 3)" "$(snap day2 4 4)" > ours
	listed a "$(snap base 1 70 1)" > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: incremental: 3 steps: #base to @day1, then to @day2' ]
	run -0 zr-plan -v -i '^day\d$' ours theirs
	[ "${lines[0]}" = 'a: incremental: 2 steps: #base to @day1, then to @day2' ]
	[ "${lines[1]}" = '    a@hour: excluded' ]
	run -0 zr-plan -i day -x 2 ours theirs
	[ "$output" = 'a: incremental: 1 step: #base to @day1' ]
	run -0 zr-plan -l ours theirs
	[ "$output" = 'a: incremental: 1 step: #base to @day2' ]
	listed a "$(snap base 1 70 1)" "$(snap day2 4 71 4)" > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: up-to-date' ]
}

@test "a plan as JSON has everything, and each step its guarantees" {
	listed a "$(snap x 1 1)" > ours
	: > theirs
	[ "$(zr-plan -j ours theirs)" = '{"filesystem":"a","destination":"a","verdict":"initial","to":"x","steps":[{"Filesystem":"a","To":{"Name":"x","Guid":"1","CreateTXG":"1","Creation":"2026-11-01T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeResumability"}}}],"skipped":[]}' ]
	[ "$(zr-plan -g nothing,incremental -j ours - < theirs |
	    jq -c '.steps[0].ReplicationConfig.protection')" = \
	    '{"Initial":"GuaranteeNothing","Incremental":"GuaranteeIncrementalReplication"}' ]
	[ "$(zr-plan -g nothing -S ours theirs | jq -c '.ReplicationConfig.protection | [.[]]')" = \
	    '["GuaranteeNothing","GuaranteeNothing"]' ]
}

@test "diverged, created anew, without a version: each is a conflict of its kind" {
	{ listed a "$(snap x 1 1)" "$(snap y 2 2)"; listed b "$(snap x 3 5)"; listed c
	  listed d; listed e "$(snap x 8 8)"; } > ours
	{ listed a "$(snap x 1 1)" "$(snap own 9 9)"; listed b "$(snap old 4 4)"
	  listed c "$(snap x 5 5)"; } > theirs
	run -1 zr-plan -j ours theirs
	[ "$(jq -r .conflict.kind <<< "$output" | paste -sd ,)" = diverged,no-common,sender-empty,null,null ]
	[ "$(jq -c 'select(.filesystem == "a").conflict | [.common, (.sender_only, .receiver_only | map(.Name))]' \
	    <<< "$output")" = '["x",["y"],["own"]]' ]
	[[ "$(jq -r 'select(.filesystem == "b").message' <<< "$output")" == *'created anew' ]]
	[ "$(jq -r '.verdict' <<< "$output" | tail -n 2 | paste -sd ,)" = placeholder,initial ]
}

@test "a token that cannot be continued is ignored with a message" {
	listed a "$(snap y 2 2)" > ours
	token=$("$HELPERS/forge_token.py" a@gone 1 -)
	printf '{"Filesystem":"a","ResumeToken":"%s"}\n' "$token" > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: restart: 1 step: @y in full: the receiver holds part of @gone, but the sender no longer has it: it cannot be continued' ]
	token=$("$HELPERS/forge_token.py" a@y 2 -)
	printf '{"Filesystem":"a","ResumeToken":"%s"}\n' "$token" > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: resume: 1 step: the rest of @y in full' ]
	[ "$(zr-plan -S ours theirs | jq -r .ResumeToken)" = "$token" ]
	printf '{"Filesystem":"a","ResumeToken":"%s"}\n' "$("$HELPERS/forge_token.py" old@y 2 -)" > theirs
	run -0 zr-plan ours theirs
	[ "$output" = 'a: restart: 1 step: @y in full: the receiver holds part of @y, but it was broken off under another name: it cannot be continued' ]
	printf '{"Filesystem":"a","ResumeToken":"1-2-3-4"}\n' > theirs
	run -1 zr-plan ours theirs
	[[ "$output" == "a: error: the receiver's resume token is "* ]]
}

@test "-S puts new parents first, and then the oldest snapshot" {
	{ listed a/c "$(snap old 1 1)"; listed a "$(snap new 2 9)"; listed a/c/d "$(snap older 3 1)"
	  listed b "$(snap mid 4 5)" "$(snap late 5 12)"; } > ours
	: > theirs
	[ "$(zr-plan -S -I all ours theirs | jq -r '.Filesystem + "@" + .To.Name' | paste -sd ' ')" = \
	    'b@mid a@new a/c@old a/c/d@older b@late' ]
	# What is there already, if only as a placeholder, is waited for too, but does
	# not take its children with it.
	sed -i '/"a"/d' ours
	listed a "$(mark only 2 9)" >> ours
	run -1 --separate-stderr zr-plan -S -I all ours theirs
	[ "$(jq -r .Filesystem <<< "$output" | sort -u)" = b ]
	stderr_has 'zr-plan: a/c: its parent a has to be there first, and is not'
	stderr_has 'zr-plan: a: the sender has only bookmarks'
	echo '{"Filesystem":"a","IsPlaceholder":true}' > theirs
	run -1 --separate-stderr zr-plan -S -I all ours theirs
	[ "$(jq -r .Filesystem <<< "$output" | sort -u | paste -sd ,)" = a/c,a/c/d,b ]
}

@test "-m takes the longest name; two filesystems cannot become one" {
	{ listed tank/a "$(snap x 1 1)"; listed tank/a/b "$(snap x 2 2)"; listed tank/ab "$(snap x 3 3)"; } > ours
	listed new/a "$(snap x 1 1)" > theirs
	run -0 zr-plan -j -m tank=other -m tank/a=new/a ours theirs
	[ "$(jq -r '.destination + " " + .verdict' <<< "$output" | paste -sd ,)" = \
	    'new/a up-to-date,new/a/b initial,other/ab initial' ]
	run -100 --separate-stderr zr-plan -m tank/ab=tank/a ours theirs
	stderr_has 'tank/a and tank/ab would both be tank/a at the receiver'
	for rule in tank tank= =tank 'tank=a b//c' tank=x@y; do
		run -100 zr-plan -m "$rule" ours theirs
	done
	run -100 zr-plan -m tank=x -m tank=y ours theirs
	run -100 --separate-stderr zr-plan -S -m tank=x ours theirs
	stderr_has 'zr-step -d'
}

@test "a filesystem that was renamed is found by its snapshots" {
	{ listed tank/new "$(snap x 1 1)" "$(snap y 2 2)"; listed tank/copy "$(snap x 7 1)"; } > ours
	{ listed tank/old "$(snap x 1 1)"; listed tank/copy "$(snap x 7 1)"; } > theirs
	run -0 zr-plan ours theirs
	[ "${lines[1]}" = 'tank/new: initial: 1 step: @y in full (the receiver has @x as tank/old: rename that to tank/new on the receiver, or give -m tank/new=tank/old, and nothing is sent again)' ]
	run -0 zr-plan -m tank/new=tank/old ours theirs
	[ "${lines[1]}" = 'tank/new: incremental: 1 step: @x to @y' ]
}

@test "invalid listings and options are errors with status 100, and the line" {
	listed a > good
	for line in '{}' '{"Filesystem":""}' 'x' '{"Filesystem":"a","Versions":[{"Name":"x"}]}' \
	    '{"Filesystem":"a/../b"} {}' ''; do
		{ listed b; printf '%s\n' "$line"; } > bad
		run -100 --separate-stderr zr-plan bad good
		stderr_has 'zr-plan: bad: line 2: '
		[ -z "$output" ]
	done
	{ listed a; listed a; } > bad
	run -100 --separate-stderr zr-plan good bad
	stderr_has 'bad: a is listed twice'
	run -111 zr-plan good missing
	run -100 zr-plan - -
	run -100 zr-plan -j -S good good
	run -100 zr-plan -v -j good good
	run -100 zr-plan -g none good good
	run -100 zr-plan -I some good good
	run -100 --separate-stderr zr-plan -i 'a(' good good
	stderr_has "zr-plan: -i: a(: at byte 2: missing closing parenthesis"
	run -100 zr-plan -i a -i b good good
}

@test "a listing that failed is an error of its filesystem alone" {
	{ listed a "$(snap x 1 1)"; listed b "$(snap x 2 2)"; listed c "$(snap x 3 3)"; } > ours
	sed -i 's/.*"b".*/{"Filesystem":"b","error":{"code":1,"message":"pool I\/O is suspended"}}/' ours
	echo '{"Filesystem":"c","error":{"code":"99","message":"late"}}' > theirs
	run -1 zr-plan ours theirs
	[ "${lines[0]}" = 'a: initial: 1 step: @x in full' ]
	[ "${lines[1]}" = 'b: error: the sender: pool I/O is suspended' ]
	[ "${lines[2]}" = 'c: error: the receiver: late' ]
	# However long the reason is, and wherever in a character it is cut.
	for length in 600 601; do
		python3 -c 'import sys
print("{\"Filesystem\":\"a\",\"error\":{\"code\":1,\"message\":\"%s\"}}" %
      ("x" * (int(sys.argv[1]) % 2) + "\u00e9" * 600))' $length > ours
		run -1 zr-plan -j ours /dev/null
		jq -e '.message | length > 200' <<< "$output"
	done
}

@test "an expression that takes too long is an error, not a hang" {
	listed a "$(snap aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! 1 1)" > ours
	run -1 zr-plan -i '^(a+)+$' ours /dev/null
	[[ "$output" == 'a: error: the pattern cannot be matched with the name '*'match limit exceeded'* ]]
}

@test "text from peers does not reach a terminal unencoded" {
	printf '{"Filesystem":"a\\u001b[31m\\n","Versions":[%s]}\n' "$(snap 'x\u009b' 1 1)" > ours
	run -0 zr-plan ours /dev/null
	[ "$output" = 'a\033[31m\n: initial: 1 step: @x\302\233 in full' ]
	run -0 zr-plan -j ours /dev/null
	[ "$(LC_ALL=C tr -d ' -~\n' <<< "$output")" = '' ]
}

@test "100,000 snapshots a side take less than 200 MiB" {
	python3 -c '
for side in "ours", "theirs":
    with open(side, "w") as out:
        for f in range(10):
            print("{\"Filesystem\":\"tank/f%d\",\"Versions\":[%s]}" % (f, ",".join(
                "{\"Name\":\"zrepl_20260101_%06d_000\",\"Guid\":\"%d\",\"CreateTXG\":\"%d\","
                "\"Creation\":\"2026-01-01T00:00:00Z\"}" % (n, f * 10**9 + n + 1, n + 1)
                for n in range(10000 if side == "ours" else 9000))), file=out)'
	"$ZR_BUILD/t/peak" peak zr-plan -S ours theirs > steps
	[ "$(wc -l < steps)" -eq 10000 ]
	echo "$(cat peak) KiB"
	case $ZR_BUILD in *sanitize*) return ;; esac	# they need memory of their own
	[ "$(cat peak)" -lt $((200 * 1024)) ]
}

@test "zr-step replicates an archive by the plan; the next plan is empty" {
	mkdir box copy
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	listing zr-endpoint archive box > ours
	listing zr-endpoint archive copy > theirs
	zr-plan -S -I all ours theirs > steps
	[ "$(wc -l < steps)" -eq 2 ]
	while read -r step; do
		zr-step -s 'zr-endpoint archive box' -r 'zr-endpoint archive copy' "$step" < /dev/null
	done < steps
	listing zr-endpoint archive copy > theirs
	run -0 zr-plan ours theirs
	[ "$output" = $'a: placeholder\na/data: up-to-date' ]
}
