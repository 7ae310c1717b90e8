# Each example of each manual page and of README.md runs as it is printed: as root, with
# real pools, sshd and servers, and with the names that the pages use.  ../lib/examples
# says how; an example that no test here takes is a failure.  (t/docs/documentation.bats
# looks whether every page is here.)
load zfs_helper
load ../lib/examples

ADDRESS=192.0.2.7
DIRECTORIES=(/backup /srv/backup /etc/zr /var/lib/zr)
EMPTY='^\{\}$'

# This host is all hosts.
setup_file() {
	extract_examples "$TOP"/man/*.[1-8] "$TOP/README.md"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	ip address add $ADDRESS/32 dev lo
	cp /etc/hosts "$BATS_FILE_TMPDIR/hosts"
	echo "$ADDRESS web web.example backup backup.example next.example" >> /etc/hosts
	# As a package installs them: examples set a PATH of their own.
	ln -s "$ZR_BUILD"/bin/zr* /usr/local/bin
	start_sshd
}

# root, zr and web1 can log in with root's key, or with its key "backup".  What else root
# has in its home, such as a slow .bashrc, is put aside.
start_sshd() {
	local name ssh=$BATS_FILE_TMPDIR/ssh
	for name in zr web1 zrzfs; do
		id $name > /dev/null 2>&1 || useradd -r -s /bin/sh -p '*' $name
	done
	mkdir -p "$ssh/keys" "$ssh/saved" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$ssh/host"
	for name in .ssh .bashrc; do
		[ ! -e ~/$name ] || mv ~/$name "$ssh/saved"
	done
	mkdir -m 700 ~/.ssh
	ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
	cp ~/.ssh/id_ed25519 ~/.ssh/backup
	for name in web backup backup.example; do
		echo "$name $(cat "$ssh/host.pub")"
	done > ~/.ssh/known_hosts
	printf '%s\n' "ListenAddress $ADDRESS:22" "HostKey $ssh/host" "AuthorizedKeysFile $ssh/keys/%u" \
	    'StrictModes no' 'UsePAM no' 'PidFile none' 'LogLevel ERROR' \
	    'KexAlgorithms curve25519-sha256' "SetEnv PATH=$PATH" > "$ssh/config"
	/usr/sbin/sshd -D -e -f "$ssh/config" 2> "$ssh/log" 3>&- &
	echo $! > "$ssh/pid"
}

teardown_file() {
	local ssh=$BATS_FILE_TMPDIR/ssh
	kill "$(cat "$ssh/pid")"
	rm -rf ~/.ssh
	find "$ssh/saved" -mindepth 1 -maxdepth 1 -exec mv {} ~ \;
	rm /usr/local/bin/zr*
	cat "$BATS_FILE_TMPDIR/hosts" > /etc/hosts
	ip address del $ADDRESS/32 dev lo
}

setup() {
	enter_directory || return
	mkdir -p "${DIRECTORIES[@]}"
}

teardown() {
	end_examples
	end_children
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
	rm -rf "${DIRECTORIES[@]}"
	examples_left
}

# log_in USER [COMMAND]: USER can log in, and gets COMMAND or else a shell.
log_in() {
	printf '%s%s\n' "${2:+restrict,command=\"$2\" }" "$(cat ~/.ssh/id_ed25519.pub)" \
	    > "$BATS_FILE_TMPDIR/ssh/keys/$1"
}

# tank [NAME]: the pool of that name, with a filesystem, tank/web or another, and two
# snapshots of each.
tank() {
	local name=${1-web}
	make_pool tank
	zfs create "tank/$name"
	random 300000 "../tank/$name/file"
	zfs snapshot -r tank@monday
	zr-snap -r tank > /dev/null
}

# listen [ADDRESS] ENDPOINT...: the server that a page speaks of, but does not show.
listen() {
	local address=tcp::8888
	[[ $1 != tcp:* ]] || { address=$1; shift; }
	background zr-listen -i $ADDRESS=web "$address" zr-handshake accept zr-mux accept \
	    zr-serve -b "$@" 2> ../log
	eventually 20 listens "${address##*:}"
}

# keep_streams DIRECTORY [increment]: a stream of t/data in an archive, or two
keep_streams() {
	local to
	zr-endpoint archive "$1" Receive "$(streams_request a/data@one)" \
	    < "$DATA/streams/data.full.zstream" > /dev/null
	[ $# -lt 2 ] || zr-endpoint archive "$1" Receive "$(streams_request a/data@two)" \
	    < "$DATA/streams/data.one-two.zstream" > /dev/null
}

# streams_request TO
streams_request() {
	printf '{"Filesystem":"a/data","To":%s,"ReplicationConfig":%s}\n' \
	    "$(stream_version "$1")" "$(protection)"
}

# sent FROM TO: the newest snapshot of a filesystem is at another place, too.
sent() {
	[ "$(snapshots_of "$1" | tail -n 1)" = "$(snapshots_of "$2" | tail -n 1)" ]
}

# in_archive DIRECTORY FILESYSTEM: the names of its snapshots there
in_archive() {
	zr-endpoint archive "$1" ListFilesystemVersions "{\"Filesystem\":\"$2\"}" | jq -r '.Versions[].Name'
}

@test "zr-archive(5)" {
	page zr-archive.5
	tank data
	zr-replicate -I all -s 'zr-endpoint sender -j job -f "tank/data<"' -r 'zr-endpoint archive /backup'
	example 'zfs recv tank/restored'
	[ "$(snapshots_of tank/data)" = "$(snapshots_of tank/restored)" ]
}

@test "zr-cert(1)" {
	page zr-cert.1
	example 'zr-cert ca pki'
	ls pki/ca.crt pki/backup.example.key pki/web1.key
}

@test "zr-chain(7)" {
	page zr-chain.7
	mkdir /backup/here
	serve 'tcpserver -HR' 8888
	example 'tcpclient -HR'
	prints "$EMPTY"
	end_examples
	tank
	zfs create -p tank/backup/IDENTITY/tank
	fragment 'zr-serve -b sudo' 'it is the end of a line of zr-listen'
	bash -c "exec zr-listen -i $ADDRESS=web tcp::8888 zr-handshake accept zr-mux accept $(cat fragment)" 3>&- &
	children+=($!)
	eventually 20 listens 8888
	zr-remote tcp:backup:8888 ListFilesystems '{}' | grep -qF '"tank"'
}

@test "zr-check(1)" {
	page zr-check.1
	tank
	make_pool backup
	example "zr-check -p '^zr_'"
	prints '^OK: 2 filesystems'
	example '> listing'
	prints '^OK: 2 filesystems'
	zr-replicate -m tank=web -s 'zr-endpoint sender -j web -f "tank<"' \
	    -r 'zr-endpoint receiver -n -j web -e inherit backup'
	listen zr-endpoint receiver -n -j web backup
	example 'zr-check -M tank=web'
	prints '^OK: 2 filesystems'
	example 'zr.prom.new'
	grep -q '^zr_unreplicated_snapshots{filesystem="tank/web"} 0$' zr.prom
}

@test "zr-connect(1)" {
	page zr-connect.1
	listen zr-endpoint archive -C /backup
	example 'zr-handshake -n connect'
	prints '^zrepl protocol version 7'
}

@test "zr-dataconn(1)" {
	page zr-dataconn.1
	tank
	listen zr-endpoint archive -C /backup
	mkdir /backup/web
	example 'zr-dataconn -S - Receive'
	prints "$EMPTY"
	complains '"bytes"'
	[ "$(in_archive /backup/web tank/web)" = monday ]
}

@test "zr-dump(1)" {
	page zr-dump.1
	listen zr-endpoint archive -C /backup
	example 'zr-dump asked answered'
	prints ListFilesystems
	rm asked answered
	example 'mkfifo asked'
	prints "$EMPTY"
	prints 'Ping'
}

@test "zr-endpoint(1)" {
	page zr-endpoint.1
	example 'zr-endpoint archive backup ListFilesystems'
	prints "$EMPTY"
	tank
	make_pool backup
	zfs create backup/tank
	example 'zr-endpoint receiver -n -j web -e inherit backup/tank'
	sent tank/web backup/tank/tank/web
	log_in root
	zfs snapshot tank/web@tuesday
	example 'zr-endpoint receiver -H root@backup.example'
	sent tank/web backup/tank/tank/web
	mkdir /srv/backup/web
	serve 'zr-listen -I clients' 8888
	[ "$(zr-remote tcp:backup:8888 ListFilesystems '{}')" = '{}' ]
}

@test "zr-endpoint-interface(7)" {
	page zr-endpoint-interface.7
	fragment '#!/bin/sh' 'it is an endpoint, and does nothing by itself'
	mv fragment endpoint
	chmod +x endpoint
	cp "$DATA/streams/data.full.zstream" stream
	zr-step -s ./endpoint -r ./endpoint "$(streams_request a/data@one)" | jq -e '.to == "one"'
	cmp stored stream
}

@test "zr-guard(1)" {
	page zr-guard.1
	tank
	zfs create -p tank/backup/web1
	zr-cert ca pki && zr-cert server pki backup.example && zr-cert client pki web1
	serve 'zr-guard -K /etc/zr/floor.rules' 8888
	zr-replicate -m tank=kept -s "zr-endpoint sender -j web -f 'tank/web'" \
	    -r 'zr-remote -d pki -n web1 tls:backup.example:8888'
	# The newest one is kept, whoever asks.
	kept=$(zfs list -Ho name -t snapshot tank/backup/web1/kept/web)
	zr-remote -d pki -n web1 tls:backup.example:8888 DestroySnapshots \
	    "{\"Filesystem\":\"kept/web\",\"Snapshots\":[$(version "$kept")]}" > answer || true
	cat answer
	grep -q 'kept by' answer
	end_examples
	mkdir /backup/web
	keep_streams /backup/web
	serve 'zr-guard -a' 8888
	zr-remote tcp:backup:8888 DestroySnapshots \
	    "{\"Filesystem\":\"a/data\",\"Snapshots\":[$(stream_version a/data@one)]}" > answer || true
	[ "$(in_archive /backup/web a/data)" = one ]
}

@test "zr-handshake(1)" {
	page zr-handshake.1
	listen zr-endpoint archive -C /backup
	example 'zr-handshake -n connect'
	prints '^zrepl protocol version 7'
}

@test "zr-holds(1)" {
	page zr-holds.1
	tank home
	zfs create tank/web
	zfs snapshot tank/web@monday
	zfs snapshot tank/home@2026-11-01
	zfs hold zrepl_STEP_J_old-job tank/home@2026-11-01
	zfs bookmark tank/home@monday "tank/home#$(cursor tank/home@monday | sed 's/J_job$/J_old-job/')"
	example 'zr-holds list tank/home'
	prints '2026-11-01.*old-job'
	zfs bookmark tank/web@monday tank/web#zrepl_replication_cursor
	example 'zr-holds -y release'
	[ -z "$(bookmarks_of tank/web)" ]
	[ -n "$(holds_of tank/home)" ]
	example 'zr-holds -a -y -J old-job'
	[ -z "$(holds_of tank/home)$(bookmarks_of tank/home)" ]
}

@test "zr-list(1)" {
	page zr-list.1
	tank
	example 'length'
	prints "^tank/web	2$"
	mkdir /backup/web
	listen zr-endpoint archive -C /backup
	example 'zr-plan -v here there'
	prints '^tank/web.*initial'
}

@test "zr-listen(1)" {
	page zr-listen.1
	tank
	zfs create -p tank/backup/web
	serve 'zr-listen -i' 8888
	zr-replicate -s 'zr-endpoint sender -j web -f tank/web' -r 'zr-remote tcp:backup:8888'
	[ -n "$(snapshots_of tank/backup/web/tank/web)" ]
}

@test "zr-mux(1)" {
	page zr-mux.1
	serve 'zr-mux -l zrepl_data accept' 8888
	mkdir /backup/web
	keep=$(zr-remote tcp:backup:8888 Receive "$(streams_request a/data@one)" < "$DATA/streams/data.full.zstream")
	[ "$keep" = '{}' ]
	run ! zr-remote tcp:backup:8888 Ping '{}'
}

@test "zr-plan(1)" {
	page zr-plan.1
	tank
	mkdir /backup/web
	keep_streams /backup/web
	listen zr-endpoint archive -C /backup
	example 'done > receiver.listing'
	zr-list -e 'zr-endpoint archive /backup' | diff <(jq -S . receiver.listing) <(jq -S . -)
	zr-list -e 'zr-endpoint sender -f "tank<"' > sender.listing
	example 'zr-plan -v'
	prints '^tank/web.*initial'
	example 'zr-plan -S'
	[ -n "$(in_archive /backup/web tank/web)" ]
}

@test "zr-prune(1)" {
	page zr-prune.1
	example 'zr-prune -T 60d'
	prints '39'
	tank
	make_pool backup
	# Its snapshots are days old.
	zfs recv -u tank/data < "$DATA/streams/data.full.zstream"
	zfs recv -u tank/data < "$DATA/streams/data.one-two.zstream"
	zfs rename tank/data@one tank/data@zr_one
	zfs snapshot tank/data@zr_three
	zr-replicate -s 'zr-endpoint sender -j backup -f tank/data' -r 'zr-endpoint receiver -n -j backup -e inherit backup'
	example 'zr-prune -y -J backup'
	prints '^tank/data@zr_one'
	[ "$(snapshots_of tank/data | cut -d ' ' -f 1 | tr '\n' ' ')" = 'two zr_three ' ]
	zfs create -p tank/backup/web
	zfs snapshot tank/backup/web@monday
	printf '%s\n' 'grid . 1x1h(keep=all)' > /etc/zr/backup.rules
	example '-K /etc/zr/backup.rules'
	prints 'web@monday'
}

@test "zr-remote(1)" {
	page zr-remote.1
	fragment 'zr-mux connect zrepl_data zr-dataconn METHOD' 'ADDRESS and METHOD stand for others'
	fragment 'zr-mux connect zrepl_control zr-rpc METHOD' 'ADDRESS and METHOD stand for others'
	mkdir /backup/web /backup/web1
	listen zr-endpoint archive -C /backup
	example 'zr-remote tcp:backup:8888 ListFilesystems'
	prints "$EMPTY"
	end_children
	zr-cert ca /etc/zr && zr-cert server /etc/zr backup.example && zr-cert client /etc/zr web1
	mkdir -p /etc/ssl/private
	cp /etc/zr/ca.crt /etc/ssl/zr-ca.pem
	cp /etc/zr/web1.crt /etc/ssl/web1.pem
	cp /etc/zr/web1.key /etc/ssl/private/web1.pem
	background zr-listen tcp::8888 zr-tls -d /etc/zr -n backup.example -c web1 accept \
	    zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive -C /backup
	eventually 20 listens 8888
	example 'zr-remote -d /etc/zr'
	[ "$(grep -c "$EMPTY" ../output)" = 2 ]
	end_children
	tank
	log_in zr "exec zr-stdinserver web1 zr-handshake accept zr-mux accept zr-serve -b zr-endpoint sender -f 'tank<'"
	example 'ssh:zr@backup.example'
	prints '"Path":"tank/web"'
	listen zr-endpoint sender -j web -f 'tank<'
	example '< request.json'
	sent tank/web tank/restored
}

@test "zr-replicate(1)" {
	page zr-replicate.1
	tank
	make_pool backup
	mkdir /backup/web
	listen zr-endpoint archive -C /backup
	example 'zr-remote tcp:backup.example:8888'
	prints '^tank/web@zr_.* in full'
	example 'zr-status /var/lib/zr/web.events'
	prints '1 up to date'
	end_children
	listen zr-endpoint sender -j web -f 'tank/web'
	zfs create backup/web
	example 'zr-remote tcp:web.example:8888'
	prints 'tank/web'
	zfs create tank/restored
	rm -r /backup/web
	keep_streams /backup increment
	example 'zr-endpoint archive /backup'
	[ "$(snapshots_of tank/restored/a/data | cut -d ' ' -f 1 | tr '\n' ' ')" = 'one two ' ]
}

@test "zr-rpc(1)" {
	page zr-rpc.1
	tank home
	listen zr-endpoint sender -j web -f 'tank<'
	example 'ListFilesystemVersions '"'"'{"Filesystem":"tank/home"}'
	prints '^monday$'
	zr-list -e 'zr-endpoint sender -f tank/home' | zr-plan -S -i '^monday$' - /dev/null > step.json
	example "remote='zr-remote"
	[ "$(head -n 2 ../output)" = $'hello\nnone' ]
	prints '^[0-9]+$'
	[[ "$(snapshots_of tank/home)" != monday\ * ]]
	example 'zr-remote tcp:backup:8888 batch'
	[ "$(grep -c '"response":{"Versions"' ../output)" -eq 2 ]
	end_children
	mkdir /backup/web
	serve 'zr-rpc serve' 8888
	[ "$(zr-remote tcp:backup:8888 ListFilesystems '{}')" = '{}' ]
}

@test "zr-serve(1)" {
	page zr-serve.1
	mkdir /backup/web
	serve 'zr-endpoint archive -C' 8888
	[ "$(zr-remote tcp:backup:8888 ListFilesystems '{}')" = '{}' ]
	end_examples
	keep_streams /backup/web
	listen tcp:$ADDRESS:8889 zr-endpoint archive -C /backup
	serve 'zr-remote tcp:next.example' 8888
	zr-remote tcp:backup:8888 ListFilesystems '{}' | grep -qF a/data
}

@test "zr-snap(1)" {
	page zr-snap.1
	tank
	zfs create tank/home
	zfs snapshot tank/home@monday
	zfs create tank/tmp
	zfs create tank/swap
	example 'zr-snap -r -x tank/tmp'
	[ "$(wc -l < ../output)" -eq 3 ]
	random 300000 ../tank/home/file
	zpool sync tank
	fragment '*/15' 'it is a line of crontab(5)'
	read -r _ _ _ _ _ user command < fragment
	[ "$user" = root ]
	sh -c "$command"
	[ "$(snapshots_of tank/home | wc -l)" -eq 3 ]
	printf '#!/bin/sh\necho "$*" >> calls\n' > virsh
	chmod +x virsh
	PATH=$PWD:$PATH example 'zr-snap -F'
	[ "$(cat calls)" = $'domfsfreeze web\ndomfsthaw web' ]
	prints '^tank/web@zr_'
}

@test "zr-ssh-connect(1)" {
	page zr-ssh-connect.1
	log_in web1 'exec zr-stdinserver web1 zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive -C /backup'
	mkdir /backup/web1
	example 'zr-ssh-connect -i'
	prints "$EMPTY"
}

@test "zr-ssh(1)" {
	page zr-ssh.1
	log_in root
	keep_streams /backup increment
	# Its own copy: there is but one host, hence one /backup.
	zr-list -e 'zr-endpoint archive /backup' | zr-plan -S -I all - /dev/null | head -n 1 > step.json
	example 'zr-ssh backup.example'
	prints '"to":"one"'
	fragment "zr-remote 'exec:ssh host" 'the method is missing, and the host'
	sed 's/ host / backup /; s/$/ X/; 1s/ X$//' fragment | sed "s/ X\$/ ListFilesystems '{}'/" > command
	sh command | grep -qF a/data
}

@test "zr-status(1)" {
	page zr-status.1
	tank
	zfs create tank/home
	zfs snapshot tank/home@monday
	zfs bookmark tank/home@monday tank/home#monday
	zfs destroy tank/home@monday
	mkdir archive
	zr-replicate -q -e /var/lib/zr/web.events -J web -s 'zr-endpoint sender -j web -f "tank<"' \
	    -r 'zr-endpoint archive archive' || true
	example -s 1 'zr-status -f'
	prints 'tank/home'
	example 'zr.prom'
	grep -qF 'zrepl_replication_filesystem_errors{zrepl_job="web"} 1' zr.prom
	example 'zr-status -j'
	[ "$(cat ../output)" = tank/home ]
}

@test "zr-stdinserver(1)" {
	page zr-stdinserver.1
	tank
	zfs create -p tank/backup/web1/tank
	fragment 'restrict,command=' 'it is a line of authorized_keys, broken into three'
	tr '\n' ' ' < fragment | sed "s|ssh-ed25519 AAAA.*|$(cat ~/.ssh/id_ed25519.pub)|" > "$BATS_FILE_TMPDIR/ssh/keys/zr"
	zr-remote ssh:zr@backup.example ListFilesystems '{}' | grep -qF '"tank"'
}

@test "zr-step(1)" {
	page zr-step.1
	mkdir /srv/backup/web
	keep_streams /srv/backup/web
	listen zr-endpoint archive -C /srv/backup
	keep_streams /backup increment
	example '> step.json'
	prints '"to":"two"'
	fragment '{"Filesystem":"a/data"' 'it is the contents of step.json'
	jq -S 'del(.. | .Type?)' fragment > shown
	jq -S 'del(.. | .Type?)' step.json | diff shown -
}

@test "zr-tls(1)" {
	page zr-tls.1
	tank
	zfs create -p tank/backup/web1/tank
	example 'zr-cert ca pki'
	serve 'zr-listen' 8888
	example 'zr-connect'
	prints '"Path":"tank"'
}

@test "zr-streamsum(1)" {
	page zr-streamsum.1
	tank
	make_pool backup
	zfs send tank/web@monday | zfs recv -u backup/web
	log_in root
	example 'zr-streamsum -c'
}

@test "zr-sync(1)" {
	page zr-sync.1
	tank
	make_pool pool
	log_in root
	example $'zr-snap -r tank/web\nzr-sync tank/web backup:pool/web'
	sent tank/web pool/web
	example 'zr-sync -n -v'
	complains '^zr-replicate .*-n'
	sent tank/web pool/web
	example 'zr-holds -J backup_pool_web list'
	prints '^pool/web@zr_.*backup_pool_web'
	[ -z "$(bookmarks_of tank/web)" ]
	example 'tank/web-restored'
	sent tank/web tank/web-restored
	[ "$(property readonly tank/web-restored)" = off ]
	rmdir /srv/backup
	example 'archive:/srv/backup'
	sent tank/web tank/web-again
	example 'pool/pulled'
	sent tank/web pool/pulled
	fragment '0 * * * *' 'it is a line of crontab(5)'
	read -r _ _ _ _ _ user command < fragment
	[ "$user" = root ]
	printf '#!/bin/sh\nzfs snapshot tank/web@night\nexec zr-sync -q tank/web backup:pool/web\n' > /etc/zr/web
	chmod +x /etc/zr/web
	sh -c "$command"
	sent tank/web pool/web
}

@test "zr-token(1)" {
	page zr-token.1
	tank home
	zfs create -p tank/backup/web
	listen zr-endpoint receiver -j sink tank/backup
	zfs send tank/home@monday | head -c 200000 | zfs recv -s tank/backup/web/home || true
	example 'zr-token "$token"'
	prints '^tank/home@monday: [0-9]+ bytes$'
}

@test "zr(1)" {
	page zr.1
	tank
	make_pool pool
	log_in root
	mkdir -p man/man1
	cp "$TOP"/man/*.1 man/man1
	MANPATH=$PWD/man example 'zr snap -r tank/web'
	prints '^ *sync +'
	prints '^tank/web@zr_'
	prints 'tank/web: initial'
	prints 'SOURCE TARGET'
}

@test "zr(7)" {
	page zr.7
	fragment 'zr-step -s SENDER' 'it is a drawing'
	tank home
	mkdir /backup/web
	serve 'zr-listen -i' 8888
	example 'zr-step'
	in_archive /backup/web tank/home | grep -q '^zr_'
}

@test "README.md" {
	page README.md
	fragment 'make demo' 'it is a list of targets of make'
	fragment 'make deb' 'it installs a package; t/deb does so'
	fragment 'the active side' 'it is a drawing'
	fragment 'bin/        a file' 'it is a list of directories'
	ln -s "$TOP/examples" examples
	tank
	make_pool pool
	zfs create tank/web/img
	zfs snapshot tank/web/img@monday
	zfs send -R tank/web@monday | zfs recv -u pool/web
	zfs destroy -r pool/web/img
	log_in root

	# One line, and back.
	example 'zr-sync -s tank/web'
	sent tank/web pool/web
	sent tank/web/img pool/web/img
	fragment 'MiB of 602 MiB' 'a terminal shows it'
	# The bytes of a step are known if an endpoint reports them.
	shape < ../output | sed 's/done in TIME/SIZE in TIME/' > shapes
	cat shapes
	grep -qxF "$(sed -n '2p' fragment | shape)" shapes
	fragment 'zr-replicate: 4 filesystems' 'it is what the example before it prints'
	diff <(shape < fragment | sed 's/, SIZE, /, /') <(tail -n 1 ../errors | shape | sed 's/, SIZE, /, /')
	example 'zr-sync backup:pool/web'
	sent tank/web tank/web-restored
	example 'zfs mount tank/web-restored'
	cmp ../tank/web/file ../tank/web-restored/file

	# The night.
	fragment 'systemctl enable' 'no systemd runs here'
	head -n 1 fragment | sh
	cmp examples/nightly /etc/zr/web
	ls examples/systemd/zr-job@.timer
	fragment '0 * * * *' 'it is a line of crontab(5)'
	sh -c "$(cut -d ' ' -f 7- fragment)"
	sent tank/web pool/web
	example 'zr-check -w 2h'
	prints '^OK: 2 filesystems'

	# A server.
	example 'sh examples/setup-server.sh -n pool'
	prints '^\+ '
	zr-cert ca /etc/zr && zr-cert server /etc/zr backup.example && zr-cert client /etc/zr web1
	zfs create -p pool/zr/web1
	background zr-listen tcp::8888 zr-tls -d /etc/zr -n backup.example -c web1 accept \
	    zr-handshake accept zr-mux accept zr-serve -b zr-endpoint receiver -e inherit -j sink pool/zr
	eventually 20 listens 8888
	example "zr-sync -T '-d /etc/zr -n web1'"
	sent tank/web pool/zr/web1/tank/web
	end_children

	# By hand.
	mkdir /backup/web
	serve 'zr-endpoint archive -C /backup' 8888
	example 'receive.json'
	example 'zfs send "$(jq'
	example 'zfs recv tank/restored'
	sent tank/web tank/restored
	example 'zr-step'
	prints '"filesystem":"tank/web"'
	example 'zr-replicate -n'
	prints 'tank/web/img'
	example 'zr-holds list tank'
	prints 'cursor.* backup '
	example 'zr-streamsum'
	example 'zr-dump asked answered'
	prints ListFilesystems
	example "'exec:ssh backup"
	prints 'tank/web'
	end_examples
	# The second command is a server, which stays; the last two are its clients.
	split 'zr-cert ca pki' zr-listen 'zr-remote -d'
	example 'zr-cert ca pki'
	serve 'zr-tls -d pki' 8888
	log_in zr "exec zr-stdinserver web1 zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive -C /backup"
	mkdir /backup/web1
	zfs create -p tank/backup/web1
	example 'zr-remote -d pki'
	[ "$(grep -c ListF ../example)" -eq 2 ]
	fragment 'zr-guard -k' 'it is the end of a line of zr-listen'
}
