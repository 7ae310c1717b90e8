# Shared by the bats files about zr-snap: `load ../lib/snap`, after helper.
# shellcheck disable=SC2034,SC2154 # used by the files, set by bats and helper

# A stand-in for zfs, which keeps its pools in the file pools, lines
# "NAME|TYPE|WRITTEN|CREATION[|1, if its first receive is not complete]", and writes down in calls what it was asked.  What is in
# a file fail-SUBCOMMAND it runs first.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	cat > zfs <<-'SCRIPT'
		#!/bin/bash
		printf '%s' "$1" >> calls
		printf ' [%s]' "${@:2}" >> calls
		echo >> calls
		[ ! -e "fail-$1" ] || . "./fail-$1"
		case $1 in
		get)
			depth=${9#-r} limit=${10}
			shift $((${#depth} > 0 ? 11 : 10))
			printf '%s\n' "$@" > names
			awk -F '|' -v limit="${depth:+$limit}" '
			    NR == FNR { asked[$0] = 1; next }
			    {
				at = $1
				for (up = 0; !(at in asked) && sub("[/@][^/@]*$", "", at); up++) ;
				if (!(at in asked)) next
				found[at] = 1
				if (limit != "" && up > limit) next
				printf "%s\ttype\t%s\t-\n%s\tcreation\t%s\t-\n%s\twritten\t%s\t-\n%s\tinconsistent\t%d\t-\n", $1, $2, $1, $4, $1, $3, $1, $5
			    }
			    END {
				for (name in asked) if (!(name in found)) {
				    printf "cannot open \047%s\047: dataset does not exist\n", name > "/dev/stderr"
				    exit 1
				}
			    }' names pools || exit ;;
		snapshot)
			printf '%s\n' "${@:2}" > names
			awk -F '|' -v now="$(date +%s)" '
			    FNR == 1 { file++ }
			    file == 1 && $0 == "-r" { recursive = 1; next }
			    file == 1 { split($0, part, "@"); asked[part[1]] = 1; name = part[2]; next }
			    $2 == "snapshot" { there[$1] = 1; next }
			    {
				dataset = $1
				for (at = $1; !(at in asked) && recursive && sub("/[^/]*$", "", at); ) ;
				if (at in asked && !$5) new[++count] = dataset "@" name
			    }
			    END {
				for (i = 1; i <= count; i++)
				    if (new[i] in there) {
					printf "cannot create snapshot \047%s\047: dataset already exists\n", new[i] > "/dev/stderr"
					print "no snapshots were created" > "/dev/stderr"
					exit 1
				    }
				for (i = 1; i <= count; i++) print new[i] "|snapshot|0|" now
			    }' names pools > new || exit
			cat new >> pools ;;
		esac
	SCRIPT
	chmod +x zfs
	export ZR_ZFS=$PWD/zfs
	pools tank tank/a tank/a/b tank/c other other/x
}

# pools NAME...: these filesystems are there, and nothing else.
pools() {
	printf '%s|filesystem|4096|1\n' "$@" > pools
}

# snapshot NAME [AGE [WRITTEN]]: there is this one, so many seconds old.
snapshot() {
	echo "$1|snapshot|${3-0}|$(($(date +%s) - ${2-0}))" >> pools
}

# written DATASET BYTES
written() {
	sed -i "s/^\($(sed 's,/,\\/,g' <<< "$1")|filesystem\)|[0-9]*/\1|$2/" pools
}

# Run it; no call was made before.
snap() {
	: > calls
	run --separate-stderr timeout 60 zr-snap "$@"
}

# taken: what zfs was told to take, the arguments a line each.
taken() {
	sed -n 's/^snapshot //p' calls
}

nothing_taken() {
	[ -z "$output" ]
	run ! grep ^snapshot calls
	run ! grep '|snapshot|' pools
}
