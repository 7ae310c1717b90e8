# In what order an archive lists its snapshots: one in which they can be received.
load ../lib/helper
load ../lib/archive

# old FILE SNAPSHOT FROM CREATETXG: stored in box/a/data by an archive of another
# time, with this createtxg of its sender.
old() {
	local from=0 guid
	[ -z "$3" ] || from=$(version "a/data@$3" | jq -r .Guid)
	guid=$(version "a/data@$2" | jq -r .Guid)
	mkdir -p box/a/data
	cp "$STREAMS/$1" "box/a/data/@$(printf %016x "$guid").zstream"
	record box/a/data "$2" "$guid" "$from" "$4" \
	    "$(version "a/data@$2" | jq -r .Creation)" "$(stat -c %s "$STREAMS/$1")"
}

# The sender has moved to a new pool after two: smaller createtxgs.
moved() {
	old data.full.zstream one '' 1000
	old data.one-two.zstream two one 1001
	old data.two-three.zstream three-unchanged two 13
	old data.three-four.zstream 'four with space:and.dots_-' three-unchanged 14
}
ALL='one,two,three-unchanged,four with space:and.dots_-'

createtxgs() {
	archive ListFilesystemVersions '{"Filesystem":"a/data"}' | jq -r '[.Versions[].CreateTXG] | join(" ")'
}

replicate() {
	run -0 --separate-stderr zr-replicate -jq -I all -s "$1" -r "$2"
}

@test "after a sender has moved to a new pool, increments are listed after their bases" {
	moved
	[ "$(names a/data)" = "$ALL" ]
	[ "$(createtxgs)" = "1000 1001 1002 1003" ]
}

@test "the snapshots of a sender that has moved are listed last" {
	mkdir box
	keep data.full.zstream a/data@one
	archive Receive "$(receive_request a/data@two | jq -c '.To.CreateTXG = "3"')" < "$STREAMS/data.one-two.zstream"
	archive Receive "$(receive_request a/data@three-unchanged | jq -c '.To.CreateTXG = "18446744073709551615"')" < "$STREAMS/data.two-three.zstream"
	keep data.three-four.zstream 'a/data@four with space:and.dots_-'
	[ "$(names a/data)" = "$ALL" ]
	[ "$(createtxgs)" = "10 11 9223372036854775807 9223372036854775808" ]
}

@test "such an archive is restored in its listed order, and gets only new snapshots" {
	moved
	mkdir restored
	replicate 'zr-endpoint archive box' 'zr-endpoint archive restored'
	[ "$(wc -l <<< "$output")" -eq 4 ]
	for file in box/a/data/*.zstream; do
		cmp "$file" "restored/a/data/${file##*/}"
	done
	# A sender with sane numbers and one snapshot more.
	rm box/a/data/@"$(printf %016x "$(version 'a/data@four with space:and.dots_-' | jq -r .Guid)")".*
	mv box short
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	keep data.three-four.zstream 'a/data@four with space:and.dots_-'
	replicate 'zr-endpoint archive box' 'zr-endpoint archive short'
	[ "$(jq -r .to <<< "$output")" = 'four with space:and.dots_-' ]
	replicate 'zr-endpoint archive box' 'zr-endpoint archive short'
	[ -z "$output" ]
}

@test "two chains: the later one is listed last, whatever its sender's numbers" {
	mkdir -p box/a/data
	chmod -R go= box
	day() { echo "2024-01-0$1T00:00:00Z"; }
	add() { echo x > "box/a/data/@$(printf %016x "$2").zstream"; record box/a/data "$@" 2; }
	add one 11 0 1000 "$(day 1)"
	add two 12 11 1001 "$(day 2)"
	add full 21 0 50 "$(day 3)"
	add more 22 21 51 "$(day 4)"
	[ "$(names a/data)" = "one,two,full,more" ]
	[ "$(createtxgs)" = "1000 1001 1002 1003" ]
	# A clock that was set back in the middle of a chain.
	add back 23 22 52 "$(day 1)"
	[ "$(names a/data)" = "one,two,full,more,back" ]
}

@test "bases come first and createtxg ascends, whatever the numbers and times" {
	for seed in $(seq 40); do
		rm -rf box
		/usr/bin/python3 - "$seed" <<-'PY'
		import os, random, sys
		random.seed(int(sys.argv[1]))
		where = "box/a/data"
		os.makedirs(where)
		guids = [random.randrange(1, 2**64) for _ in range(12)]
		for i, guid in enumerate(guids):
		    base = random.choice(guids[:i]) if i and random.random() < 0.8 else 0
		    txg = random.choice((0, 1, 5, random.randrange(2**64), 2**64 - 1))
		    second = random.randrange(3) if random.random() < 0.7 else random.randrange(60)
		    with open(f"{where}/@{guid:016x}.zstream", "w") as file:
		        file.write("x")
		    with open(f"{where}/@{guid:016x}.json", "w") as file:
		        file.write(f'{{"name":"{i}-of-{guids.index(base) if base else "none"}","guid":"{guid}",'
		                   f'"from_guid":"{base}","createtxg":"{txg}",'
		                   f'"creation":"2024-01-01T00:00:{second:02}Z","size":"1"}}\n')
		PY
		archive ListFilesystemVersions '{"Filesystem":"a/data"}' > listed
		/usr/bin/python3 - "$seed" <<-'PY'
		import json, sys
		versions = json.load(open("listed"))["Versions"]
		assert len(versions) == 12, versions
		numbers = [int(version["CreateTXG"]) for version in versions]
		assert all(a < b for a, b in zip(numbers, numbers[1:])), numbers
		seen = {"none"}
		for version in versions:
		    own, base = version["Name"].split("-of-")
		    assert base in seen, (sys.argv[1], versions)
		    seen.add(own)
		PY
	done
}

@test "the recipe in zr-archive(5) restores the snapshots in order" {
	moved
	mkdir -p bin tank
	mv box/a/data tank/data
	# A zfs that writes down what it is given.
	printf '#!/bin/sh\necho "$@" >> ../../asked\nexec cat >> ../../received\n' > bin/zfs
	chmod +x bin/zfs
	mandoc -T ascii "$TOP/man/zr-archive.5" | col -bx |
	    sed -n '/cd \/backup/,/done$/p' | sed 's|/backup/|./|' > recipe
	PATH=$PWD/bin:$PATH sh -eu recipe
	[ "$(sort asked | uniq -c | xargs)" = "4 recv tank/restored" ]
	cat "$STREAMS"/data.{full,one-two,two-three,three-four}.zstream | cmp - received
}

# arrivals: names in the order in which they arrived
arrivals() {
	ZR_LIST_ORDER=arrival archive ListFilesystemVersions '{"Filesystem":"a/data"}' |
	    jq -r '.Versions | sort_by(.CreateTXG | tonumber) | map("\(.CreateTXG):\(.Name)") | join(",")'
}

@test "ZR_LIST_ORDER=arrival numbers them as they arrived, whatever their senders claim" {
	mkdir box
	keep data.full.zstream a/data@one
	archive Receive "$(receive_request a/data@two | jq -c '.To.CreateTXG = "99"')" < "$STREAMS/data.one-two.zstream"
	archive Receive "$(receive_request a/data@three-unchanged | jq -c '.To.CreateTXG = "3"')" < "$STREAMS/data.two-three.zstream"
	[ "$(arrivals)" = 1:one,2:two,3:three-unchanged ]
	[ "$(createtxgs)" = "10 99 100" ]
	# A full stream may come after the increments of its filesystem.
	destroy three-unchanged two one
	for snapshot in two three-unchanged; do
		old data.full.zstream $snapshot '' 5
		sed -i 's/}$/,"arrival":"'$((${#snapshot} + 7))'"}/' box/a/data/@"$(printf %016x "$(version "a/data@$snapshot" | jq -r .Guid)").json"
	done
	keep data.full.zstream a/data@one
	[ "$(arrivals)" = 1:two,2:three-unchanged,3:one ]
	[ "$(names a/data)" = one,two,three-unchanged ]
}

@test "records without an arrival come before all others; a damaged one keeps its number" {
	mkdir box
	old data.full.zstream one '' 1000
	old data.one-two.zstream two one 1001
	keep data.two-three.zstream a/data@three-unchanged
	keep data.three-four.zstream 'a/data@four with space:and.dots_-'
	[ "$(arrivals)" = '1:one,2:two,3:three-unchanged,4:four with space:and.dots_-' ]
	grep -l '"arrival":"1"' box/a/data/*.json > third
	rm "$(sed 's/json$/zstream/' third)"
	keep data.two-three.zstream a/data@three-unchanged
	[ "$(arrivals)" = '1:one,2:two,3:three-unchanged,4:four with space:and.dots_-' ]
	# Under another date it is another snapshot, and the youngest.
	rm "$(sed 's/json$/zstream/' third)"
	sed -i 's/"creation":"[^"]*"/"creation":"2020-01-01T00:00:00Z"/' "$(cat third)"
	keep data.two-three.zstream a/data@three-unchanged
	grep -q '"arrival":"3"' "$(cat third)"
}

@test "a record whose arrival is not a number is damaged" {
	for arrival in '"x"' 3 '""' '"9223372036854775808"' null; do
		rm -rf box
		mkdir box
		keep data.full.zstream a/data@one
		sed -i "s/\"arrival\":\"1\"/\"arrival\":$arrival/" box/a/data/*.json
		[ -z "$(names a/data)" ] || { echo "$arrival"; false; }
	done
}

@test "ZR_LIST_FILESYSTEM lists that filesystem and those above it" {
	mkdir box
	for filesystem in a a/data a/data/b a/database ab b; do
		keep data.full.zstream a/data@one $filesystem
	done
	# only NAME: what is listed
	only() {
		ZR_LIST_FILESYSTEM=$1 archive ListFilesystems '{}' | jq -r '.Filesystems // [] | map(.Path) | join(" ")'
	}
	[ "$(only a/data)" = 'a a/data' ]
	[ "$(only a/data/b)" = 'a a/data a/data/b' ]
	[ "$(only a)" = a ]
	[ "$(only a/data/c)" = 'a a/data' ]
	[ "$(only a/d)" = a ]
	[ -z "$(only '')" ]
	[ -z "$(only /)" ]
	[ -z "$(only ../a)" ]
}
