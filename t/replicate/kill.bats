# kill -9 for any process of a run of zr-replicate, at any moment.
load ../lib/helper
load ../lib/replicate

@test "after any kill no process is left behind, and the next run transfers everything" {
	kills=${ZR_FAULT_KILLS:-25}
	case $ZR_BUILD in
	*sanitize*)
		kills=10
		# A program whose helper in the search for leaks is killed never ends.
		export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 ;;
	esac
	run "$HELPERS/replicate_kill.py" -n "$kills" ${ZR_FAULT_SEED:+-s "$ZR_FAULT_SEED"} "$BATS_FILE_TMPDIR/base"
	echo "$output"
	[ "$status" -eq 0 ]
}
