# Receive through zr-guard: partial streams, placeholders, and what it executes.
load ../lib/helper
load ../lib/archive
load ../lib/guard

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	stand_in
	# What the endpoint was given: its request and the rest of standard input.
	method Receive <<-'END'
	echo "$2" > request
	cat > stream
	echo '{}'
	END
	lists '{"Path":"a/data","ResumeToken":"1-abc"}'
}

# lists FILESYSTEM...: JSON
lists() {
	local joined
	joined=$(IFS=,; echo "$*")
	method ListFilesystems <<< "cat > /dev/null; echo '{\"Filesystems\":[$joined]}'"
}

# receive CLEAR [OPTION...]: through ./endpoint; CLEAR is true or false
receive() {
	{
		receive_request a/data@one | jq -c ".ClearResumeToken = $1"
		echo 'the stream'
	} | zr-guard -d state -k 'last_n 1' "${@:2}" ./endpoint Receive
}

# cleared: what the endpoint was told last
cleared() {
	jq -r '.ClearResumeToken // false' request
}

@test "a partial stream is thrown away once an hour" {
	run -0 receive true
	[ "$output" = '{}' ]
	[ "$(cleared)" = true ]
	rm request
	for try in 1 2 3; do
		run -1 --separate-stderr receive true
		[ -z "$output" ]
		[[ $stderr =~ ^'zr-guard: "a/data": a partial stream was thrown away less than an hour ago: the next one not before '(.*Z)$ ]]
		left=$(($(date -d "${BASH_REMATCH[1]}" +%s) - $(date +%s)))
		[ "$left" -gt 3400 ]
		[ "$left" -le 3600 ]
	done
	[ ! -e request ]
	# Going on with it is always possible.
	run -0 receive false
	[ "$(cleared)" = false ]
	touch -d '-61 minutes' state/*
	run -0 receive true
	[ "$(cleared)" = true ]
	run -1 receive true
}

@test "a clock that was wrong does not forbid it for more than an hour" {
	receive true
	touch -d '+2 hours' state/*
	run -0 receive true
	touch -d '+50 minutes' state/*
	run -1 receive true
	touch -d '1970-01-01' state/*
	run -0 receive true
}

@test "each filesystem, client and endpoint has an hour of its own" {
	lists '{"Path":"a/data","ResumeToken":"1-abc"}' '{"Path":"b","ResumeToken":"1-abc"}'
	receive true
	run -1 receive true
	[ "$(find state -type f | wc -l)" -eq 1 ]
	receive_request a/data@one b | jq -c '.ClearResumeToken = true' |
	    zr-guard -d state -k 'last_n 1' ./endpoint Receive
	export ZR_CLIENT_IDENTITY=web
	receive true
	run -1 receive true
	unset ZR_CLIENT_IDENTITY
	receive_request a/data@one | jq -c '.ClearResumeToken = true' |
	    zr-guard -d state -k 'last_n 1' "$PWD/endpoint" Receive
	[ "$(find state -type f -mmin -1 | wc -l)" -eq 4 ]
}

@test "of many at once one may" {
	for i in 1 2 3 4 5 6 7 8; do
		receive true > out.$i 2>&1 &
		pids[i]=$!
	done
	good=0
	for i in 1 2 3 4 5 6 7 8; do
		if wait "${pids[i]}"; then good=$((good + 1)); fi
	done
	[ "$good" -eq 1 ]
	[ "$(cat out.* | grep -c 'less than an hour ago')" -eq 7 ]
}

@test "a client that does so in a loop has thrown away one" {
	for i in {1..20}; do
		receive true > /dev/null 2>&1 || true
	done
	[ "$(grep -c Receive calls)" -eq 1 ]
}

@test "where there is nothing to throw away, the endpoint is not asked to" {
	for filesystem in '{"Path":"a/data"}' '{"Path":"a"}' '{"Path":"a/database","ResumeToken":"1-abc"}' '{"Path":"x/a/data","ResumeToken":"1-abc"}'; do
		lists "$filesystem"
		run -0 receive true
		[ "$(cleared)" = false ]
	done
	[ ! -e state ]
}

@test "where it cannot be noted, nothing is thrown away; -d is named" {
	: > file
	for directory in file file/state none/state /dev/null; do
		run -111 --separate-stderr receive true -d $directory
		[[ $stderr == "zr-guard: the partial stream is not thrown away, since that cannot be noted (-d DIRECTORY): $directory: "* ]]
	done
	[ ! -e request ]
}

@test "the default of -d: the first of STATE_DIRECTORY" {
	request=$(receive_request a/data@one | jq -c '.ClearResumeToken = true')
	STATE_DIRECTORY=$PWD/one:$PWD/two zr-guard -k 'last_n 1' ./endpoint Receive "$request" < /dev/null
	[ "$(find one -type f | wc -l)" -eq 1 ]
	[ "$(stat -c %a one)" = 700 ]
	[ ! -e two ]
}

@test "-a: a partial stream is never thrown away, but gone on with" {
	run -1 --separate-stderr zr-guard -a ./endpoint Receive "$(receive_request a/data@one | jq -c '.ClearResumeToken = true')" < /dev/null
	[ "$stderr" = 'zr-guard: "a/data": the partial stream is kept: this receiver is append only' ]
	[ ! -e request ]
	run -0 zr-guard -a ./endpoint Receive "$(receive_request a/data@one)" < /dev/null
	[ "$(cleared)" = false ]
}

@test "a placeholder is replaced only if the floor keeps none of its snapshots" {
	lists '{"Path":"a","IsPlaceholder":true}'
	daily 5
	to_a() {
		run "$1" --separate-stderr zr-guard "${@:2}" ./endpoint Receive "$(receive_request a/data@one a)" < /dev/null
	}
	to_a -1 -k 'grid . 3x1d'
	[[ $stderr == 'zr-guard: the placeholder is not replaced: "a@d1" is kept by the floor of retention on this receiver (rule: grid . 3x1d)' ]]
	to_a -1 -a
	[[ $stderr == 'zr-guard: the placeholder is not replaced: "a@d1" is kept: this receiver is append only' ]]
	[ ! -e request ]
	to_a -0 -k 'regex never'
	rm -f request box/a/@*
	to_a -0 -a
	[ -e request ]
	method ListFilesystemVersions <<< 'echo "it is gone" >&2; exit 9'
	to_a -9 -a
	[ "$stderr" = 'it is gone' ]
}

@test "a listing that fails, or makes no sense: its error, and nothing is received" {
	method ListFilesystems <<< 'echo "no pool today" >&2; exit 7'
	run -7 --separate-stderr receive false
	[ "$stderr" = 'no pool today' ]
	method ListFilesystems <<< 'echo "[]"'
	run -98 receive false
	lists '{"Path":"a/data","ResumeToken":"1-abc"}' '{"Path":"b"}' '{"Path":"a/data","IsPlaceholder":true}'
	run -98 --separate-stderr receive false
	[ "$stderr" = 'zr-guard: the endpoint lists the filesystem "a/data" twice' ]
	method ListFilesystems <<< 'sleep 0; kill -TERM $$'
	run -143 receive false
	[ ! -e request ]
}

@test "the endpoint gets the stream, all descriptors and the environment, and is executed" {
	method Receive <<-'END'
	echo $$ > pid
	env > environment
	read -r verdict <&"$ZR_VERDICT"
	echo "$verdict" > verdict
	cat > stream
	echo '{}'
	END
	method ListFilesystems <<-'END'
	env > listing
	cat > asked
	echo '{}'
	END
	printf '0\n' > zero
	{
		receive_request a/data@one
		cat "$STREAMS/data.full.zstream"
	} > input
	ZR_VERDICT=8 ZR_PROGRESS=9 ZR_REQUEST=8 ZR_LIST_ORDER=mine background zr-guard -k 'last_n 1' ./endpoint Receive < input 8< zero 9> progress
	guard=${children[-1]}
	wait "$guard"
	[ "$(cat pid)" -eq "$guard" ]
	[ "$(cat verdict)" = 0 ]
	cmp stream "$STREAMS/data.full.zstream"
	[ "$(grep -E '^ZR_(VERDICT|PROGRESS|REQUEST|LIST)' environment | sort)" = 'ZR_LIST_ORDER=mine
ZR_PROGRESS=9
ZR_VERDICT=8' ]
	[ "$(grep -E '^ZR_(VERDICT|PROGRESS|REQUEST|LIST)' listing | sort)" = 'ZR_LIST_FILESYSTEM=a/data
ZR_LIST_ORDER=arrival' ]
	[ "$(cat asked)" = '{}' ]
	[ "$(cat calls)" = 'ListFilesystems
Receive' ]
}

@test "every other method is executed at once, with its arguments and standard input" {
	for name in Ping ListFilesystems ListFilesystemVersions ReplicationCursor SendDry Send SendCompleted; do
		method $name <<-'END'
		echo $$ > pid
		echo "$*" > words
		cat > input
		END
		background zr-guard -a ./endpoint $name <<< "whatever $name"
		guard=${children[-1]}
		wait "$guard"
		[ "$(cat pid)" -eq "$guard" ]
		[ "$(cat words)" = $name ]
		[ "$(cat input)" = "whatever $name" ]
		zr-guard -a ./endpoint $name '{ "a": [] }' < /dev/null
		[ "$(cat words)" = "$name { \"a\": [] }" ]
	done
	[ "$(wc -l < calls)" -eq 14 ]
}

@test "a method that nobody knows is not passed on" {
	for words in Nonsense 'Nonsense {}' destroySnapshots 'Batch' 'DestroySnapshots2 {}' 'batch {}'; do
		run -100 --separate-stderr zr-guard -a ./endpoint $words
		stderr_has 'no such method (Ping, '
	done
	[ ! -e calls ]
}

@test "a request that is too long for an argument is refused" {
	long=$(printf 'x%.0s' {1..200})
	receive_request a/data@one | jq -c --arg t "$long" '.Filesystem = ([range(700)] | map($t) | join("/"))' > long
	run -100 --separate-stderr zr-guard -a ./endpoint Receive < long
	stderr_has 'request: it is longer than an argument may be'
}

@test "a replication through a guard arrives, costs one call more for each step, and what is kept can be read" {
	rm Receive ListFilesystems
	mkdir box sound
	archive=box
	for step in data.full.zstream:one data.one-two.zstream:two data.two-three.zstream:three-unchanged; do
		zr-endpoint archive sound Receive "$(receive_request a/data@${step#*:})" < "$STREAMS/${step%:*}"
	done
	run -0 zr-replicate -I all -s 'zr-endpoint archive sound' -r 'zr-guard -d state -k "last_n 100" ./endpoint'
	diff -r sound box
	[ "$(grep -c Receive calls)" -eq 3 ]
	[ "$(grep -c '^ListFilesystems$' calls)" -eq 3 ]
	zr-guard -a ./endpoint Send "$(send_request '' a/data@one)" | tail -n +2 | cmp - "$STREAMS/data.full.zstream"
}
