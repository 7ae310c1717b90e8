# zr-replicate: what it asks of endpoints that offer nothing but the interface.
load ../lib/helper

version() {
	stream_version "a/data@$1"
}

import() {
	zr-endpoint archive "$1" Receive "$(jq -cn --argjson to "$(version "$3")" \
	    '{Filesystem: "a/data", To: $to, ReplicationConfig: {protection:
	    {Initial: 1, Incremental: 1}}}')" < "$DATA/streams/$2.zstream" > imported
}

replicate() {
	run -"$1" --separate-stderr timeout 50 zr-replicate -j -I all -P 1 -s "$2" -r "$3"
}

names() {
	zr-endpoint archive "$1" ListFilesystemVersions '{"Filesystem":"a/data"}' |
	    jq -r '[.Versions[].Name] | join(" ")'
}

@test "push over TCP sends all, then only new snapshots, then nothing; pull works, too" {
	mkdir web backup restored
	import web data.full one
	import web data.one-two two
	zr-listen -1 -i 127.0.0.1=demo tcp:127.0.0.1:0 zr-handshake accept \
	    zr-mux accept zr-serve -b zr-endpoint archive "$PWD/backup" > port 3>&- &
	children+=($!)
	eventually 20 [ -s port ]
	address=tcp:127.0.0.1:$(cat port)
	replicate 0 'zr-endpoint archive web' "zr-remote $address"
	[ "$(jq -c '[.from, .to]' <<< "$output" | paste -sd ' ')" = '[null,"one"] ["one","two"]' ]
	import web data.two-three three-unchanged
	replicate 0 'zr-endpoint archive web' "zr-remote $address"
	[ "$(jq -c '[.from, .to]' <<< "$output")" = '["two","three-unchanged"]' ]
	replicate 0 'zr-endpoint archive web' "zr-remote $address"
	[ -z "$output" ]
	replicate 0 "zr-remote $address" 'zr-endpoint archive restored'
	[ "$(names restored)" = 'one two three-unchanged' ]
	zr-remote "$address" batch <<< '{"id":7,"method":"Ping","request":{"Message":"x"}}' |
	    jq -e '.response.Echo == "x"'
}

@test "a sender that lists nothing is an error, not a success" {
	mkdir web backup
	replicate 1 'zr-endpoint archive web' 'zr-endpoint archive backup'
	[ -z "$output" ]
	[ "$stderr" = 'zr-replicate: the sender lists no filesystem: nothing was replicated' ]
}

@test "a receiver that has diverged is an error that names both sides" {
	cat > sender <<-'END'
		#!/bin/sh
		case $1 in
		batch) exit 100 ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"},{"Path":"a/child"},{"Path":"none"}]}' ;;
		ListFilesystemVersions)
			case $(cat) in
			*none*) echo '{}' ;;
			*) echo '{"Versions":[{"Name":"s1","Guid":"1","CreateTXG":"1","Creation":"2026-11-22T10:43:50Z"},{"Name":"s2","Guid":"2","CreateTXG":"2","Creation":"2026-11-22T10:43:50Z"}]}' ;;
			esac ;;
		*) cat >> called; exit 1 ;;
		esac
	END
	cat > receiver <<-'END'
		#!/bin/sh
		case $1 in
		batch) exit 100 ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"}]}' ;;
		*) echo '{"Versions":[{"Name":"s1","Guid":"1","CreateTXG":"1","Creation":"2026-11-22T10:43:50Z"},{"Name":"r2","Guid":"9","CreateTXG":"2","Creation":"2026-11-22T10:43:50Z"}]}' ;;
		esac
	END
	chmod +x sender receiver
	replicate 1 ./sender ./receiver
	stderr_has 'zr-replicate: a: diverged after @s1'
	stderr_has '3 filesystems: 0 up to date, 1 without a snapshot, 2 failed: a: diverged'
	# Its child has a place to go to, and fails for its own reasons.
	[ "$(jq -r .Filesystem called)" = a/child ]
}

# stores SENDER-VERSIONS RECEIVER-FILESYSTEM RECEIVER-VERSIONS: endpoints that
# have these and write down what they are asked for.
stores() {
	cat > sender <<-END
		#!/bin/sh
		[ "\$1" != batch ] || exit 100
		read -r request
		case \$1 in
		ListFilesystems) echo '{"Filesystems":[{"Path":"a/data"},{"Path":"a/empty","IsPlaceholder":true}]}' ;;
		ListFilesystemVersions) echo '{"Versions":$1}' ;;
		Send)
			printf '%s\n' "\$request" >> sent
			case \$request in
			*ResumeToken*) echo '{"UsedResumeToken":true}' ;;
			*) echo '{}' ;;
			esac
			echo stream ;;
		SendCompleted) echo '{}' ;;
		esac
	END
	cat > receiver <<-END
		#!/bin/sh
		[ "\$1" != batch ] || exit 100
		[ \$# -gt 1 ] && request=\$2 || read -r request
		case \$1 in
		ListFilesystems) echo '{"Filesystems":$2}' ;;
		ListFilesystemVersions) echo '{"Versions":$3}' ;;
		Receive) printf '%s\n' "\$request" >> received; cat > /dev/null; echo '{}' ;;
		esac
	END
	chmod +x sender receiver
}

versions() {
	for name; do
		version "$name"
	done | jq -cs .
}

@test "a resume token is the first step, and the snapshots after it are the next ones" {
	token=$(cat "$DATA/streams/inc.cut.resume-token.txt")
	stores "$(versions one two three-unchanged)" \
	    "[{\"Path\":\"a/data\",\"ResumeToken\":\"$token\"}]" "$(versions one)"
	replicate 0 ./sender ./receiver
	[ "$(jq -c '[.From.Name, .To.Name, .ResumeToken]' sent)" = "[\"one\",\"two\",\"$token\"]
[\"two\",\"three-unchanged\",null]" ]
	[ "$(jq -c '[.To.Name, .ClearResumeToken // false]' received)" = '["two",false]
["three-unchanged",true]' ]
}

@test "a resume token of a full send continues it, even if there are other snapshots" {
	token=$(cat "$DATA/streams/data.full.cut.resume-token.txt")
	stores "$(versions one two)" "[{\"Path\":\"a/data\",\"ResumeToken\":\"$token\"}]" '[]'
	replicate 0 ./sender ./receiver
	[ "$(jq -c '[.From.Name, .To.Name, has("ResumeToken")]' sent)" = '[null,"one",true]
["one","two",false]' ]
}

@test "a token of a snapshot that is gone is ignored, an invalid token is an error" {
	token=$(cat "$DATA/streams/inc.cut.resume-token.txt")
	stores "$(versions one three-unchanged)" \
	    "[{\"Path\":\"a/data\",\"ResumeToken\":\"$token\"}]" "$(versions one)"
	replicate 0 ./sender ./receiver
	[ "$(jq -c '[.From.Name, .To.Name, .ResumeToken]' sent)" = '["one","three-unchanged",null]' ]
	rm sent
	stores "$(versions one)" '[{"Path":"a/data","ResumeToken":"1-nonsense"}]' '[]'
	replicate 1 ./sender ./receiver
	stderr_has 'resume token is not of the form'
	[ ! -e sent ]
}

@test "a placeholder of the sender is not sent; it is an error if the receiver has more" {
	stores "$(versions one)" '[{"Path":"a/empty","IsPlaceholder":true},{"Path":"a/data"}]' "$(versions one)"
	replicate 0 ./sender ./receiver
	[ -z "$output" ]
	stores "$(versions one)" '[{"Path":"a/empty"},{"Path":"a/data"}]' "$(versions one)"
	replicate 1 ./sender ./receiver
	stderr_has 'a/empty: it is only a placeholder on the sender, but a filesystem on the receiver'
}

# mark NAME: a bookmark of that snapshot
mark() {
	version "$1" | jq -c '{Type: "Bookmark", Name: "mark", Guid, CreateTXG, Creation}'
}

@test "the first step may start from a bookmark if its snapshot is gone" {
	stores "[$(version three-unchanged),$(mark one),$(version two)]" '[{"Path":"a/data"}]' "$(versions one)"
	replicate 0 ./sender ./receiver
	[ "$(jq -c '[.From.Name, .From.Type, .To.Name]' sent)" = '["mark","Bookmark","two"]
["two",null,"three-unchanged"]' ]
	rm sent
	stores "[$(mark one),$(version one),$(version two)]" '[{"Path":"a/data"}]' "$(versions one)"
	replicate 0 ./sender ./receiver
	[ "$(jq -c '[.From.Name, .From.Type]' sent)" = '["one",null]' ]
}

@test "sides with nothing in common, or with nothing to start from, are an error" {
	stores "$(versions one)" '[{"Path":"a/data"}]' "$(versions two)"
	replicate 1 ./sender ./receiver
	stderr_has 'the receiver has snapshots, the newest @two, but none that the sender has'
	stores "[$(mark one)]" '[{"Path":"a/data"}]' '[]'
	replicate 1 ./sender ./receiver
	stderr_has 'bookmark'
	[ ! -e sent ]
}

@test "a receiver without snapshots, or with a placeholder, gets everything" {
	for receiver in '{"Path":"a/data"}' '{"Path":"a/data","IsPlaceholder":true}'; do
		stores "$(versions one two)" "[$receiver]" '[]'
		replicate 0 ./sender ./receiver
		[ "$(jq -c '[.From.Name, .To.Name]' sent)" = '[null,"one"]
["one","two"]' ]
		rm sent
	done
}

@test "names may have blanks and colons; parents come first" {
	stores "$(versions one)" '[]' '[]'
	sed -i 's/{"Filesystems":.*"IsPlaceholder":true}\]}/{"Filesystems":[{"Path":"a b:c\/d"},{"Path":"a b:c"},{"Path":"a-b\/c"},{"Path":"a"}]}/' sender
	replicate 0 ./sender ./receiver
	# The last two in either order: one waits for SendCompleted of its parent.
	[ "$(jq -c .Filesystem sent | head -n 2 | paste -sd ' ')" = '"a" "a b:c"' ]
	[ "$(jq -c .Filesystem sent | tail -n +3 | sort | paste -sd ' ')" = '"a b:c/d" "a-b/c"' ]
}

@test "an endpoint that cannot be listed ends the run with its status" {
	stores "$(versions one)" '[]' '[]'
	replicate 7 'exit 7;' ./receiver
	replicate 8 ./sender 'exit 8;'
	[ ! -e sent ]
}

@test "text from peers does not reach a terminal unencoded" {
	# ESC, DEL, C1, a right-to-left override, a line separator, a newline
	bad=$'x\\u001b[2J\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\\u000a'
	stores "[{\"Name\":\"$bad\",\"Guid\":\"1\",\"CreateTXG\":\"1\",\"Creation\":\"2026-11-22T10:43:50Z\"}]" '[{"Path":"a/data"}]' \
	    "[{\"Name\":\"$bad\",\"Guid\":\"2\",\"CreateTXG\":\"1\",\"Creation\":\"2026-11-22T10:43:50Z\"}]"
	sed -i "s|\"a/empty\"|\"a/data/$bad\"|; s|,\"IsPlaceholder\":true||" sender
	replicate 1 ./sender ./receiver
	stderr_has 'the receiver has snapshots, the newest @x\033'
	# Well-formed text of other scripts would stay.
	[ -z "$(LC_ALL=C tr -d '\n -~' <<< "$stderr")" ]
}

@test "examples/by-hand.sh does the same with zr-list, zr-plan and zr-step" {
	mkdir web backup restored
	import web data.full one
	import web data.one-two two
	import web data.two-three three-unchanged
	replicate 0 'zr-endpoint archive web' 'zr-endpoint archive backup'
	run -0 sh "$TOP/examples/by-hand.sh" 'zr-endpoint archive web' 'zr-endpoint archive restored' -I all
	[ "$(jq -r .to <<< "$output" | paste -sd ' ')" = 'one two three-unchanged' ]
	diff -r backup restored
	run -0 sh "$TOP/examples/by-hand.sh" 'zr-endpoint archive web' 'zr-endpoint archive restored'
	[ -z "$output" ]
	run -100 sh "$TOP/examples/by-hand.sh" 'zr-endpoint archive web'
}

@test "by-hand.sh continues after a conflict, and reports it by its status" {
	mkdir web backup
	import web data.full one
	stores "$(versions one)" '[{"Path":"a/data"}]' "$(versions two)"
	sed -i 's/"a\/empty","IsPlaceholder":true/"a\/other"/' sender
	run -1 sh "$TOP/examples/by-hand.sh" ./sender ./receiver
	[ "$(jq -r .Filesystem sent)" = a/other ]
}
