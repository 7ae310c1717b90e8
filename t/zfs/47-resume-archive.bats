# A stream into an archive that broke off, anywhere, goes on there when the next run asks
# for the rest: what is then stored is what zfs send would have written in one piece, byte
# for byte.  Three kinds of streams are taken at random; with ZR_TEST_CUTS all of them, each
# broken this often.
load zfs_helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	make_pool src
	make_pool dst
}

setup() {
	enter_directory || return
	RANDOM=${ZR_TEST_SEED:=$RANDOM}
	echo "ZR_TEST_SEED=$ZR_TEST_SEED"
	mkdir box
	# Each line of the file "breaks" is for one Receive: a number of bytes of the stream
	# and what happens after them, or "none".  eof: the stream ends, as that of a
	# connection that was closed; archive, sender, connection: that one is killed.
	cat > broken-archive <<-'END'
		#!/bin/bash
		bytes=none
		if [ "$1" = Receive ]; then
			read -r bytes way < breaks
			sed -i 1d breaks
		fi
		if [ "$bytes" = none ] || [ "$way" = sender ]; then
			exec zr-endpoint archive box "$@"
		fi
		if [ "$way" = eof ]; then
			head -c "$bytes" | zr-endpoint archive box "$@"
			exit
		fi
		if [ "$way" = connection ]; then
			{ head -c "$bytes"; kill -9 $PPID; } | zr-endpoint archive box "$@"
			exit
		fi
		mkfifo stream
		zr-endpoint archive box "$@" < stream &
		head -c "$bytes" > stream
		kill -9 $!
		rm stream
		exit 1
	END
	# Its answers are in the file "answers".
	cat > broken-sender <<-'END'
		#!/bin/bash
		set -o pipefail
		if [ "${@: -1}" != Send ]; then
			exec zr-endpoint sender -j job "$@"
		fi
		read -r bytes way < breaks
		zr-endpoint sender -j job "$@" | {
			IFS= read -r line
			echo "$line" >> answers
			echo "$line"
			[ "$way" = sender ] || exec cat
			head -c "$bytes"
			kill -9 $$
		}
	END
	chmod +x broken-archive broken-sender
	RECEIVER="zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve ./broken-archive'"
}

# replicated ATTEMPTS DATASET FLAG...: a run with these flags of zfs send; its events are in
# the file events.
replicated() {
	local flags=${*:3}
	cat breaks
	rm -f events answers
	zr-replicate -q -I all -g nothing -a "$1" -e events -s "./broken-sender ${flags/-w/-E} -f '$2'" \
	    -r "$RECEIVER" 2> run.err
}

# sent WANTED: of each Send of the last run, did it go on with a part?
sent() {
	[ "$(jq 'if .UsedResumeToken then "resumed" else "whole" end' answers | xargs)" = "$1" ] || {
		cat answers run.err
		find box -ls
		return 1
	}
}

# stored DATASET@SNAPSHOT: its file
stored() {
	printf 'box/%s/@%016x.zstream' "${1%@*}" "$(guid_of "$1")"
}

# break_at SIZE: somewhere in the middle of so many bytes, so that there is an anchor before
# it, and something to come behind it
break_at() {
	local ways=(eof archive connection sender) bytes
	bytes=$(($1 / 10 + (RANDOM * 32768 + RANDOM) % ($1 * 8 / 10)))
	# A sender that has written little may be gone before there is a receiver.
	echo "$bytes ${ways[RANDOM % (bytes < 200000 ? 3 : 4)]}"
}

# What of the whole stream WHOLE is not in the part of DATASET yet.  (A Receive that was
# killed before it went on with the part leaves an empty file, which has no anchor.)
left() {
	echo $(($(stat -c %s "$1") - $(stat -c %s "box/$2"/@receiving.*.*.*.*)))
}

# broken WANTED DATASET FLAG...: a run that fails; what it should break off is broken off.
broken() {
	if replicated 1 "${@:2}"; then
		echo "this run should have failed"
		return 1
	fi
	[ ! -s breaks ]
	sent "$1"
}

# broken_and_resumed DATASET TIMES FLAG...: a full stream and an increment, the first one
# broken off so many times.
broken_and_resumed() {
	local dataset=$1 times=$2 i
	shift 2
	rm -rf box/*
	break_at "$(stat -c %s full)" > breaks
	broken whole "$dataset" "$@"
	for ((i = 1; i < times; i++)); do
		break_at "$(left full "$dataset")" > breaks
		broken resumed "$dataset" "$@"
	done
	# The rest of it; of the next one a piece, and after that the rest, in the same run.
	{ echo none; break_at "$(stat -c %s increment)"; echo none; } > breaks
	replicated 2 "$dataset" "$@" || { cat run.err; return 1; }
	[ ! -s breaks ]
	sent 'resumed whole resumed'
	jq -s -e 'map(select(.event == "step-end")) |
	    length == 2 and all(.resumed) and .[0].bytes < $full and .[1].bytes < $increment' \
	    --argjson full "$(stat -c %s full)" --argjson increment "$(stat -c %s increment)" events
	cmp full "$(stored "$dataset@1")"
	cmp increment "$(stored "$dataset@2")"
	[ -z "$(find box -name '@receiving.*')" ]
}

# Every fourth time a stream is broken off three times.
kinds=0

# kind DATASET FLAG...: what ZR_TEST_CUTS says, and the last one is received
kind() {
	local dataset=$1 i copy=dst/${1#src/}
	shift
	zfs send "$@" "$dataset@1" > full
	zfs send "$@" -i @1 "$dataset@2" > increment
	for ((i = 0; i < ${ZR_TEST_CUTS:-1}; i++)); do
		broken_and_resumed "$dataset" $((kinds++ % 4 == 0 ? 3 : 1)) "$@"
	done
	zfs recv -u "$copy" < "$(stored "$dataset@1")"
	zfs recv -u "$copy" < "$(stored "$dataset@2")"
	[ "$(guid_of "$dataset@2")" = "$(guid_of "$copy@2")" ]
}

# files FILESYSTEM NAME: of all sizes, with holes, what compresses and what does not
files() (
	cd "$BATS_FILE_TMPDIR/$1" || exit
	random 1700000 "$2"
	yes "$2" | head -c 900000 > "$2.text"
	truncate -s 3M "$2.holes"
	random 200000 "$2.end"
	cat "$2.end" >> "$2.holes"
	for i in {1..30}; do echo "$i" > "$2.$i"; done
	ln -s "$(printf 'x%.0s' {1..300})" "$2.link"
)

# dataset NAME OPTION...: with two snapshots, between which much changes
dataset() {
	zfs create "${@:2}" "src/$1"
	files "src/$1" one
	zfs snapshot "src/$1@1"
	files "src/$1" two
	(
		cd "$BATS_FILE_TMPDIR/src/$1" || exit
		rm one.1* one.text
		truncate -s 1000000 one
	)
	zfs snapshot "src/$1@2"
}

# Each kind: a dataset and the flags of zfs send.
KINDS=(plain 'plain -p' 'large -c' 'large -L' 'large -L -c' 'secret -w' dnodes 'vol -c')

make_plain() {
	dataset plain
}

make_large() {
	dataset large -o recordsize=1M -o compression=lz4
}

make_secret() {
	random 32 key
	dataset secret -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" -o recordsize=256k
}

make_dnodes() {
	dataset dnodes -o dnodesize=auto -o xattr=sa
}

make_vol() {
	zfs create -s -V 16M src/vol
	write_volume src/vol 0
	write_volume src/vol 64
	zfs snapshot src/vol@1
	write_volume src/vol 8
	write_volume src/vol 128
	zfs snapshot src/vol@2
}

# chosen: KINDS in a random order: all with ZR_TEST_CUTS, else the first three
chosen() {
	local i other count=3 swap
	for ((i = ${#KINDS[@]} - 1; i > 0; i--)); do
		other=$((RANDOM % (i + 1)))
		swap=${KINDS[i]}
		KINDS[i]=${KINDS[other]}
		KINDS[other]=$swap
	done
	[ -z "$ZR_TEST_CUTS" ] || count=${#KINDS[@]}
	KINDS=("${KINDS[@]:0:count}")
}

@test "streams of several kinds, full and incremental" {
	chosen
	for each in "${KINDS[@]}"; do
		echo "kind: $each"
		read -ra words <<< "$each"
		"make_${words[0]}"
		kind "src/${words[0]}" "${words[@]:1}"
		zfs destroy -r "src/${words[0]}"
		zfs destroy -r "dst/${words[0]}"
	done
}
