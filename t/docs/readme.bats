# What README says runs, and prints what README says it prints.
load ../lib/helper

README=$TOP/README.md

# blocks LANGUAGE: what is fenced so, each block ended by a line "---".
blocks() {
	awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next }
	    /^```/ && inside { inside = 0; print "---"; next }
	    inside' "$README"
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

@test "each pipeline of README prints the text after it" {
	# README's port may be taken: use a free one.  Each block's output goes
	# to a file of its own; all run in one shell, as a reader would.
	port=$(free_port)
	{
		echo 'set -eu; trap "kill \${!-} 2> /dev/null || :" EXIT'
		echo "exec > output"
		blocks sh | sed "s/8888/$port/g; s/^---\$/echo ---/"
	} > script
	[ "$(grep -c '^echo ---$' script)" -ge 7 ]
	[ "$(blocks sh | grep -c '^---$')" -eq "$(blocks text | grep -c '^---$')" ]
	blocks text > expected
	status=0
	STREAMS=$DATA/streams timeout 60 sh script 3>&- 2> errors || status=$?
	diff expected output || { tail -n 20 errors; false; }
	[ "$status" -eq 0 ]
	# Nothing that a block started may outlive it.
	! ss -Hltn "sport = :$port" | grep -q .
}

@test "an archive served as in an example keeps its clients apart" {
	cd "$TOP"
	# Behind ssh with a shell the account is the client's own.
	grep -rnE 'serve (-b )?zr-endpoint archive' README.md man examples > "$BATS_TEST_TMPDIR/served"
	[ "$(grep -c 'archive -C' "$BATS_TEST_TMPDIR/served")" -ge 7 ]
	run -1 grep -v -e 'archive -[Cc] ' -e "archive /backup'" "$BATS_TEST_TMPDIR/served"
}
