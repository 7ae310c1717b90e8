# How a stream begins, seen by zr-endpoint receiver with a stand-in for zfs: what is
# not known yet leads to nothing, however the bytes arrive.
load ../lib/helper
load ../lib/zfs_faults

# A placeholder with a snapshot, which a full stream would replace.
placeholder() {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	does recv <<< 'sha256sum > "$HOME/received"'
}

touched() {
	grep -v -e '^get' -e '^$' ran
}

# received FILE: zfs recv has got all of it, and nothing else.
received() {
	[ "$(cat received)" = "$(sha256sum < "$1")" ]
}

# receive_socket FILE [PIECE]: Receive with FILE on a socket, sent in pieces.
receive_socket() {
	run --separate-stderr timeout 60 /usr/bin/python3 - "$@" <<-'END'
	import socket, subprocess, sys, threading
	ours, theirs = socket.socketpair()
	data = open(sys.argv[1], "rb").read()
	piece = int(sys.argv[2]) if len(sys.argv) > 2 else len(data)
	def send():
	    try:
	        for at in range(0, len(data), piece):
	            ours.sendall(data[at:at + piece])
	    except OSError:
	        pass
	    ours.close()
	threading.Thread(target=send, daemon=True).start()
	sys.exit(subprocess.run(["zr-endpoint", "receiver", "-c", "host", "-e", "inherit", "-j", "job",
	    "tank/sink", "Receive", open("request").read()], stdin=theirs).returncode)
	END
}

@test "an increment that pauses in its first record is waited for, and its base stays" {
	placeholder
	stream from=11
	receiver Receive "$(receive_request)" < <(head -c 100 stream; sleep 3; tail -c +101 stream)
	[ "$status" -eq 0 ]
	received stream
	[ "$(touched | head -n 1)" = 'recv -s -h -o zrepl:placeholder=off tank/sink/host/tank/a@2' ]
	run ! grep -e '^rollback' -e '^destroy' -e ' -F ' ran
}

@test "the guid is compared, however late it comes" {
	placeholder
	stream
	receiver Receive "$(receive_request | jq -c '.To.Guid = "7"')" < <(head -c 100 stream; sleep 3; tail -c +101 stream)
	[ "$status" -eq 1 ]
	stderr_has 'guid 12, not 7'
	run ! touched
}

@test "a beginning of any length is taken, from a file, a pipe and a socket, and zfs gets every byte" {
	placeholder
	receive_request > request
	# Below a pipe's capacity; above it; above what a pipe may have.
	for properties in 500 200000 3000000; do
		stream from=11 properties=$properties
		head -c 300000 /dev/urandom >> stream
		for how in file pipe slow socket pieces; do
			echo "$properties $how"
			rm -f received
			: > ran
			case $how in
			file) receiver Receive "$(cat request)" < stream ;;
			pipe) receiver Receive "$(cat request)" < <(cat stream) ;;
			slow) receiver Receive "$(cat request)" < <(head -c 350 stream; sleep 0.2; tail -c +351 stream) ;;
			socket) receive_socket stream ;;
			pieces) receive_socket stream 1000 ;;
			esac
			[ "$status" -eq 0 ]
			received stream
			run ! grep -e '^rollback' -e '^destroy' ran
		done
	done
}

@test "a beginning that arrives byte by byte is read as it comes" {
	placeholder
	stream from=11
	receive_request > request
	receive_socket stream 1
	[ "$status" -eq 0 ]
	received stream
}

@test "a package is refused by name, before anything is changed" {
	placeholder
	for properties in 500 200000; do
		stream properties=$properties package=yes
		for how in file pipe socket; do
			: > ran
			case $how in
			file) receiver Receive "$(receive_request)" < stream ;;
			pipe) receiver Receive "$(receive_request)" < <(cat stream) ;;
			socket) receive_request > request; receive_socket stream ;;
			esac
			[ "$status" -eq 1 ]
			stderr_has 'the stream is a package of several streams (zfs send -R): send one snapshot at a time'
			run ! touched
		done
	done
	receiver Receive "$(receive_request)" < "$DATA/streams/data.multi-I.zstream"
	[ "$status" -eq 1 ]
	stderr_has 'it is a package of several streams'
	run ! touched
}

@test "a stream that ends within its beginning changes nothing" {
	placeholder
	stream properties=500
	for length in 1 311 312 900 1400; do
		for how in file pipe socket; do
			: > ran
			head -c $length stream > cut
			case $how in
			file) receiver Receive "$(receive_request)" < cut ;;
			pipe) receiver Receive "$(receive_request)" < <(cat cut) ;;
			socket) receive_request > request; receive_socket cut ;;
			esac
			[ "$status" -eq 1 ]
			if [ $length -lt 312 ]; then
				stderr_has "the stream ends within its first record, after $length bytes"
			else
				stderr_has "the stream ends within its properties, after $length bytes"
			fi
			run ! touched
		done
	done
}

# held_back BYTES [VARIABLE=VALUE]: a Receive in the background that has got so
# many bytes of the stream and waits for more; descriptor 8 can write them.
held_back() {
	mkfifo held
	exec 8<> held
	head -c "$1" stream >&8
	background env "${@:2}" zr-endpoint receiver -c host -e inherit -j job tank/sink \
	    Receive "$(receive_request)" < held > answer 2> errors
	eventually 10 waiting
}

# ends STATUS: what held_back started.
ends() {
	local code=0
	wait "${children[-1]}" || code=$?
	[ $code -eq "$1" ] || { echo "status $code"; cat errors; return 1; }
}

@test "a signal ends the wait for a stream's beginning" {
	placeholder
	for length in 0 100; do
		rm -f held
		stream
		held_back $length
		kill "${children[-1]}"
		ends 143
		exec 8>&-
		run ! touched
	done
}

@test "a producer's failure ends the wait for a beginning, even if the pipe stays open" {
	placeholder
	stream
	mkfifo verdict
	exec 7<> verdict
	held_back 0 ZR_VERDICT=7
	echo 'out of luck' >&7
	ends 1
	grep -q 'out of luck' errors
	run ! touched
}

@test "if zfs recv ends early, so does the call, even in the middle of a long beginning" {
	placeholder
	stream from=11 properties=3000000
	says recv 'cannot receive: out of luck'
	for expected in 1 0; do
		mkfifo held$expected
		(exec 8> held$expected; cat stream >&8; exec sleep 1000) 3>&- &
		children+=($!)
		receiver Receive "$(receive_request)" < held$expected
		[ "$status" -eq $expected ]
		# And one that has read enough of it.
		does recv <<< 'head -c 5000 > /dev/null'
	done
}

@test "a stream that resumes missing or discarded state destroys nothing" {
	placeholder
	stream features=$((1 << 20))
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has 'the stream goes on with one of which nothing is left here'
	run ! touched
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
	END
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < stream
	[ "$status" -eq 1 ]
	stderr_has 'the stream goes on with one that ClearResumeToken gives up'
	run ! touched
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 0 ]
}

@test "-o and -x that do not apply to the stream's dataset are left out, and named once" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n'
	END
	options=(-o mountpoint=none -x canmount -o compression=lz4 -o volsize=1G -x org:mine)
	stream from=11 type=3
	run -0 --separate-stderr zr-endpoint receiver -c host -e inherit -j job "${options[@]}" tank/sink \
	    Receive "$(receive_request)" < stream
	[ "$stderr" = 'zr-endpoint: log: tank/sink/host/tank/a is a volume: left out -o mountpoint=none, -x canmount' ]
	[ "$(grep ^recv ran)" = 'recv -s -h -o compression=lz4 -o volsize=1G -x org:mine tank/sink/host/tank/a@2' ]
	: > ran
	stream from=11 type=2
	run -0 --separate-stderr zr-endpoint receiver -c host -e inherit -j job "${options[@]}" tank/sink \
	    Receive "$(receive_request)" < stream
	[ "$stderr" = 'zr-endpoint: log: tank/sink/host/tank/a is a filesystem: left out -o volsize=1G' ]
	[ "$(grep ^recv ran)" = 'recv -s -h -o mountpoint=none -x canmount -o compression=lz4 -x org:mine tank/sink/host/tank/a@2' ]
}

@test "a copied placeholder is named, and nobody is told to destroy it" {
	does get <<-'END'
	case $* in
	*'-s received'*) echo on ;;
	*) printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n' ;;
	esac
	END
	stream
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has 'zr-endpoint: log: tank/sink/host/tank/a is not a placeholder'
	stderr_has 'log: hint: "zfs set zrepl:placeholder=on tank/sink/host/tank/a"'
	[[ $stderr != *placeholder=on\ tank/a* ]]
	run ! touched
}

@test "zfs's advice to destroy more is not passed on" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n'
	END
	does recv <<-'END'
	printf '%s\n' "cannot receive: destination has snapshots (eg. tank/sink/host/tank/a@1)" \
	    "must destroy them to overwrite it" >&2
	exit 1
	END
	stream
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has 'destination has snapshots (eg. tank/a@1)'
	[[ $stderr != *destroy* ]]
}
