# zr-sync: the zr-replicate line that it writes, and what it refuses to write.  In place of
# zr-replicate a script that prints its arguments; archives are replicated by the real one.
load ../lib/helper
load ../lib/replicate

setup() {
	enter_directory || return
	mkdir bin archive web backup
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' > bin/zr-replicate
	printf '#!/bin/sh\n' > ssh
	chmod +x bin/zr-replicate ssh
	export ZR_SSH=$PWD/ssh
}

# line ARGUMENT...: those of zr-replicate, in $output.
line() {
	PATH=$PWD/bin:$PATH run -0 --separate-stderr zr-sync "$@"
}

# refused TEXT ARGUMENT...: with this one line.
refused() {
	PATH=$PWD/bin:$PATH run -100 --separate-stderr zr-sync "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "zr-sync: $1" ] || { echo "$stderr"; return 1; }
}

@test "push, pull, a third party and a local run have the endpoints where the datasets are" {
	line tank/web backup:pool/web
	[ "$output" = "-m
tank/web=web
-s
zr-endpoint sender -j backup_pool_web -f 'tank/web<'
-r
zr-endpoint receiver -H backup -n -u -e inherit -o readonly=on -j backup_pool_web pool" ]
	line root@web:tank/web pool/of/web1
	[ "$output" = "-m
tank/web=web1
-s
zr-endpoint sender -H root@web -j pool_of_web1 -f 'tank/web<'
-r
zr-endpoint receiver -n -u -e inherit -o readonly=on -j pool_of_web1 pool/of" ]
	line 'web:tank/a b' '[fe80::1]:pool/b c'
	[ "$output" = "-m
tank/a b=b c
-s
zr-endpoint sender -H web -j _fe80__1__pool_b_c -f 'tank/a b<'
-r
zr-endpoint receiver -H fe80::1 -n -u -e inherit -o readonly=on -j _fe80__1__pool_b_c pool" ]
	line tank u@[::1]:'pool/x y/tank'
	[ "${lines[1]}" = 'tank=tank' ]
	[ "${lines[5]}" = "zr-endpoint receiver -H u@::1 -n -u -e inherit -o readonly=on -j u____1__pool_x_y_tank 'pool/x y'" ]
}

@test "an archive or an address has its own names: with -f one of them becomes TARGET, else all come below it" {
	line archive:archive tank/restored
	[ "$output" = "-I
all
-s
zr-endpoint archive archive
-r
zr-endpoint receiver -c restored -u -e inherit -o readonly=on -j tank_restored tank" ]
	line -f pool/web -I most_recent archive:archive tank/restored
	[ "$output" = "-I
most_recent
-m
pool/web=restored
-s
zr-endpoint archive archive
-r
zr-endpoint receiver -n -u -e inherit -o readonly=on -j tank_restored tank
pool/web" ]
	line -T '-d /etc/zr -n web1' -f 'a b' tls:backup.example:8888 archive:archive
	[ "$output" = "-s
zr-remote -d /etc/zr -n web1 tls:backup.example:8888
-r
zr-endpoint archive archive
a b" ]
	for address in tcp:h:1 ssh:u@h:2 unix:/run/zr "exec:ssh h it's \"zr\""; do
		line tank/web "$address"
		[ "${lines[1]}" = "zr-endpoint sender -j $(tr -c 'a-zA-Z0-9\n' _ <<< "$address") -f 'tank/web<'" ]
		words=("${lines[3]}")
		eval "words=(${lines[3]})"
		[ "${words[0]}" = zr-remote ]
		[ "${words[1]}" = "$address" ]
		[ "${#words[@]}" -eq 2 ]
	done
}

@test "options of zr-replicate are passed on; those of the endpoints are put into their strings" {
	line -w -S '-L -c' -R '-S -x mountpoint' tank/web pool/web
	[ "${lines[3]}" = "zr-endpoint sender -E -w -j pool_web -f 'tank/web<' -L -c" ]
	[ "${lines[5]}" = 'zr-endpoint receiver -n -u -e inherit -o readonly=on -j pool_web -S -x mountpoint pool' ]

	line -nqjl -P 2 -k 'grid . 1x1h | 2x1d' -K rules -m tank/web/a=web/b -x "^auto '\"\$\`\\!" -e events -g nothing \
	    -J "a job" -a 3 -t 4 -W 5 -Z 6 -i . tank/web pool/web
	[ "$output" = "-n
-q
-j
-l
-P
2
-k
grid . 1x1h | 2x1d
-K
rules
-m
tank/web/a=web/b
-x
^auto '\"\$\`\\!
-e
events
-g
nothing
-a
3
-t
4
-W
5
-Z
6
-i
.
-m
tank/web=web
-J
a job
-s
zr-endpoint sender -j 'a job' -f 'tank/web<'
-r
zr-endpoint receiver -n -u -e inherit -o readonly=on -j 'a job' pool" ]
}

@test "-v prints the line as a shell reads it, and passes -v on" {
	mkdir "it's \"one\" \$HOME"
	for source in 'tank/a b' "archive:it's \"one\" \$HOME"; do
		line -v -x "a'b" -e 'new
line' "$source" backup:pool/web
		[ "${lines[0]}" = -v ]
		for shell in dash bash; do
			again=$(PATH=$PWD/bin:$PATH $shell -c "$stderr")
			[ "$again" = "$output" ]
		done
	done
	line -v tank/web backup:pool/web
	[ "$stderr" = "zr-replicate -v -m tank/web=web -s \"zr-endpoint sender -j backup_pool_web -f 'tank/web<'\" -r 'zr-endpoint receiver -H backup -n -u -e inherit -o readonly=on -j backup_pool_web pool'" ]
}

@test "a long name of a job ends in a digest, and is the same in every run" {
	long=backup.example:pool/$(printf '%050d' 0)/web
	line tank/web "$long/1"
	first=$(sed -n "s/.*sender -j \([^ ]*\) .*/\1/p" <<< "$output")
	[ "${#first}" -le 40 ]
	line tank/web "$long/1"
	[ "$first" = "$(sed -n "s/.*sender -j \([^ ]*\) .*/\1/p" <<< "$output")" ]
	line tank/web "$long/2"
	[ "$first" != "$(sed -n "s/.*sender -j \([^ ]*\) .*/\1/p" <<< "$output")" ]
	# Each of these is a job's name.
	line tank/web "böse:pool/e"
	job=$(sed -n "s/.*sender -j \([^ ]*\) .*/\1/p" <<< "$output")
	run zr-endpoint sender -j "$job" -f '<' Ping '{}'
	[ "$status" -eq 0 ]
}

@test "what cannot be meant is refused, in one line that says what to write" {
	refused 'pool/web: SOURCE and TARGET are the same place' pool/web pool/web
	refused 'pool/web/old is inside of pool/web: it would replicate itself' pool/web pool/web/old
	refused 'h:pool/web is inside of h:pool' h:pool/web h:pool
	refused 'backup:tank is a whole pool: name a dataset in it, such as backup:tank/web' pool/web backup:tank
	refused 'tank is a whole pool: name a dataset in it, such as tank/web' web tank
	refused "tank/web@monday: drop @monday: a dataset comes with its snapshots (-i and -x choose some)" tank/web@monday pool/web
	refused "h:tank/web#mark: drop #mark: a dataset comes with its snapshots (-i and -x choose some)" h:tank/web#mark pool/web
	refused 'tank/web/: write it without the slash at its end' tank/web/ pool/web
	refused '/tank/web: a dataset begins without a slash; a directory is archive:/tank/web' /tank/web pool/web
	refused 'h:/tank: a dataset begins without a slash; a directory is archive:/tank' pool/web h:/tank
	refused 'archive:none: no such directory (mkdir none)' tank/web archive:none
	refused "archive:-x y: no such directory (mkdir './-x y')" 'archive:-x y' tank/web
	refused "tls:h:1: where are the CA, our certificate and its key? (-T '-d DIRECTORY -n NAME', see zr-remote(1))" tank/web tls:h:1
	refused 'fe80::1:tank/web: HOST:DATASET is expected, an IPv6 address in brackets' fe80::1:tank/web pool/web
	refused ':tank: "" is not [USER@]HOST' :tank pool/web
	refused 'u@:tank: "u@" is not [USER@]HOST' u@:tank pool/web
	refused '-oProxyCommand=x:tank: "-oProxyCommand=x" is not [USER@]HOST' -- -oProxyCommand=x:tank pool/web
	refused 'u@-oProxyCommand=x:tank: "u@-oProxyCommand=x" is not [USER@]HOST' u@-oProxyCommand=x:tank pool/web
	for host in '' - -ox u@ u@-ox @h '$(touch evaluated)' '`x`' "a'b" 'a"b' 'a b' 'a;b' 'a
b' 'h*' 'h?' 'a\b' 'a]b'; do
		refused "$host:pool/x: \"$host\" is not [USER@]HOST" -- "$host:pool/x" tank/web
		refused "[$host]:pool/x: \"$host\" is not [USER@]HOST" -- "[$host]:pool/x" tank/web
	done
	refused "'h:' names no dataset" h: pool/web
	refused "'' names no dataset" tank/web ''
	for name in a//b a/./b ../b 'a/b*' "a'b" -a 'a
b'; do
		refused "h:$name: $name cannot be the name of a dataset" "h:$name" pool/web
	done
}

@test "an option that has no effect is refused" {
	refused 'tank/web: -f is for a SOURCE that is an archive or an address' -f x tank/web pool/web
	refused 'archive:archive: -S and -w are for a SOURCE that is a dataset' -w archive:archive pool/web
	refused 'archive:archive: -S and -w are for a SOURCE that is a dataset' -S -L archive:archive pool/web
	refused 'archive:archive: -R is for a TARGET that is a dataset' -R -S tank/web archive:archive
	refused '-T is for an address, and neither place is one' -T '-r 1' tank/web pool/web
	refused '-f -x: a filesystem is expected, and an option follows' -f -x archive:archive pool/web
	refused '-J has an empty argument' -J '' tank/web pool/web
	refused '-n stands where a place is expected: options come first' tank/web -n
	refused '-J is for datasets and for -e, and neither place is a dataset' -J x archive:archive tcp:h:1
	run -100 zr-sync tank/web
	run -100 zr-sync tank/web pool/web pool/else
	run -100 zr-sync -s x tank/web pool/web
}

@test "between archives it replicates, with zr-replicate's pid, output and exit status" {
	lay web pool/a 1 4 pool/b 1 1
	run -0 --separate-stderr zr-sync -f pool/a archive:web archive:backup
	[ "$(grep -c ' in ' <<< "$output")" -eq 4 ]
	same web/pool/a backup/pool/a
	[ ! -e backup/pool/b ]
	run -0 --separate-stderr zr-sync -q archive:web archive:backup
	same web backup
	run -1 --separate-stderr zr-sync -f pool/none archive:web archive:backup
	stderr_has 'pool/none: the sender has no such filesystem'
	printf '#!/bin/sh\necho $$\nkill -TERM $$\n' > bin/zr-replicate
	PATH=$PWD/bin:$PATH background zr-sync archive:web archive:backup > pid
	ended_with 143 $!
	[ "$(cat pid)" = $! ]
}

@test "-s takes a snapshot of SOURCE first, where it is; without one nothing is replicated, and -n takes none" {
	printf '#!/bin/sh\necho "$*" >> snap\nexit "$(cat status)"\n' > bin/zr-snap
	chmod +x bin/zr-snap
	echo 0 > status
	line -s 'tank/a b' pool/b
	[ "${lines[0]}" = -m ]
	[ "$(cat snap)" = '-r tank/a b' ]
	line -sv u@web:tank/web pool/b
	[ "$(tail -n 1 snap)" = '-r -H u@web tank/web' ]
	[[ "$stderr" == 'zr-snap -r -H u@web tank/web && zr-replicate -v -m tank/web=b '* ]]
	rm snap
	line -ns tank/web pool/b
	[ ! -e snap ]
	echo 3 > status
	PATH=$PWD/bin:$PATH run -3 --separate-stderr zr-sync -s tank/web pool/b
	[ -z "$output$stderr" ]
	refused "archive:archive: -s is for a SOURCE that is a dataset" -s archive:archive pool/b
}
