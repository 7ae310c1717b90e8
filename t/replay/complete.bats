# The other files here, together, play all that was recorded.
load ../lib/helper

# missing PATTERN: the recordings that those files do not name
missing() {
	local name
	for name in "$DATA"/recordings/$1.events.jsonl; do
		name=$(basename "${name%.control.events.jsonl}" .events.jsonl)
		grep -q "[ 	\"]$name\\( \\|\"\\|\$\\)" "$TESTS"/replay/{control,data,time}.bats ||
		    echo "$name"
	done
}

@test "no recorded control connection is left out" {
	run -0 missing '*.control'
	[ -z "$output" ]
}

@test "no recorded data connection is left out, except the one of which a half is kept" {
	# Others than d* break the rules: dataconn/malformed and transport/mux have those.
	run -0 missing 'd*.data*'
	[ "$output" = d08-receive-handler-error-early.data ]
}
