# zr-streamsum against a model of its digest, on real streams and on changed ones.
load ../lib/helper

setup() {
	enter_directory
}

MODEL=$HELPERS/streamsum_model.py
STREAMS=$DATA/streams

@test "the digest of each object and of the snapshot is the model's, plain, with properties, raw, of a volume" {
	for stream in data.full data.full-props vol.full enc.full-raw; do
		"$MODEL" sum "$STREAMS/$stream.zstream" > model
		zr-streamsum -v < "$STREAMS/$stream.zstream" > ours
		diff model ours
		[ "$(wc -l < ours)" -ge 2 ]
		[ "$(zr-streamsum < "$STREAMS/$stream.zstream")" = "$(tail -n 1 model)" ]
	done
}

@test "the digest does not depend on the pieces in which a stream arrives" {
	zr-streamsum -v < "$STREAMS/data.full.zstream" > whole
	for piece in 1000 313 511; do
		python3 -c 'import os, sys
with open(sys.argv[1], "rb") as file:
    while piece := file.read(int(sys.argv[2])):
        os.write(1, piece)' "$STREAMS/data.full.zstream" $piece | zr-streamsum -v > pieces
		diff whole pieces
	done
}

@test "what honest copies differ in does not count: boundaries, zeros and holes, frees, the name" {
	for stream in data.full vol.full; do
		zr-streamsum -v < "$STREAMS/$stream.zstream" > sum
		for kind in split zeros free name; do
			"$MODEL" change 1 $kind "$STREAMS/$stream.zstream" > changed
			run -1 cmp -s "$STREAMS/$stream.zstream" changed
			zr-streamsum -v < changed | diff sum -
			zr-streamsum -c sum < changed
		done
	done
}

@test "any other change is found, and the object is named: 250 of them" {
	for stream in data.full vol.full; do
		zr-streamsum -v < "$STREAMS/$stream.zstream" > sum
		for kind in flip hole swap remove field; do
			for ((seed = 0; seed < 25; seed++)); do
				"$MODEL" change $seed $kind "$STREAMS/$stream.zstream" > changed
				run -1 --separate-stderr zr-streamsum -c sum < changed
				[ -z "$output" ]
				[[ "$stderr" == *"the snapshots differ, in "* ]] || { echo "$stream $kind $seed"; false; }
				"$MODEL" sum changed | diff sum - | sed -n 's/^[<>] object \([0-9]*\) .*/object \1/p' | sort -u > named
				[ -s named ]
				diff named <(grep -oE 'object [0-9]+' <<< "$stderr" | sort -u)
			done
		done
	done
}

@test "a raw stream: a bit of ciphertext is found" {
	zr-streamsum < "$STREAMS/enc.full-raw.zstream" > sum
	zr-streamsum -c sum < "$STREAMS/enc.full-raw.zstream"
	for seed in 1 2 3; do
		"$MODEL" change $seed flip "$STREAMS/enc.full-raw.zstream" > changed
		run -1 --separate-stderr zr-streamsum -c sum < changed
		[ "$stderr" = "zr-streamsum: the snapshots differ; with a sum made by -v the objects are named" ]
	done
}

@test "a file of another snapshot, of the other kind, or without a sum is refused by name" {
	zr-streamsum < "$STREAMS/vol.full.zstream" > volume
	zr-streamsum < "$STREAMS/data.full.zstream" > data
	run -1 --separate-stderr zr-streamsum -c volume < "$STREAMS/data.full.zstream"
	[[ "$stderr" == *"volume is of another snapshot: its guid is 9844367701817122491, the stream's 1773106610190237946" ]]
	sed 's/^logical/raw/' data > raw
	run -1 --separate-stderr zr-streamsum -c raw < "$STREAMS/data.full.zstream"
	[[ "$stderr" == *"raw is a raw sum, the stream is logical"* ]]
	for text in '' 'logical 1 x' 'logical  1 00' 'object 1 2'; do
		printf '%s\n' "$text" > bad
		run -1 --separate-stderr zr-streamsum -c bad < "$STREAMS/data.full.zstream"
		[[ "$stderr" == *"bad: not a line of zr-streamsum" ]]
	done
	: > bad
	run -1 --separate-stderr zr-streamsum -c bad < "$STREAMS/data.full.zstream"
	[[ "$stderr" == *"bad: its last line, the sum, is missing" ]]
	run -111 --separate-stderr zr-streamsum -c missing < "$STREAMS/data.full.zstream"
}

@test "a sum of another snapshot is refused at the beginning of a stream, before any object is named" {
	for kind in another raw; do
		case $kind in
		another) zr-streamsum -v < "$STREAMS/vol.full.zstream" > sum ;;
		raw) zr-streamsum -v < "$STREAMS/data.full.zstream" | sed 's/^logical/raw/; s/^object 1 ./object 1 0/' > sum ;;
		esac
		# The rest of the stream is not waited for.
		head -c 300000 "$STREAMS/data.full.zstream" > beginning
		run -1 --separate-stderr zr-streamsum -c sum < beginning
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" =~ ^'zr-streamsum: sum is '('of another snapshot'|'a raw sum') ]]
		# From a pipe this is known only at the end.
		run -1 --separate-stderr zr-streamsum -c <(cat sum) < "$STREAMS/data.full.zstream"
		[[ "${stderr_lines[0]}" == "zr-streamsum: object 1 differs" ]]
		[[ "${stderr_lines[-1]}" =~ ' is '('of another snapshot'|'a raw sum') ]]
	done
}

@test "a sum with text behind it, or with parts of another snapshot, is refused even if the sum is right" {
	stream=$STREAMS/data.full.zstream
	zr-streamsum -v < "$stream" > sum
	{ cat sum; echo; } > longer
	{ cat sum; tail -n 1 sum; } > twice
	for file in longer twice; do
		run -1 --separate-stderr zr-streamsum -c "$file" < "$stream"
		[ "$stderr" = "zr-streamsum: $file: text follows its last line, the sum" ]
	done
	sed '1y/0123456789/1234567890/' sum | sed '1s/^object [0-9]*/object 1/' > other
	run -1 --separate-stderr zr-streamsum -c other < "$stream"
	[[ "$stderr" == *"other contradicts itself: the sum is the same, but not its parts" ]] || { echo "$stderr"; false; }
	# A last line without its newline is one.
	printf %s "$(cat sum)" > cut
	zr-streamsum -c cut < "$stream"
}

@test "what cannot be compared is refused, with the way to send it" {
	while read -r stream why; do
		run -1 --separate-stderr zr-streamsum < "$STREAMS/$stream.zstream"
		[ -z "$output" ]
		[[ "$stderr" == *"$why"* ]] || { echo "$stderr"; false; }
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
	done <<-'END'
		data.one-two it is an increment
		data.full-Lec send it without -c, -e and -w
		all.R it is a package of several streams
		data.full.resumed is only a part
		data.full.cut-450000 the stream is incomplete
	END
	run -1 --separate-stderr zr-streamsum < /dev/null
	[ "$stderr" = "zr-streamsum: the stream is empty" ]
	zr-streamsum -v < "$STREAMS/data.full.zstream" > sum
	run -1 --separate-stderr zr-streamsum < sum
	[ "$stderr" = "zr-streamsum: not a stream that can be compared: it does not begin as one of zfs send does (at offset 0)" ]
	{ cat "$STREAMS/data.full.zstream"; echo; } > longer
	run -1 --separate-stderr zr-streamsum < longer
	[[ "$stderr" == *"bytes follow its end"* ]]
}

@test "a stream that writes over what it has written, or frees it, is refused: its digest would be that of other data" {
	for stream in data.full vol.full enc.full-raw; do
		while read -r kind why; do
			for ((seed = 0; seed < 10; seed++)); do
				"$MODEL" change $seed "$kind" "$STREAMS/$stream.zstream" > changed
				run -1 --separate-stderr zr-streamsum < changed
				[ -z "$output" ]
				[[ "$stderr" == *": $why (at offset "* ]] || { echo "$stream $kind $seed: $stderr"; false; }
			done
		done <<-'END'
			again an object's blocks do not ascend
			erase it frees what it has written
			forget it frees what it has written
		END
	done
}

@test "an embedded spill block, which zfs recv would lose, is refused by digest and archive" {
	"$MODEL" change 1 spill "$STREAMS/data.full.zstream" > hazard
	run -1 --separate-stderr zr-streamsum < hazard
	[[ "$stderr" == *"it has an embedded spill block, which zfs recv would lose; send it without -e, or without -w if it is not encrypted"* ]]
	mkdir backup
	run -1 --separate-stderr zr-endpoint archive backup Receive '{"Filesystem":"a","To":{"Type":"Snapshot","Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}' < hazard
	[[ "$stderr" == *"embedded spill block"* ]]
	run -1 zr-endpoint archive backup ListFilesystemVersions '{"Filesystem":"a"}'
}

@test "JSON names the snapshot; the terminal and odd options are refused" {
	run -0 zr-streamsum -j < "$STREAMS/data.full.zstream"
	[ "$(jq -r '[.kind, .guid, .snapshot] | join(" ")' <<< "$output")" = "logical 1773106610190237946 a/data@one" ]
	[[ "$(jq -r .digest <<< "$output")" =~ ^[0-9a-f]{64}$ ]]
	[ "$(zr-streamsum -jv < "$STREAMS/data.full.zstream" | jq -r 'select(.object) | .object' | wc -l)" -ge 5 ]
	run -100 zr-streamsum -j -c x < "$STREAMS/data.full.zstream"
	run -100 zr-streamsum x < "$STREAMS/data.full.zstream"
}
