# How often a client waits for a server far away, by TCP and by TLS; t/lib/distance.py
# counts.  (Whole replications: t/replicate/roundtrips.bats.)
load ../lib/helper
load ../lib/tls

# A call that comes late, because this host is busy, is not to look like a call that
# waited for an answer.
WAY=0.2
case $ZR_BUILD in
*sanitize*) WAY=1 ;;
esac

setup_file() {
	make_pki
	"$HELPERS/tiny_archive.py" "$BATS_FILE_TMPDIR/archive" 20 2
}

# far NAME ADDRESS [PROGRAM...]: zr-listen there, PROGRAM in front of the chain, and the
# way to it, whose port is $port.
far() {
	cp -r "$BATS_FILE_TMPDIR/archive" "$1"
	zr-listen -1 "${@:2}" zr-handshake accept zr-mux accept \
	    zr-serve -b zr-endpoint archive "$PWD/$1" > "$1.port" 3>&- &
	children+=($!)
	eventually 20 [ -s "$1.port" ]
	: > "$1.log"
	"$HELPERS/distance.py" -s $WAY "$1.log" "127.0.0.1:$(cat "$1.port")" > "$1.proxy" 3>&- &
	children+=($!)
	eventually 20 [ -s "$1.proxy" ]
	port=$(cat "$1.proxy")
}

setup() {
	enter_directory
	far tcp -i 127.0.0.1=web1 tcp:127.0.0.1:0
	tcp="zr-remote tcp:127.0.0.1:$port"
	far tls tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 accept
	tls="zr-remote -d $PKI -n web1 -s localhost tls:127.0.0.1:$port"
}

# counted NAME LABEL TRIPS: one connection of this kind, with so many.
counted() {
	eventually 20 [ -s "$1.log" ]
	cat "$1.log"
	run -0 "$HELPERS/distance.py" -r "$1.log"
	[ "$output" = "{\"$2\": {\"connections\": 1, \"at once\": 1, \"trips\": $3}}" ]
}

# version NUMBER: a snapshot of the archive, as a FilesystemVersion.
version() {
	jq -cn --argjson n "$1" '{Name: "snapshot_\($n)", Guid: "\(1000 + $n)",
	    CreateTXG: "\(10 + $n)", Creation: "1970-01-01T00:00:0\($n)Z"}'
}

# request FIELDS: for tank/0@snapshot_1, with these fields too.
request() {
	jq -cn --argjson to "$(version 1)" --argjson more "$1" '{Filesystem: "tank/0", To: $to,
	    ReplicationConfig: {protection: {Initial: "GuaranteeNothing",
	    Incremental: "GuaranteeNothing"}}} + $more'
}

@test "a Ping takes 3 round trips: TCP's, the banners, the call; by TLS one more, none to end" {
	$tcp Ping '{}'
	$tls Ping '{}'
	counted tcp zrepl_control 3
	counted tls tls 4
}

@test "Send takes 3 round trips, one more by TLS" {
	send=$(request "{\"From\": $(version 0)}")
	$tcp Send "$send" > stream
	[ -s stream ]
	$tls Send "$send" | cmp - stream
	counted tcp zrepl_data 3
	counted tls tls 4
}

@test "Receive takes 3 round trips, one more by TLS" {
	for side in tcp tls; do
		snapshot=$side/tank/0/@00000000000003e9		# 1001
		mv $snapshot.zstream stream
		rm $snapshot.json
		${!side} Receive "$(request '{}')" < stream
		cmp stream $snapshot.zstream
	done
	counted tcp zrepl_data 3
	counted tls tls 4
}

@test "zr-list takes one round trip for the filesystems and one for all of their versions" {
	zr-list -e "$tcp" > listing
	[ "$(wc -l < listing)" -ge 20 ]
	zr-list -e "$tls" | cmp - listing
	counted tcp zrepl_control 4
	counted tls tls 5
}
