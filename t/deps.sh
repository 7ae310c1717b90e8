#!/bin/sh
# What building and testing needs, installed by apt where we may; with the
# argument "zfs" what t/zfsvm needs too.  Prints nothing when all of it is there.
# (netbase is for xinetd, which looks up the protocol tcp, and for localhost in
# /etc/hosts.)
set -eu
packages='gcc make libc6-dev pkg-config libprotobuf-c-dev protobuf-c-compiler
	protobuf-compiler libnghttp2-dev libjansson-dev zlib1g-dev libbsd-dev libmd-dev
	libssl-dev bats mandoc shellcheck clang libclang-rt-dev valgrind jq socat ucspi-tcp netcat-openbsd mbuffer
	nghttp2-client bsdextrautils python3 python3-grpcio python3-hpack python3-protobuf procps iproute2 systemd openssl openssh-server openssh-client
	openbsd-inetd netbase s6'
if [ "${1-}" = zfs ]; then
	packages="$packages qemu-system-x86 busybox-static cpio kmod xz-utils
		gcc-12 libelf1 libtirpc3 libblkid1 libuuid1 libudev1 sudo"
fi
missing=
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $package"
done
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo='sudo -n'
elif [ -n "$missing" ]; then
	echo "zr needs packages that are not installed. As root, run:" >&2
	echo "	apt-get update && apt-get install -y --no-install-recommends$missing" >&2
	exit 1
else
	sudo=false
fi
if [ -n "$missing" ]; then
	echo "installing:$missing"
	$sudo apt-get update -q
	# shellcheck disable=SC2086 # a list of words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
fi

# xinetd and openbsd-inetd exclude each other: one of the two is only unpacked,
# and missed by nobody but its test.
cd "$(dirname "$0")/.."
[ ! -x build/xinetd/usr/sbin/xinetd ] || exit 0
rm -rf build/xinetd
mkdir -p build/xinetd
cd build/xinetd
download() {
	apt-get download -q -o APT::Sandbox::User=root xinetd
}
echo "unpacking: xinetd"
if download 2>/dev/null || { $sudo apt-get update -q && download; }; then
	dpkg -x xinetd_*.deb .
else
	echo "xinetd cannot be downloaded: its test will fail, unless root runs \"apt-get update\" before this" >&2
fi
