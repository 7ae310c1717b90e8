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

@test "in the archive of zr-server no client can read or destroy another's backup" {
	zr-cert ca pki > /dev/null
	zr-cert server pki server localhost > /dev/null
	for client in web1 web2; do
		zr-cert client pki $client > /dev/null
		echo $client >> pki/clients
	done
	mkdir archive
	sed "s|^PATH=.*|PATH='$PATH'|" "$TOP/examples/zr-server" > server
	export ZR_PKI=$PWD/pki ZR_ARCHIVE=$PWD/archive
	# as CLIENT METHOD REQUEST
	as() {
		zr-remote -d pki -n "$1" -s localhost -S /dev/null "tls:127.0.0.1:$port" "${@:2}"
	}
	background zr-listen -1 tcp:127.0.0.1:0 sh "$PWD/server" > port
	eventually 20 test -s port
	port=$(cat port)
	as web1 Receive '{"Filesystem":"a/data","To":{"Type":"Snapshot","Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}' \
	    < "$DATA/streams/data.full.zstream"
	as web1 ListFilesystems '{}' | grep -q a/data
	run -0 as web2 ListFilesystems '{}'
	[ "$output" = '{}' ]
	run ! as web2 ListFilesystemVersions '{"Filesystem":"a/data"}'
	as web2 DestroySnapshots '{"Filesystem":"a/data","Snapshots":[{"Type":"Snapshot","Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"}]}' || true
	as web1 ListFilesystemVersions '{"Filesystem":"a/data"}' | grep -q '"one"'
}
