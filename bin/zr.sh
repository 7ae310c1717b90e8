#!/bin/sh
# zr: the front of the programs: lists them, runs one, shows its page.
set -eu

usage='zr [PROGRAM [ARGUMENT ...]]
       zr help [PROGRAM]'

help() {
	printf 'usage: %s\nSee zr(1).\n' "$usage" || exit 111
	exit 0
}

# The lines are those of the manual pages (a test compares them).
list() {
	cat <<-'END'
	Begin here:
	  sync         replicate a dataset, here or on another host, in one line
	  snap         snapshots of many filesystems at one moment, with one name
	  prune        destroy the snapshots that no rule keeps
	  check        are the snapshots young enough, and replicated
	  status       what a run of zr-replicate does, or has done
	What zr sync is made of, and how to look closer:
	  replicate    replicate every filesystem of one endpoint to another
	  endpoint     the endpoint interface on a store of snapshots
	  list         list the filesystems of an endpoint and their versions
	  plan         which steps bring a receiver up to date
	  step         one replication step between two endpoints
	  holds        list and release what replication left on pools
	  token        decode a resume token
	  verify       prove that two endpoints hold the same snapshots
	  streamsum    a digest of a snapshot, from a send stream
	  scrub        read every stream of an archive again, and say what is damaged
	Servers, and their clients:
	  listen       accept connections and run a program for each
	  serve        serve an endpoint on a labelled connection
	  guard        keep what a client of an endpoint may not destroy
	  cert         make, show and check certificates for zr-tls
	  remote       an endpoint at the other end of a connection
	  ssh          an endpoint on another host, over ssh alone
	Layers of a connection:
	  connect      open a connection and execute the rest of the line
	  tls          TLS between the network and the rest of the command line
	  ssh-connect  connect to a stdinserver over ssh
	  stdinserver  the forced command behind an ssh key
	  handshake    exchange protocol versions on a connection
	  mux          write or read the label of a connection
	  rpc          make or serve calls on a control connection
	  dataconn     one request, and one stream, on a data connection
	  dump         decode the recorded bytes of a connection
	"zr help PROGRAM" shows a program's page, "zr help" where to begin.
	END
}

# What may have been meant: what begins so, or has two letters of difference at most.
guess() {
	list | awk -v given="$1" '
	function least(a, b) { return (a < b ? a : b) }
	function distance(a, b,    i, j, row, before, above) {
		for (j = 0; j <= length(b); j++)
			row[j] = j
		for (i = 1; i <= length(a); i++) {
			before = row[0]
			row[0] = i
			for (j = 1; j <= length(b); j++) {
				above = row[j]
				row[j] = least(least(row[j - 1], above) + 1,
				    before + (substr(a, i, 1) != substr(b, j, 1)))
				before = above
			}
		}
		return (row[length(b)])
	}
	/^  / {
		far = index($1, given) == 1 ? 0.5 : distance(given, $1)
		if (nearest == "" || far < best) {
			best = far
			nearest = $1
		}
	}
	END {
		if (best <= 2 && best < length(given))
			print nearest
	}'
}

# program NAME: it is one that we have, or end with a guess.
program() {
	name=${1#zr-}
	case $name in
	'' | -* | *[!a-z0-9-]*) ;;
	*) ! command -v "zr-$name" > /dev/null || return 0 ;;
	esac
	nearest=$(guess "$name")
	case $nearest in
	'') advice='"zr" lists them' ;;
	*) advice="did you mean \"zr $nearest\"?" ;;
	esac
	printf 'zr: there is no program "%s": %s\n' "$name" "$advice" >&2
	exit 100
}

case $#:${1-} in
0:) list || exit 111; exit 0 ;;
1:--help | 1:-h) help ;;
1:--version) echo 'zr (zr) @VERSION@' || exit 111; exit 0 ;;
1:help) exec man zr ;;
2:help) program "$2"; exec man "zr-$name" ;;
*:-* | *:help) printf 'usage: %s\n' "$usage" >&2; exit 100 ;;
esac
program "$1"
shift
exec "zr-$name" "$@"
