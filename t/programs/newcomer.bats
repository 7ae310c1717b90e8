# What somebody does wrong who begins: each program says in one line what it is, and what
# to do where that is not plain from it.
load ../lib/helper

# says STATUS TEXT COMMAND...: it ends with this status and one line, which has TEXT.
says() {
	local status=0
	timeout 30 "${@:3}" < /dev/null > /dev/null 2> errors || status=$?
	[ "$status" -eq "$1" ] && [ "$(wc -l < errors)" -eq 1 ] && grep -qF -e "$2" errors || {
		echo "${*:3}: status $status, not $1 with: $2"
		cat errors
		return 1
	}
}

# shows_usage COMMAND...: its synopsis, status 100
shows_usage() {
	local status=0
	"$@" < /dev/null > /dev/null 2> errors || status=$?
	[ "$status" -eq 100 ]
	[ "$(head -c 7 errors)" = 'usage: ' ]
}

@test "a program without the arguments that it needs shows how it is called" {
	for program in zr-replicate zr-list zr-endpoint zr-prune zr-sync; do
		shows_usage $program
	done
	shows_usage zr-list archive .
	shows_usage zr-sync tank/web
	shows_usage zr-replicate -s 'zr-endpoint archive .'
	says 100 'a DATASET is missing' zr-snap -r
	says 100 'there is no rule: -k RULE or -K FILE' zr-prune -e 'zr-endpoint archive .'
}

@test "zr-endpoint: a store, a method, a directory and a request that are not there" {
	says 100 'where archive, receiver or sender is expected' zr-endpoint recevier . Ping '{}'
	says 100 'a METHOD is missing after ., such as ListFilesystems' zr-endpoint archive .
	says 100 'no such method (Ping, ListFilesystems,' zr-endpoint archive . ListFilesystem '{}'
	says 100 'no request as an argument or on standard input' zr-endpoint archive . ListFilesystems
	says 100 'not JSON for ListFilesystemReq: byte 2: a string is expected' \
	    zr-endpoint archive . ListFilesystems '{Filesystem:1}'
	says 1 '"x/" is not the name of a filesystem' \
	    zr-endpoint archive . ListFilesystemVersions '{"Filesystem":"x/"}'
	says 1 'ZR_CLIENT_IDENTITY is not set; -c IDENTITY gives one' \
	    zr-endpoint archive -C . ListFilesystems '{}'
	run ! zr-endpoint archive nowhere ListFilesystems '{}'
	[ "${lines[0]}" = 'zr-endpoint: log: nowhere: No such file or directory' ]
	says 100 'filter entry: a filesystem'"'"'s name, with "<" behind it' \
	    zr-endpoint sender -f tank/ ListFilesystems '{}'
	says 100 '"tank/" is not the name of a filesystem' zr-endpoint receiver -n tank/ ListFilesystems '{}'
}

@test "an endpoint that cannot be run or reached" {
	says 127 'zr-endpont: not found' zr-list -e 'zr-endpont archive .'
	says 111 '127.0.0.1 port 1: cannot connect: 127.0.0.1: Connection refused' \
	    zr-list -e 'zr-remote tcp:127.0.0.1:1'
	says 100 'tcp:127.0.0.1: HOST:PORT is expected' zr-list -e 'zr-remote tcp:127.0.0.1'
	says 100 'not an address (tcp:HOST:PORT, tls:HOST:PORT,' zr-list -e 'zr-remote 127.0.0.1:8888'
	says 100 '(-d DIRECTORY -n NAME, or -a CA -b CERTIFICATE -p KEY)' \
	    zr-list -e 'zr-remote tls:127.0.0.1:8888'
	background zr-listen -1 tcp:127.0.0.1:0 cat > port
	eventually 20 test -s port
	says 111 'nowhere/ca.crt: No such file or directory' \
	    zr-list -e "zr-remote -d nowhere -n web1 tls:127.0.0.1:$(cat port)"
}

@test "without zfs every program that needs it says so" {
	export ZR_ZFS=/nowhere/zfs
	says 127 'cannot execute /nowhere/zfs: No such file or directory' zr-snap tank
	says 127 'cannot execute /nowhere/zfs: No such file or directory' \
	    zr-endpoint sender -f tank ListFilesystems '{}'
	run ! zr-sync tank/web pool/web
	[[ "$output" == *'cannot execute /nowhere/zfs: No such file or directory'* ]]
}

@test "zr-snap, zr-prune, zr-check: names, rules, ages and files that are wrong" {
	says 100 'tank/: not a name of a filesystem or volume' zr-snap tank/
	says 100 'tank@x: not a name of a filesystem or volume' zr-snap tank@x
	says 100 '-i wants a number and one of s m h d w, not 5' zr-snap -i 5 tank
	says 100 '-x is for -r' zr-snap -x tank/a tank
	says 100 'the intervals behind the expression are missing' zr-prune -k 'grid 1x1h' listing
	says 100 'none of grid, last_n, regex, not_regex, not_replicated' zr-prune -k 'grd . 1x1h' listing
	says 111 'listing: No such file or directory' zr-prune -k 'grid . 1x1h' listing
	says 100 '-y has no effect with a listing' zr-prune -y -k 'grid . 1x1h' listing
	says 3 '-w wants an age, a number and one of s m h d w, not 2' zr-check -w 2 listing
	run -3 zr-check -w 2h listing
	[ "$output" = 'UNKNOWN: listing: No such file or directory' ]
}

@test "zr-sync: invalid places" {
	says 100 'is a whole pool: name a dataset in it, such as pool/web' zr-sync tank/web pool
	says 100 'write it without the slash at its end' zr-sync tank/web/ pool/web
	says 100 'a dataset begins without a slash; a directory is archive:/backup' zr-sync tank/web /backup
	says 100 'drop @monday' zr-sync tank/web@monday pool/web
	says 100 'SOURCE and TARGET are the same place' zr-sync tank/web tank/web
	says 100 "(-T '-d DIRECTORY -n NAME', see zr-remote(1))" zr-sync tank/web tls:127.0.0.1:1
	run ! zr-sync tank/web archive:nowhere
	[ "$output" = 'zr-sync: archive:nowhere: no such directory (mkdir nowhere)' ]
}

@test "zr: a program that is misspelt is guessed" {
	says 100 'did you mean "zr sync"?' zr snyc
	says 100 'did you mean "zr sync"?' zr help snyc
}
