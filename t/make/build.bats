# t/deps.sh and the Makefile, in a tree with a build/ of its own, where apt and dpkg are
# stand-ins: nothing is installed.
load ../lib/helper

setup() {
	local entry
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES SANITIZE DEPS
	cd "$BATS_TEST_TMPDIR"
	mkdir tree tools
	for entry in "$TOP"/*; do
		[ "${entry##*/}" = build ] || ln -s "$entry" tree
	done
	# A package is there if its name stands in the file "installed".
	cat > tools/dpkg-query <<-'END'
		#!/bin/sh
		for package; do :; done
		grep -qx "$package" "$TEST/installed" && echo 'install ok installed'
	END
	cat > tools/apt-get <<-'END'
		#!/bin/sh
		echo "$*" >> "$TEST/calls"
		case $* in
		*--print-uris*)
			echo 'The following NEW packages will be installed:'
			echo '0 upgraded, 3 newly installed, 0 to remove and 2 not upgraded.'
			echo 'Need to get 60.0 MB of archives.'
			echo 'After this operation, 235 MB of additional disk space will be used.'
			;;
		*)
			echo "950 lines of $*"
			exit "$(cat "$TEST/status")"
			;;
		esac
	END
	printf '#!/bin/sh\necho "${ID:-0}"\n' > tools/id
	printf '#!/bin/sh\nexit 1\n' > tools/sudo
	chmod +x tools/*
	export TEST=$PWD PATH=$PWD/tools:$PATH
	: > installed
	: > calls
	echo 0 > status
}

@test "packages: their names and sizes are printed, then they are installed, nothing is removed" {
	run -0 --separate-stderr sh tree/t/deps.sh demo
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[1]} == '    gcc make '*' jq' ]]
	[[ ${lines[2]} == *'0 to remove'*'get 60.0 MB'*'235 MB of additional'* ]]
	[ -z "$stderr" ]
	[ "$(grep -c -- '--no-remove' calls)" -eq 3 ]
	tail -n 1 calls | grep -q ' install gcc make '
	grep -q '^950 lines of .* install gcc' tree/build/apt.log
}

@test "packages: installed ones are neither named nor installed" {
	printf '%s\n' gcc make libc6-dev protobuf-c-compiler libprotobuf-c-dev libnghttp2-dev libpcre2-dev \
	    libjansson-dev zlib1g-dev libbsd-dev libmd-dev libssl-dev libzstd-dev > installed
	run -0 sh tree/t/deps.sh build
	[ -z "$output" ]
	[ ! -s calls ]
	run -0 sh tree/t/deps.sh demo
	[ "${lines[1]}" = '    jq' ]
	tail -n 1 calls | grep -q ' install jq$'
}

@test "packages: make, make demo and make deb need no server, make check needs their packages, too" {
	for set in build demo test deb check-deb zfs; do
		ID=1000 run -1 sh tree/t/deps.sh $set
		printf '%s\n' ${lines[1]#*recommends} | sort > $set
	done
	[ "$(comm -13 build demo)" = jq ]
	run ! grep -E 'ssh|inetd|systemd|s6|socat|ucspi|mbuffer|python|clang|bats|qemu' demo
	[ -z "$(comm -23 demo test)" ]
	[ -z "$(comm -23 test zfs)" ]
	[ -z "$(comm -23 build deb)" ]
	[ -z "$(comm -23 deb check-deb)" ]
	grep -qx debhelper deb
	grep -qx lintian check-deb
	run ! grep -E 'ssh|inetd|systemd|s6|socat|valgrind|qemu|lintian' deb
	grep -qx openssh-server test
	grep -qx qemu-system-x86 zfs
}

@test "packages: an ordinary user is told the command" {
	ID=1000 run -1 --separate-stderr sh tree/t/deps.sh demo
	[ -z "$output" ]
	[[ $stderr == *'As root, run:'*'apt-get install --no-install-recommends gcc make '*' jq' ]]
	[ ! -s calls ]
}

@test "packages: if apt fails, the end of its output and the place of the rest are shown" {
	echo 100 > status
	run -1 --separate-stderr sh tree/t/deps.sh demo
	[[ $stderr == *'950 lines of '*' update'*"apt-get update failed"*"$PWD/tree/build/apt.log" ]]
	run -2 --separate-stderr make -C tree
	[[ $stderr == *'apt-get update failed'* ]]
}

@test "make: with DEPS=: no package is asked for" {
	run -0 make -C tree DEPS=: build/obj/packages
	[ ! -s calls ]
}

@test "make clean keeps the machine with ZFS and downloads, make distclean nothing" {
	mkdir -p tree/build/{bin,obj,t,zfsvm,zfsvm-2.1,xinetd}
	make -C tree clean
	[ "$(cd tree/build && echo *)" = 'xinetd zfsvm zfsvm-2.1' ]
	make -C tree distclean
	[ ! -e tree/build ]
}

@test "make install: programs, pages, completion, examples and units with PREFIX in them; make uninstall removes all" {
	# A relative DESTDIR is seen from the top of the tree.
	installed() {
		make -C "$TOP" DEPS=: BUILD="${ZR_BUILD#"$TOP/"}" \
		    DESTDIR="$(realpath -m --relative-to="$TOP" root)" PREFIX=/opt/zr "$1"
	}
	installed install
	cd root/opt/zr
	for file in "$TOP"/bin/*.c "$TOP"/bin/*.sh; do
		name=$(basename "${file%.*}")
		[ -x "bin/$name" ]
		[ -s "share/bash-completion/completions/$name" ]
		[ -s "share/man/man1/$name.1" ]
	done
	diff <(cd "$TOP/examples" && find . -type f ! -path './debian/*' ! -path './completion/*' ! -name demo.sh | sort) \
	    <(cd share/doc/zr/examples && find . -type f | sort)
	[ -x share/doc/zr/examples/zfs-allow.sh ]
	[ ! -x share/doc/zr/examples/sudoers ]
	grep -q '/opt/zr/bin/zr-endpoint' share/doc/zr/examples/sudoers
	run -1 grep -rl /usr/local/bin/ .
	grep -rhiE 'path=.*/usr/local/bin' . > "$BATS_TEST_TMPDIR/paths"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/paths")" -ge 5 ]
	run -1 grep -v '/opt/zr/bin:/usr/local/bin:' "$BATS_TEST_TMPDIR/paths"
	cd "$BATS_TEST_TMPDIR"
	installed uninstall
	[ -z "$(find root ! -type d)" ]
}

@test "a warning ends the build if WERROR is set" {
	export WERROR
	for WERROR in '' -Werror; do
		make -C tree -n DEPS=: build/obj/lib/base/rate.o build/obj/bin/zr-mux.o > commands
		run grep -c -- '-Wextra .*-Werror .* -c ' commands
		[ "$output" -eq $([ -n "$WERROR" ] && grep -c -- '-Wextra' commands || echo 0) ]
	done
	[ "$(grep -c -- '-Wextra' commands)" -ge 2 ]
}

@test "no object lies beside a program" {
	make -C tree -n DEPS=: all unit > commands
	grep -o -- '-o [^ ]*\.o ' commands > objects
	[ "$(wc -l < objects)" -gt 100 ]
	run ! grep -v '^-o build/obj/' objects
	# Dependencies lie where the object of the same command does.
	run ! grep -E -- '-MM?D' <(grep -v ' -c ' commands)
}

@test "a file of tests whose machine died runs once more in a new one, and fails if that dies, too" {
	printf '@test "x" { true; }\n' > x.bats
	printf '#!/bin/sh\necho >> %q\n[ "$(wc -l < %q)" -gt "$DEATHS" ] || exit 125\nexec "$@"\n' \
	    "$PWD/runs" "$PWD/runs" > machine
	chmod +x machine
	export ZR_TEST_PREFIX=$PWD/machine ZR_RESULTS=results-machine
	DEATHS=1 run -0 "$TOP/t/run" "${ZR_BUILD#"$TOP"/}" "$PWD/x.bats"
	[ "${lines[-1]}" = '1 passed, 0 failed' ]
	[[ "$output" == *'the machine died; once more, in a new one'* ]]
	rm runs
	DEATHS=2 run -1 "$TOP/t/run" "${ZR_BUILD#"$TOP"/}" "$PWD/x.bats"
	[ "${lines[-1]}" = '0 passed, 1 failed' ]
	[ "$(wc -l < runs)" -eq 2 ]
	rm -r "$ZR_BUILD/results-machine"
}
