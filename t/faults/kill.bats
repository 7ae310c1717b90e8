# kill -9 for any process of a replication, at any moment.
load ../lib/helper

@test "after any kill the archive has all or nothing, and the next try succeeds" {
	kills=${ZR_FAULT_KILLS:-60}
	case $ZR_BUILD in
	*sanitize*)
		kills=10
		# A program whose helper in the search for leaks is killed never ends.
		export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 ;;
	esac
	run "$HELPERS/fault_kill.py" -n "$kills" ${ZR_FAULT_SEED:+-s "$ZR_FAULT_SEED"}
	echo "$output"
	[ "$status" -eq 0 ]
}
