#!/bin/sh
# setup-server.sh [-n] archive DIRECTORY
# setup-server.sh [-n] pool ROOT_FS
#
# Make this host a server to which clients push over TLS: into an archive of streams, or
# into a pool below ROOT_FS.  Run it as root, from the directory of the examples; with -n
# it changes nothing, and anybody may run it.
#
# A line of its output is
#
#	+ COMMAND	what it runs (with -n, what it would run)
#	= THING		is as it should be
#	! THING		is not, and was there before: it is left alone.  The line says what
#			is expected, and the exit status is 1.
#	? THING		can be looked at only by root
#
# Whatever is there already is never changed or removed, so that a second run does
# nothing.  At its end it prints what is left to do.
set -eu

# Of users, and of root after "su", PATH has no sbin.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
etc=/etc/zr state=/var/lib/zr sbin=/usr/local/sbin
dry='' wrong=0

usage() {
	echo 'usage: setup-server.sh [-n] archive DIRECTORY' >&2
	echo '       setup-server.sh [-n] pool ROOT_FS' >&2
	exit 100
}

fail() {
	echo "setup-server: $*" >&2
	exit 1
}

run() {
	echo "+ $*"
	[ -n "$dry" ] || "$@"
}

right() {
	echo "= $*"
}

wrong() {
	echo "! $*"
	wrong=1
}

# user NAME: without a password, a home or a shell.
user() {
	if getent passwd "$1" > /dev/null; then
		right "user $1"
	else
		run useradd --system --user-group --no-create-home \
		    --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
	fi
}

# attributes FILE OWNER GROUP MODE: of what is there.
attributes() {
	is=$(stat -L -c '%U %G %a' "$1")
	if [ "$is" = "$2 $3 $4" ]; then
		right "$1: $is"
	else
		wrong "$1: $is, expected $2 $3 $4: chown $2:$3 $1; chmod $4 $1"
	fi
}

# directory PATH OWNER MODE: of its own.
directory() {
	if [ -d "$1" ]; then
		attributes "$1" "$2" "$2" "$3"
	else
		run install -d -o "$2" -g "$2" -m "$3" "$1"
	fi
}

# render FILE: an example, with the names of this host, as the file $work/new.
render() {
	sed -e "s|/usr/local/bin|$bin|g; s|/var/lib/zr/archive|$archive|g" \
	    -e "s|backup/zr|$root|g" "$here/$1" > "$work/new"
}

# file PATH MODE: what render has made.
file() {
	parent=$(dirname "$1")
	if [ -d "$parent" ] && [ ! -x "$parent" ] || { [ -e "$1" ] && [ ! -r "$1" ]; }; then
		echo "? $1"
	elif [ ! -e "$1" ] && [ ! -L "$1" ]; then
		echo "+ install -o root -g root -m $2 $example $1"
		[ -n "$dry" ] || install -D -o root -g root -m "$2" "$work/new" "$1"
	elif cmp -s "$work/new" "$1"; then
		attributes "$1" root root "$2"
	else
		wrong "$1: differs from $example; remove it to have it written anew"
	fi
}

# example FILE PATH MODE
example() {
	example=$1
	render "$1"
	file "$2" "$3"
}

# own FILE EXAMPLE: one that the administrator goes on to write.
own() {
	if [ -e "$1" ]; then
		right "$1: is yours"
	else
		echo "+ install -m 644 $2 $1"
		[ -n "$dry" ] || install -m 644 "$work/new" "$1"
	fi
}

# reachable PATH: zr can go there.
reachable() {
	[ -n "$dry" ] || setpriv --reuid zr --regid zr --clear-groups test -x "$1" ||
		wrong "$1: the user zr cannot go there; look at each directory above it"
}

# visible PATH: not hidden by the units' ProtectHome=, PrivateTmp= and the like.
visible() {
	[ -d /run/systemd/system ] || return 0
	case $1/ in
	/home/* | /root/* | /run/* | /tmp/* | /var/tmp/* | /dev/* | /proc/* | /sys/*)
		fail "$1: systemd shows a service nothing there: take another place, such as below /srv" ;;
	esac
}

# --- the parts ---

# The three files that must be here; and the keys of this host as a client of others,
# which zr must not read.
tls_files() {
	for key in "$etc"/*.key; do
		[ -e "$key" ] || continue
		case $key in
		*/server.key) attributes "$key" root zr 640 ;;
		*) attributes "$key" root root 600 ;;
		esac
	done
	missing=''
	for name in ca.crt server.crt server.key; do
		if [ ! -e "$etc/$name" ]; then
			missing="$missing $name"
		elif [ "$name" != server.key ]; then
			right "$etc/$name"
		fi
	done
}

make_archive() {
	user zr
	directory "$etc" root 755
	directory "$state" root 755
	directory "$state/guard" zr 700
	if [ -d "$archive" ] && [ "$(stat -L -c %U "$archive")" != zr ] &&
	    [ -n "$(ls -A "$archive" 2> /dev/null)" ]; then
		wrong "$archive: is not zr's, and not empty: name a directory for the archive alone, such as $archive/zr"
	else
		directory "$archive" zr 700
		reachable "$archive"
	fi
	example zr-server-archive "$sbin/zr-server" 755
}

make_pool() {
	user zr
	user zrzfs
	directory "$etc" root 755
	directory "$state" root 755
	directory "$state/guard" zrzfs 700
	case $found in
	filesystem) right "filesystem $root" ;;
	# Nothing below is mounted, or changed by accident.
	*) run zfs create -u -o mountpoint=none -o readonly=on "$root" ;;
	esac
	# send: for zr-server-restore.
	if zfs allow "$root" 2> /dev/null | grep -q 'user zrzfs .*receive.*send'; then
		right "zfs allow $root: user zrzfs"
	else
		run sh "$here/zfs-allow.sh" receiver zrzfs "$root" send
	fi
	example=sudoers
	render sudoers
	# No filesystem of this host's own is sent.  A colon has a meaning in sudoers.
	sed -i -e '/sender -j web/d' -e "/^zr /s|$root|$(echo "$root" | sed 's/:/\\\\:/g')|g" "$work/new"
	visudo -cqf "$work/new" || fail "visudo refuses the line for sudo; nothing of it is installed"
	file /etc/sudoers.d/zr 440
	example zr-server-pool "$sbin/zr-server" 755
	example zr-server-restore "$sbin/zr-server-restore" 755
}

units() {
	[ -d /run/systemd/system ] || return 0
	example systemd/zr.socket /etc/systemd/system/zr.socket 644
	example systemd/zr@.service /etc/systemd/system/zr@.service 644
	[ "$kind" = archive ] ||
		example systemd/pool.conf /etc/systemd/system/zr@.service.d/pool.conf 644
}

next() {
	echo
	echo 'What is left to do:'
	[ -z "$missing" ] || cat <<-END

	TLS: $etc lacks$missing.  On a host that keeps the CA, which should not be this one:
	    zr-cert ca pki
	    zr-cert server pki server $(hostname -f 2> /dev/null || hostname)
	Bring three files here, and never pki/ca.key, with which anybody can be any client:
	    install -m 644 ca.crt server.crt $etc
	    install -g zr -m 640 server.key $etc
	END
	cat <<-END

	For each client, such as web1, where the CA is:
	    zr-cert client pki web1
	Bring three files to the client, and never pki/ca.key:
	    mkdir -p /etc/zr
	    install -m 644 ca.crt web1.crt /etc/zr
	    install -m 600 web1.key /etc/zr
	Admit it here:
	    echo web1 >> $etc/clients

	What no client can destroy is in $etc/keep: look whether it is what you want.

	Start the server, on port 8888:
	    $start

	Then, on the client:
	    zr-sync -T '-d /etc/zr -n web1' tank/web tls:$(hostname -f 2> /dev/null || hostname):8888
	END
}

[ "${1-}" != -n ] || { dry=yes; shift; }
[ $# -eq 2 ] || usage
kind=$1 archive=/var/lib/zr/archive root=backup/zr
case $2 in
*[!-0-9A-Za-z_.:/]* | '' | -* | */ | *//*) fail "$2: a name here has only letters, digits, - _ . : and /" ;;
esac
case $2/ in
*/./* | */../*) fail "$2: a name here has no . and no .. between its slashes" ;;
esac
case $kind:$2 in
archive:/?*) archive=$2 ;;
archive:*) fail "$2: the directory begins with /" ;;
pool:/*) fail "$2: a filesystem of ZFS does not begin with /" ;;
pool:*) root=$2 ;;
*) usage ;;
esac
bin=$(command -v zr-endpoint) || fail 'zr-endpoint is not in PATH: install zr first'
bin=$(dirname "$bin")
case $bin in
/*) ;;
*) fail "$bin: PATH must have the programs by an absolute path: install zr" ;;
esac
visible "$bin"
[ "$kind" = pool ] || visible "$archive"
for program in zr-tls zr-handshake zr-mux zr-serve zr-guard; do
	[ -x "$bin/$program" ] || fail "$bin/$program is missing, beside zr-endpoint"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$kind" = pool ]; then
	command -v visudo > /dev/null || fail 'sudo is not installed'
	command -v zfs > /dev/null || fail 'zfs is not installed'
	found=$(LC_ALL=C zfs list -H -o type "$root" 2> "$work/why") || found=$(cat "$work/why")
	case $found in
	filesystem | *'does not exist'*) ;;
	volume) fail "$root is a volume, not a filesystem" ;;
	*) fail "zfs list $root: $found" ;;
	esac
fi
[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || fail 'run this as root, or with -n to see what it would do'
[ ! -e "$etc/ca.key" ] ||
	fail "$etc/ca.key: the CA's own key does not belong on a server: move it to another host"
case $kind in
archive) make_archive ;;
pool) make_pool ;;
esac
reachable "$bin/zr-tls"
render keep
own "$etc/keep" keep
echo '# The names of the admitted clients, one per line.' > "$work/new"
own "$etc/clients" '(empty)'
tls_files
units
start="zr-listen -u zr tcp::8888 $sbin/zr-server"
[ ! -d /run/systemd/system ] || start='systemctl daemon-reload; systemctl enable --now zr.socket'
next
exit $wrong
