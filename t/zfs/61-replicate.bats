# zr-replicate between pools: every kind of dataset, over every transport, interrupted,
# and beside what cannot be replicated.
load zfs_helper
load ../lib/tls

setup() {
	enter_directory || return
	two_pools
	count_zfs
}

# A tree three deep: a filesystem without a snapshot above, one in the middle, a volume.
tree() {
	zfs create -p src/a/b/c
	zfs create -V 8M -s src/a/vol
	random 500000 src/a/b/file
	random 500000 src/a/b/c/file
	zfs snapshot -r src/a@1
	random 100000 src/a/b/more
	zfs snapshot -r src/a@2
}

# serve ADDRESS PROGRAM... -- ENDPOINT...: its address is in $address; what stands before
# the handshake is PROGRAM.
serve() {
	local before=()
	address=$1
	shift
	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	rm -f port
	if [[ $address == unix:* ]]; then
		background zr-listen "$address" zr-handshake accept zr-mux accept zr-serve -b "$@"
		eventually 30 test -S "${address#unix:}"
		return
	fi
	background zr-listen -1 -i 127.0.0.1=client "$address" "${before[@]}" zr-handshake accept \
	    zr-mux accept zr-serve -b "$@" > port
	eventually 30 test -s port
	address=${address%0}$(cat port)
}

replicate() {
	zr-replicate -j -I all "$@"
}

# same ROOT: all that is below src/a is there, as it is.
same() {
	local name
	for name in src/a src/a/b src/a/b/c src/a/vol; do
		[ "$(snapshots_of "$name")" = "$(snapshots_of "$1/$name")" ]
		[ "$(fs_digest "$name@2")" = "$(fs_digest "$1/$name@2")" ]
		[ "$(holds_of "$name")" = "" ]
	done
}

SENDER="zr-endpoint sender -j job -f 'src<'"
SOURCE="zr-endpoint sender -j job -f 'src/a<'"

@test "push works over tcp, unix and tls; a second run does nothing" {
	BATS_FILE_TMPDIR=$PWD make_pki
	tree
	for transport in tcp unix tls; do
		case $transport in
		tcp) serve tcp:127.0.0.1:0 -- zr-endpoint receiver -e inherit -j job dst ;;
		unix) serve "unix:$PWD/socket" -- zr-endpoint receiver -e inherit -j job -c unix dst ;;
		tls) serve tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 accept -- \
		    zr-endpoint receiver -e inherit -j job dst ;;
		esac
		case $transport in
		tcp) remote="zr-remote $address" root=dst/client ;;
		unix) remote="zr-remote $address" root=dst/unix ;;
		tls) remote="zr-remote -d '$PKI' -n web1 -s localhost tls:${address#tcp:}" root=dst/web1 ;;
		esac
		replicate -s "$SOURCE" -r "$remote" > steps
		[ "$(wc -l < steps)" -eq 8 ]
		same $root
		replicate -s "$SOURCE" -r "$remote" > steps
		[ ! -s steps ]
	done
}

@test "push works over ssh" {
	tree
	mkdir -m 700 ssh
	ssh-keygen -q -t ed25519 -N '' -f ssh/host
	ssh-keygen -q -t ed25519 -N '' -f ssh/client
	printf 'command="PATH=%s; export PATH; %s" %s\n' "$PATH" "exec zr-stdinserver client \
zr-handshake accept zr-mux accept zr-serve -b zr-endpoint receiver -e inherit -j job dst" \
	    "$(cat ssh/client.pub)" > ssh/authorized_keys
	printf '%s\n' "HostKey $PWD/ssh/host" "AuthorizedKeysFile $PWD/ssh/authorized_keys" \
	    'StrictModes no' 'UsePAM no' 'PidFile none' 'PermitRootLogin forced-commands-only' \
	    > ssh/sshd_config
	mkdir -p /run/sshd
	background tcpserver -1 -RHl0 127.0.0.1 0 /usr/sbin/sshd -i -e -f "$PWD/ssh/sshd_config" \
	    > port 2> sshd.err
	eventually 30 test -s port
	# The machine's own, in memory.
	mkdir -p -m 700 ~/.ssh
	echo "[127.0.0.1]:$(cat port) $(cat ssh/host.pub)" > ~/.ssh/known_hosts
	remote="zr-remote -i '$PWD/ssh/client' ssh:root@127.0.0.1:$(cat port)"
	replicate -s "$SOURCE" -r "$remote" > steps
	[ "$(wc -l < steps)" -eq 8 ]
	same dst/client
	replicate -s "$SOURCE" -r "$remote" > steps
	[ ! -s steps ]
}

@test "pull and local runs go into a root of our own, also raw" {
	random 32 key
	tree
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/a/secret
	random 300000 src/a/secret/file
	zfs snapshot -r src/a@3
	zfs create -o mountpoint=none dst/pulled
	zfs create -o mountpoint=none dst/local
	# -E sends encrypted ones, and only those.
	for filter in "-f 'src/a<' -f '!src/a/secret'" "-E -f src/a/secret"; do
		eval "serve tcp:127.0.0.1:0 -- zr-endpoint sender -j pull $filter"
		replicate -s "zr-remote $address" -r 'zr-endpoint receiver -n -e off -j pull dst/pulled'
		replicate -s "zr-endpoint sender -j local $filter" \
		    -r 'zr-endpoint receiver -n -e off -j local dst/local' > steps
		# The bytes are counted between two endpoints of this host as well.
		[ "$(jq -r 'select(.bytes == null or .bytes < 600) | .filesystem' steps)" = '' ]
	done
	grep -q '"filesystem":"src/a/secret"' steps
	[ "$(jq -r 'select(.filesystem == "src/a/secret") | .bytes' steps)" -gt 300000 ]
	for root in dst/pulled dst/local; do
		for name in src/a src/a/b src/a/b/c src/a/vol src/a/secret; do
			[ "$(snapshots_of $name)" = "$(snapshots_of $root/$name)" ]
		done
		zfs load-key -L "file://$PWD/key" $root/src/a/secret
		[ "$(fs_digest src/a/secret@3)" = "$(fs_digest $root/src/a/secret@3)" ]
	done
}

@test "a step takes at most 11 zfs processes, and a run without steps a few" {
	local number=${ZR_TEST_FILESYSTEMS:-30}
	zfs create -o mountpoint=none src/many
	seq -f "src/many/%g" "$number" | xargs -n 1 zfs create
	zfs snapshot -r src/many@1
	zfs snapshot -r src/many@2
	zfs snapshot src/many/1@3 src/many/2@3
	zfs send -R src/many@2 | zfs recv -u -d dst
	zfs create dst/root
	zfs rename dst/many dst/root/many
	sender="zr-endpoint sender -j job -f 'src/many<'"
	receiver='zr-endpoint receiver -n -j job -e inherit dst/root'
	: > ran
	ZR_ZFS=$PWD/counted-zfs replicate -m src/many=many -s "$sender" -r "$receiver" src/many/1 src/many/2 > steps
	[ "$(wc -l < steps)" -eq 2 ]
	# Two steps, and the two lists of each side.
	echo "$(wc -l < ran) processes"
	[ "$(wc -l < ran)" -le $((2 * 11 + 4)) ]
	: > ran
	ZR_ZFS=$PWD/counted-zfs replicate -m src/many=many -s "$sender" -r "$receiver" > steps
	[ ! -s steps ]
	echo "$(wc -l < ran) processes for $((number + 1)) filesystems on both sides"
	[ "$(wc -l < ran)" -le 20 ]
}

@test "-n changes nothing, and its total is the size of the next run" {
	tree
	random 20000000 src/a/b/large
	zfs snapshot src/a/b@3
	serve tcp:127.0.0.1:0 -- zr-endpoint receiver -e inherit -j job dst
	for pool in src dst; do
		zfs list -Hr -t all -o name,guid,userrefs $pool > "$pool.before"
		zpool history $pool > "$pool.history"
	done
	run -0 --separate-stderr zr-replicate -n -I all -s "$SOURCE" -r "zr-remote $address"
	forecast=$(sed -n 's/.*(\([0-9]*\) steps, \([^)]*\)).*/\2/p' <<< "$stderr")
	for pool in src dst; do
		zfs list -Hr -t all -o name,guid,userrefs $pool | diff "$pool.before" -
		zpool history $pool | diff "$pool.history" -
	done
	replicate -s "$SOURCE" -r "zr-remote $address" > steps
	sent=$(jq -s 'map(.bytes) | add' steps)
	echo "forecast $forecast, sent $sent"
	numfmt --from=iec-i <<< "$(tr -d ' B' <<< "${forecast#>= }")" |
	    awk -v sent="$sent" '{ exit !($1 > 0.9 * sent && $1 < 1.1 * sent) }'
}

@test "diverged, new, empty and bookmark-only filesystems do not stop the others" {
	for name in good1 good2 good3 diverged anew empty marked renamed; do
		zfs create src/$name
		[ $name = empty ] || zfs snapshot src/$name@1
	done
	receiver='zr-endpoint receiver -n -j job -e inherit dst'
	zr-replicate -q -s "$SENDER" -r "$receiver"
	zfs snapshot dst/src/diverged@own
	zfs destroy -r src/anew
	zfs create src/anew
	zfs snapshot src/anew@new
	zfs create src/onlymark
	zfs snapshot src/onlymark@1
	zfs bookmark src/onlymark@1 src/onlymark#1
	zfs destroy src/onlymark@1
	zfs rename src/renamed src/moved
	for name in good1 good2 good3 diverged moved; do
		zfs snapshot src/$name@2
	done
	run -1 --separate-stderr zr-replicate -j -s "$SENDER" -r "$receiver"
	[ "$(jq -r .filesystem <<< "$output" | sort | xargs)" = 'src/good1 src/good2 src/good3 src/moved' ]
	stderr_has 'src/diverged: diverged after @1'
	stderr_has 'src/anew: '
	stderr_has 'src/onlymark: '
	stderr_has '3 failed'
	[ "$(snapshots_of dst/src/diverged | wc -l)" -eq 2 ]
}

@test "if the advice on a rename is followed, nothing is sent again" {
	zfs create src/old
	random 1000000 src/old/file
	zfs snapshot src/old@1
	receiver='zr-endpoint receiver -n -j job -e inherit dst'
	zr-replicate -q -s "$SENDER" -r "$receiver"
	zfs rename src/old src/new
	run -0 --separate-stderr zr-replicate -nj -s "$SENDER" -r "$receiver"
	advice=$(jq -r 'select(.filesystem == "src/new").advice' <<< "$output")
	[[ "$advice" == *"-m src/new=src/old"* ]]
	run -0 --separate-stderr zr-replicate -j -m src/new=src/old -s "$SENDER" -r "$receiver"
	[ -z "$output" ]
}

@test "snapshots taken during a run arrive in the next one" {
	slow_zfs
	zfs create src/data
	random 3000000 src/data/file
	zfs snapshot src/data@1
	echo 3 > pause
	background zr-replicate -j -s "$SENDER" -r "$RECEIVER" > steps
	eventually 60 test -e paused
	zfs snapshot src/data@2
	rm pause
	wait "${children[-1]}"
	[ "$(jq -r .to steps | xargs)" = 1 ]
	zr-replicate -j -s "$SENDER" -r "$RECEIVER" > steps
	[ "$(jq -r '.from + .to' steps | xargs)" = 12 ]
}

@test "everything arrives, and nothing twice, although every receive is cut after 1 MB" {
	zfs create src/data
	random 5000000 src/data/file
	zfs snapshot src/data@1
	random 3000000 src/data/file2
	zfs snapshot src/data@2
	cat > cutting-zfs <<-'END'
		#!/bin/sh
		case "$1 $2" in
		'recv -A') exec zfs "$@" ;;
		recv*) head -c 1000000 | tee -a received | zfs "$@" ;;
		*) exec zfs "$@" ;;
		esac
	END
	chmod +x cutting-zfs
	# Two attempts in a row without progress would be the end.
	ZR_ZFS=$PWD/cutting-zfs zr-replicate -j -I all -a 2 -e events -s "$SENDER" -r "$RECEIVER" > steps
	[ "$(jq -r .to steps | xargs)" = '1 2' ]
	[ "$(jq -r .resumed steps | xargs)" = 'true true' ]
	[ "$(jq -s 'map(select(.event == "step-begin")) | length' events)" -ge 9 ]
	# 8 MB, and for each cut what was not whole: a record and the headers of a stream.
	echo "$(wc -c < received) bytes were received"
	[ "$(wc -c < received)" -lt 12000000 ]
	same_snapshot src/data@2
	[ -z "$(holds_of src/data)" ]
}

@test "after kill -9 of any process nothing stays, and the next run continues" {
	local count=${ZR_TEST_INTERRUPTIONS:-10} resumed=0 number=0 session victims
	RANDOM=${ZR_TEST_SEED:=$RANDOM}
	echo "ZR_TEST_SEED=$ZR_TEST_SEED"
	slow_zfs
	zfs create src/data
	zfs create src/data/child
	until [ $number -ge $((count * 4)) ] || { [ $number -ge "$count" ] && [ $resumed -gt 0 ]; }; do
		number=$((number + 1))
		random 2000000 "src/data/$number"
		random 1000000 "src/data/child/$number"
		zfs snapshot -r "src/data@$number"
		rm -f receiving paused
		echo $((RANDOM % 12 + 1)) > pause
		setsid zr-replicate -q -s "$SENDER" -r "$RECEIVER" > /dev/null 2> run.err 3>&- &
		session=$!
		eventually 60 streaming $session
		mapfile -t victims < <(processes_of $session)
		kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2> /dev/null || true
		((RANDOM % 2)) || kill -9 $session 2> /dev/null || true
		rm -f pause
		wait $session || true
		eventually 60 session_ended $session
		[ -z "$(token_of src/data)$(token_of src/data/child)" ] || resumed=$((resumed + 1))
		zr-replicate -j -s "$SENDER" -r "$RECEIVER" > steps
		[ "$(snapshots_of src/data)" = "$(snapshots_of dst/client/src/data)" ]
		[ "$(snapshots_of src/data/child)" = "$(snapshots_of dst/client/src/data/child)" ]
	done
	# Where only SendCompleted was missing, the next step's is what removes the holds.
	zfs snapshot -r src/data@end
	zr-replicate -j -s "$SENDER" -r "$RECEIVER" > steps
	[ -z "$(holds_of src/data)$(holds_of src/data/child)" ]
	same_snapshot src/data@end
	same_snapshot src/data/child@end
	echo "$resumed of $number runs left something to resume"
	[ $resumed -gt 0 ]
	[ -z "$(zr-holds -H list src dst | grep -i stale)" ]
}
