# Work is linear, or nearly: what is counted are instructions.  Ten times as much takes less
# than 13 times as many of them; n log n would take 12, a square 100.
load ../lib/helper

# instructions COMMAND...
instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" > output 2> trace
	sed -n 's/.*Collected : //p' trace
}

# grows LISTING-OF-FEW LISTING-OF-MORE COMMAND...: "LISTING" in it is one of them.
grows() {
	local few more small large
	few=$1 more=$2
	shift 2
	small=$(instructions "${@//LISTING/$few}")
	large=$(instructions "${@//LISTING/$more}")
	[ "$small" -gt 100000 ]
	[ "$large" -lt $((13 * small)) ] || { echo "$*: $small, $large"; false; }
}

@test "plans, rules and ages of ten times as many filesystems, or snapshots" {
	cd "$BATS_TEST_TMPDIR"
	PYTHONPATH=$TOP/t/bench python3 -c 'from growth_data import listing
listing("few", 150, 4); listing("more", 1500, 4)
listing("young", 1, 600); listing("old", 1, 6000)'
	for pair in 'few more' 'young old'; do
		read -r one other <<< "$pair"
		grows "$one" "$other" zr-plan LISTING LISTING
		grows "$one" "$other" zr-plan -I all LISTING /dev/null
		grows "$one" "$other" zr-prune -k 'grid ^zr_ 1x1d(keep=all) | 60x1d' -S LISTING LISTING
		grows "$one" "$other" zr-check -w 2h -c 26h LISTING LISTING
	done
}
