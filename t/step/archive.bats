# A sender that fails leaves no snapshot in an archive, wherever the archive is.
load ../lib/helper

REQUEST='{"Filesystem":"a/data","To":{"Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}'
STREAM=$DATA/streams/data.full.zstream
REMOTE="zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive backup'"

# sender LIMIT END: sends so many bytes of the stream, then does that.
sender() {
	cat > sender <<-END
		#!/bin/sh
		[ "\$1" = Send ] || { echo '{}'; exit 0; }
		echo '{}'
		head -c $1 '$STREAM'
		$2
	END
	chmod +x sender
	sent=$1
	rm -rf backup
	mkdir backup
}

# The archive at $1 keeps no file from this sender but a part, which nobody is writing any
# more, if it has got one; the reason is $2.
refused() {
	run -1 --separate-stderr zr-step -s ./sender -r "$1" "$REQUEST"
	stderr_has "zr-step: a/data@one: $2"
	eventually 20 only_a_part
}

only_a_part() {
	[ -z "$(find backup -type f ! -name '@lock' ! -name '@receiving.*.*.*.*')" ] || return 1
	[ "$sent" -gt 0 ] || { [ -z "$(ls -A backup)" ]; return; }
	flock -n backup/a/data/@receiving.* true
}

# The same for an archive here and one at the other end of a connection.
both_refuse() {
	sender "$1" "$2"
	refused 'zr-endpoint archive backup' "$3"
	sender "$1" "$2"
	refused "$REMOTE" "$3"
}

@test "a sender that refuses leaves nothing in the archive" {
	sender 0 'echo "dataset is busy" >&2; exit 1'
	sed -i "/^echo '{}'/d" sender
	refused 'zr-endpoint archive backup' 'sender: dataset is busy'
	refused "$REMOTE" 'sender: dataset is busy'
}

@test "a sender that dies midway leaves a part in the archive" {
	both_refuse 600000 'kill -9 $$' 'sender: endpoint ended by signal 9'
}

@test "a sender that fails after a whole stream leaves a part in the archive" {
	both_refuse 1188000 'echo "cannot release hold" >&2; exit 2' 'sender: cannot release hold'
}

@test "a cut stream leaves a part in the archive, even if its sender exits with 0" {
	both_refuse 600000 'exit 0' 'receiver: '
}

@test "the stream of a sender that succeeds is stored" {
	for receiver in 'zr-endpoint archive backup' "$REMOTE"; do
		sender 1188000 'exit 0'
		run -0 --separate-stderr zr-step -s ./sender -r "$receiver" "$REQUEST"
		[ "$(jq .bytes <<< "$output")" -eq 1188000 ]
		zr-endpoint archive backup Send "$REQUEST" | { read -r _; cmp - "$STREAM"; }
	done
}
