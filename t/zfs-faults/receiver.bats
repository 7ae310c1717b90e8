# zr-endpoint receiver with a zfs that fails, hangs or prints odd things, as no
# real one does on demand.  What it does with a real one is in t/zfs.
load ../lib/helper
load ../lib/zfs_faults

@test "receiver: a command that hangs ends with its endpoint" {
	receiver=(zr-endpoint receiver -c host -e inherit -j job tank/sink Receive)
	stream
	receive_request > request
	received=$(printf '%s\n' 'case $* in *@2)' \
	    "printf 'tank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n'" \
	    'exit 0 ;; esac')
	ended_while get 143 "${receiver[@]}"
	does get <<-END
	$received
	case \$* in *tank/a) echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2; exit 1 ;; esac
	printf 'tank\ttype\tfilesystem\t-\ntank/sink\ttype\tfilesystem\t-\n'
	END
	ended_while create 143 "${receiver[@]}"
	ended_while recv 143 "${receiver[@]}"
	ended_while hold 143 "${receiver[@]}"
	does get <<-END
	$received
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\ntank/sink/host/tank/a@1\tuserrefs\t1\t-\n'
	END
	ended_while release 0 "${receiver[@]}"
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	for command in rollback destroy; do
		ended_while $command 143 "${receiver[@]}"
	done
	# recv -A, of what is there and of what is beside a placeholder.
	receive_request | jq -c '.ClearResumeToken = true' > request
	does incoming <<-'END'
	printf 'tank/sink/host/tank/a.zr-incoming\ttype\tfilesystem\t-\ntank/sink/host/tank/a.zr-incoming\treceive_resume_token\t1-2-3-4\t-\n'
	END
	for what in a.zr-incoming a; do
		: > ran
		ended_while recv 143 "${receiver[@]}"
		[ "$(grep -v ^get ran)" = "recv -A tank/sink/host/tank/$what" ]
		[ ! -s answer ]
		rm -f does/incoming
		does get <<-'END'
		printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
		END
	done
}

@test "receiver: nothing is received if a parent cannot be made" {
	stream
	does get <<-'END'
	case $* in *host/tank/a) echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2; exit 1;; esac
	printf 'tank\ttype\tfilesystem\t-\ntank/sink\ttype\tfilesystem\t-\n'
	END
	says create "cannot create 'tank/sink/host': permission denied"
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has "permission denied"
	stderr_has "hint: "
	run ! grep -q '^recv' ran
}

@test "receiver: if a command before the stream fails, nothing is received" {
	stream
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	for command in rollback destroy; do
		: > ran
		says $command "cannot do that: out of luck"
		receiver Receive "$(receive_request)" < stream
		[ "$status" -eq 1 ]
		stderr_has "cannot do that: out of luck"
		run ! grep -q '^recv' ran
		rm "does/$command"
	done
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
	END
	says recv "cannot abort: permission denied"
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < stream
	[ "$status" -eq 1 ]
	stderr_has "cannot abort: permission denied"
	stderr_has "log: hint: the user $(id -un) may not do that: \"zfs allow -u $(id -un) destroy,mount tank/sink/host/tank/a\""
	[ "$(grep ^recv ran)" = "recv -A tank/sink/host/tank/a" ]
	says recv "'tank/sink/host/tank/a' does not have any resumable receive state to abort"
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < stream
	[ "$(grep -c ^recv ran)" -eq 3 ]
	# And of what is beside a placeholder.
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\n'
	END
	does incoming <<-'END'
	printf 'tank/sink/host/tank/a.zr-incoming\ttype\tfilesystem\t-\ntank/sink/host/tank/a.zr-incoming\treceive_resume_token\t1-2-3-4\t-\n'
	END
	says recv "cannot abort: out of luck"
	: > ran
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < stream
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = "zr-endpoint: cannot abort: out of luck" ]
	[ "$(grep -v ^get ran)" = "recv -A tank/sink/host/tank/a.zr-incoming" ]
}

@test "receiver: zfs's words reach the peer without the client's root" {
	stream
	does recv <<< "echo \"cannot receive: destination 'tank/sink/host/tank/a' has odd luck\" >&2; exit 1"
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has "zr-endpoint: cannot receive: destination 'tank/a' has odd luck"
	stderr_has "zr-endpoint: log: cannot receive: destination 'tank/sink/host/tank/a' has odd luck"
	# Advice, too: what the log says can be done as it stands; a peer must not
	# find a command there that fits its own filesystem of that name.
	does recv <<< "echo \"cannot receive: destination tank/sink/host/tank/a has been modified\" >&2; exit 1"
	receiver Receive "$(receive_request)" < stream
	[[ $stderr =~ "log: hint: "[^$'\n']*"zfs set readonly=on tank/sink/host/tank/a\"" ]]
	[[ $stderr =~ "zr-endpoint: hint: on the receiver: "[^$'\n']*"zfs set readonly=on FILESYSTEM\"" ]]
	[[ $stderr != *"readonly=on tank/a"* ]]
	does recv <<< "echo \"cannot receive: destination 'tank/sink/host/tank/a' has odd luck\" >&2; exit 1"
	# And across a connection, the peer gets the one, the log both.
	raw_stream
	run --separate-stderr "$HELPERS/pair.py" \
	    zr-dataconn Receive "$(cat request)" -- zr-dataconn serve \
	    zr-endpoint receiver -c host -e inherit -j job tank/sink < stream
	[ "$status" -eq 1 ]
	[[ $stderr =~ zr-dataconn[^$'\n']*"destination 'tank/a' has odd luck" ]]
	[ "$(grep -c tank/sink/host <<< "$stderr")" -eq 1 ]
	stderr_has "zr-endpoint: log: cannot receive: destination 'tank/sink/host/tank/a'"
}

@test "receiver: names that only end like the client's root stay as they are" {
	stream
	does get <<-'END'
	case $* in *b/a/b/c) echo "cannot open 'b/a/b/c': dataset does not exist" >&2; exit 1 ;; esac
	printf 'b\ttype\tfilesystem\t-\n'
	END
	says create "cannot create 'b/a': the bob/x of b/b/c"
	run -1 --separate-stderr zr-endpoint receiver -n -e inherit -j job b Receive \
	    "$(receive_request | jq -c '.Filesystem = "a/b/c"')" < stream
	stderr_has "zr-endpoint: cannot create 'a': the bob/x of b/c"
}

@test "receiver: zfs recv itself ends a placeholder, with the whole stream or not at all" {
	stream
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\n'
	END
	says recv "cannot receive: out of luck"
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	stderr_has "out of luck"
	grep -qx 'recv -F -s -h -o zrepl:placeholder=off tank/sink/host/tank/a@2' ran
	run ! grep -q '^set' ran
}

# A raw stream goes beside a placeholder and takes its place by zfs rename.
raw_over_placeholder() {
	raw_stream
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\n'
	case $* in *guid*) exit 0 ;; esac
	printf 'tank/sink/host/tank/a/one\ttype\tfilesystem\t-\n'
	END
	does recv <<< 'cat > /dev/null'
}

@test "receiver: after a failed rename a later call finishes the swap" {
	raw_over_placeholder
	receiver Receive "$(cat request)" < stream
	[ "$status" -eq 0 ]
	grep -v ^get ran | tail -n 5 > order
	diff order - <<-'END'
	recv -s -h tank/sink/host/tank/a.zr-incoming@2
	rename tank/sink/host/tank/a/one tank/sink/host/tank/a.zr-incoming/one
	destroy tank/sink/host/tank/a
	rename tank/sink/host/tank/a.zr-incoming tank/sink/host/tank/a
	hold zrepl_last_received_J_job tank/sink/host/tank/a@2
	END
	for fails in a/one a.zr-incoming; do
		: > ran
		does rename <<-END
		case \$2 in tank/sink/host/tank/$fails)
			echo "cannot rename '\$2': out of luck" >&2
			exit 1
		esac
		END
		receiver Receive "$(cat request)" < stream
		[ "$status" -eq 1 ]
		stderr_has "was received and cannot take the place of tank/a yet: cannot rename 'tank/$fails': out of luck"
		# Nothing is destroyed before its children are safe, nor held after.
		# (A look for children to bring back is all that follows.)
		[ "$(grep -v '^get .* tank/sink/host/tank/a.zr-incoming$' ran | tail -n 1)" = "$(grep "^rename tank/sink/host/tank/$fails " ran)" ]
		[ "$fails" != a/one ] || run ! grep -q '^destroy' ran
	done
	ended_while rename 143 zr-endpoint receiver -c host -e inherit -j job tank/sink Receive
}

@test "receiver: if a placeholder cannot be destroyed, a later call finishes the swap" {
	raw_over_placeholder
	echo 'printf "tank/sink/host/tank/a@old\ttype\tsnapshot\t-\n"' >> does/get
	for fails in a@old a; do
		: > ran
		# Where its child has gone to, until it is brought back.
		does incoming <<-'END'
		grep -q '^rename .*/one$' "$HOME/ran" || { echo "cannot open '$5': dataset does not exist" >&2; exit 1; }
		printf 'tank/sink/host/tank/a.zr-incoming\ttype\tfilesystem\t-\ntank/sink/host/tank/a.zr-incoming/one\ttype\tfilesystem\t-\n'
		END
		does destroy <<-END
		case \$2 in tank/sink/host/tank/$fails)
			echo "cannot destroy '\$2': out of luck" >&2
			exit 1
		esac
		END
		receiver Receive "$(cat request)" < stream
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		stderr_has "was received and cannot take the place of tank/a yet: cannot destroy 'tank/$fails': out of luck"
		[ "$(grep -v ^get ran | tail -n 2)" = "destroy tank/sink/host/tank/$fails
rename tank/sink/host/tank/a.zr-incoming/one tank/sink/host/tank/a/one" ]
	done
	rm does/destroy does/incoming
	ended_while destroy 143 zr-endpoint receiver -c host -e inherit -j job tank/sink Receive
	[ ! -s answer ]
	[ "$(tail -n 1 ran)" = "destroy tank/sink/host/tank/a@old" ]
	# The next call does not receive it again.
	does incoming <<-'END'
	printf 'tank/sink/host/tank/a.zr-incoming\ttype\tfilesystem\t-\ntank/sink/host/tank/a.zr-incoming@2\ttype\tsnapshot\t-\n'
	END
	raw_over_placeholder
	says destroy "cannot destroy 'tank/sink/host/tank/a': out of luck"
	: > ran
	receiver Receive "$(cat request)" < stream
	[ "$status" -eq 1 ]
	stderr_has "was received and cannot take the place of tank/a yet: cannot destroy 'tank/a': out of luck"
	[ "$(grep -v '^get .* tank/sink/host/tank/a.zr-incoming$' ran | tail -n 1)" = "destroy tank/sink/host/tank/a" ]
	rm does/destroy
	: > ran
	ended_while destroy 143 zr-endpoint receiver -c host -e inherit -j job tank/sink Receive
	[ ! -s answer ]
	[ "$(tail -n 1 ran)" = "destroy tank/sink/host/tank/a" ]
	run ! grep '^recv' ran
}

@test "receiver: a stream without a byte changes nothing" {
	does incoming <<-'END'
	printf 'tank/sink/host/tank/a.zr-incoming\ttype\tfilesystem\t-\ntank/sink/host/tank/a.zr-incoming\treceive_resume_token\t1-2-3-4\t-\n'
	END
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
	printf 'tank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	: > nothing
	for how in file pipe socket; do
		: > ran
		case $how in
		file) receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < nothing ;;
		pipe) receiver Receive "$(receive_request)" < <(sleep 0.5) ;;
		socket) run --separate-stderr timeout 20 /usr/bin/python3 -c \
		    'import socket, subprocess, sys; a, b = socket.socketpair(); a.close(); sys.exit(subprocess.run(sys.argv[1:], stdin=b).returncode)' \
		    zr-endpoint receiver -c host -e inherit -j job tank/sink Receive "$(receive_request)" ;;
		esac
		[ "$status" -eq 1 ]
		stderr_has "the stream has ended before its first byte"
		run ! grep -v -e '^get' -e '^$' ran
	done
}

# Every zfs leaves a SIGCHLD; it must not pass for the end of the wait.
@test "receiver: a stream that begins late is checked all the same" {
	raw_stream
	for i in 1 2 3 4 5; do
		receiver Receive "$(jq -c '.To.Guid = "7"' request)" < <(sleep 0.3; cat stream)
		[ "$status" -eq 1 ]
		stderr_has "not 7"
		run ! grep '^recv' ran
	done
}

@test "output of zfs get about datasets that were not asked for is an error" {
	stream
	for other in tank/other@1 tank/sink/host/tank/ab tank/sink/host/tank; do
		case $other in *@*) type=snapshot ;; *) type=filesystem ;; esac
		does get <<-END
		printf 'tank/sink/host/tank/a\\ttype\\tfilesystem\\t-\\n$other\\ttype\\t$type\\t-\\n$other\\tuserrefs\\t1\\t-\\n'
		END
		receiver Receive "$(receive_request)" < stream
		[ "$status" -eq 1 ]
		stderr_has "which it was not asked for"
		run ! grep -v '^get' ran
	done
}

@test "holds of very many snapshots are released by several commands" {
	stream
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n'
	seq 20000 | awk '{
		name = "tank/sink/host/tank/a@a_name_of_some_length_" $1
		printf "%s\ttype\tsnapshot\t-\n%s\tuserrefs\t1\t-\n", name, name
	}'
	END
	# Somebody else's, each of them: zfs says so for each of a command's.
	does release <<-'END'
	shift 2
	printf "cannot release hold from snapshot '%s': no such tag on this dataset\n" "$@" >&2
	exit 1
	END
	receiver Receive "$(receive_request)" < stream	# it is there already
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(grep -c ^release ran)" -ge 2 ]
	[ "$(grep ^release ran | tr ' ' '\n' | grep -c '@a_name')" -eq 20000 ]
	# One that fails does not keep the others.
	says release 'out of luck'
	: > ran
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 0 ]
	stderr_has 'last-received hold stays: out of luck'
	[ "$(grep ^release ran | tr ' ' '\n' | grep -c '@a_name')" -eq 20000 ]
}

@test "receiver: the old hold is released only after the new one is taken" {
	stream
	does get <<-'END'
	case $* in
	*@2) printf 'tank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n' ;;
	*) printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\ntank/sink/host/tank/a@1\tuserrefs\t1\t-\n' ;;
	esac
	END
	says hold "cannot hold: out of luck"
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 1 ]
	run ! grep -q '^release' ran
	rm does/hold
	receiver Receive "$(receive_request)" < stream
	[ "$status" -eq 0 ]
	grep -qx 'release zrepl_last_received_J_job tank/sink/host/tank/a@1' ran
	# One that stays is said and is no error.
	says release "cannot release hold: out of luck"
	for guarantee in GuaranteeResumability GuaranteeNothing; do
		receiver Receive "$(request $guarantee | jq -c 'del(.From)')" < stream
		[ "$status" -eq 0 ]
		[ "$output" = '{}' ]
		[ "$stderr" = "zr-endpoint: an old last-received hold stays: cannot release hold: out of luck" ]
	done
}

@test "a signal ends an endpoint that waits for the verdict" {
	stream
	exec 8<> <(:)
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n'
	END
	ZR_VERDICT=8 background zr-endpoint receiver -c host -e inherit -j job tank/sink Receive \
	    "$(receive_request)" < stream
	eventually 10 grep -q ^recv ran
	eventually 10 waiting
	kill "${children[-1]}"
	eventually 10 gone "${children[-1]}"
}

@test "receiver: a missing root_fs is named in the log, but not to the client" {
	does get <<-'END'
	for name do :; done
	echo "cannot open '$name': dataset does not exist" >&2
	exit 1
	END
	receiver ListFilesystems '{}'
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = 'zr-endpoint: log: root_fs "tank/sink" does not exist (zfs create makes it)
zr-endpoint: root_fs does not exist' ]
	run -0 --separate-stderr timeout 20 zr-endpoint receiver -c host -j job tank/sink batch \
	    <<< '{"id":1,"method":"ListFilesystems"}'
	[ "$(jq -r .error.message <<< "$output")" = 'zr-endpoint: root_fs does not exist' ]
}

@test "receiver: ZR_PROGRESS gets a line a second and the whole stream's length at its end" {
	stream
	head -c 300000 /dev/zero >> stream
	does get <<-'END'
	case $* in *tank/a) echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2; exit 1 ;; esac
	printf 'tank\ttype\tfilesystem\t-\ntank/sink\ttype\tfilesystem\t-\ntank/sink/host\ttype\tfilesystem\t-\ntank/sink/host/tank\ttype\tfilesystem\t-\n'
	END
	does recv <<-'END'
	head -c 100000 > received
	until grep -q 'bytes.:[1-9]' progress; do sleep 0.05; done
	cat >> received
	END
	ZR_PROGRESS=9 zr-endpoint receiver -c host -e inherit -j job tank/sink Receive "$(receive_request)" \
	    < stream 9> progress
	cmp stream received
	[ "$(tail -n 1 progress)" = "{\"bytes\":$(stat -c %s stream)}" ]
	[ "$(wc -l < progress)" -ge 2 ]
}
