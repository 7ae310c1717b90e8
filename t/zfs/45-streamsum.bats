# zr-streamsum: copies of a snapshot that pools made in every way give one digest, and a
# copy that was changed another one.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
}

MODEL=$HELPERS/streamsum_model.py

sum_of() {
	zfs send "$@" | zr-streamsum
}

# Files of all sizes, with holes and zeros; links, attributes, directories; things freed.
fill() {
	local directory=$1 i
	for i in 1 511 512 4096 131072 131073 400000; do
		random "$i" "$directory/file$i"
	done
	truncate -s 10M "$directory/holes"
	random 70000 "$directory/holes.end"
	dd if="$directory/holes.end" of="$directory/holes" bs=4096 seek=700 conv=notrunc status=none
	head -c 600000 /dev/zero > "$directory/zeros"
	ln -s "$(printf 'x%.0s' {1..300})" "$directory/long"
	mkdir "$directory/many"
	for i in {1..80}; do echo "$i" > "$directory/many/$i"; done
	rm "$directory"/many/3* "$directory/file4096"
}

@test "copies are equal: other compression and checksum, -c, -L, -p, -e, in a chain, resumed, of a copy" {
	zfs create -o recordsize=1M -o xattr=sa -o compression=off src/a
	fill src/a
	zfs snapshot src/a@1
	random 300000 src/a/more
	rm src/a/file131072
	zfs snapshot src/a@2
	sum=$(sum_of src/a@2)
	[ "$(sum_of -L src/a@2)" = "$sum" ]
	[ "$(sum_of -p src/a@2)" = "$sum" ]

	zfs send src/a@2 | zfs recv -o compression=zstd -o checksum=sha256 dst/plain
	zfs send -c src/a@2 | zfs recv -o compression=lz4 dst/compressed
	zfs send -Lp src/a@2 | zfs recv -u -o compression=gzip dst/large
	zfs send src/a@1 | zfs recv dst/chain
	zfs send -L -i @1 src/a@2 | zfs recv -F dst/chain
	zfs send -c dst/plain@2 | zfs recv dst/again
	zfs send src/a@2 | head -c 900000 | { run zfs recv -s dst/resumed; }
	zfs send -t "$(property receive_resume_token dst/resumed)" | zfs recv -s dst/resumed
	for copy in plain compressed large chain again resumed; do
		[ "$(sum_of dst/$copy@2)" = "$sum" ] || { echo "$copy"; false; }
		zfs send dst/$copy@2 | zr-streamsum -v > sum
		zfs send src/a@2 | zr-streamsum -c sum
	done
	[ "$(sum_of src/a@1)" != "$sum" ]
}

# live DIRECTORY: some forty changes to files, at random (RANDOM)
live() {
	local i f
	for i in {1..40}; do
		f=$1/f$((RANDOM % 60))
		case $((RANDOM % 4)) in
		0) rm -rf "$f" ;;
		1) [ -e "$f" ] || [ -L "$f" ] || ln -s "$(printf '%*s' $((1 + RANDOM % 1000)) x)" "$f" ;;
		2) [ -e "$f" ] || [ -L "$f" ] || { mkdir "$f"; touch "$f"/{1..70}; } ;;
		esac
		# What is not a file by now is left alone.
		[ ! -d "$f" ] && [ ! -L "$f" ] || continue
		case $((RANDOM % 5)) in
		0) head -c $((RANDOM % 3000)) /dev/urandom >> "$f" ;;
		1) truncate -s $((RANDOM * RANDOM % 2000000)) "$f" ;;
		2) dd if=/dev/urandom of="$f" bs=$((1 + RANDOM % 9000)) count=$((RANDOM % 40)) \
		    seek=$((RANDOM % 100)) conv=notrunc status=none ;;
		3) dd if=/dev/zero of="$f" bs=4096 count=$((RANDOM % 40)) \
		    seek=$((RANDOM % 100)) conv=notrunc status=none ;;
		4) touch "$f"
			/usr/bin/python3 -c 'import os, random, sys
os.setxattr(sys.argv[1], "user.x%d" % random.randrange(4), os.urandom(random.randrange(1, 3000)))' "$f" ;;
		esac
	done
}

@test "copies are equal after any history: files that grow, shrink, come and go under changing record and dnode sizes" {
	local sizes=(legacy auto 1k 4k) last='' round
	RANDOM=${SEED:=$$}
	zfs create -o xattr=sa -o compression=lz4 src/a
	for round in {1..3}; do
		zfs set recordsize=$((1 << (9 + RANDOM % 12))) dnodesize=${sizes[RANDOM % 4]} src/a
		live src/a
		zfs snapshot src/a@$round
		zfs send ${last:+-i @$last} src/a@$round | zfs recv -F -o compression=off dst/plain
		zfs send -Lc ${last:+-i @$last} src/a@$round | zfs recv -F -o compression=off dst/large
		zfs send src/a@$round | zr-streamsum -v > sum
		for copy in src/a dst/plain dst/large; do
			zfs send -L $copy@$round | zr-streamsum -c sum || { echo "SEED=$SEED: $copy@$round"; false; }
		done
		last=$round
	done
}

@test "raw copies of an encrypted filesystem are equal without a key; a volume's are" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	fill src/secret
	zfs snapshot src/secret@1
	sum=$(sum_of -w src/secret@1)
	[[ "$sum" == raw* ]]
	zfs send -w src/secret@1 | zfs recv -u dst/secret
	zfs send -w dst/secret@1 | zfs recv -u src/back
	[ "$(property keystatus dst/secret)" = unavailable ]
	[ "$(sum_of -w dst/secret@1)" = "$sum" ]
	[ "$(sum_of -w src/back@1)" = "$sum" ]
	[ "$(sum_of src/secret@1 | cut -d ' ' -f 2)" = "$(cut -d ' ' -f 2 <<< "$sum")" ]

	zfs create -V 4M -s src/vol
	device=$(eventually 20 device_of src/vol)
	random 300000 noise
	dd if=noise of="$device" bs=4096 seek=50 conv=notrunc status=none
	zfs snapshot src/vol@1
	zfs send src/vol@1 | zfs recv -o compression=off dst/vol
	[ "$(sum_of dst/vol@1)" = "$(sum_of src/vol@1)" ]
}

@test "a copy of the same guid with one bit, block or file changed is found, and the file is named by its inode" {
	zfs create -o compression=off src/a
	fill src/a
	zfs snapshot src/a@1
	zfs send src/a@1 > stream
	zr-streamsum -v < stream > sum
	for kind in flip hole swap; do
		for seed in 1 2; do
			"$MODEL" change $seed $kind stream > changed
			# Some of these zfs recv refuses itself.
			if zfs recv dst/a < changed; then
				[ "$(guid_of dst/a@1)" = "$(guid_of src/a@1)" ]
				run -1 --separate-stderr zr-streamsum -c sum < <(zfs send dst/a@1)
				[[ "$stderr" =~ object\ [0-9]+\ differs ]]
				echo $kind >> found
				zfs destroy -r dst/a
			fi
		done
	done
	[ "$(wc -l < found)" -ge 4 ]

	# A file whose contents a careless hand changed on the copy, before it was sent on.
	zfs send src/a@1 | zfs recv dst/b
	echo x | dd of=dst/b/file400000 bs=1 seek=100000 conv=notrunc status=none
	zfs snapshot dst/b@2
	inode=$(stat -c %i src/a/file400000)
	[ "$(diff <(sed '$d' sum) <(zfs send dst/b@2 | zr-streamsum -v | sed '$d') | grep -c "object $inode ")" -eq 2 ]
}

@test "zfs send -e loses a long link: digest and archive refuse that stream; -E -w sends what is not encrypted in the clear" {
	zfs create -o compression=lz4 -o xattr=sa src/a
	ln -s "$(printf 'x%.0s' {1..300})" src/a/link
	echo text > src/a/file
	zfs snapshot src/a@1
	zfs send -e src/a@1 > embedded
	run -1 --separate-stderr zr-streamsum < embedded
	[[ "$stderr" == *'it has an embedded spill block, which zfs recv would lose'* ]]
	# If this fails, ZFS was mended, and the refusal can go.
	zfs recv dst/lost < embedded
	run readlink dst/lost/link
	[ "${#output}" -ne 300 ]

	mkdir archive
	run -1 --separate-stderr zr-replicate -q -a 1 -s 'zr-endpoint sender -j a -e -f src/a' -r 'zr-endpoint archive archive'
	[[ "$stderr" == *'embedded spill block'* ]]
	[[ "$stderr" == *'log: a copy made with zfs send -e may lose long links'* ]]
	run -0 --separate-stderr zr-replicate -q -s 'zr-endpoint sender -j b -E -w -f src/a' -r 'zr-endpoint receiver -n -e off -j b dst'
	[ -z "$stderr" ]
	[ "$(fs_digest dst/src/a@1)" = "$(fs_digest src/a@1)" ]
	[ "$(sum_of dst/src/a@1)" = "$(sum_of src/a@1)" ]
}

@test "the sender warns of -e, and of -w of what is not encrypted: in a listing and with a full stream" {
	zfs create src/a
	zfs snapshot src/a@1
	zfs snapshot src/a@2
	local full inc
	full=$(send_request '' src/a@1)
	inc=$(send_request src/a@1 src/a@2)
	# warned OPTIONS REQUEST...: the number of warnings in its log
	warned() {
		local options=$1
		shift
		# shellcheck disable=SC2086
		zr-endpoint sender -j a $options -f '<' "$@" 2>&1 > /dev/null | grep -c 'may lose long links' || true
	}
	for options in -e -w '-E -w -e'; do
		[ "$(warned "$options" ListFilesystems '{}')" -eq 1 ]
		[ "$(warned "$options" Send "$full")" -eq 1 ]
		[ "$(warned "$options" Send "$inc")" -eq 0 ]
	done
	for options in '' -c -E '-E -w' '-E -e'; do
		[ "$(warned "$options" ListFilesystems '{}')" -eq 0 ]
	done
	[ "$(warned '-E -w' Send "$full")" -eq 0 ]

	# A stream begun with -e is resumed with it.
	random 3000000 src/a/file
	zfs snapshot src/a@3
	zfs send -e src/a@3 | head -c 900000 | { run zfs recv -s dst/a; }
	full=$(send_request '' src/a@3 "$(property receive_resume_token dst/a)")
	zr-endpoint sender -j a -f '<' Send "$full" 2>&1 > /dev/null | grep -q 'may lose long links.*resumed'
}
