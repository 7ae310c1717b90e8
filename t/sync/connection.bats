# zr-sync: one ssh connection for a run, and nothing of it after the run.  In place of
# zr-replicate a script that uses the connection.
load ../lib/helper
load ../lib/sshd
load ../lib/sync

setup_file() {
	make_ssh_keys
	ssh-keygen -q -t ed25519 -N 'open sesame' -f "$SSH_DIR/locked"
	cat "$SSH_DIR/locked.pub" >> "$SSH_DIR/client.pub"
}

# A zr-replicate that runs ./run.
setup() {
	enter_directory || return
	hosts
	mkdir bin
	printf '#!/bin/sh\necho $$ > %q\nexec sh %q\n' "$PWD/pid" "$PWD/run" > bin/zr-replicate
	chmod +x bin/zr-replicate
	export PATH=$PWD/bin:$PATH
	cat > functions <<-'END'
		on() { "$ZR_SSH" -S "$ZR_SSH_CONTROL" -o ControlMaster=no -- "$1.test" 'echo ran'; }
		wait_for() { until [ -e "$1" ]; do sleep 0.05; done; }
	END
	echo '. ./functions' > run
}

teardown() {
	end_children
	[ -z "${TMPDIR-}" ] || rm -rf "$TMPDIR"
}

@test "all calls share one connection a host; it and its directory end with the run" {
	echo 'on one; on one; on alias; stat -c %a "${ZR_SSH_CONTROL%/*}"; exit 7' >> run
	run -7 zr-sync "$(id -un)@one.test:pool/a" alias.test:pool/b
	[ "$output" = "ran
ran
ran
700" ]
	[ "$(connections)" -eq 1 ] # one host, by the same user, has two names
	eventually 10 nothing_left
	run -7 zr-sync one.test:pool/a one.test:pool/b
	[ "$(connections)" -eq 2 ]
	eventually 10 nothing_left
}

@test "two hosts have a connection each" {
	echo 'on one; on two; on one; on two' >> run
	run -0 --separate-stderr zr-sync one.test:pool/a two.test:pool/b
	[ "$output" = "ran
ran
ran
ran" ]
	[ -z "$stderr" ]
	[ "$(connections)" -eq 2 ]
	eventually 10 nothing_left
}

@test "nothing is left after kill -9" {
	echo 'on one; : > started; sleep 60 9>&- > /dev/null 2>&1 & wait' >> run
	group zr-sync one.test:pool/a pool/b > out
	eventually 10 test -e started
	[ "$(cat pid)" = "$!" ]
	kill -KILL "$!"
	ended_with 137 "$!"
	eventually 10 nothing_left
	kill $(ps -o pid= -s "$!")
}

@test "after Ctrl-C the connection is there until zr-replicate has ended" {
	for signal in INT TERM HUP; do
		rm -f started cleaning go after
		cat functions - > run <<-END
			trap ': > cleaning; wait_for go; on one > after; exit 130' $signal
			: > started
			wait_for never
		END
		group zr-sync one.test:pool/a pool/b
		eventually 10 test -e started
		kill -s $signal -- "-$!"
		eventually 10 test -e cleaning
		: > go
		ended_with 130 "$!"
		[ "$(cat after)" = ran ]
		eventually 10 nothing_left
	done
	[ "$(connections)" -eq 3 ]
}

@test "a signal while ssh connects ends both" {
	mkfifo silence
	printf '#!/bin/sh\necho $$ > %q\nexec sleep 300\n' "$PWD/connecting" > sshd
	for signal in INT TERM HUP; do
		rm -f connecting
		group zr-sync one.test:pool/a pool/b
		eventually 10 test -s connecting
		kill -s $signal "$!"
		ended_with $((128 + $(kill -l $signal))) "$!"
		eventually 10 nothing_left
		kill "$(cat connecting)"
	done
	[ ! -e pid ]
}

@test "an ssh that was connecting when zr-sync was killed does not stay" {
	# It connects between the request to end and the removal of the directory.
	mv sshd real-sshd
	printf '#!/bin/sh\n: > connecting; until [ -e asked ]; do sleep 0.05; done\nexec ./real-sshd\n' > sshd
	chmod +x sshd
	mv ssh real-ssh
	cat > ssh <<-'END'
		#!/bin/sh
		case " $* " in
		*" -M "*) echo $$ > master; exec ./real-ssh "$@" ;;
		*" -O exit "*) ;;
		*) exec ./real-ssh "$@" ;;
		esac
		./real-ssh "$@"
		: > asked
		while kill -0 "$(cat master)" && [ -z "$(find "$TMPDIR" -type s ! -name '*.*')" ]; do sleep 0.05; done
	END
	chmod +x ssh
	group zr-sync one.test:pool/a pool/b
	eventually 10 test -e connecting
	kill -KILL "$!"
	ended_with 137 "$!"
	eventually 10 nothing_left
}

@test "a signal at any moment before zr-replicate runs leaves nothing" {
	for program in mktemp mkfifo mkdir; do
		cat > bin/$program <<-END
			#!/bin/sh
			export PATH=\${PATH#*:}
			$program "\$@" || exit
			kill -s "\$(cat '$PWD/signal')" 0
		END
		chmod +x bin/$program
		for signal in INT TERM HUP; do
			echo "$program $signal"
			echo $signal > signal
			group zr-sync one.test:pool/a pool/b
			ended_with $((128 + $(kill -l $signal))) "$!"
			eventually 10 nothing_left
		done
		rm bin/$program
	done
	[ ! -e pid ]
}

@test "where ssh is not admitted its message is shown, and one line of ours" {
	ssh_as stranger
	run -255 --separate-stderr zr-sync one.test:pool/a pool/b
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ "${stderr_lines[0]}" == *'Permission denied'* ]]
	[ "${stderr_lines[1]}" = 'zr-sync: one.test: no connection, ssh ended with status 255' ]
	[ ! -e pid ]
	eventually 10 nothing_left
	# The first connection ends where the second fails.
	ssh_as client
	sed -i 's/name=localhost/name=nowhere.invalid/' ssh
	run -255 --separate-stderr zr-sync one.test:pool/a two.test:pool/b
	stderr_has 'nowhere.invalid'
	stderr_has 'zr-sync: two.test: no connection'
	eventually 10 nothing_left
}

@test "a passphrase is asked for on the terminal, once" {
	ssh_as locked
	echo 'on one; on one' >> run
	run -0 timeout 60 /usr/bin/python3 -c 'if True:
		import os, pty, sys
		pid, terminal = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[1], sys.argv[1:])
		seen = b""
		while b"passphrase" not in seen:
		    seen += os.read(terminal, 1000)
		os.write(terminal, b"open sesame\n")
		try:
		    while piece := os.read(terminal, 1000):
		        seen += piece
		except OSError:
		    pass
		print(seen.decode().replace("\r", ""))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' \
	    zr-sync one.test:pool/a pool/b
	[ "$(grep -c passphrase <<< "$output")" -eq 1 ]
	[ "$(grep -cx ran <<< "$output")" -eq 2 ]
	[ "$(connections)" -eq 1 ]
	eventually 10 nothing_left
}

@test "a connection of the caller's is used, and left alone" {
	echo 'echo "$ZR_SSH_CONTROL"; on one' >> run
	export ZR_SSH_CONTROL=none
	run -0 zr-sync one.test:pool/a pool/b
	[ "$output" = "none
ran" ]
	[ "$(connections)" -eq 1 ]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "a TMPDIR that is too long for a socket, or that ssh would expand, is not used" {
	echo 'on one; echo "$ZR_SSH_CONTROL"' >> run
	for name in "$(printf '%070d' 0)" 50% '${HOME}'; do
		mkdir "$TMPDIR/$name"
		run -0 env TMPDIR="$TMPDIR/$name" zr-sync one.test:pool/a pool/b
		[ "${lines[0]}" = ran ]
		[[ "${lines[1]}" == /tmp/zr-sync.*/%C ]]
		eventually 10 test ! -e "${lines[1]%/%C}"
	done
}

@test "if ssh is a program that shares no connection, that is an error" {
	printf '#!/bin/sh\necho "ssh: unknown option" >&2\nexit 1\n' > ssh
	run -1 --separate-stderr zr-sync one.test:pool/a pool/b
	[ "$stderr" = 'ssh: unknown option
zr-sync: one.test: no connection, ssh ended with status 1' ]
	run -127 --separate-stderr env ZR_SSH=./none zr-sync one.test:pool/a pool/b
	stderr_has 'zr-sync: one.test: no connection, ssh ended with status 127'
	eventually 10 nothing_left
}
