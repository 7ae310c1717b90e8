# Shared by the bats files whose endpoints have a stand-in for zfs, one that fails,
# hangs or prints odd things: `load ../lib/zfs_faults`, after helper.
# shellcheck disable=SC2034,SC2154 # used by the files, set by bats and helper

# A stand-in: what each subcommand does is in a script of its name in ./does;
# one without a script succeeds and prints nothing.  What get says of a filesystem
# beside a placeholder is in incoming; without it there is none.
setup() {
	enter_directory || return
	mkdir does
	cat > zfs <<-'END'
	#!/bin/sh
	echo "$*" >> "$HOME/ran"
	case $* in get*.zr-incoming)
		[ ! -e "$HOME/does/incoming" ] || { . "$HOME/does/incoming"; exit; }
		for name do :; done
		echo "cannot open '$name': dataset does not exist" >&2
		exit 1 ;;
	esac
	[ -e "$HOME/does/$1" ] || exit 0
	. "$HOME/does/$1"
	END
	chmod +x zfs
	export ZR_ZFS=./zfs HOME=$BATS_TEST_TMPDIR
	: > ran
	# tank/a with snapshots 1 and 2, a step hold on 1
	does get <<-'END'
	case $* in *tank/a) ;; *)
		for name do :; done
		printf '%s\ttype\tfilesystem\t-\n' tank tank/sink tank/sink/host tank/sink/host/tank
		exit 0 ;;
	esac
	case $* in *sink*)
		echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2
		exit 1 ;;
	esac
	printf 'tank/a\ttype\tfilesystem\t-\ntank/a\tguid\t5\t-\ntank/a\tcreatetxg\t1\t-\ntank/a\tcreation\t1\t-\ntank/a\tencryption\toff\t-\n'
	for i in 1 2; do
		printf "tank/a@$i\ttype\tsnapshot\t-\ntank/a@$i\tguid\t1$i\t-\ntank/a@$i\tcreatetxg\t1$i\t-\ntank/a@$i\tcreation\t$i\t-\ntank/a@$i\tuserrefs\t$((2 - i))\t-\n"
	done
	printf 'tank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job\ttype\tbookmark\t-\ntank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job\tguid\t9\t-\n'
	END
}

# does SUBCOMMAND: with the script on standard input.
does() {
	cat > "does/$1"
}

says() {
	echo "echo \"$2\" >&2; exit ${3:-1}" > "does/$1"
}

sender() {
	run --separate-stderr timeout 20 zr-endpoint sender -f '<' -j job "$@"
}

receiver() {
	run --separate-stderr timeout 20 zr-endpoint receiver -c host -e inherit -j job tank/sink "$@"
}

version() {
	echo "{\"Name\":\"$1\",\"Guid\":\"1$1\",\"CreateTXG\":\"1$1\",\"Creation\":\"2024-01-01T00:00:00Z\"}"
}

request() {
	echo "{\"Filesystem\":\"tank/a\",\"From\":$(version 1),\"To\":$(version 2),\"ReplicationConfig\":{\"protection\":{\"Initial\":\"${1-GuaranteeResumability}\",\"Incremental\":\"${1-GuaranteeResumability}\"}}}"
}

receive_request() {
	request | jq -c 'del(.From)'
}

# stream [ARGUMENT OF stream.py...]: the file stream begins as one of snapshot 2.
stream() {
	"$HELPERS/stream.py" 12 "$@" > stream
}

# A stream that is one, and the request for it.
raw_stream() {
	cp "$DATA/streams/enc.full-raw.zstream" stream
	receive_request | jq -c --arg guid \
	    "$(awk '$1 == "a/enc@e1" { print $2 }' "$DATA/streams/versions.tsv")" \
	    '.To.Guid = $guid' > request
}

hangs() {
	echo 'echo $$ > "$HOME/hangs"; exec sleep 1000' > "does/$1"
}

# ended_while COMMAND STATUS ENDPOINT...: its zfs COMMAND hangs; told to end, both
# do.  A request is in the file request, a stream in the file stream.
ended_while() {
	local code=0
	echo "$*"
	rm -f hangs
	[ ! -e "does/$1" ] || mv "does/$1" kept
	hangs "$1"
	background "${@:3}" "$(cat request)" < stream > answer 2> errors
	eventually 10 test -s hangs
	kill "${children[-1]}"
	wait "${children[-1]}" || code=$?
	[ "$code" -eq "$2" ]
	grep -q 'ended by signal 15' errors
	eventually 5 gone "$(cat hangs)"
	rm "does/$1"
	[ ! -e kept ] || mv kept "does/$1"
}

# Is the last that was put into the background asleep?
waiting() {
	grep -q '^State:[[:space:]]*S' "/proc/${children[-1]}/status"
}
