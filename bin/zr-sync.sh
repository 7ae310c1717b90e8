#!/bin/sh
# zr-sync: replicate one place to another.  Writes the command strings of both endpoints,
# opens one ssh connection for each host, and executes zr-replicate.
set -eu

usage='zr-sync [-jlnqsvw] [-a ATTEMPTS] [-e FILE] [-f FILESYSTEM] [-g INITIAL[,INCREMENTAL]] [-I most_recent | all | fail] [-i REGEX] [-J JOB] [-k RULE | -K FILE] ... [-m FROM=TO] ... [-P NUMBER] [-R OPTIONS] [-S OPTIONS] [-T OPTIONS] [-t SECONDS] [-W SECONDS] [-x REGEX] [-Z NUMBER] SOURCE TARGET'

die() {
	printf 'zr-sync: %s\n' "$*" >&2
	exit 100
}

help() {
	printf 'usage: %s\nSee zr-sync(1).\n' "$usage" || exit 111
	exit 0
}

# A word for a shell, as plain as it can be.
quote() {
	case $1 in
	'' | *[!A-Za-z0-9_./:@%+,=-]*) ;;
	*) printf '%s' "$1"; return ;;
	esac
	case $1 in
	*\'*[\"\$\`\\!]* | *[\"\$\`\\!]*\'*)
		printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/" ;;
	*\'*) printf '"%s"' "$1" ;;
	*) printf "'%s'" "$1" ;;
	esac
}

# valid_host PLACE: what ssh cannot take for an option, nor its configuration's commands for
# a shell's.
valid_host() {
	case $host in
	'' | -* | @* | *@ | *@-* | *[][[:space:][:cntrl:]\'\`\"\$\\\;\&\<\>\|\(\)\{\}\*\?\!]*)
		die "$1: \"$host\" is not [USER@]HOST" ;;
	esac
}

# place TEXT: its kind, its host, and the name of what is there.
place() {
	kind=dataset host='' name=$1
	case $1 in
	archive:?*)
		kind=archive name=${1#archive:}
		case $name in -*) name=./$name ;; esac
		[ -d "$name" ] || die "$1: no such directory (mkdir $(quote "$name"))"
		return ;;
	tcp:* | tls:* | ssh:* | unix:* | exec:*)
		kind=address
		case $1:$remote in
		tls:*:) die "$1: where are the CA, our certificate and its key?" \
		    "(-T '-d DIRECTORY -n NAME', see zr-remote(1))" ;;
		esac
		return ;;
	esac
	case ${1%%/*} in
	\[*\]:* | *@\[*\]:*)
		host=${1%%\]:*} name=${1#*\]:}
		host=${host%%\[*}${host#*\[}
		valid_host "$1" ;;
	*:*)
		host=${1%%:*} name=${1#*:}
		valid_host "$1"
		case ${name%%/*} in
		*:*) die "$1: HOST:DATASET is expected, an IPv6 address in brackets" ;;
		esac ;;
	esac
	case $name in
	'') die "'$1' names no dataset" ;;
	/*) die "$1: a dataset begins without a slash; a directory is archive:$name" ;;
	*/) die "$1: write it without the slash at its end" ;;
	*[@#]*) die "$1: drop ${name#"${name%%[@#]*}"}: a dataset comes with its snapshots" \
	    "(-i and -x choose some)" ;;
	esac
	case /$name/ in
	*[!A-Za-z0-9_.:/\ -]* | *//* | */./* | */../* | /-*)
		die "$1: $name cannot be the name of a dataset" ;;
	esac
}

# The connections end, and their directory, when nobody has the other end of the FIFO any
# more: zr-replicate and its children are gone, by kill -9 too.
end_connections() {
	trap '' HUP INT QUIT TERM
	read -r _ || :
	# An ssh that is still connecting, after kill -9, finds no place for its socket.
	mv "$directory/s" "$directory/ended"
	for host; do
		"$ssh" -S "$directory/ended/%C" -O exit -- "$host" || :
	done
	rm -rf "$directory"
}

# make_directory BASE: print its name.  A signal does not come between.
make_directory() {
	trap '' HUP INT TERM
	made=$(mktemp -d "$1/zr-sync.XXXXXX") || exit
	if ! mkfifo "$made/alive" || ! mkdir -m 700 "$made/s"; then
		rm -rf "$made"
		exit 111
	fi
	printf '%s\n' "$made"
}

# If a signal has come meanwhile, end by it.
end_if_caught() {
	[ -z "$caught" ] || { trap - "$caught"; kill -s "$caught" $$; }
}

# connect HOST...: one connection for all that ssh does there.  ssh -f asks for passwords
# and goes to the background once the user is admitted, out of reach of Ctrl-C.
connect() {
	ssh=${ZR_SSH:-ssh} base=${TMPDIR:-/tmp} caught='' child=''
	case ${#base}:$base in
	# Too long for a socket; ssh expands it; mktemp takes it for an option.
	[3-9]?:* | ???*:* | *[%\$]* | *:[~-]*) base=/tmp ;;
	esac
	for signal in HUP INT TERM; do
		# shellcheck disable=SC2064 # this one
		trap "caught=$signal; \${child:+kill \$child} 2> /dev/null || :" "$signal"
	done
	directory=$(make_directory "$base") || exit 111
	export ZR_SSH_CONTROL="$directory/s/%C"
	# For both ends, so that neither waits for the other to open it.
	exec 9<> "$directory/alive"
	({
		# By exec: a shell keeps a copy of what it closes for a function.
		exec < "$directory/alive" > /dev/null 2>&1 9>&-
		end_connections "$@"
	} &)
	for host; do
		end_if_caught
		# Two names of one host have one connection.
		"$ssh" -S "$ZR_SSH_CONTROL" -O check -- "$host" 2> /dev/null && continue
		"$ssh" -M -S "$ZR_SSH_CONTROL" -f -N -a -x \
		    -o ControlPersist=no -o ClearAllForwardings=yes -o PermitLocalCommand=no \
		    -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 \
		    -- "$host" < /dev/null > /dev/null 9>&- &
		child=$!
		[ -z "$caught" ] || kill "$child"
		wait "$child" || {
			code=$?
			end_if_caught
			printf 'zr-sync: %s: no connection, ssh ended with status %s\n' \
			    "$host" "$code" >&2
			exit "$code"
		}
		child=''
	done
	trap - HUP INT TERM
	end_if_caught
}

case $#:${1-} in
1:--help) help ;;
1:--version) echo 'zr-sync (zr) @VERSION@' || exit 111; exit 0 ;;
esac

line='' events='' dry='' filesystem='' initial='' job='' raw='' snapshot='' verbose=''
receiver='' sender='' remote=''
while getopts a:e:f:g:hI:i:J:jK:k:lm:nP:qR:sS:T:t:vW:wx:Z: option; do
	case $option in
	h) help ;;
	f) filesystem=$OPTARG ;;
	J) job=$OPTARG ;;
	R) receiver=$OPTARG ;;
	S) sender=$OPTARG ;;
	T) remote=$OPTARG ;;
	s) snapshot=yes ;;
	w) raw='-E -w ' ;;
	[jlnqv]) line="$line -$option" ;;
	[aegIiKkmPtWxZ]) line="$line -$option $(quote "$OPTARG")" ;;
	*) echo "usage: $usage" >&2; exit 100 ;;
	esac
	case $option:${OPTARG-} in
	[aefgIiJKkmPRSTtWxZ]:) die "-$option has an empty argument" ;;
	e:*) events=yes ;;
	I:*) initial=yes ;;
	n:*) dry=yes ;;
	v:*) verbose=yes ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -ne 2 ]; then
	echo "usage: $usage" >&2
	exit 100
fi
case $2 in
-*) die "$2 stands where a place is expected: options come first" ;;
esac
place "$1"
from=$kind from_host=$host source=$name archive=$name
place "$2"
to=$kind to_host=$host target=$name

# What cannot be meant, and options without an effect.
[ "$1" != "$2" ] || die "$1: SOURCE and TARGET are the same place"
case $from$to:$from_host:$source/ in
datasetdataset:"$to_host:$target"/*) die "$1 is inside of $2" ;;
esac
case $from$to:$to_host:$target/ in
datasetdataset:"$from_host:$source"/*)
	die "$2 is inside of $1: it would replicate itself" ;;
esac
case $to:$target in
dataset:*/*) ;;
dataset:*) die "$2 is a whole pool: name a dataset in it, such as $2/${source##*[/:]}" ;;
esac
[ "$from" = dataset ] || [ -z "$raw$sender" ] ||
	die "$1: -S and -w are for a SOURCE that is a dataset"
[ "$from" = dataset ] || [ -z "$snapshot" ] ||
	die "$1: -s is for a SOURCE that is a dataset"
[ "$to" = dataset ] || [ -z "$receiver" ] ||
	die "$2: -R is for a TARGET that is a dataset"
[ "$from" != dataset ] || [ -z "$filesystem" ] ||
	die "$1: -f is for a SOURCE that is an archive or an address"
case $filesystem in
-*) die "-f $filesystem: a filesystem is expected, and an option follows" ;;
esac
case $from$to:$events in
*dataset*:*) ;;
*:) [ -z "$job" ] || die "-J is for datasets and for -e, and neither place is a dataset" ;;
esac
case $from$to in
*address*) ;;
*) [ -z "$remote" ] || die "-T is for an address, and neither place is one" ;;
esac

# The job: TARGET, with a digest where it is long.
[ -n "$job" ] || {
	job=$(printf '%s' "$2" | LC_ALL=C tr -c 'A-Za-z0-9_.-' _)
	[ ${#job} -le 40 ] || {
		digest=$(printf '%s' "$2" | cksum)
		job=$(printf '%.29s_%s' "$job" "${digest%% *}")
	}
}

# TARGET is the new name of SOURCE or of -f.  All of an archive or an address comes below.
root=-n
[ "$from" = dataset ] || source=$filesystem
case $to:$source in
dataset:) root="-c $(quote "${target##*/}")" ;;
dataset:*) line="$line -m $(quote "$source=${target##*/}")" ;;
esac
case $from in
dataset)
	sender="$raw-j $(quote "$job") -f $(quote "$source<")${sender:+ $sender}"
	sender="zr-endpoint sender ${from_host:+-H $(quote "$from_host") }$sender"
	[ -z "$snapshot" ] ||
		snapshot="zr-snap -r ${from_host:+-H $(quote "$from_host") }$(quote "$source")"
	[ -z "$dry" ] || snapshot=''
	source='' ;;
archive)
	sender="zr-endpoint archive $(quote "$archive")"
	# The newest snapshot alone cannot be sent from there.
	[ -n "$initial" ] || line="$line -I all" ;;
address)
	sender="zr-remote ${remote:+$remote }$(quote "$1")" ;;
esac
case $to in
dataset)
	receiver="-j $(quote "$job") ${receiver:+$receiver }$(quote "${target%/*}")"
	receiver="$root -u -e inherit -o readonly=on $receiver"
	receiver="zr-endpoint receiver ${to_host:+-H $(quote "$to_host") }$receiver" ;;
archive)
	receiver="zr-endpoint archive $(quote "$target")" ;;
address)
	receiver="zr-remote ${remote:+$remote }$(quote "$2")" ;;
esac
[ -z "$events" ] || line="$line -J $(quote "$job")"
line="zr-replicate$line -s $(quote "$sender") -r $(quote "$receiver")"
[ -z "$source" ] || line="$line $(quote "$source")"
[ -z "$verbose" ] || printf '%s\n' "${snapshot:+$snapshot && }$line" >&2

if [ -z "${ZR_SSH_CONTROL-}" ]; then
	[ "$from_host" != "$to_host" ] || to_host=''
	set -- ${from_host:+"$from_host"} ${to_host:+"$to_host"}
	[ $# -eq 0 ] || connect "$@"
fi
[ -z "$snapshot" ] || eval "$snapshot > /dev/null" || exit
eval "exec $line"
