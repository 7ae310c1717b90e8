#!/bin/sh
# The packages that zr needs, installed by apt where we may, else named:
#
#	t/deps.sh build	the compiler, the libraries, protobuf-c's compiler
#	t/deps.sh demo	these, and what examples/demo.sh runs
#	t/deps.sh test	these, and all that the tests run, including servers
#	t/deps.sh deb	those of build, and what makes Debian's packages
#	t/deps.sh check-deb	these, and what checks and installs the packages
#	t/deps.sh zfs	those of test, and what makes a machine with ZFS (t/zfsvm/README)
#	t/deps.sh bench	those of zfs, and what the benchmarks compare with
#
# It asks nothing and removes nothing.  Before it installs packages it prints their
# names and sizes; apt's own output goes to build/apt.log, the end of which is shown
# if apt fails.  It prints nothing when every package is there.
set -eu
cd "$(dirname "$0")/.."

build='gcc make libc6-dev protobuf-c-compiler libprotobuf-c-dev libnghttp2-dev libpcre2-dev
	libjansson-dev zlib1g-dev libbsd-dev libmd-dev libssl-dev libzstd-dev'
demo='jq'
# netbase is for xinetd, which looks up the protocol tcp, and for localhost in
# /etc/hosts.
test='bats mandoc shellcheck clang libclang-rt-dev valgrind bsdextrautils procps iproute2
	socat ucspi-tcp netcat-openbsd mbuffer nghttp2-client protobuf-compiler
	python3 python3-grpcio python3-hpack python3-prometheus-client python3-protobuf
	openssl openssh-client openssh-server sudo systemd openbsd-inetd netbase s6'
deb='build-essential debhelper'
check_deb='lintian mmdebstrap bats'
zfs='qemu-system-x86 busybox-static cpio kmod xz-utils
	gcc-12 libelf1 libtirpc3 libblkid1 libuuid1 libudev1'
bench='iperf3 pv lzop zstd libconfig-inifiles-perl libcapture-tiny-perl'
case ${1-} in
build) packages="$build" ;;
demo) packages="$build $demo" ;;
test) packages="$build $demo $test" ;;
deb) packages="$build $deb" ;;
check-deb) packages="$build $deb $check_deb" ;;
zfs) packages="$build $demo $test $zfs" ;;
bench) packages="$build $demo $test $zfs $bench" ;;
*) echo 'usage: t/deps.sh build | demo | test | deb | check-deb | zfs | bench' >&2; exit 100 ;;
esac

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
	# shellcheck disable=SC2086 # a list of words
	echo "zr needs these packages, by Debian's names:" $packages >&2
	exit
fi

missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
	sudo='sudo -n'
elif [ -n "$missing" ]; then
	echo "zr needs packages that are not installed. As root, run:" >&2
	echo "	apt-get update && apt-get install --no-install-recommends$missing" >&2
	exit 1
else
	sudo=false
fi

log=build/apt.log

# apt COMMAND...: apt-get, its output into the log.
apt() {
	# shellcheck disable=SC2086 # a list of words
	$sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-remove \
	    --no-install-recommends "$@" < /dev/null >> $log 2>&1 || {
		tail -n 15 $log >&2
		echo "apt-get $1 failed; all that it said is in $PWD/$log" >&2
		return 1
	}
}

if [ -n "$missing" ]; then
	mkdir -p build
	: > $log
	echo "Installing these packages and their dependencies; apt's output goes to $log:"
	echo "   $missing"
	apt update
	# shellcheck disable=SC2086 # a list of words
	apt install --print-uris $missing
	sed -n '/ newly installed/p; /^Need to get/p; /^After this/p' $log | paste -s -d ' '
	# shellcheck disable=SC2086 # a list of words
	apt install $missing
fi
case $1 in build | demo | deb | check-deb) exit ;; esac

# unpack PACKAGE FILE WHAT-FAILS: into build/PACKAGE, without installing it.
unpack() (
	[ ! -e "build/$1/$2" ] || exit 0
	rm -rf "build/$1"
	mkdir -p "build/$1"
	cd "build/$1"
	download() {
		apt-get download -q -o APT::Sandbox::User=root "$1"
	}
	echo "Unpacking $1 into $PWD"
	if download "$1" 2> /dev/null || { $sudo apt-get update -q && download "$1"; }; then
		dpkg -x "$1"_*.deb .
	else
		echo "$1 cannot be downloaded: $3, unless root runs \"apt-get update\" before this" >&2
	fi
)

# xinetd excludes openbsd-inetd, and nobody but its test misses it; sanoid would bring
# Debian's ZFS and a timer.
unpack xinetd usr/sbin/xinetd 'its test will fail'
[ "$1" != bench ] || unpack sanoid usr/sbin/syncoid 'its row will be missing'
