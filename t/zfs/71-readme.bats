# Each example of README.md, and of the two pages that it begins with.
load examples_helper

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
	shape < ../output > shapes
	cat shapes
	grep -qxF "$(sed -n '2p' fragment | shape)" shapes
	fragment 'zr-replicate: 4 filesystems' 'it is what the example before it prints'
	diff <(shape < fragment | sed 's/, SIZE, /, /') <(tail -n 1 ../errors | shape | sed 's/, SIZE, /, /')
	example 'zr-sync -g nothing backup:pool/web'
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

	# Is it all there?
	example 'zr-verify -m'
	prints '^same tank/web@'
	example 'zr-scrub'

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
	example 'zr-cert ca pki'
	serve 'zr-tls -d pki' 8888
	log_in zr "exec zr-stdinserver web1 zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive -C /backup"
	mkdir /backup/web1
	zfs create -p tank/backup/web1
	example 'zr-remote -d pki'
	[ "$(grep -c ListF ../example)" -eq 2 ]
	fragment 'zr-guard -k' 'it is the end of a line of zr-listen'
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
