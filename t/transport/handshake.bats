# zr-handshake: version banners, on real sockets.
load ../lib/helper

OURS='0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0000'
WITH='0000000066 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-1'

# peer TEXT ARGUMENTS...: zr-handshake against a peer that says TEXT.
peer() {
	printf '%b' "$1" > said
	run --separate-stderr zr-connect exec:'cat said; cat > heard' zr-handshake "${@:2}"
}

@test "both sides send at once, and the program after it gets the next byte" {
	peer "$OURS\nnext line\n" connect sh -c "head -n 1 <&6"
	[ "$status" -eq 0 ]
	[ "$output" = "next line" ]
	[ -z "$stderr" ]
	echo "$OURS" > ours
	eventually 20 cmp -s heard ours
	run --separate-stderr zr-connect exec:'zr-handshake accept sh -c "echo served; cat"' zr-handshake connect sh -c 'head -n 1 <&6'
	[ "$status" -eq 0 ]
	[ "$output" = served ]
}

@test "extensions are read to their last byte and ignored" {
	peer '0000000064 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0002\nfoo\nbar\nafter\n' connect sh -c "head -n 1 <&6"
	[ "$output" = after ]
}

@test "an extension is agreed upon if the client has offered it and the server has it, too" {
	export ZR_EXTENSIONS=zr-zstd-1	# forged
	printf '%b\n' "$WITH" > with
	printf '%s\n' "$OURS" > ours
	peer "$WITH\nx" -z connect sh -c 'echo "$ZR_EXTENSIONS"; head -c 1 <&6'
	[ "$output" = $'zr-zstd-1\nx' ]
	eventually 20 cmp heard with
	peer "$OURS\n" -z connect sh -c 'echo "${ZR_EXTENSIONS-none}"'
	[ "$output" = none ]
	peer "$WITH\n" connect sh -c 'echo "${ZR_EXTENSIONS-none}"'
	[ "$output" = none ]
	eventually 20 cmp heard ours
}

@test "a server has an extension in its banner only for a client that offers it, and not with -Z" {
	export ZR_EXTENSIONS=zr-zstd-1	# forged
	printf '%b\nx' "$WITH" > with
	run -0 zr-handshake accept sh -c 'echo "$ZR_EXTENSIONS"; cat' < with
	[ "$output" = "$(printf '%b\nzr-zstd-1\nx' "$WITH")" ]
	run -0 zr-handshake -Z accept sh -c 'echo "${ZR_EXTENSIONS-none}"; cat' < with
	[ "$output" = "$OURS"$'\nnone\nx' ]
	for banner in "$OURS" '0000000067 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-10' \
	    '0000000064 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0002\nfoo\nbar'; do
		run -0 zr-handshake accept sh -c 'echo "${ZR_EXTENSIONS-none}"; cat' < <(printf '%b\nx' "$banner")
		[ "$output" = "$OURS"$'\nnone\nx' ]
	done
	run -98 --separate-stderr zr-handshake accept true < <(printf '%b\n' "${WITH/0007/0008}")
	[ "$output" = "$OURS" ]
	run -100 --separate-stderr zr-handshake -z accept true
	stderr_has '-z is for connect'
	run -100 --separate-stderr zr-handshake -Z connect true
	stderr_has '-Z is for accept'
}

@test "-n -z tells whether the server compresses" {
	zr-connect exec:'zr-handshake accept true' zr-handshake -nz connect > said
	diff said - <<-'END'
	zrepl protocol version 7, 1 extensions
	extension: "zr-zstd-1"
	END
	run -0 zr-connect exec:'zr-handshake -Z accept true' zr-handshake -nz connect
	[ "$output" = 'zrepl protocol version 7, 0 extensions' ]
}

@test "where libzstd cannot be loaded, -z is an error, and a server does not compress" {
	mkdir lib
	: > lib/libzstd.so.1
	printf '%b\n' "$WITH" > with
	export LD_LIBRARY_PATH=$PWD/lib
	run -111 --separate-stderr zr-connect exec:'cat > heard' zr-handshake -z connect true
	stderr_has 'no compression without libzstd: '
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
	[ ! -s heard ]
	run -0 zr-handshake accept sh -c 'echo "${ZR_EXTENSIONS-none}"' < with
	[ "$output" = "$OURS"$'\nnone' ]
}

@test "another version is an error that names both; our banner is sent all the same" {
	peer '0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0006 EXTENSIONS=0000\n' connect false
	[ "$status" -eq 98 ]
	stderr_has "the peer speaks protocol version 6, we speak version 7"
	echo "$OURS" > ours
	eventually 20 cmp -s heard ours
}

@test "a peer that speaks ssh, HTTP or TLS, closes or is silent is named" {
	peer 'SSH-2.0-OpenSSH_9.2\r\n' connect false
	[ "$status" -eq 98 ]
	stderr_has "an SSH server"
	peer 'HTTP/1.1 400 Bad Request\r\n' connect false
	[ "$status" -eq 98 ]
	stderr_has "an HTTP server"
	peer '\025\003\001\0\002\002\026' connect false
	[ "$status" -eq 98 ]
	stderr_has "a TLS server"
	run --separate-stderr zr-connect exec:'read -r line' zr-handshake connect false
	[ "$status" -eq 98 ]
	stderr_has "closed the connection without a banner"
	run --separate-stderr zr-connect exec:'cat > /dev/null' zr-handshake -t 1 connect false
	[ "$status" -eq 99 ]
	stderr_has "sent no banner in time"
	run --separate-stderr zr-connect exec:'printf 00000000; cat > /dev/null' zr-handshake -t 1 connect false
	[ "$status" -eq 99 ]
	stderr_has "the peer's banner: timed out"
}

@test "-n names the peer and runs nothing" {
	peer '0000000060 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\nfoo\n' -n connect
	[ "$status" -eq 0 ]
	[ "$output" = $'zrepl protocol version 7, 1 extensions\nextension: "foo"' ]
	peer '0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0005 EXTENSIONS=0000\n' -n connect
	[ "$status" -eq 98 ]
	[ "$output" = 'zrepl protocol version 5, 0 extensions' ]
	peer 'SSH-2.0-OpenSSH_9.2\r\n' -n connect
	[ "$status" -eq 98 ]
	[ "$output" = 'not zrepl: an SSH server' ]
	peer 'SSHCON_HELO' -n connect
	[ "$status" -eq 98 ]
	[[ "$output" == 'not zrepl: zrepl'* ]]
	for page in '<html>\r\n<head><title>400 Bad Request' '<!DOCTYPE HTML>\n<html lang="en">'; do
		peer "$page" -n connect
		[ "$status" -eq 98 ]
		[ "$output" = 'not zrepl: an HTTP server' ]
	done
	peer 'who are \033[31myou?\n' -n connect
	[ "$status" -eq 98 ]
	[ "$output" = \
	    "not zrepl: the peer's banner does not begin with a length; it says \"who are \\033[31myou?\\n\"" ]
	run --separate-stderr zr-connect exec:'cat > /dev/null' zr-handshake -n -t 1 connect
	[ "$status" -eq 99 ]
	[ "$output" = 'not zrepl: the peer sent no banner in time' ]
	run --separate-stderr zr-connect exec:'read -r line' zr-handshake -n connect
	[ "$status" -eq 98 ]
	[[ "$output" == 'not zrepl: the peer closed the connection without a banner, as '* ]]
}

@test "for a peer that is silent or unknown the usual reason is named" {
	run -98 --separate-stderr zr-connect exec:'read -r line' zr-handshake connect false
	[ "$stderr" = 'zr-handshake: hint: the peer closed the connection without a banner, as a failed command does: its message above is the cause' ]
	background zr-listen -1 -i 192.0.2.1=web tcp:127.0.0.1:0 true > port 2> log
	eventually 20 test -s port
	run -98 --separate-stderr zr-connect "tcp:127.0.0.1:$(cat port)" zr-handshake connect false
	stderr_has 'without a banner, as a server does that has no entry for our address (zr-listen -i, -I) or wants TLS'
	peer 'Welcome to \033[1mthis\033[0m host, dear user of it\n' connect false
	[ "$status" -eq 98 ]
	stderr_has 'it says "Welcome to \033[1mthis\033[0m host, de" (does a shell start-up file print?)'
}

@test "-n names a TLS server, which does not answer a banner" {
	zr-cert ca pki > /dev/null
	zr-cert server pki server localhost > /dev/null
	background zr-listen -1 tcp:127.0.0.1:0 zr-tls -d pki -n server -c nobody accept true > port 2> log
	eventually 20 test -s port
	run --separate-stderr zr-connect "tcp:127.0.0.1:$(cat port)" zr-handshake -n connect
	[ "$status" -eq 98 ]
	[[ "$output" == *wants\ TLS* ]]
}

@test "-n encodes text from a peer, and reports a full disk" {
	printf '0000000063 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0001\na\033[31m\n' > said
	run --separate-stderr zr-connect exec:'cat said; cat > heard' zr-handshake -n connect
	[ "$status" -eq 0 ]
	[ "${lines[1]}" = 'extension: "a\033[31m"' ]
	stderr=$(zr-connect exec:'cat said; cat > heard' zr-handshake -n connect 2>&1 > /dev/full) && status=0 || status=$?
	[ "$status" -eq 111 ]
	stderr_has "standard output: No space left on device"
}

@test "usage errors and programs that cannot be executed have their statuses" {
	run --separate-stderr zr-handshake connect
	[ "$status" -eq 100 ]
	stderr_has "usage: zr-handshake"
	run --separate-stderr zr-handshake greet true
	[ "$status" -eq 100 ]
	run --separate-stderr zr-handshake -f 40,41 connect true
	[ "$status" -eq 100 ]
	stderr_has "descriptor 40 is not open"
	printf '%s\n' "$OURS" > said
	run -127 --separate-stderr zr-connect exec:'cat said; cat > heard' zr-handshake connect /nonexistent/program
	stderr_has "cannot execute /nonexistent/program"
	peer "$OURS\n" connect /
	[ "$status" -eq 126 ]
}

@test "an option behind connect or accept is a usage error before a byte is written" {
	for role in connect accept; do
		run -100 --separate-stderr zr-handshake -f 8,9 $role -t 5 true 8< /dev/null 9> out
		stderr_has '-t stands where a program is expected'
		[ ! -s out ]
	done
}

@test "recorded servers and clients are understood" {
	for name in d02-send-1MiB.data c02-list.control r08-extensions-in-banner.raw; do
		for side in c2s s2c; do
			run --separate-stderr zr-connect exec:"cat '$DATA/recordings/$name.$side.bin'; cat > /dev/null" zr-handshake connect true
			[ "$status" -eq 0 ] || { echo "$name.$side: $stderr"; false; }
		done
	done
	run --separate-stderr zr-connect exec:"cat '$DATA/recordings/r01-wrong-version.raw.c2s.bin'; cat > /dev/null" zr-handshake connect true
	[ "$status" -eq 98 ]
	stderr_has "the peer speaks protocol version 6, we speak version 7"
	run --separate-stderr zr-handshake accept true < "$DATA/recordings/r01-wrong-version.raw.c2s.bin"
	[ "$status" -eq 98 ]
	[ "$output" = "$OURS" ]
	stderr_has "the peer speaks protocol version 6, we speak version 7"
}

@test "the recorded silent client gets our banner, and the end after 10 s" {
	local began=$SECONDS
	timeout 30 zr-connect exec:'zr-handshake accept touch ran 2> log; echo $? > status' \
	    sh -c 'cat <&6 > heard'
	began=$((SECONDS - began))
	echo "$began s"
	[ "$began" -ge 9 ]
	[ "$began" -le 13 ]
	cmp heard "$DATA/recordings/r03-silent-client.raw.s2c.bin"
	[ "$(cat status)" = 99 ]
	[ "$(cat log)" = "zr-handshake: the peer sent no banner in time" ]
	[ ! -e ran ]
}
