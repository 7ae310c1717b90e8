#!/bin/bash
# Make resume tokens on a real pool and what zfs itself reads in them: writes
# real.tsv (token, then the fields of "zfs send -nvt" in one line).  As root,
# where ZFS is; see t/data/README.md.
set -eu
dir=$(mktemp -d)
trap 'zpool destroy zrtokens; rm -rf "$dir"' EXIT
truncate -s 512M "$dir/disk"
zpool create -O mountpoint=none zrtokens "$dir/disk"
cd "$(dirname "$0")"
: > real.tsv

fill() { # MOUNTPOINT: something in blocks of every kind
	head -c 3000000 /dev/urandom > "$1/random.$RANDOM"
	yes 'compressible text' | head -c 3000000 > "$1/text.$RANDOM"
	for i in $(seq 50); do echo "small $i" > "$1/small.$RANDOM.$i"; done
}

take() { # NAME BYTES SEND...: interrupt a receive after so many bytes
	local name=$1 bytes=$2 token
	shift 2
	zfs send "$@" | head -c "$bytes" | zfs recv -s -u "zrtokens/$name" 2> /dev/null || true
	token=$(zfs get -Hpo value receive_resume_token "zrtokens/$name")
	printf '%s\t%s\n' "$token" "$(zfs send -nvt "$token" 2>&1 |
	    sed -n 's/^\t\([a-z]*\) = /\1=/p' | tr '\n' '|')" >> real.tsv
}

echo 0123456789012345678901234567890123456789012345678901234567890123 > "$dir/key"
zfs create -o recordsize=1M -o compression=lz4 -o mountpoint="$dir/a" "zrtokens/an odd name:x.y"
zfs create -o encryption=on -o keyformat=hex -o keylocation="file://$dir/key" -o mountpoint="$dir/e" zrtokens/e
zfs create -V 16M zrtokens/v
for snapshot in "one 1" two; do
	fill "$dir/a"
	fill "$dir/e"
	head -c 2000000 /dev/urandom > "$dir/block"
	dd if="$dir/block" of=/dev/zd0 bs=64k conv=notrunc status=none
	zfs snapshot -r "zrtokens@$snapshot"
done
zfs bookmark "zrtokens/an odd name:x.y@one 1" "zrtokens/an odd name:x.y#mark"
A="zrtokens/an odd name:x.y"
take full 2000000 "$A@one 1"
take flags 2000000 -Lec "$A@one 1"
take properties 2000000 -p -Le "$A@one 1"
take raw 2000000 -w zrtokens/e@two
take volume 1000000 -c zrtokens/v@two
for kind in snapshot bookmark raw; do
	case $kind in
	raw)	from='zrtokens/e@one 1' to=zrtokens/e@two flags=-w ;;
	*)	from="$A@one 1" to=$A@two flags=-Lec ;;
	esac
	zfs send $flags "$from" | zfs recv -u "zrtokens/inc-$kind"
	[ $kind != bookmark ] || from="$A#mark"
	take "inc-$kind" 2000000 $flags -i "$from" "$to"
done
wc -l real.tsv
