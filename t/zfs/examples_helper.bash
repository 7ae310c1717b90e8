# Shared by the files that run the examples of pages and of README.md, each as it is
# printed: as root, with real pools, sshd and servers, and with the names that the pages
# use: `load examples_helper`.  ../lib/examples says how a test takes an example; one that
# no test takes is a failure.  (t/docs/documentation.bats looks whether every page is there.)
load zfs_helper
load ../lib/examples

ADDRESS=192.0.2.7
DIRECTORIES=(/backup /srv/backup /etc/zr /var/lib/zr /var/lib/zr-job)
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
		# A file before this one may have made a user who cannot log in.
		id $name > /dev/null 2>&1 || useradd -r $name
		usermod -s /bin/sh -p '*' $name
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
