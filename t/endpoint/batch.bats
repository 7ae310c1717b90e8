# The batch form of the endpoint interface, as zr-endpoint offers it.
load ../lib/helper

setup() {
	enter_directory || return
	mkdir archive
}

@test "each of many calls is answered with its id, even if one fails" {
	run -0 --separate-stderr zr-endpoint archive archive batch <<-'END'
	{"id":1,"method":"Ping","request":{"Message":"a"}}
	{"id":"two","method":"ListFilesystems"}

	{"id":3,"method":"ListFilesystemVersions","request":{"Filesystem":"none"}}
	{"id":4,"method":"Ping","request":{"Message":"b"}}
	END
	[ "$(jq -s 'length' <<< "$output")" -eq 4 ]
	[ "$(jq -c 'select(.id == 1)' <<< "$output")" = '{"id":1,"response":{"Echo":"a"}}' ]
	[ "$(jq -c 'select(.id == "two")' <<< "$output")" = '{"id":"two","response":{}}' ]
	[ "$(jq -r 'select(.id == 3).error.code' <<< "$output")" -eq 1 ]
	[[ $(jq -r 'select(.id == 3).error.message' <<< "$output") = *none* ]]
}

@test "an invalid line is answered with an error, and the batch goes on" {
	run -0 --separate-stderr zr-endpoint archive archive batch <<-'END'
	nonsense
	{"method":"Ping"}
	{"id":1,"method":"Nonsense"}
	{"id":2,"method":"Send","request":{}}
	{"id":3,"method":"Ping","request":{"Nonsense":1}}
	{"id":4,"cancel":true}
	{"id":5,"method":"Ping","request":{"Message":"still here"}}
	END
	[ "$(jq -c 'select(.error.code == 100).id' <<< "$output" | tr '\n' ' ')" = "null null 1 2 3 " ]
	[ "$(jq -r 'select(.id == 5).response.Echo' <<< "$output")" = "still here" ]
	[ "$(wc -l <<< "$output")" -eq 6 ]
}

@test "a last line without newline is a call, too" {
	run -0 zr-endpoint archive archive batch <<< "$(printf '{"id":1,"method":"Ping"}')"
	[ "$output" = '{"id":1,"response":{}}' ]
}

@test "1000 calls are answered" {
	seq 1000 | sed 's/.*/{"id":&,"method":"Ping","request":{"Message":"&"}}/' > calls
	zr-endpoint archive archive batch < calls > answers
	[ "$(jq -r 'select(.response.Echo == (.id | tostring)).id' answers | sort -un | wc -l)" -eq 1000 ]
}

@test "the log has the words of a call that fails, and those not meant for its client" {
	printf '#!/bin/sh\necho "cannot open '\''tank/backup/web/a'\'': I/O error" >&2\nexit 1\n' > zfs
	chmod +x zfs
	ZR_ZFS=./zfs ZR_CLIENT_IDENTITY=web run -0 --separate-stderr \
	    zr-endpoint receiver -j sink -e inherit tank/backup batch \
	    <<< '{"id":1,"method":"ListFilesystemVersions","request":{"Filesystem":"a"}}'
	[ "$(jq -r .error.message <<< "$output")" = "zr-endpoint[web]: cannot open 'a': I/O error" ]
	[ "$stderr" = "zr-endpoint[web]: log: cannot open 'tank/backup/web/a': I/O error
zr-endpoint[web]: cannot open 'a': I/O error" ]
}

# A zfs that says who it is and never ends.
hanging_zfs() {
	cat > zfs <<-'END'
	#!/bin/sh
	echo $$ >> started
	exec sleep 1000
	END
	chmod +x zfs
	export ZR_ZFS=./zfs
}

@test "a cancelled call ends with all its processes, while the others go on" {
	hanging_zfs
	mkfifo calls
	exec 8<> calls
	background zr-endpoint sender -f '<' batch < calls > answers 8>&-
	echo '{"id":1,"method":"ListFilesystems"}' >&8
	eventually 10 test -s started
	echo '{"id":1,"cancel":true}' >&8
	echo '{"id":2,"method":"Ping","request":{"Message":"a"}}' >&8
	eventually 10 grep -q '"id":2' answers
	eventually 10 grep -q '"id":1' answers
	[ "$(jq -r 'select(.id == 1).error.message' answers)" = cancelled ]
	eventually 5 gone "$(cat started)"
	exec 8>&-
	wait "${children[0]}"
}

@test "SIGTERM ends the batch and all its calls" {
	hanging_zfs
	mkfifo calls
	exec 8<> calls
	background zr-endpoint sender -f '<' batch < calls > answers 8>&-
	pid=$!
	echo '{"id":1,"method":"ListFilesystems"}' >&8
	eventually 10 test -s started
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	eventually 5 gone "$(cat started)"
	exec 8>&-
}
