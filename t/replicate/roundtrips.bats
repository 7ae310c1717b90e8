# zr-replicate to a server far away: how often it waits for the network, and how many
# connections it has at once.  t/lib/distance.py counts both.
load ../lib/helper

# A call that comes late, because this host is busy, is not to look like a call that
# waited for an answer.
WAY=0.2
case $ZR_BUILD in
*sanitize*) WAY=1 ;;
esac

# far NAME SECONDS: an archive of this name, behind a server that far away; $address leads
# to it.
far() {
	mkdir -p "$1"
	zr-listen -1 -i 127.0.0.1=demo tcp:127.0.0.1:0 zr-handshake accept \
	    zr-mux accept zr-serve -b zr-endpoint archive "$PWD/$1" > "$1.port" 3>&- &
	children+=($!)
	eventually 20 [ -s "$1.port" ]
	: > "$1.log"
	"$HELPERS/distance.py" -s "$2" "$1.log" "127.0.0.1:$(cat "$1.port")" > "$1.proxy" 3>&- &
	children+=($!)
	eventually 20 [ -s "$1.proxy" ]
	address=tcp:127.0.0.1:$(cat "$1.proxy")
}

# replicate SUMMARY OPTION...: from $sender to $receiver
replicate() {
	run -0 --separate-stderr timeout "$PATIENCE" zr-replicate -I all "${@:2}" -s "$sender" -r "$receiver"
	echo "$stderr"
	[[ "${stderr_lines[-1]}" == "zr-replicate: $1"* ]]
}

# logged NAME CONNECTIONS: each of these has ended and is in the log.
logged() {
	[ "$(wc -l < "$1.log")" -eq "$2" ]
}

# counted NAME TEST: the counts in the log pass a test of jq's.
counted() {
	"$HELPERS/distance.py" -r "$1.log" | tee counts
	jq -e "$2" counts
}

@test "100 filesystems with nothing to do cost a connection a side, and 5 round trips" {
	"$HELPERS/tiny_archive.py" ours 100 3
	cp -r ours theirs
	far ours $WAY
	sender="zr-remote $address"
	far theirs $WAY
	receiver="zr-remote $address"
	replicate '101 filesystems: 100 up to date'
	for side in ours theirs; do
		eventually 20 logged $side 1
		cat $side.log
		counted $side '.zrepl_control | .connections == 1 and .trips <= 5'
	done
}

@test "256 filesystems with nothing to do cost not one round trip more" {
	"$HELPERS/tiny_archive.py" ours 255 1
	cp -r ours theirs
	sender='zr-endpoint archive ours'
	far theirs $WAY
	receiver="zr-remote $address"
	replicate '256 filesystems: 255 up to date'
	eventually 20 logged theirs 1
	cat theirs.log
	counted theirs '.zrepl_control | .connections == 1 and .trips <= 5'
}

# opened_ahead NAME: how many data connections had their label before the one that was used
# before them had ended.
opened_ahead() {
	jq -s '[.[] | select(.label == "zrepl_data")] | sort_by(.closed) | [range(1; length) as $i |
	    select(.[$i].labelled < .[$i - 1].closed)] | length' "$1.log"
}

@test "50 empty increments, -P 1: each connection is open before its step begins, and used" {
	"$HELPERS/tiny_archive.py" ours 1 51
	mkdir -p theirs/tank/0
	for file in ours/tank/0/@*3e8.*; do	# the first, 1000
		cp "$file" theirs/tank/0
	done
	sender='zr-endpoint archive ours'
	far theirs 0.05
	receiver="zr-remote $address"
	replicate '2 filesystems: 0 up to date, 1 replicated (50 steps' -P 1
	eventually 20 logged theirs 51
	counted theirs '.zrepl_data | .connections == 50 and .trips <= 3 and ."at once" >= 2 and ."at once" <= 3'
	counted theirs '.zrepl_control | .connections == 1'
	# All but the first, and those that a busy host was slow to start.
	[ "$(opened_ahead theirs)" -ge 25 ]
	diff -r ours/tank theirs/tank
}

@test "-P 4 uses several data connections at once" {
	"$HELPERS/tiny_archive.py" ours 20 2
	sender='zr-endpoint archive ours'
	far theirs 0.05
	receiver="zr-remote $address"
	replicate '21 filesystems: 0 up to date, 20 replicated (40 steps' -P 4
	eventually 20 logged theirs 41
	counted theirs '.zrepl_data | .connections == 40 and ."at once" >= 3 and ."at once" <= 12'
	counted theirs '.zrepl_control | .connections == 1'
}
