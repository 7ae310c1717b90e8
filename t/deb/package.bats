# The package of "make deb": what is in it, and its life in a minimal Debian from
# installation to purge.  The minimal system is a directory, entered with chroot as root.
load ../lib/helper

# The names of the packages that it depends on.
depends() {
	dpkg-deb -f "$DEB" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//'
}

# The repository that this machine's apt has for its own release, as a line of
# sources.list.
repository() {
	local name
	# shellcheck disable=SC1091 # of this machine
	name=$(. /etc/os-release && echo "$VERSION_CODENAME")
	{
		apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)'
		echo "Packages $name main http://deb.debian.org/debian"
	} | awk -v name="$name" '$1 == "Packages" && $2 == name && $3 == "main" {
		print "deb " $4 " " name " main"; exit }'
}

# inside COMMAND...: in the minimal system, with nothing of our environment.
inside() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
	    chroot "$ROOT" "$@"
}

# Every name, but what dpkg writes about itself, caches and devices.
everything() {
	(cd "$ROOT" && find . -path ./dev -prune -o -path ./var/log -prune -o -path ./var/cache -prune -o \
	    -path ./etc/ld.so.cache -o -path './var/lib/dpkg/*-old' -o -path './var/lib/dpkg/lock*' -o \
	    -path './var/lib/dpkg/triggers/*' -o -print) | sort
}

setup_file() {
	export DEB ROOT=$BATS_FILE_TMPDIR/root
	DEB=$(find "$ZR_BUILD/deb" -name 'zr_*.deb')
	[ -f "$DEB" ]
	# Proxies and the like are this machine's.
	apt-config dump Acquire > "$BATS_FILE_TMPDIR/apt.conf"
	mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io --aptopt="$BATS_FILE_TMPDIR/apt.conf" \
	    --include="$(depends | paste -sd ,),bash-completion,man-db" \
	    '' "$ROOT" "$(repository)"
	everything > "$BATS_FILE_TMPDIR/before"
	mkdir "$ROOT/try"
	cp "$DEB" "$ROOT/try/zr.deb"
	inside dpkg -i /try/zr.deb
}

@test "lintian finds no error and no warning" {
	lintian --allow-root --fail-on error,warning "${DEB%.deb}.changes"
}

@test "the packaging agrees with t/deps.sh and the Makefile" {
	sed -n "/^build='/,/'\$/p" "$TOP/t/deps.sh" | tr -d "'" | sed 's/build=//' | xargs -n 1 |
	    grep -vxE 'gcc|make|libc6-dev' | sort > deps
	sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \(.*\),$/\1/p' "$TOP/examples/debian/control" |
	    grep -v '^debhelper-compat ' | sort > control
	[ -s deps ]
	diff deps control
	version=$(sed -n 's/^VERSION = //p' "$TOP/Makefile")
	[[ $(dpkg-deb -f "$DEB" Version) == "$version"-* ]]
	[ "$(inside zr-list --version)" = "zr-list (zr) $version" ]
}

@test "programs are hardened, and say nothing of the place where they were built" {
	dpkg-deb -x "$DEB" .
	run -1 grep -rlF "$TOP" usr
	for program in "$TOP"/bin/*.c; do
		program=usr/bin/$(basename "$program" .c)
		readelf -hW "$program" | grep -q 'Type: *DYN'
		readelf -lW "$program" | grep -q GNU_RELRO
		readelf -dW "$program" | grep -q 'FLAGS.*NOW'
	done
	readelf -sW usr/bin/zr-endpoint | grep -q '__.*_chk'
}

@test "files are below /usr, and nothing runs on installation and removal" {
	dpkg-deb -c "$DEB" | awk '{ print $6 }' > files
	run -1 grep -vE '^\./(usr/.*)?$' files
	dpkg-deb -e "$DEB" control
	[ "$(ls control)" = "$(printf '%s\n' control md5sums)" ]
	for file in "$TOP"/bin/*.c "$TOP"/bin/*.sh; do
		name=$(basename "${file%.*}")
		grep -qx "./usr/bin/$name" files
		grep -qx "./usr/share/bash-completion/completions/$name" files
	done
	for page in "$TOP"/man/*.[1-8]; do
		grep -qx "./usr/share/man/man${page##*.}/${page##*/}.gz" files
	done
	for file in "$TOP"/examples/systemd/*; do
		grep -qx "./usr/share/doc/zr/examples/systemd/${file##*/}" files
	done
	grep -qx ./usr/share/doc/zr/copyright files
	run -1 grep -E 'completion/|debian/' <(grep /examples/ files)
}

@test "units and examples name programs that are there" {
	grep -rhoE '/usr/(local/)?bin/[a-z-]+' "$ROOT"/usr/share/doc/zr/examples "$ROOT"/usr/lib/systemd/system/zr* |
	    sort -u > named
	grep -qx /usr/bin/zr-endpoint named
	while read -r program; do
		[ -x "$ROOT$program" ] || { echo "$program"; false; }
	done < named
	for unit in zr-job@.service zr-job@.timer; do
		[ -f "$ROOT/usr/lib/systemd/system/$unit" ]
	done
	[ -z "$(find "$ROOT/etc/systemd" -name 'zr*')" ]
}

@test "programs, pages and the table of programs work" {
	for file in "$TOP"/bin/*.c "$TOP"/bin/*.sh; do
		name=$(basename "${file%.*}")
		run -0 inside "$name" -h
		[[ $output == "usage: $name "* ]]
	done
	run -0 inside zr
	[[ $output == *'  sync  '* ]]
	run -0 inside man zr
	[[ $output == *'zr-sync(1)'* ]]
	run -0 inside man zr-sync
	[[ $output == *SYNOPSIS*'zr-sync ['* ]]
}

@test "an archive is replicated to another over TLS" {
	cp "$TOP/t/data/streams/data.full.zstream" "$ROOT/try/stream"
	inside sh -e -c '
	    cd /try
	    mkdir -m 700 one two
	    zr-endpoint archive one Receive "$1" < stream
	    zr-cert ca pki && zr-cert server pki server localhost && zr-cert client pki web
	    zr-listen -1 tcp:127.0.0.1:0 zr-tls -d pki -n server -c web accept \
	        zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive two > port &
	    server=$!
	    until [ -s port ]; do kill -0 $server; sleep 0.05; done
	    zr-sync -T "-d pki -n web -s localhost" archive:one "tls:127.0.0.1:$(cat port)"
	    zr-list -e "zr-endpoint archive two"
	    kill $server' - \
	    '{"Filesystem":"a/data","To":{"Type":"Snapshot","Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}' \
	    > listed
	grep -q '"one"' listed
	cmp "$TOP/t/data/streams/data.full.zstream" "$ROOT"/try/two/a/data/*.zstream
}

@test "bash-completion loads the completion of a program" {
	cat > "$ROOT/try/rc" <<-'END'
		. /usr/share/bash-completion/bash_completion
		bind -x '"\C-o": printf "%s\n" "$READLINE_LINE"; READLINE_LINE='
		PS1=
	END
	printf '%s\033*\017' 'zr-holds ' 'zr list -' 'zr-serve zr-endpoint archive -' 'zr-connect tcp:h:1 cat /try/str' |
	    inside timeout 30 bash --noprofile --rcfile /try/rc -i > became 2> screen
	diff - became <<-'END'
		zr-holds list release 
		zr list -e -t 
		zr-serve zr-endpoint archive -C -c 
		zr-connect tcp:h:1 cat /try/stream 
	END
}

@test "setup-server.sh says what it would do with the package's programs" {
	run -0 inside sh /usr/share/doc/zr/examples/setup-server.sh -n archive /srv/backups
	[[ $output == *'zr-server-archive'* ]]
}

@test "a purge leaves nothing" {
	inside dpkg --purge zr
	rm -rf "$ROOT/try"
	everything > after
	diff "$BATS_FILE_TMPDIR/before" after
}
