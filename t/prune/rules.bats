# zr-prune without an endpoint: what rules keep of a listing, and in the long run.
load ../lib/helper

# snap NAME SECONDS [CREATETXG], mark ...: a version, its guid is its CreateTXG
snap() {
	printf '{"Name":"%s","Guid":"%s","CreateTXG":"%s","Creation":"%s"}' "$1" "${3-$2}" \
	    "${3-$2}" "$(TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T' "$2")"
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

# goes NAMES ARGUMENT...: those of filesystem a in the file "listing" go
goes() {
	run -0 --separate-stderr zr-prune "${@:2}" listing
	[ -z "$stderr" ]
	[ "$(sed 's/^a@//' <<< "$output" | paste -sd ' ')" = "$1" ] || { echo "$output"; return 1; }
}

# refused TEXT ARGUMENT...
refused() {
	run -100 --separate-stderr zr-prune "${@:2}"
	[ -z "$output" ]
	[[ $stderr == "zr-prune: "*"$1"* ]] || { printf '%s: %s\n' "${*:2}" "$stderr"; return 1; }
}

@test "random sets and rules: zr-prune keeps what an independent model keeps" {
	count=${ZR_RETENTION_SETS:-3000}
	for kind in zrepl floor adversary patient; do
		[ "$kind" != patient ] || count=$((count / 5))	# each is judged 15 times
		run -0 "$HELPERS/retention_model.py" "$kind" "$count" 1
		echo "$kind: $output"
		[[ $output =~ kept=[1-9][0-9]+\ gone=[1-9][0-9]+ ]]
	done
}

@test "the grid of the manual page: 39 buckets, the oldest snapshot 15 days old" {
	run -0 zr-prune -T 60d -E 1h -k 'grid . 1x1h(keep=all) | 24x1h | 14x1d'
	[ "${lines[-1]}" = '39 snapshots are left, the oldest 15 d old' ]
	[ "${#lines[@]}" -eq 40 ]
	[ "${lines[0]}" = '0 s' ]
	[ "${lines[1]}" = '1 h' ]
	[ "${lines[-2]}" = '15 d' ]
	# Without keep=all in front the newest snapshot itself goes, if it is not alone.
	run -0 zr-prune -T 40m -E 40m -k 'grid . 24x1h'
	[ "$output" = $'40 m\n1 snapshot is left, the oldest 40 m old' ]
}

@test "the simulation: names, the floor, and what it refuses" {
	run -0 zr-prune -T 2h -E 60m -k 'last_n 2 ^zr_\d{8}_\d{6}_000$'
	[ "$output" = $'0 s\n1 h\n2 snapshots are left, the oldest 1 h old' ]
	run -0 zr-prune -T 2h -E 1h -k 'regex ^zr_'  zrepl_
	[ "$output" = '0 snapshots are left' ]
	run -0 zr-prune -T 90s -E 30s -k 'regex ^auto' auto-
	[ "${lines[3]}" = '1 m 30 s' ]
	run -0 zr-prune -G -T 60d -E 1h -k 'grid . 1x1h(keep=all) | 24x1h | 14x1d'
	[ "${lines[-1]}" = '39 snapshots are left, the oldest 15 d old' ]
	refused '-T wants a duration' -T 1x -E 1h -k 'regex .'
	refused '-T wants a duration' -T 1d1h -E 1h -k 'regex .'
	refused '-E wants a duration' -T 1d -E 0h -k 'regex .'
	refused '-E wants a duration' -T 1d -E '' -k 'regex .'
	refused 'more than 50000 snapshots' -T 10000d -E 1s -k 'regex .'
	refused 'cannot begin the name of a snapshot' -T 1d -E 1h -k 'regex .' a@b
	refused 'there is no rule' -T 1d -E 1h
	refused 'not_replicated has no place' -T 1d -E 1h -k not_replicated
	for option in -A -j -v -y '-J x' '-N 2026-01-01T00:00:00Z' '-S x' '-s x' '-t 5'; do
		refused "${option%% *} has no effect with a simulation" $option -T 1d -E 1h -k 'regex .'
	done
	run -100 zr-prune -T 1d -k 'regex .'
	run -100 zr-prune -E 1d -k 'regex .'
	run -100 zr-prune -T 1d -E 1h -k 'regex .' x y
	run -111 sh -c 'zr-prune -T 1d -E 1h -k "regex ." > /dev/full'
}

@test "each kind of rule" {
	listed a "$(snap zr_1 100)" "$(snap zr_2 200)" "$(snap other 300)" "$(snap zr_3 400)" > listing
	goes 'zr_1 other' -k 'regex zr_[23]'
	goes 'zr_2' -k 'not_regex 2'
	goes 'zr_1 zr_2' -k 'last_n 2'
	goes 'zr_1 other' -k 'last_n 2 ^zr_'
	goes 'zr_1 zr_2 other' -k 'grid ^zr_ 1x200s'
	goes 'zr_1 other' -k 'grid ^zr_ 2x101s'
	goes 'zr_2 other' -k 'grid ^zr_ 1x3m(keep=all) | 1x3m'
	goes '' -k 'regex ^zr' -k 'last_n 2'
	goes '' -k 'grid . 10x1w(keep=all)'
	goes 'zr_1 zr_2 other zr_3' -k 'regex x'
}

@test "edges and ties of a grid" {
	listed a "$(snap a 0 1)" "$(snap b 10 2)" "$(snap c 20 3)" "$(snap d 30 4)" > listing
	# The edge belongs to the older bucket; older than the last: gone.
	goes 'a' -k 'grid . 3x10s'
	goes 'a b' -k 'grid . 2x10s'
	goes 'a c d' -k 'grid . 1x21s'
	goes 'a d' -k 'grid . 1x21s(keep=2)'
	# Of one second the greatest createtxg stays in a grid, the greatest name in last_n.
	listed a "$(snap z 5 1)" "$(snap y 5 2)" "$(snap x 5 3)" > listing
	goes 'z y' -k 'grid . 1x1h'
	goes 'y x' -k 'last_n 1'
	# It counts from the youngest that matches, in whatever zone the dates are written.
	printf '%s\n' '{"Filesystem":"a","Versions":[{"Name":"p","CreateTXG":1,"Creation":"2026-01-01T12:00:00+02:00"},{"Name":"q","CreateTXG":2,"Creation":"2026-01-01T10:00:01Z"},{"Name":"r","CreateTXG":3,"Creation":"2026-06-01T00:00:00Z"}]}' > listing
	goes 'p r' -k 'grid p|q 1x1s'
	goes 'q r' -k 'grid p|q 1x2s'
}

@test "syntax that is refused: status 100, the option and the rule" {
	: > listing
	while IFS= read -r rule; do
		refused "-k: the rule \"$rule\": " -k "$rule" listing
	done <<-'END'
		grid . 1x1h(keep=0)
		grid . 1x1h(keep=-5)
		grid . 1x1h(keep=x)
		grid . 1x1h(keep=all )
		grid . 0x1h
		grid . 1x0h
		grid . 1x1y
		grid . 1x1M
		grid . 1x1d|1x1h
		grid . 1x1h|
		grid . 1000001x1h
		grid . 1x99999999999999999999s
		grid .
		grid
		last_n
		last_n 0
		last_n x
		last_n 1 a b
		regex
		regex a b
		regex (
		not_replicated x
		keep everything
	END
	refused '-k: the rule "": ' -k '' listing
	refused 'there is no rule' listing
}

@test "-K: a rule a line, comments and blank lines; a bad line is named" {
	listed a "$(snap x 1)" "$(snap y 2)" "$(snap z 3)" > listing
	printf '# what is kept\n\n  \t\n  last_n 1  \n\t# and\nregex x\n' > rules
	goes 'y' -K rules
	goes '' -K rules -k 'regex y'
	printf 'last_n 1\n\nlast_n 0\n' > bad
	refused '-K: bad: line 3: the rule "last_n 0": ' -K bad listing
	printf 'last_n 1\r\n' > bad
	refused '-K: bad: line 1: a rule contains a control character' -K bad listing
	head -c 100000 /dev/zero | tr '\0' x > bad
	refused '-K: bad: ' -K bad listing
	# Without its newline the last line may be cut, and still be a rule.
	printf 'last_n 2\ngrid . 1x1h(keep=all)' > bad
	refused '-K: bad: line 2 does not end with a newline: has the file been cut?' -K bad listing
	printf 'last_n 2\n# to keep' > bad
	refused '-K: bad: line 2 does not end with a newline' -K bad listing
	printf 'last_n 2\0\n' > bad
	refused '-K: bad: line 1: a rule contains a control character' -K bad listing
	# Each file has a rule, as one that was cut to nothing would go unnoticed.
	for text in '' '\n' '# none\n'; do
		printf "$text" > bad
		refused '-K: bad: there is no rule in it' -K bad listing
		refused '-K: bad: there is no rule in it' -K rules -K bad -k 'last_n 1' listing
	done
	run -111 --separate-stderr zr-prune -K . listing
	[ "$stderr" = 'zr-prune: -K: .: read: Is a directory' ]
	run -111 --separate-stderr zr-prune -K missing listing
	[ "$stderr" = 'zr-prune: -K: missing: No such file or directory' ]
}

@test "not_replicated: the job's cursor in the sender's listing" {
	cursor="$(mark zrepl_CURSOR_G_0000000000000014_J_job 20)"
	listed a "$(snap x 10)" "$(snap y 20)" "$(snap z 30)" "$cursor" > listing
	goes 'x' -J job -k not_replicated
	goes 'x y' -J job -k 'not_replicated drop_cursor'
	goes 'x y' -J job -k not_replicated -k 'not_replicated drop_cursor'
	# That of another job, a tentative one, one of another guid: none is replicated.
	goes '' -J jo -k not_replicated
	for mark in "$(mark zrepl_CURSORTENTATIVE__G_0000000000000014_J_job 20)" \
	    "$(mark zrepl_CURSOR_G_0000000000000014_J_job 30)" "$(mark other 20)"; do
		listed a "$(snap x 10)" "$(snap y 20)" "$(snap z 30)" "$mark" > listing
		goes '' -J job -k not_replicated
	done
	# The sender's listing has the cursor, and limits the filesystems.
	{ listed b "$(snap x 10)"; listed a "$(snap x 1 10)" "$(snap y 2 20)"; listed c "$(snap x 10)"; } > listing
	{ listed a "$cursor"; echo '{"Filesystem":"c","IsPlaceholder":true}'; } > sender
	goes 'x' -S sender -J job -k not_replicated
	goes 'x y' -S sender -k 'regex z'
	goes 'x' -S - -J job -k not_replicated < sender
	# Its snapshot is not there: all stay.
	listed a "$(mark zrepl_CURSOR_G_0000000000000015_J_job 21)" > sender
	goes '' -S sender -J job -k not_replicated
}

@test "text, with what keeps the others, and JSON" {
	listed a "$(snap x 10)" "$(snap y 20)" "$(snap z 30)" > listing
	run -0 zr-prune -v -k 'regex y' -k 'grid . 1x5s | 5x5s' -k 'grid y|z 9x1h(keep=all)' listing
	[ "$output" = $'a@x: kept by rule 2 (bucket 4)\na@y: kept by rule 1, 2 (bucket 2), 3\na@z: kept by rule 2 (bucket 0), 3' ]
	run -0 zr-prune -v -k 'last_n 1' listing
	[ "$output" = $'a@x: no rule keeps it\na@y: no rule keeps it\na@z: kept by rule 1' ]
	run -0 zr-prune -j -k 'last_n 1' -k 'grid y 1x1h' listing
	[ "$output" = '{"filesystem":"a","snapshot":"x","keep":false,"by":[]}
{"filesystem":"a","snapshot":"y","keep":true,"by":[2],"bucket":0}
{"filesystem":"a","snapshot":"z","keep":true,"by":[1]}' ]
	run -111 sh -c 'zr-prune -k "last_n 1" listing > /dev/full'
}

@test "-G: by the clock and the order of arrival" {
	listed a "$(snap x 10 1)" "$(snap old 5 2)" "$(snap future 1000 3)" "$(snap y 15 4)" \
	    "$(snap z 16 5)" > listing
	at() {
		printf -- '-GN %s' "$(TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T' "$1")"
	}
	# x is doubtful, as "old" came later, and so is what is dated in the future.  Both
	# are in the first bucket, and take no place there.
	goes 'z' $(at 19) -k 'grid . 2x10s'
	goes 'x old future y z' $(at 3000) -k 'grid . 2x10s'
	goes 'x old future' $(at 19) -k 'last_n 2'
	goes 'x' $(at 19) -k 'last_n 3'
	# Without -N it is our clock: all of this is long ago, or not.
	goes 'x old future y z' -G -k 'grid . 24x1h'
	listed a "$(snap x $((EPOCHSECONDS - 100)) 1)" "$(snap y $((EPOCHSECONDS - 50)) 2)" > listing
	goes 'y' -G -k 'grid . 1x5000d'
}

@test "placeholders, bookmarks, filesystems that were not listed, and bad listings" {
	{
		echo '{"Filesystem":"p","IsPlaceholder":true}'
		echo '{"Filesystem":"e","error":{"code":1,"message":"no pool"}}'
		listed a "$(mark m 1)" "$(snap x 2)"
		listed empty
	} > listing
	run -1 --separate-stderr zr-prune -k 'regex nothing' listing
	[ "$output" = a@x ]
	[ "$stderr" = 'zr-prune: e: it could not be listed: no pool' ]
	listed a "$(snap x 1)" > listing
	echo '{"Filesystem":"a","error":{"code":1,"message":"no pool"}}' > sender
	run -1 --separate-stderr zr-prune -S sender -k 'regex nothing' listing
	[ -z "$output" ]
	echo nonsense >> listing
	refused 'listing: line 2: ' -k 'regex .' listing
	run -111 zr-prune -k 'regex .' missing
	run -111 zr-prune -k 'regex .' .
}

@test "a filesystem that lists a snapshot twice is left out: of one name one could stay and one go" {
	{ listed a "$(snap x 1)" "$(snap y 2)" "$(snap x 3)"; listed b "$(snap x 1)" "$(snap y 2)" "$(mark x 1)"; } > listing
	run -1 --separate-stderr zr-prune -k 'last_n 1' listing
	[ "$output" = b@x ]
	[ "$stderr" = 'zr-prune: a: @x is listed twice' ]
	{ cat listing; listed a; } > twice
	refused 'twice: a is listed twice' -k 'last_n 1' twice
}

@test "an expression that takes too long leaves its filesystem out" {
	{ listed a "$(snap aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab 1)"; listed b "$(snap x 1)"; } > listing
	run -1 --separate-stderr zr-prune -k 'regex ^(a+)+$' listing
	[ "$output" = b@x ]
	stderr_has 'a: the rule "regex ^(a+)+$": the pattern cannot be matched'
}

@test "options that have no effect are errors" {
	listed a "$(snap x 1)" > listing
	for option in -A -y '-s x' '-t 5'; do
		refused "${option%% *} has no effect with a listing" $option -k 'regex .' listing
	done
	for option in '-N 2026-01-01T00:00:00Z' '-S x'; do
		refused "${option%% *} has no effect with an endpoint" $option -e false -k 'regex .'
	done
	refused '-J has no effect without a rule not_replicated' -J job -k 'regex .' listing
	refused "-J wants a job's name" -J a/b -k not_replicated listing
	refused 'not_replicated wants to know whose cursors count' -k not_replicated listing
	refused 'not_replicated and -G' -G -k not_replicated -J job listing
	refused '-N has no effect without -G' -N 2026-01-01T00:00:00Z -k 'regex .' listing
	refused '-N wants a time' -G -N yesterday -k 'regex .' listing
	refused '-v is for text only' -jv -k 'regex .' listing
	refused 'only one listing' -S - -k 'regex .' -
	refused 'not the name of a filesystem' -e false -k 'regex .' a//b
	run -100 zr-prune -k 'regex .'
	run -100 zr-prune -k 'regex .' a b
	run -100 zr-prune -e -k
}

@test "names cannot control a terminal" {
	printf '%s\n' '{"Filesystem":"a\u001b[1m","Versions":[{"Name":"x\u0007\u202e","Creation":"2026-01-01T00:00:00Z"}]}' > listing
	run -0 zr-prune -k 'regex nothing' listing
	[ "$output" = 'a\033[1m@x\a\342\200\256' ]
	run -0 zr-prune -v -k 'regex .' listing
	[ "$(LC_ALL=C tr -d ' -~\n' <<< "$output")" = '' ]
	run -0 zr-prune -j -k 'regex nothing' listing
	[ "$(LC_ALL=C tr -d ' -~\n' <<< "$output")" = '' ]
}

@test "100,000 snapshots and 64 rules" {
	python3 -c '
print("{\"Filesystem\":\"a\",\"Versions\":[%s]}" % ",".join("{\"Name\":\"s%d\",\"Guid\":\"%d\","
    "\"CreateTXG\":\"%d\",\"Creation\":\"2026-01-%02dT%02d:%02d:%02dZ\"}" % (n, n + 1, n + 1,
    1 + n // 86400, n // 3600 % 24, n // 60 % 60, n % 60) for n in range(100000)))' > listing
	rules=()
	for ((i = 0; i < 62; i++)); do rules+=(-k "last_n 1 ^x$i"); done
	SECONDS=0
	run -0 timeout $PATIENCE zr-prune "${rules[@]}" -k 'grid . 1000000x1s' -k 'grid . 1x1h(keep=5)|9x1w' listing
	[ -z "$output" ]
	timeout $PATIENCE zr-prune "${rules[@]}" -k 'grid . 50000x1s' -k 'last_n 50001' listing > out
	[ "$(wc -l < out)" -eq 49999 ]
	refused 'more than 64 rules' "${rules[@]}" -k 'regex .' -k 'regex .' -k 'regex .' listing
}
