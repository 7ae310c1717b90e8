# The programs that are names of one file go on as one another without execve(2)
# (lib/base/program.h); nobody can tell what they are given from what execve(2) would give.
load ../lib/helper

# What a program finds: descriptors, signals, mask, environment.  By nothing but builtins,
# so that the shell has no child and no pipe of its own meanwhile.
STATE='#!/bin/sh
exec 9> "state.$WHICH.${1-end}"
set -- "${1-}" /proc/$$/fd/*
for fd; do echo "${fd##*/}" >&9; done
while read -r name value; do
	case $name in Sig[BCI]* | Umask:) echo "$name $value" >&9 ;; esac
done < /proc/$$/status
ulimit -a >&9
export -p >&9
case $1 in ListFilesystems) echo "{}" ;; esac
'

setup() {
	enter_directory || return
	printf '%s' "$STATE" > state
	chmod +x state
	# The same programs as files of their own, so that each is executed.
	mkdir files
	for program in "$ZR_BUILD"/bin/zr-*; do
		cp "$program" files/
	done
}

# known FILE: without what differs in any case
known() {
	grep -v "^export \(PATH\|WHICH\|_\|OLDPWD\)=" "$1"
}

# both COMMAND...: by one file and by many; what they print, their status and what ./state
# has written are the same
both() {
	local way
	for way in one many; do
		(
			[ $way = one ] || PATH=$PWD/files:$PATH
			export WHICH=$way
			"$@" < /dev/null > "$way.out" 2> "$way.err" && echo 0 >> "$way.out" || echo $? >> "$way.out"
		)
	done
	diff one.out many.out
	diff one.err many.err
	for state in state.one.*; do
		[ -e "$state" ] || continue
		diff <(known "$state") <(known "${state/one/many}")
	done
}

@test "they are names of one file, and a chain executes nothing twice" {
	for program in zr-handshake zr-mux zr-rpc zr-dataconn zr-remote zr-serve zr-endpoint zr-step zr-replicate; do
		[ "$ZR_BUILD/bin/$program" -ef "$ZR_BUILD/bin/zr-connect" ]
		[ ! "files/$program" -ef files/zr-connect ]
	done
	# The command line of the first is that of the last; the name is the last one's.
	mkfifo pipe
	background zr-connect "exec:cat pipe" zr-mux connect label zr-handshake -t 60 connect true
	eventually 10 grep -qx zr-handshake "/proc/${children[-1]}/comm"
	local first=zr-connect
	[[ "$ZR_BUILD" != */sanitize ]] || first=zr-handshake
	tr '\0' ' ' < "/proc/${children[-1]}/cmdline" | grep -q "^$first "
	echo > pipe
	ended_with 98 "${children[-1]}"
}

@test "a client's chain, a server's and their endpoints find the same" {
	both zr-connect 'exec:zr-handshake accept zr-mux accept cat' zr-handshake connect zr-mux connect zrepl_data ./state
	[ -s state.one.end ]
	both zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve ./state' ListFilesystems '{}'
	[ -s state.one.ListFilesystems ]
	both zr-remote 'exec:exec 5< state; zr-handshake accept zr-mux accept zr-serve -T 20 zr-remote "exec:zr-handshake accept zr-mux accept zr-serve ./state"' ListFilesystems '{}'
}

# descriptors NUMBER... COMMAND...: COMMAND has these besides; a number with p is of O_PATH
descriptors() {
	python3 -c 'import os, sys
words = sys.argv[1:]
while words[0][0].isdigit():
    word = words.pop(0)
    os.dup2(os.open("/", os.O_PATH if word[-1] == "p" else os.O_RDONLY), int(word.rstrip("p")))
os.execvp(words[0], words)' "$@"
}

@test "descriptors that were inherited stay open, whatever their number and kind" {
	local chain=(zr-connect 'exec:zr-handshake accept zr-mux accept cat' zr-handshake connect zr-mux connect zrepl_data ./state)
	both descriptors 20 251 "${chain[@]}"
	for number in 20 251; do grep -qx "$number" state.one.end; done
	both descriptors 20p 250 300 "${chain[@]}"
	for number in 20 250 300; do grep -qx "$number" state.one.end; done
	both bash -c 'ulimit -n 100; exec "$@"' - "${chain[@]}"
}

@test "errors, statuses and the steps between two endpoints are the same" {
	mkdir archive
	both zr-connect 'exec:exec 2> /dev/null; zr-handshake accept zr-mux accept sh -c "cat > /dev/null"' zr-handshake connect zr-mux connect zrepl_data true
	both zr-remote 'exec:exit 3' Ping '{}'
	both zr-remote -x
	# What the server says may come too late to be compared.
	both zr-remote 'exec:exec 2> /dev/null; zr-handshake accept zr-mux accept zr-serve zr-endpoint archive archive' Send '{}'
	both zr-remote 'exec:exec 2> /dev/null; zr-handshake accept zr-mux accept zr-serve zr-endpoint archive nowhere' ListFilesystems '{}'
	both zr-connect 'exec:cat > /dev/null' nowhere-to-be-found
	both zr-connect 'exec:cat > /dev/null' zr-mux connect label ./files
	both zr-replicate -s 'zr-endpoint archive archive' -r "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive archive'"
	both zr-replicate -q -a 1 -s 'zr-endpoint archive nowhere' -r 'zr-endpoint archive archive'
}

@test "a chain of any length runs in a small stack" {
	local words=() i
	for ((i = 0; i < 1000; i++)); do words+=(zr-mux connect label); done
	run -0 timeout 60 zr-connect 'exec:echo end; cat > /dev/null' "${words[@]}" sh -c 'head -n 1 <&6'
	[ "$output" = end ]
	run -0 bash -c 'ulimit -s 256; exec timeout 60 "$@"' - \
	    zr-connect 'exec:echo end; cat > /dev/null' "${words[@]:0:600}" sh -c 'head -n 1 <&6'
	[ "$output" = end ]
}

@test "it is known by the name of the file where argv[0] is no program" {
	run -0 bash -c 'exec -a anything zr-mux --version'
	[[ "$output" = "zr-mux (zr) "* ]]
	cp "$ZR_BUILD/bin/zr-mux" other
	run -100 ./other
	[ "$output" = 'other: this file is many programs: run it by the name of one' ]
}

# waiting PROGRAM: a chain by own/zr-connect that runs it once ./go is written to; it ends as result
waiting() {
	rm -rf own go
	mkdir own
	cp "$ZR_BUILD/bin/zr-connect" own/zr-connect
	ln own/zr-connect own/zr-handshake
	ln own/zr-connect own/zr-mux
	mkfifo go
	(
		set +e
		PATH=$PWD/own:$PATH zr-connect 'exec:read -r _ < go; zr-handshake accept zr-mux accept cat' \
		    zr-handshake connect "$1" connect label echo old > out 2>&1
		echo "$?" > result
	) &
	children+=($!)
	eventually 10 pgrep -P $! -x zr-handshake
}

@test "a file that has been replaced meanwhile is executed, one that may not be is an error" {
	waiting zr-mux
	rm own/zr-mux
	printf '#!/bin/sh\necho "new: $*"\n' > own/zr-mux
	chmod +x own/zr-mux
	echo > go
	eventually 10 test -s result
	[ "$(cat out)" = 'new: connect label echo old' ]
	rm result
	waiting "$PWD/own/zr-mux"
	chmod a-x own/zr-mux
	echo > go
	eventually 10 test -s result
	[ "$(cat result)" -eq 126 ]
}

@test "a program of that name that comes first in PATH is executed" {
	mkdir mine
	printf '#!/bin/sh\necho "mine: $*"\n' > mine/zr-mux
	chmod +x mine/zr-mux
	PATH=$PWD/mine:$PATH run -0 zr-connect 'exec:zr-handshake accept cat' zr-handshake connect zr-mux connect label true
	[ "$output" = 'mine: connect label true' ]
	run -0 zr-connect 'exec:cat' "$PWD/mine/zr-mux" here
	[ "$output" = 'mine: here' ]
}
