# zr-list: an endpoint's whole listing, a line for each filesystem.
# Takes long
load ../lib/helper
load ../lib/archive

# snap NAME CREATETXG, mark ...: as JSON
snap() {
	printf '{"Name":"%s","Guid":"%s","CreateTXG":"%s","Creation":"2026-11-01T00:00:00Z"}' "$1" "$2" "$2"
}
mark() {
	snap "$@" | sed 's/^{/{"Type":"Bookmark",/'
}

# batch LINE...: ./endpoint, whose batch runs this.  "next" reads a call, whose id and
# filesystem are then known; "answer" and "refuse" answer it; "filesystems NAME..."
# reads the first call and answers that; "each" answers all that come with $VERSIONS.
batch() {
	cat > endpoint <<-'END'
		#!/bin/sh
		[ "$1" = batch ] || { echo "called for $1" >&2; exit 42; }
		echo $$ >> batches
		next() {
			read -r line || return 1
			id=${line#*:} id=${id%%,*}
			filesystem=${line##*:\"} filesystem=${filesystem%%\"*}
		}
		answer() { printf '{"id":%s,"response":%s}\n' "$id" "${1-$VERSIONS}"; }
		refuse() { printf '{"id":%s,"error":{"code":%s,"message":"%s"}}\n' "$id" "$@"; }
		filesystems() {
			next
			list=
			for name; do list="$list${list:+,}{\"Path\":\"$name\"}"; done
			answer "{\"Filesystems\":[$list]}"
		}
		each() { while next; do answer; done; }
	END
	printf '%s\n' "$@" >> endpoint
	chmod +x endpoint
	export VERSIONS="{\"Versions\":[$(snap x 1)]}"
}

# list STATUS [ARGUMENT...]: of ./endpoint, without a shell in front of it
list() {
	run "-$1" --separate-stderr timeout 60 zr-list -e 'exec ./endpoint' "${@:2}"
}

# told LINE: that, and nothing else, is on standard error.
told() {
	[ "$stderr" = "zr-list: $1" ] || { printf 'stderr: %s\n' "$stderr"; return 1; }
}

# all FIELD: of each line of the output
all() {
	jq -r "$1" <<< "$output" | paste -sd ' '
}

# listing ENDPOINT...: the same with single calls
listing() {
	"$@" ListFilesystems '{}' | jq -c '.Filesystems[]?' | while read -r entry; do
		request=$(jq -c '{Filesystem: .Path}' <<< "$entry")
		"$@" ListFilesystemVersions "$request" | jq -c --argjson entry "$entry" \
		    --argjson name "$request" '$name + . + ($entry | del(.Path))'
	done
}

# An archive, and what single calls say that it has.
box() {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.full.zstream a/data@one a.data
	keep data.full.zstream a/data@one a/data/below
	listing zr-endpoint archive box | jq -cS . > expected
	[ "$(jq -r .Filesystem expected | wc -l)" -eq 4 ]
}

# equals ENDPOINT: what it lists is expected, in the order of components
equals() {
	run -0 --separate-stderr zr-list -e "$1"
	[ "$(jq -cS . <<< "$output" | sort)" = "$(sort expected)" ]
	[ "$(all .Filesystem)" = 'a a/data a/data/below a.data' ]
}

@test "an archive is listed as by single calls, with parents before their children" {
	box
	equals 'zr-endpoint archive box'
	[ "$(jq -c 'select(.IsPlaceholder) | .Filesystem' <<< "$output")" = '"a"' ]
	[ "$(jq -r 'select(.Filesystem == "a/data") | .Versions[].Name' <<< "$output" | paste -sd ,)" = one,two ]
	[ -z "$stderr" ]
}

@test "zr-remote to zr-serve is listed, with -b and without" {
	box
	equals "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive box'"
	equals "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive box'"
}

@test "zr-plan reads the listing" {
	box
	mkdir copy
	zr-list -e 'zr-endpoint archive copy' > theirs
	[ ! -s theirs ]
	zr-list -e 'zr-endpoint archive box' | zr-plan - theirs > plans
	[ "$(cut -d : -f 2 plans | paste -sd ,)" = ' placeholder, initial, initial, initial' ]
}

@test "versions are in the order of their CreateTXG, a bookmark before its snapshot" {
	batch 'filesystems a' each
	VERSIONS="{\"Versions\":[$(snap d 10),$(snap c 9),$(mark c 9),$(snap b 18446744073709551615),$(snap a 0)]}"
	list 0
	[ "$(jq -r '.Versions[] | (.Type // "") + .Name' <<< "$output" | paste -sd ,)" = a,Bookmarkc,c,d,b ]
	zr-plan - /dev/null <<< "$output"
}

@test "placeholders have no versions; resume tokens and empty filesystems are listed" {
	batch next 'answer "{\"Filesystems\":[{\"Path\":\"b\",\"IsPlaceholder\":true},{\"Path\":\"a\",\"ResumeToken\":\"1-x\"}]}"' \
	    'while next; do echo "$filesystem" >> asked; answer "{}"; done'
	list 0
	[ "${lines[0]}" = '{"Filesystem":"a","ResumeToken":"1-x"}' ]
	[ "${lines[1]}" = '{"Filesystem":"b","IsPlaceholder":true}' ]
	[ "$(cat asked)" = a ]
}

@test "filesystems are ordered by components, in whatever order the endpoint answers" {
	batch 'filesystems a.b a/b/c a ab a-b a/b' 'n=0; while [ $n -lt 6 ] && next; do' \
	    '    later="$(answer)${later:+
$later}"; n=$((n + 1)); done; echo "$later"; each'
	list 0
	[ "$(all .Filesystem)" = 'a a/b a/b/c a-b a.b ab' ]
	[ "$(all '.Versions[].Name')" = 'x x x x x x' ]
}

@test "a line is printed as soon as the lines before it are known" {
	batch 'filesystems a b' 'next; answer; read -r _ < go; each'
	mkfifo go
	background zr-list -e ./endpoint > out
	eventually 20 grep -q '"a"' out
	[ "$(wc -l < out)" -eq 1 ]
	echo > go
	ended_with 0 "${children[0]}"
	[ "$(wc -l < out)" -eq 2 ]
}

@test "an endpoint may have no filesystems, or be a pipeline" {
	batch filesystems each
	list 0
	[ -z "$output" ]
	batch 'filesystems a' each
	run -0 zr-list -e 'tee calls | ./endpoint'
	[ "$output" = '{"Filesystem":"a","Versions":['"$(snap x 1)"']}' ]
	[ "$(wc -l < calls)" -eq 2 ]
}

@test "an operand selects a filesystem and those below it, not those that begin like it" {
	batch 'filesystems a ab a/b a/b/c a/bc b/a' each
	list 0 a/b
	[ "$(all .Filesystem)" = 'a/b a/b/c' ]
	list 0 a a/b
	[ "$(all .Filesystem)" = 'a a/b a/b/c a/bc' ]
	list 0 b ab
	[ "$(all .Filesystem)" = 'ab b/a' ]
}

@test "an operand that matches nothing is named, the others are listed" {
	batch 'filesystems a b' each
	list 1 a none/such b/x
	[ "$(all .Filesystem)" = a ]
	[ "$stderr" = 'zr-list: none/such: the endpoint has no such filesystem
zr-list: b/x: the endpoint has no such filesystem' ]
}

@test "usage errors start nothing" {
	batch each
	list 100 a//b
	told 'a//b is not the name of a filesystem'
	list 100 a@b
	list 100 ''
	list 100 -t 0
	list 100 -t 86401
	list 100 -x
	run -100 zr-list
	run -100 --separate-stderr zr-list -e -t
	stderr_has 'an endpoint'
	[ ! -e batches ]
}

# --- an endpoint without batch ---

# alone CASE...: ./endpoint without a batch
alone() {
	printf '%s\n' '#!/bin/sh' 'read -r request' 'case $1 in' "$@" \
	    '*) echo "$1: what?" >&2; exit 100 ;;' esac > endpoint
	chmod +x endpoint
	export VERSIONS="{\"Versions\":[$(snap x 1)]}"
}
FORTY="ListFilesystems) seq 40 | jq -cs '{Filesystems: map({Path: \"f\(.)\"})}' ;;"

@test "without batch, the listing is the same, with a process for each call, 8 at once" {
	# Each waits until 8 run, and a while for a ninth.
	alone "$FORTY" 'ListFilesystemVersions)' \
	    '	mkdir -p running; touch running/$$' \
	    '	until [ -e go ]; do [ "$(ls running | wc -l)" -lt 8 ] || touch go; sleep 0.05; done' \
	    '	sleep 0.2; ls running | wc -l >> counts; rm running/$$; echo "$VERSIONS" ;;'
	list 0
	[ "$(sort -n counts | tail -n 1)" -eq 8 ]
	[ "$(wc -l < counts)" -eq 40 ]
	[ "$(wc -l <<< "$output")" -eq 40 ]
	[ "$(all .Filesystem)" = "$(seq -f 'f%g' 40 | LC_ALL=C sort | paste -sd ' ')" ]
	[ -z "$stderr" ]
}

@test "without batch, an archive is listed" {
	box
	printf '%s\n' '#!/bin/sh' '[ "$1" != batch ] || exit 100' 'exec zr-endpoint archive box "$@"' > endpoint
	chmod +x endpoint
	equals ./endpoint
}

@test "without batch, a fault concerns only its filesystem or ListFilesystems" {
	alone 'ListFilesystems) echo "{\"Filesystems\":[{\"Path\":\"a\"},{\"Path\":\"b\"},{\"Path\":\"c\"},{\"Path\":\"d\"},{\"Path\":\"e\"},{\"Path\":\"f\"}]}" ;;' \
	    'ListFilesystemVersions) case $request in' \
	    '*\"a\"*) echo "$VERSIONS" ;;' \
	    '*\"b\"*) echo "pool suspended" >&2; exit 7 ;;' \
	    '*\"c\"*) echo "{\"Versions\":3}" ;;' \
	    '*\"d\"*) echo "{\"Versions\":[{\"Name\":\"@\",\"Creation\":\"2026-11-01T00:00:00Z\"}]}" ;;' \
	    '*\"e\"*) ;;' \
	    '*) kill -9 $$ ;; esac ;;'
	list 1
	[ "$(all .Filesystem)" = 'a b c d e f' ]
	[ "$(all '.error.code // 0')" = '0 7 98 98 98 137' ]
	[ "$(wc -l <<< "$stderr")" -eq 5 ]
	stderr_has 'zr-list: b: endpoint: pool suspended'
	stderr_has 'zr-list: c: endpoint: the answer: '
	stderr_has 'zr-list: d: endpoint: the answer: Versions: Name is not the name of a snapshot'
	stderr_has 'zr-list: e: endpoint: no answer line'
	stderr_has 'zr-list: f: endpoint: endpoint ended by signal 9'
	alone 'ListFilesystems) echo "zr-x: no pool" >&2; echo "zr-x: hint: import it" >&2; exit 9 ;;'
	list 9
	[ "$stderr" = 'zr-list: endpoint: zr-x: no pool
zr-list: hint: import it' ]
	[ -z "$output" ]
	list 9 -t 5
}

@test "without batch, calls that hang are all ended in time, and leave no process" {
	alone "$FORTY" 'ListFilesystemVersions) trap "" TERM; echo $$ >> pids; while :; do sleep 1; done ;;'
	SECONDS=0
	list 1 -t 1 f1 f2 f3 f4 f5 f6 f7 f8
	[ "$SECONDS" -lt 15 ]
	[ "$(all .error.code | tr ' ' '\n' | sort -u)" = 99 ]
	[ "$(wc -l < pids)" -eq 8 ]
	while read -r pid; do
		eventually 5 gone "$pid"
	done < pids
}

# --- faults of a batch ---

@test "if a batch ends before its first answer, its status and last words are the error" {
	batch 'echo "first words" >&2' 'echo "no such pool" >&2' 'exit 3'
	list 3
	[ "$stderr" = 'zr-list: endpoint: first words
zr-list: endpoint: no such pool' ]
	[ -z "$output" ]
	batch 'kill -9 $$'
	list 137
	told 'endpoint: endpoint ended by signal 9'
	batch 'exit 0'
	list 98
	told 'endpoint: its batch ended without an answer'
	batch 'echo "shutting down" >&2' 'exit 0'
	list 98
	[ "$stderr" = 'zr-list: endpoint: shutting down
zr-list: endpoint: its batch ended without an answer' ]
	run -127 --separate-stderr zr-list -e ./missing
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
	stderr_has './missing'
}

@test "if a batch ends between answers, the others have its reason, and one hint is shown" {
	batch 'filesystems a b c' 'next; answer' 'echo "zr-x: connection lost" >&2' \
	    'echo "zr-x: hint: look at the cable" >&2' 'exit 1'
	list 1
	[ "$(all .Filesystem)" = 'a b c' ]
	[ "$(all '.error.code // 0')" = '0 1 1' ]
	[ "$stderr" = 'zr-list: b: endpoint: zr-x: connection lost
zr-list: hint: look at the cable
zr-list: c: endpoint: zr-x: connection lost' ]
	batch 'filesystems a b' 'next; answer' 'kill -9 $$'
	list 1
	[ "$(jq -r 'select(.error).error | "\(.code) \(.message)"' <<< "$output")" = '137 endpoint: endpoint ended by signal 9' ]
	batch 'filesystems a b' 'next; answer' 'exit 0'
	list 1
	told 'b: endpoint: its batch ended without an answer'
	[ "$(all '.error.code // 0')" = '0 98' ]
}

@test "a lost batch is started again for later calls" {
	batch 'if [ -e lost ]; then each; exit; fi' \
	    'next; seq -f f%04g 300 | jq -cRn --argjson id "$id" "{id: \$id, response: {Filesystems: [inputs | {Path: .}]}}"' \
	    'next; touch lost; exit 1'
	list 1
	[ "$(wc -l < batches)" -eq 2 ]
	[ "$(jq -s 'map(select(.error)) | length' <<< "$output")" -eq 256 ]
	[ "$(jq -s 'map(select(.Versions)) | length' <<< "$output")" -eq 44 ]
}

@test "a batch that ends after its answers is no failure, whatever its status" {
	batch 'filesystems a' 'next; answer' 'while next; do :; done; echo "bye" >&2; exit 3'
	list 0
	told 'endpoint: bye'
	[ "$(all .Filesystem)" = a ]
}

@test "exit status 100 after any answer does not mean that batch is missing" {
	batch 'filesystems a' next 'exit 100'
	list 1
	told 'a: endpoint: endpoint ended with status 100'
	batch 'echo "usage: endpoint METHOD"' 'exit 100'
	list 98
	told 'endpoint: an answer of its batch is not JSON, but begins with "usage: endpoint METHOD" (does a shell start-up file print?)'
}

@test "a batch that closes only its output is an error" {
	# It has time to say why.
	batch 'exec >&-' 'sleep 1' 'echo "no such pool" >&2' 'exit 3'
	list 3
	told 'endpoint: no such pool'
	batch 'filesystems a b' 'next; answer' 'exec >&-' 'trap "" TERM' 'while :; do sleep 1; done'
	list 1
	told 'b: endpoint: its batch has closed its output, and goes on'
	eventually 5 gone "$(tail -n 1 batches)"
	# And without batch after all.
	alone 'batch) exec >&-; sleep 0.5; exit 100 ;;' 'ListFilesystems) echo {} ;;'
	list 0
}

@test "invalid lines are errors with status 98 that name the fault" {
	broken() {
		batch 'next' "printf '$1\n'" 'each'
		list 98
		stderr_has "zr-list: endpoint: $2"
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
		[ -z "$output" ]
	}
	broken 'Welcome to \033[1mthis host' 'an answer of its batch is not JSON, but begins with "Welcome to \033[1mthis host" (does'
	broken '' 'an answer of its batch is not JSON'
	broken '{"id":0,"response":{}' 'an answer of its batch: '
	broken '{"id":0}' 'an answer of its batch: a line with an id and either'
	broken '{"id":0,"response":{},"error":{}}' 'an answer of its batch: a line with an id and either'
	broken '{"id":0,"response":{},"response":{}}' 'an answer of its batch: duplicate key'
	broken '\377\376' 'an answer of its batch is not JSON'
	broken '{"id":0,"response":{"Filesystems":[{"Path":"\377"}]}}' ''
}

@test "answers of the wrong type are errors with status 98 that name the field" {
	wrong() {
		batch next "answer '$1'" each
		list 98
		stderr_has "zr-list: endpoint: the answer: $2"
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
	}
	wrong '[]' ''
	wrong '3' ''
	wrong '{"Filesystems":{}}' 'ListFilesystemRes'
	wrong '{"Filesystems":[{"Path":1}]}' 'ListFilesystemRes'
	wrong '{"Filesystems":[{"Path":"a","IsPlaceholder":"x"}]}' 'ListFilesystemRes'
	wrong '{"Filesystems":[{"Path":"a\u0000b"}]}' 'ListFilesystemRes'
	batch 'filesystems a b' 'next; answer "{\"Versions\":[{\"Name\":\"x\",\"Creation\":\"now\"}]}"' each
	list 1
	[ "$(all '.error.code // 0')" = '98 0' ]
	told 'a: endpoint: the answer: Versions: Creation is not a time in RFC 3339: "now"'
}

@test "a second answer, and an answer to no call, are errors" {
	batch 'filesystems a b' 'next; answer; answer' each
	list 1
	told 'b: endpoint: its batch answers a question that was not asked'
	[ "$(all '.error.code // 0')" = '0 98' ]
	for id in 7 '"0"' null -1 0.0 18446744073709551616; do
		batch "next; id='$id'; answer {}" each
		list 98
		told 'endpoint: its batch answers a question that was not asked'
	done
	batch 'next; id=null; refuse 100 "cannot read that"' each
	list 98
	told 'endpoint: its batch answers a question that was not asked: cannot read that'
}

@test "a filesystem that is listed twice, or has no name, is an error" {
	batch 'filesystems a b a' each
	list 98
	told 'endpoint: it lists a twice'
	[ -z "$output" ]
	batch "filesystems ''" each
	list 98
	told 'endpoint: it lists a filesystem without a name'
}

@test "control characters in a name do not reach a terminal" {
	batch 'filesystems "a\\u001b[31m\\nb"' 'while next; do refuse 1 "\\u001b[0mno\\u009b"; done'
	list 1
	[ "$(jq -r .Filesystem <<< "$output")" = $'a\033[31m\nb' ]
	[ "$(LC_ALL=C tr -d ' -~\n' <<< "$output$stderr")" = '' ]
	told 'a\033[31m\nb: endpoint: \033[0mno\302\233'
	zr-plan - /dev/null <<< "$output" > plan || [ $? -eq 1 ]
	[ "$(LC_ALL=C tr -d ' -~\n' < plan)" = '' ]
}

@test "an error for one filesystem does not affect the others" {
	batch 'filesystems a b c' 'while next; do' \
	    '[ "$filesystem" != b ] || { refuse 1 "pool I/O is suspended"; continue; }; answer; done'
	list 1
	[ "$(all .Filesystem)" = 'a b c' ]
	[ "${lines[1]}" = '{"Filesystem":"b","error":{"code":"1","message":"endpoint: pool I/O is suspended"}}' ]
	told 'b: endpoint: pool I/O is suspended'
	run -1 zr-plan - /dev/null <<< "$output"
	[ "${lines[1]}" = 'b: error: the sender: endpoint: pool I/O is suspended' ]
	# And for all of them.
	batch 'next; refuse 5 "no such pool"'
	list 5
	told 'endpoint: no such pool'
}

@test "the hint in an answer's message is shown once, however often it comes" {
	batch 'filesystems a b' 'while next; do refuse 1 "zr-x: denied\\nzr-x: hint: zfs allow"; done'
	list 1
	[ "$stderr" = 'zr-list: a: endpoint: zr-x: denied
zr-list: hint: zfs allow
zr-list: b: endpoint: zr-x: denied' ]
	# Also if the endpoint has said it on standard error.
	batch 'filesystems a' 'next; printf "zr-x: denied\nzr-x: hint: zfs allow\n" >&2' \
	    'refuse 1 "zr-x: denied\\nzr-x: hint: zfs allow"; each'
	list 1
	[ "$(grep -c 'hint: zfs allow' <<< "$stderr")" -eq 1 ]
}

# long BYTES: an answer of this length
long() {
	python3 -c 'import sys
one = "{\"Name\":\"a\",\"Guid\":\"1\",\"CreateTXG\":\"1\",\"Creation\":\"2024-01-02T00:00:00Z\"}"
count = (int(sys.argv[1]) - 20) // (len(one) + 1)
text = "{\"Versions\":[" + ",".join([one] * count) + "]}"
print(text + " " * (int(sys.argv[1]) - len(text)), end="")' "$1"
}

@test "answers may have 64 MiB; a longer one ends the batch" {
	name=$(printf 'a%.0s' {1..97})
	batch "filesystems $name b" \
	    'next; printf "{\"id\":%s,\"response\":" "$id"; cat answer; echo "}"; each'
	long $((60 << 20)) > answer
	timeout 60 zr-list -e ./endpoint > out
	[ "$(python3 -c 'import json
answer = json.load(open("answer"))
print([json.loads(line)["Versions"] == answer["Versions"] for line in open("out")])')" = '[True, False]' ]
	# Its line would be longer than zr-plan reads.
	long $((64 << 20)) > answer
	list 1
	told "$name: its line would be longer than 64 MiB"
	[ "$(all '.error.code // 0')" = '1 0' ]
	batch 'filesystems a b' 'next; printf "{\"id\":%s,\"response\":" "$id"; exec tr "\0" " " < /dev/zero'
	list 1
	[ "$(all .error.code)" = '98 98' ]
	stderr_has 'zr-list: a: endpoint: its batch: a line of more than '
	[ "$(wc -l <<< "$stderr")" -eq 2 ]
}

@test "a flood on standard error prevents neither the listing nor its end" {
	batch 'yes flood >&2 &' 'flood=$!' 'filesystems a' 'next; sleep 1; answer' 'each; kill $flood'
	timeout 60 zr-list -e ./endpoint > out 2> log
	[ "$(jq -r .Filesystem out)" = a ]
	grep -qx 'zr-list: endpoint: flood' log
	batch 'exec yes flood >&2'
	timeout 60 zr-list -t 1 -e ./endpoint 2> log || status=$?
	[ "$status" -eq 99 ]
	grep -qx 'zr-list: endpoint: no answer to ListFilesystems in time' log
	eventually 5 gone "$(tail -n 1 batches)"
}

@test "-t ends an endpoint that hangs: status 99, or later an error of the filesystem" {
	batch 'exec sleep 1000'
	SECONDS=0
	list 99 -t 1
	told 'endpoint: no answer to ListFilesystems in time'
	[ "$SECONDS" -lt 5 ]
	eventually 5 gone "$(tail -n 1 batches)"
	batch 'filesystems a b c' 'while next; do [ "$filesystem" = b ] || answer; done; echo "end of input" >&2'
	list 1 -t 1
	told 'b: endpoint: no answer to ListFilesystemVersions in time'
	[ "$(all '.error.code // 0')" = '0 99 0' ]
}

@test "-t: one answer to a cancelled call is allowed, a second one is not" {
	# f001 is never answered in time, the rest afterwards: of 257, the last is asked for then.
	batch 'next; seq -f f%03g 257 | jq -cRn --argjson id "$id" "{id: \$id, response: {Filesystems: [inputs | {Path: .}]}}"' \
	    'late=; while next; do case $line in' \
	    '*cancel*) id=$late; answer; [ ! -e twice ] || answer ;;' \
	    '*) if [ -z "$late" ]; then late=$id; else answer; fi ;; esac; done'
	list 1 -t 2
	told 'f001: endpoint: no answer to ListFilesystemVersions in time'
	[ "$(jq -s 'map(select(.Versions)) | length' <<< "$output")" -eq 256 ]
	touch twice
	list 1 -t 2
	stderr_has 'zr-list: f257: endpoint: its batch answers a question that was not asked'
}

@test "an endpoint that ignores the end of its input and SIGTERM is killed" {
	batch 'trap "" TERM' 'filesystems a' 'next; answer' 'while :; do sleep 1; done'
	SECONDS=0
	list 0
	[ "$(all .Filesystem)" = a ]
	[ "$SECONDS" -lt 20 ]
	eventually 5 gone "$(cat batches)"
}

@test "if standard output is full, closed or has no reader: 111, and no process is left" {
	batch 'filesystems a' 'trap "" HUP' 'next; answer' 'while :; do sleep 1; done'
	for to in '> /dev/full' '>&-'; do
		run -111 --separate-stderr timeout 60 sh -c "zr-list -e ./endpoint $to"
		stderr_has 'zr-list: standard output: '
		eventually 5 gone "$(tail -n 1 batches)"
	done
	{ status=0; timeout 60 zr-list -e ./endpoint 2> log || status=$?; echo "$status" > status; } | :
	[ "$(cat status)" -eq 111 ]
	[ "$(cat log)" = 'zr-list: standard output: Broken pipe' ]
	eventually 5 gone "$(tail -n 1 batches)"
}

@test "SIGINT and SIGTERM leave no process, in a batch and without" {
	interrupted() {
		rm -f pids
		# A shell's background command would ignore SIGINT.
		background python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("zr-list", sys.argv[1:])' zr-list -e ./endpoint 2> log
		eventually 20 test -s pids
		kill "-$1" "${children[-1]}"
		ended_with "$2" "${children[-1]}"
		grep -q "ended by signal" log
		while read -r pid; do
			eventually 5 gone "$pid"
		done < pids
	}
	batch 'echo $$ > pids' 'exec sleep 1000'
	interrupted INT 130
	interrupted TERM 143
	alone "$FORTY" 'ListFilesystemVersions) echo $$ >> pids; exec sleep 1000 ;;'
	interrupted INT 130
}

@test "a slow reader delays neither signals nor answers" {
	long $((1 << 20)) > answer
	batch 'filesystems a b' 'next; printf "{\"id\":%s,\"response\":" "$id"; cat answer; echo "}"' \
	    'touch answered; each'
	mkfifo out again
	exec 8<> out
	background zr-list -e ./endpoint > out
	eventually 20 test -e answered
	kill "${children[0]}"
	ended_with 143 "${children[0]}"
	eventually 5 gone "$(tail -n 1 batches)"
	# What is answered in time is no failure because it is printed late.
	rm answered
	exec 8<> again
	background zr-list -t 2 -e ./endpoint > again
	exec 7< again 8>&-
	eventually 20 test -e answered
	eventually 4 false || :
	[ "$(timeout 20 jq -c '.Versions | length > 0' <&7 | paste -sd ,)" = true,true ]
	ended_with 0 "${children[1]}"
}

# --- how much ---

@test "1,000 filesystems cost one batch, with at most 256 waiting calls" {
	cat > endpoint <<-'END'
		#!/usr/bin/python3
		import json, os, select, sys
		assert sys.argv[1:] == ["batch"]
		print(os.getpid(), file=open("batches", "a"))
		waiting, most, data = [], 0, b""
		def answer(id, response):
		    os.write(1, json.dumps({"id": id, "response": response}).encode() + b"\n")
		while True:
		    # Answer only when nothing more comes.
		    if not select.select([0], [], [], 0.2 if waiting else None)[0]:
		        most = max(most, len(waiting))
		        answer(waiting.pop(0), {"Versions": []})
		        continue
		    got = os.read(0, 1 << 20)
		    data += got
		    *lines, data = data.split(b"\n")
		    for call in map(json.loads, lines):
		        if call["method"] == "ListFilesystems":
		            answer(call["id"], {"Filesystems": [{"Path": "f%d" % n} for n in range(1000)]})
		        else:
		            waiting.append(call["id"])
		    most = max(most, len(waiting))
		    if len(waiting) >= 256 or (waiting and len(lines) < 256 and most == 256):
		        while waiting:
		            answer(waiting.pop(0), {"Versions": []})
		    if not got:
		        print(most, file=open("most", "w"))
		        break
	END
	chmod +x endpoint
	list 0
	[ "$(wc -l <<< "$output")" -eq 1000 ]
	[ "$(wc -l < batches)" -eq 1 ]
	[ "$(cat most)" -eq 256 ]
}

@test "100,000 snapshots in one filesystem take less than 100 MiB" {
	python3 -c '
print("{\"Versions\":[%s]}" % ",".join("{\"Name\":\"zrepl_20260101_%06d_000\",\"Guid\":\"%d\","
    "\"CreateTXG\":\"%d\",\"Creation\":\"2026-01-01T00:00:00Z\"}" % (n, n + 1, 100000 - n)
    for n in range(100000)))' > answer
	batch 'filesystems a' \
	    'next; printf "{\"id\":%s,\"response\":" "$id"; tr -d "\n" < answer; echo "}"; each'
	timeout 60 "$ZR_BUILD/t/peak" peak zr-list -e ./endpoint > out
	[ "$(jq '.Versions | length' out)" -eq 100000 ]
	[ "$(jq -r '.Versions[0].CreateTXG' out)" = 1 ]
	echo "$(cat peak) KiB"
	case $ZR_BUILD in *sanitize*) return ;; esac	# they need memory of their own
	[ "$(cat peak)" -lt $((100 * 1024)) ]
}

@test "filesystems beyond those in hand need no memory for their versions" {
	long $((1 << 18)) > answer
	batch 'next; seq -f f%04g 700 | jq -cRn --argjson id "$id" "{id: \$id, response: {Filesystems: [inputs | {Path: .}]}}"' \
	    'while next; do printf "{\"id\":%s,\"response\":" "$id"; cat answer; echo "}"; done'
	timeout "$PATIENCE" "$ZR_BUILD/t/peak" peak zr-list -e ./endpoint | wc -l > count
	[ "$(cat count)" -eq 700 ]
	echo "$(cat peak) KiB"
	case $ZR_BUILD in *sanitize*) return ;; esac
	[ "$(cat peak)" -lt $((100 * 1024)) ]
}
