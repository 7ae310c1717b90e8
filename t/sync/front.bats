# zr, the front of the programs.
load ../lib/helper

setup() {
	enter_directory || return
	mkdir bin
	printf '#!/bin/sh\necho "man $*"\n' > bin/man
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\nexit 7\n' > bin/zr-sync
	chmod +x bin/*
	export PATH=$PWD/bin:$PATH
}

@test "without arguments it lists every program, with the line of its manual page" {
	zr > list
	sed -n 's/^  \([a-z-]*\)  *\(.*\)/\1 \2/p' list | sort > listed
	for page in "$TOP"/man/zr-*.1; do
		name=${page##*/zr-}
		printf '%s %s\n' "${name%.1}" "$(sed -n 's/^\.Nd //p' "$page")"
	done | sort > pages
	[ -s pages ]
	diff pages listed
	[ "$(wc -L < list)" -le 80 ]
	run -111 sh -c 'zr > /dev/full'
}

@test "it executes the program, with its arguments and its exit status" {
	run -7 zr sync 'a b' '' -n
	[ "$output" = '<a b><><-n>' ]
	run -7 zr zr-sync x
	[ "$output" = '<x>' ]
}

@test "help shows a page" {
	run -0 zr help snap
	[ "$output" = 'man zr-snap' ]
	run -0 zr help zr-snap
	[ "$output" = 'man zr-snap' ]
	run -0 zr help
	[ "$output" = 'man zr' ]
	run -100 zr help a b
}

@test "an unknown name is refused with the nearest one, or with where they are listed" {
	for pair in snyc:sync snpa:snap repl:replicate statu:status endpiont:endpoint; do
		run -100 --separate-stderr zr "${pair%:*}" x
		[ "$stderr" = "zr: there is no program \"${pair%:*}\": did you mean \"zr ${pair#*:}\"?" ]
		run -100 --separate-stderr zr help "${pair%:*}"
		[ "$stderr" = "zr: there is no program \"${pair%:*}\": did you mean \"zr ${pair#*:}\"?" ]
		[ -z "$output" ]
	done
	for name in backup qq ../bin/man 'a b' ''; do
		run -100 --separate-stderr zr "$name"
		[ "$stderr" = "zr: there is no program \"$name\": \"zr\" lists them" ]
	done
	run -100 zr -v sync
}
