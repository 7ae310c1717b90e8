# The benchmarks run, if not their numbers: the page of them, the tables of growth at their
# smallest, and counts of processes that must not grow.
load ../lib/helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ln -s "$ZR_BUILD/bench/spent" .
}

# contenders NAME...: the JSON of dataconn.py, each with the numbers of its place.
contenders() {
	printf '%s\n' "$@" | jq -Rn '{gib: 1, runs: 3, congestion_control: "reno", pump: "pump", absent: ["nc"], contenders:
	    [inputs] | to_entries | map({key: .value, value: {cpu_seconds_per_gib: (.key + 1), mib_per_second: (1000 / (.key + 1))}}) | from_entries}'
}

@test "the page has a row for each number that is there, and a plot" {
	contenders pump 'zr-dataconn Send' "syncoid's pipe" 'ssh, aes128-gcm' > beside.json
	contenders pump 'bare aes-128-gcm, twice' 'zr-tls alone' > tls.json
	echo '[{"name": "syncoid, ssh", "what": "nothing", "cpu": 8, "processes": 40}, {"name": "zr-sync", "what": "nothing", "cpu": 2, "processes": 4}]' > sync.json
	echo '{"axis": {"about": "of it", "rows": [{"name": "zr-list", "sizes": [10, 100], "cpu": [0.1, 1.5], "peak_kib": [1024, 2048],
	    "processes": [2, null], "exponent": 1.18}]}}' > growth.json
	echo '{"mbit": 100, "lines": [{"line": "1 ms", "zr": 90.5, "all": [1, 2, 6]}, {"line": "30 ms", "zr": null}]}' > new.json
	echo '{"mbit": 100, "steps": [{"name": "one", "round_trips": 3, "s at 1 ms": 2}, {"name": "two", "s at 1 ms": 4}]}' > distance.json
	echo '{"lines": [{"mbit": 0, "stream": "text", "contenders": {"zr": {"seconds": 2, "cpu_seconds": 1, "wire_bytes": 5242880,
	    "to_plain": [1, 1, 1]}, "zr -z": {"to_plain": [0.5, 2, 0.25]}}}]}' > compression.json
	echo '{' > torn.json
	echo 'sync: ended with status 1' > left-out
	run -0 "$TOP/t/bench/page.py" .
	[ "$output" = "$PWD/page.md" ]
	for line in '| **zr**, sending | 2 | 500 | 2.00 | 0.50 | 0.50 | 2.00 |' \
	    "| syncoid's pipe: lzop, mbuffer, ssh | 3 | 333 | 3.00 | 0.33 | 0.75 | 1.33 |" \
	    'zr-tls alone costs 1.00 of the CPU of pump and cipher together*' \
	    '| zr-sync | nothing | – | 2 | 4 | 0.25 | 0.10 |' \
	    '| zr-list | 0.1 | 1.50 | 1.18 | 1 | 2 | 2 | – |' \
	    '| 100 tiny steps, seconds | one | two |' '| 1 ms | 2 | 4 |' '| no limit | text | 2.00, 1.00, 5 | 0.50, 2.00, 0.25 |' '| 1 ms | 90.50 | 2 |' '| 30 ms | – | – |' \
	    '- sync: ended with status 1' '- torn.json cannot be read'; do
		[[ $'\n'$(cat page.md)$'\n' == *$'\n'${line}$'\n'* || $line == *\* && $(cat page.md) == *"${line%\*}"* ]] ||
		    { echo "missing: $line"; cat page.md; return 1; }
	done
	python3 -c 'import xml.dom.minidom as d; print(len(d.parse("page.svg").getElementsByTagName("rect")))' > bars
	[ "$(cat bars)" -eq 9 ]
	run -0 "$TOP/t/bench/page.py" . copy
	sed 's/(page.svg)/(copy.svg)/' page.md | diff - copy.md
	cmp page.svg copy.svg
}

@test "without any number there is a page, which has no plot" {
	run -0 "$TOP/t/bench/page.py" .
	[ -s page.md ]
	[ ! -e page.svg ]
}

@test "the tables of growth, at their smallest" {
	BENCH_DECADES=0 run -0 "$TOP/t/bench/growth.py"
	jq -e '[.[].rows[]] | length > 50 and all(.cpu[0] >= 0 and .peak_kib[0] > 0 and .exponent == null)' growth.json
	run -0 "$TOP/t/bench/page.py" .
	[ "$(grep -c '^| zr-list ' page.md)" -eq 2 ]
}

# spend N COMMAND...: it takes fewer than N processes.
spend() {
	local limit=$1
	shift
	./spent spent.json "$@" > output
	jq -e --argjson limit "$limit" '.processes != null and .processes < $limit' spent.json || { echo "$*"; cat spent.json; false; }
}

@test "a run with nothing to do takes no process for each filesystem" {
	PYTHONPATH=$TOP/t/bench python3 -c 'import growth; growth.filesystems(100)'
	export ZR_ZFS=$PWD/zfs
	spend 40 zr-list -e "zr-endpoint sender -f 'tank<'"
	[ "$(wc -l < output)" -eq 101 ]
	spend 40 zr-replicate -s 'zr-endpoint archive a' -r 'zr-endpoint archive a/.'
	spend 40 zr-prune -k 'last_n 1' -e 'zr-endpoint archive a'
	spend 10 zr-holds list
	spend 10 zr-snap -n -i 1h -r tank
}
