#!/bin/sh
# replicate.sh [-g GUARANTEE] SENDER RECEIVER: replicate every filesystem of one
# endpoint to another, using only the endpoint interface, zr-step and zr-token.  The
# default guarantee is GuaranteeResumability; a pool that is imported read-only can be
# sent from only with GuaranteeNothing.
#
# SENDER and RECEIVER are command strings, such as 'zr-endpoint archive /a' or
# 'zr-remote tcp:backup:8888'.  A line of JSON is printed for each step.
# Exits 0 when everything is replicated (a second run does nothing), 1 when a
# filesystem failed or SENDER lists no filesystem, and with the endpoint's status when
# an endpoint cannot list its filesystems.
set -eu
guarantee=GuaranteeResumability
if [ $# = 4 ] && [ "$1" = -g ]; then
	guarantee=$2
	shift 2
fi
[ $# = 2 ] || { echo 'usage: replicate.sh [-g GUARANTEE] SENDER RECEIVER' >&2; exit 100; }
sender=$1 receiver=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ask ENDPOINT METHOD: the request is on standard input, since text of a peer must never
# become part of a command.
ask() {
	sh -c "$1 \"\$@\"" zr "$2"
}

# say NAME-AS-JSON TEXT; jq -a leaves DEL as it is
say() {
	printf 'replicate.sh: %s: %s\n' "$1" "$2" | LC_ALL=C tr -c '\n -~' '?' >&2
}

# versions ENDPOINT FILESYSTEM-AS-JSON
versions() {
	jq -cn --argjson name "$2" '{Filesystem: $name}' |
	    ask "$1" ListFilesystemVersions
}

# The steps that a filesystem needs, one SendReq per line.  If the receiver has a
# resume token: its step and those after it.  Otherwise: a full send of the oldest
# snapshot and then the increments, or the increments after the last common snapshot.
# shellcheck disable=SC2016 # jq's variables
plan='
def sorted: (.Versions // []) | sort_by((.CreateTXG // "0" | tonumber),
	(.Type != "Bookmark"));
def snapshots: map(select(.Type != "Bookmark"));
# Text of a peer must not reach a terminal unchanged.
def shown: tojson[1:-1] | gsub("[^ -~]"; "?");
def fail: "replicate.sh: \($name | shown): \(.)\n" | halt_error(1);
def names: map(.Name | shown) | join(", ");
($sender | sorted) as $ours | ($receiver | sorted | snapshots) as $theirs |
($ours | map(.Guid)) as $guids | ($theirs | map(.Guid)) as $there |
([$theirs[] | select(.Guid | IN($guids[]))] | last) as $common |
def after($version): $ours | .[index($version) + 1:] | snapshots;
if $ours == [] then "sender does not have any versions" | fail
elif $token then
	([$ours | snapshots[] | select(.Guid == $token.toguid)] | first) as $to |
	if $to then {from: ([$ours[] | select(.Guid == $token.fromguid)] |
	    (snapshots | first) // first), to: ([$to] + after($to))}
	else "the receiver has part of \($token.toname | shown), which the sender does not have any more: give it up there (zfs receive -A)" | fail end
elif $theirs == [] then
	if ($ours | snapshots) == [] then "only bookmarks on the sender, nothing to start from" | fail
	else {from: null, to: ($ours | snapshots)} end
elif $common == null then "no common snapshot; only the receiver has \($theirs | names)" | fail
elif $common.Guid != $theirs[-1].Guid then
	"diverged after \($common.Name | shown): only the receiver has \([$theirs[] |
	    select(.Guid | IN($guids[]) | not)] | names); only the sender has \([$ours |
	    snapshots[] | select(.Guid | IN($there[]) | not)] | names)" | fail
else ([$ours[] | select(.Guid == $common.Guid)] | last) as $from |
	{from: $from, to: [after($from)[] | select(.Guid != $from.Guid)]} end |
.from as $from | .to as $all | $all | to_entries[] | . as $step |
{Filesystem: $name, To: .value, ReplicationConfig: {protection: {
    Initial: $guarantee, Incremental: $guarantee}}} +
(if .key == 0 then (if $from then {From: $from} else {} end) +
    (if $token then {ResumeToken: $text} else {} end)
else {From: $all[$step.key - 1]} end)'
# replicate FILESYSTEM-AS-JSON
replicate() {
	there=$(jq -c --argjson name "$1" '[.Filesystems[]? | select(.Path == $name)] |
	    first // {IsPlaceholder: true}' "$dir/receiver")
	exists=$(printf '%s' "$there" | jq '.IsPlaceholder != true')
	if jq -e --argjson name "$1" 'any(.Filesystems[]?; .Path == $name and .IsPlaceholder)' \
	    "$dir/sender" > /dev/null; then
		[ "$exists" = false ] ||
		    say "$1" 'only a placeholder on the sender'
		[ "$exists" = false ]
		return
	fi
	versions "$sender" "$1" > "$dir/ours" || return 1
	echo '{}' > "$dir/theirs"
	[ "$exists" = false ] || versions "$receiver" "$1" > "$dir/theirs" || return 1
	text=$(printf '%s' "$there" | jq -r '.ResumeToken // ""')
	token=null
	[ -z "$text" ] || token=$(printf '%s\n' "$text" | zr-token) || return 1
	jq -cn --argjson name "$1" --slurpfile s "$dir/ours" --slurpfile r "$dir/theirs" \
	    --arg text "$text" --arg guarantee "$guarantee" --argjson token "$token" \
	    "\$s[0] as \$sender | \$r[0] as \$receiver | $plan" > "$dir/steps" || return 1
	while read -r step; do
		printf '%s\n' "$step" > "$dir/step"
		zr-step -s "$sender" -r "$receiver" < "$dir/step" || return 1
	done < "$dir/steps"
}

echo '{}' | ask "$sender" ListFilesystems > "$dir/sender"
echo '{}' | ask "$receiver" ListFilesystems > "$dir/receiver"

# Parents come first; filesystems below a failed one are skipped.
jq -ac '[.Filesystems[]? | .Path] | sort_by(split("/"))[]' \
    "$dir/sender" > "$dir/names"
[ -s "$dir/names" ] || {
	echo 'replicate.sh: the sender lists no filesystem: nothing was replicated' >&2
	exit 1
}
: > "$dir/failed"
while read -r name; do
	if jq -en --argjson name "$name" --slurpfile failed "$dir/failed" \
	    'any($failed[]; . as $f | $name | startswith($f + "/"))' > /dev/null; then
		say "$name" 'parent(s) failed'
	elif replicate "$name"; then
		continue
	else
		say "$name" 'not replicated'
	fi
	printf '%s\n' "$name" >> "$dir/failed"
done < "$dir/names"
[ ! -s "$dir/failed" ]
