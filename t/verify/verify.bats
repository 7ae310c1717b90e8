# zr-verify: which snapshots it compares, and what it says of them.
load ../lib/helper
load ../lib/replicate
load ../lib/verify
load ../lib/tls

setup_file() {
	local base=$BATS_FILE_TMPDIR/base i
	make_pki
	mkdir "$base"
	cd "$BATS_FILE_TMPDIR"
	while read -r file name; do
		keep base "$DATA/streams/$file.zstream" "a/data@$name" fs
	done <<-'END'
		data.full one
		data.one-two two
		data.two-three three-unchanged
		data.three-four four with space:and.dots_-
	END
	# 20 filesystems: one with increments, three that differ, one only in web.
	mkdir web backup
	for i in {01..14}; do
		lay web "tank/fs$i" 1 1
		lay backup "tank/fs$i" 1 1
	done
	lay web tank/inc 1 3 tank/missing 1 1
	lay backup tank/inc 1 3
	keep_both "$STREAMS/vol.full.zstream" a/vol@v1 tank/vol
	for kind in flip remove hole; do
		"$MODEL" change 1 $kind "$STREAMS/data.full.zstream" > $kind
		keep web "$STREAMS/data.full.zstream" a/data@one "tank/x-$kind"
		keep backup $kind a/data@one "tank/x-$kind"
		diff <("$MODEL" sum "$STREAMS/data.full.zstream") <("$MODEL" sum $kind) |
		    sed -n 's/^[<>] object \([0-9]*\) .*/\1/p' | sort -u > "number-$kind"
		[ "$(wc -l < "number-$kind")" -eq 1 ]
	done
}

# Each test may change a copy of them.
setup() {
	enter_directory || return
	mkdir sending receiving
	cp -r "$BATS_FILE_TMPDIR"/{web,backup} .
}

digest_of() {
	zr-streamsum < "$1" | cut -d ' ' -f 3
}

# expected: the output for the 20 filesystems
expected() {
	local i kind number
	for i in {01..14}; do
		echo "same tank/fs$i@one logical 1.1 MiB"
	done
	echo 'same tank/inc@one logical 1.1 MiB'
	echo 'not compared tank/missing: the receiver has no filesystem tank/missing'
	echo 'same tank/vol@v1 logical 509 KiB'
	for kind in flip hole remove; do
		number=$(cat "$BATS_FILE_TMPDIR/number-$kind")
		echo "differs tank/x-$kind@one logical 1.1 MiB"
		case $kind in
		remove) echo "  object $number is missing at the receiver" ;;
		*) echo "  object $number differs" ;;
		esac
		echo "  sender $(digest_of "$STREAMS/data.full.zstream")"
		echo "  receiver $(digest_of "$BATS_FILE_TMPDIR/$kind")"
	done
}

SUMMARY='20 snapshots: 16 the same, 3 differ, 1 not compared'

@test "of 20 filesystems 16 are the same, 3 differ in an object that is named, 1 is missing, in an order that does not change" {
	for parallel in 1 7; do
		verify 1 -P $parallel
		diff <(expected) - <<< "$output"
		[[ "$stderr" == "zr-verify: $SUMMARY ("*")" ]] || { echo "$stderr"; false; }
	done
}

@test "it says the same over TCP, over TLS, and of endpoints without a batch" {
	expected > wanted
	background zr-listen -1 -i 127.0.0.1=x tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve -b zr-endpoint archive "$PWD/backup" > port
	eventually 10 test -s port
	run -1 --separate-stderr zr-verify -s "$SENDER" -r "zr-remote tcp:127.0.0.1:$(cat port)"
	diff wanted - <<< "$output"
	background zr-listen -1 tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 accept \
	    zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive "$PWD/web" > port.tls
	eventually 10 test -s port.tls
	run -1 --separate-stderr zr-verify -r "$RECEIVER" \
	    -s "zr-remote -d $PKI -n web1 -s localhost tls:127.0.0.1:$(cat port.tls)"
	diff wanted - <<< "$output"
	stderr_has "$SUMMARY"
	run -1 --separate-stderr zr-verify -s "$HELPERS/faulty.py -1 sending $SENDER" -r "$RECEIVER" tank/inc tank/missing
	grep tank/inc wanted | diff - <(grep tank/inc <<< "$output")
}

@test "operands: a filesystem with those below it, a snapshot, one that is not there; a run without any failure" {
	lay web tank/fs01/sub 1 1
	lay backup tank/fs01/sub 1 1
	verify 0 tank/fs01
	[ "$output" = "$(printf 'same tank/fs01%s@one logical 1.1 MiB\n' '' /sub)" ]
	[[ "$stderr" == "zr-verify: 2 snapshots: 2 the same, 0 differ, 0 not compared (2.3 MiB, "* ]]
	verify 0 tank/fs01@one
	[ "$output" = 'same tank/fs01@one logical 1.1 MiB' ]
	verify 0 tank/fs01@one tank/fs01
	[ "$(wc -l <<< "$output")" -eq 2 ]
	verify 1 tank/none tank/fs02
	[ "$output" = 'same tank/fs02@one logical 1.1 MiB' ]
	stderr_has 'zr-verify: tank/none: the sender has no such filesystem'
	verify 1 tank/inc@two tank/fs01@none
	prints 'not compared tank/fs01: the sender has no snapshot @none'
	# Both refuse it, and the first to say so is named.
	output=${output/@two: receiver:/@two: sender:}
	prints 'not compared tank/inc@two: sender: zr-endpoint: tank/inc@two is kept as an increment of the snapshot with guid 1773106610190237946: send that one first'
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
	rm "backup/tank/inc/@${GUIDS[1]}".*
	verify 1 tank/inc@two
	[ "$output" = 'not compared tank/inc: the receiver has no snapshot @two' ]
	run -100 --separate-stderr zr-verify -s "$SENDER" -r "$SENDER"
	[ "$stderr" = 'zr-verify: -s and -r are the same, and without -m that compares each filesystem with itself' ]
	for operand in tank@ @one tank/@x -tank tank@a@b; do
		run -100 --separate-stderr zr-verify -s a -r b -- "$operand"
		[ "$stderr" = "zr-verify: $operand is not the name of a filesystem or a snapshot" ]
	done
}

@test "names are mapped (-m), and snapshots found by their guid" {
	mkdir -p backup/pool
	mv backup/tank backup/pool/web
	# The receiver's has another name.
	sed -i 's/"name":"one"/"name":"other"/' "backup/pool/web/fs01/@${GUIDS[0]}.json"
	verify 0 -m tank=pool/web tank/fs01
	[ "$output" = 'same tank/fs01@one logical 1.1 MiB' ]
	verify 0 -j -m tank=pool/web tank/fs01@one
	[ "$(jq -r .destination <<< "$output")" = pool/web/fs01 ]
	verify 1 tank/fs01
	[ "$output" = 'not compared tank/fs01: the receiver has no filesystem tank/fs01' ]
	keep backup "$STREAMS/vol.full.zstream" a/vol@v1 x/one
	sed -i 's/"name":"v1"/"name":"one"/' backup/x/one/*.json
	verify 1 -m tank/fs01=x/one tank/fs01
	[ "$output" = 'not compared tank/fs01: the two have no snapshot in common' ]
	verify 1 -m tank/fs01=x/one tank/fs01@one
	[ "$output" = "not compared tank/fs01: the receiver's @one is another snapshot: its guid is 9844367701817122491, the sender's 1773106610190237946" ]
}

@test "-N compares that many, the newest first; what only one side can send in full is passed over" {
	# Two whole streams of one filesystem.
	for archive in web backup; do
		keep $archive "$STREAMS/data.full.zstream" a/data@one many
		keep $archive "$STREAMS/vol.full.zstream" a/vol@v1 many
	done
	verify 0 many
	[ "$output" = 'same many@v1 logical 509 KiB' ]
	verify 0 -N 2 many
	[ "$output" = $'same many@v1 logical 509 KiB\nsame many@one logical 1.1 MiB' ]
	verify 0 -N 9 many tank/inc
	[ "$output" = $'same many@v1 logical 509 KiB\nsame many@one logical 1.1 MiB\nsame tank/inc@one logical 1.1 MiB' ]
	verify 0 -v tank/inc
	[ "$(grep -c '^zr-verify: tank/inc@.* cannot be sent in full: sender: ' <<< "$stderr")" -eq 2 ]
	[ "$(wc -l <<< "$stderr")" -eq 3 ]
}

@test "JSON has the result, the digests and the objects; -q prints only what is not the same" {
	verify 1 -j
	[ "$(jq -r '[.result, .filesystem, .snapshot // "-"] | join(" ")' <<< "$output")" = "$(expected | grep -v '^ ' |
	    sed 's/^not compared \([^:]*\):.*/not-compared \1@-/; s/@/ /; s/ logical .*//')" ]
	[ "$(jq -c 'select(.filesystem == "tank/x-flip")' <<< "$output")" = "$(jq -cn --arg n "$(cat "$BATS_FILE_TMPDIR/number-flip")" \
	    --arg s "$(digest_of "$STREAMS/data.full.zstream")" --arg r "$(digest_of "$BATS_FILE_TMPDIR/flip")" '{result: "differs",
	    filesystem: "tank/x-flip", destination: "tank/x-flip", snapshot: "one", guid: "1773106610190237946", kind: "logical",
	    bytes: 1188000, sender_digest: $s, receiver_digest: $r, differences: 1, objects: [{object: $n, how: "differs"}]}')" ]
	[ "$(jq -r 'select(.filesystem == "tank/fs01").digest' <<< "$output")" = "$(digest_of "$STREAMS/data.full.zstream")" ]
	[ "$(jq -r 'select(.filesystem == "tank/missing").message' <<< "$output")" = 'the receiver has no filesystem tank/missing' ]
	verify 1 -q
	diff <(expected | grep -v ^same) - <<< "$output"
	stderr_has "$SUMMARY"
	verify 0 -q tank/fs01 tank/inc
	[ -z "$output$stderr" ]
}

@test "of many objects that differ the first 20 are named, and the others counted" {
	# Every block is another one.
	python3 - "$HELPERS" "$STREAMS/data.full.zstream" > changed <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import OBJECT, records, u32, write
		all_records = records(open(sys.argv[2], "rb").read())
		for record in all_records:
		    if record[0] == OBJECT and u32(record[1], 20):
		        record[2] = bytes([record[2][0] ^ 1]) + record[2][1:]
		write(sys.stdout.buffer, all_records)
	END
	keep web "$STREAMS/data.full.zstream" a/data@one y
	keep backup changed a/data@one y
	diff <("$MODEL" sum "$STREAMS/data.full.zstream") <("$MODEL" sum changed) |
	    sed -n 's/^[<] object \([0-9]*\) .*/  object \1 differs/p' > named
	count=$(wc -l < named)
	[ "$count" -gt 20 ]
	verify 1 y
	diff <(head -n 20 named) <(sed -n 2,21p <<< "$output")
	[ "$(sed -n 22p <<< "$output")" = "  and $((count - 20)) more" ]
	verify 1 -j y
	[ "$(jq '[.differences, (.objects | length)] | @csv' <<< "$output")" = "\"$count,20\"" ]
}

@test "placeholders are passed over; the receiver's is none to compare with" {
	mkdir web/empty backup/fs
	verify 0 tank/fs01 empty
	[ "$output" = 'same tank/fs01@one logical 1.1 MiB' ]
	lay web fs 1 1
	verify 1 fs
	[ "$output" = 'not compared fs: fs is only a placeholder at the receiver' ]
	verify 1 empty@one
	[ "$output" = 'not compared empty: empty is only a placeholder at the sender' ]
	verify 1 empty
	[ "$stderr" = 'zr-verify: the sender lists no filesystem: nothing was compared' ]
}
