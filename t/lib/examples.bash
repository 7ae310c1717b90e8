# Running the examples of manual pages and of README.md: `load ../lib/examples`, after the
# helper.  A test begins with "page NAME" and then takes each example of that page with
# one of
#
#	example TEXT		run it to its end; it must exit with 0 (-s STATUS: with that)
#	serve TEXT PORT		run it in the background until somebody listens on PORT; it
#				ends with the test, or at end_examples
#	fragment TEXT WHY	it is no command, for this reason: ./fragment has it, for
#				a check of its own
#	split TEXT BEGIN...	it is several, the further ones beginning with these words
#
# where TEXT is a part of the example.  The first example with it is taken that no earlier
# line has taken.  A test in which an example is left at the end has failed (examples_left).
# shellcheck disable=SC2154 # set by bats and helper.bash

# extract_examples FILE...: for the tests of this file
extract_examples() {
	"$HELPERS/examples.py" -d "$BATS_FILE_TMPDIR/examples" "$@"
}

# page NAME: such as zr-cert.1.  Its examples run in ./here, an empty directory.
page() {
	local examples=("$BATS_FILE_TMPDIR/examples/$1"/*)
	[ -e "${examples[0]}" ] || { echo "$1 has no example"; return 1; }
	mkdir "$BATS_TEST_TMPDIR/here" "$BATS_TEST_TMPDIR/left"
	cp "${examples[@]}" "$BATS_TEST_TMPDIR/left"
	cd "$BATS_TEST_TMPDIR/here" || return
	page=$1
	groups=()
}

# take TEXT: that example becomes ../example.
take() {
	local file
	while read -r file; do
		if [[ "$(< "../left/$file")" == *"$1"* ]]; then
			mv "../left/$file" ../example
			taken=$file
			return
		fi
	done < <(ls ../left | sort -n)
	echo "$page: no example is left that has: $1"
	return 1
}

# Each runs in a session of its own, so that nothing that it started outlives the test.
start_example() {
	setsid bash -e -o pipefail ../example < /dev/null > ../output 2> ../errors 3>&- &
	started=$!
	groups+=($started)
}

example() {
	local wanted=0 status=0
	[ "$1" != -s ] || { wanted=$2; shift 2; }
	take "$1" || return
	start_example
	eventually 60 gone $started || status=timeout
	[ $status = timeout ] || wait $started || status=$?
	[ "$status" = "$wanted" ] || { echo "exit status $status, not $wanted"; show_example; return 1; }
}

serve() {
	take "$1" || return
	start_example
	eventually 20 listens_or_ends "$2" $started
	listens "$2" || { show_example; return 1; }
}

fragment() {
	[ -n "${2-}" ] || { echo "$page: why is this no command? $1"; return 1; }
	take "$1" && mv ../example fragment
}

# A server between other commands stays.
split() {
	take "$1" || return
	shift
	awk -v begins="$(printf '%s\n' "$@")" -v example="../left/$taken" '
	    BEGIN { count = split(begins, begin, "\n") }
	    part < count && index($0, begin[part + 1]) == 1 { part++ }
	    { print > (example "." part) }
	    END { if (part < count) exit 1 }' ../example
}

# prints REGEX: the last example has printed a line that matches; complains REGEX: on
# standard error.
prints() {
	grep -qE -e "$1" ../output || { echo "not printed: $1"; show_example; return 1; }
}

complains() {
	grep -qE -e "$1" ../errors || { echo "not on standard error: $1"; show_example; return 1; }
}

# shape: standard input with its numbers, sizes and times made the same
shape() {
	sed -E 's/[0-9.]+ ([KMGT]i)?B\b/SIZE/g; s/[0-9.]+ (ms|s|min|h|d)\b/TIME/g; s/[0-9][0-9_]*/N/g'
}

show_example() {
	tail -n 20 ../example ../output ../errors
}

listens() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

listens_or_ends() {
	listens "$1" || gone "$2"
}

# End what examples started.
end_examples() {
	local group
	for group in "${groups[@]}"; do
		kill -- "-$group" 2> /dev/null || true
	done
	for group in "${groups[@]}"; do
		eventually 20 group_gone "$group" || kill -9 -- "-$group"
	done
	groups=()
}

group_gone() {
	! kill -0 -- "-$1" 2> /dev/null
}

# examples_left, in teardown: the examples that the test has not taken are its failure.
examples_left() {
	local left
	[ -d "$BATS_TEST_TMPDIR/left" ] || return 0
	left=$(cd "$BATS_TEST_TMPDIR/left" && ls | sort -n)
	[ -z "$BATS_TEST_COMPLETED" ] || [ -z "$left" ] || {
		echo "$page: nobody runs these examples:"
		(cd "$BATS_TEST_TMPDIR/left" && tail -n +1 $left)
		return 1
	}
}
