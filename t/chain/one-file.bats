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
	background zr-connect "exec:cat > /dev/null; cat pipe" zr-mux connect label zr-handshake -t 60 connect true
	eventually 10 grep -qx zr-handshake "/proc/${children[-1]}/comm"
	local first=zr-connect
	[[ "$ZR_BUILD" != */sanitize ]] || first=zr-handshake
	tr '\0' ' ' < "/proc/${children[-1]}/cmdline" | grep -q "^$first "
	echo > pipe
}

@test "a client's chain, a server's and their endpoints find the same" {
	both zr-connect 'exec:zr-handshake accept zr-mux accept cat' zr-handshake connect zr-mux connect zrepl_data ./state
	[ -s state.one.end ]
	both zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve ./state' ListFilesystems '{}'
	[ -s state.one.ListFilesystems ]
	both zr-remote 'exec:exec 5< state; zr-handshake accept zr-mux accept zr-serve -T 20 zr-remote "exec:zr-handshake accept zr-mux accept zr-serve ./state"' ListFilesystems '{}'
}

@test "errors, statuses and the steps between two endpoints are the same" {
	mkdir archive
	both zr-connect 'exec:zr-handshake accept cat > /dev/null' zr-handshake connect zr-mux connect zrepl_data true
	both zr-remote 'exec:exit 3' Ping '{}'
	both zr-remote -x
	both zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive archive' Send '{}'
	both zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive nowhere' ListFilesystems '{}'
	both zr-connect 'exec:cat > /dev/null' nowhere-to-be-found
	both zr-connect 'exec:cat > /dev/null' zr-mux connect label ./files
	both zr-replicate -s 'zr-endpoint archive archive' -r "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive archive'"
	both zr-replicate -q -a 1 -s 'zr-endpoint archive nowhere' -r 'zr-endpoint archive archive'
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
