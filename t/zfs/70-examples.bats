# Each example of each manual page; those of zr-sync(1) and of zr(1) are with README's.
load examples_helper

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
	example 'zr-handshake -n -z connect'
	prints 'zr-zstd-1'
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
	listen zr-endpoint archive -C /backup
	example 'zr-remote -z'
	prints '^tank/web@zr_.* in full'
	end_children
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

@test "zr-scrub(1)" {
	page zr-scrub.1
	tank data
	zr-replicate -s 'zr-endpoint sender -j job -f "tank/data<"' -r 'zr-endpoint archive /backup'
	example 'nice zr-scrub'
	prints 'read, none damaged; the pass that began at .* is complete$'
	truncate -s 1000 /backup/tank/data/@*.zstream
	example -s 1 'zr-scrub -j'
	prints '^tank/data$'
}

@test "zr-serve(1)" {
	page zr-serve.1
	mkdir /backup/web
	serve 'zr-endpoint archive -C' 8888
	[ "$(zr-remote tcp:backup:8888 ListFilesystems '{}')" = '{}' ]
	end_examples
	serve 'zr-handshake -Z accept' 8888
	[ "$(zr-connect tcp:backup:8888 zr-handshake -n -z connect)" = \
	    "$(zr-connect tcp:backup:8888 zr-handshake -n connect)" ]
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

@test "zr-token(1)" {
	page zr-token.1
	tank home
	zfs create -p tank/backup/web
	listen zr-endpoint receiver -j sink tank/backup
	zfs send tank/home@monday | head -c 200000 | zfs recv -s tank/backup/web/home || true
	example 'zr-token "$token"'
	prints '^tank/home@monday: [0-9]+ bytes$'
}

@test "zr-verify(1)" {
	page zr-verify.1
	tank
	make_pool backup
	mkdir /backup/web
	listen zr-endpoint archive -C /backup
	zr-replicate -q -s 'zr-endpoint sender -j web -f "tank/web<"' -r 'zr-remote tcp:backup.example:8888'
	example 'zr-remote tcp:backup.example:8888'
	prints '^same tank/web@zr_.* logical '
	zfs send tank/web@monday | zfs recv -u backup/web
	example 'zr-verify -m tank/web=backup/web'
	prints '^same tank/web@monday logical '
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
