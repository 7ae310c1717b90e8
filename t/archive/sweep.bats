# Streams of every kind, broken off anywhere and in every way, and resumed.
load ../lib/helper

@test "what is broken off at random and resumed is the very stream in the end" {
	seed=${ZR_TEST_SEED:-$RANDOM}
	echo "ZR_TEST_SEED=$seed"
	run -0 --separate-stderr "$HELPERS/resume_sweep.py" "${ZR_RESUME_ROUNDS:-2}" "$seed"
	echo "$output"
	[[ $output =~ ([0-9]+)" resumed" ]]
	[ "${BASH_REMATCH[1]}" -gt 3 ]
}
