# zr-mux: what a connection is for.
load ../lib/helper

# label TEXT: 64 bytes.
label() {
	printf '%s' "$1"
	head -c $((64 - ${#1})) /dev/zero
}

@test "the label is 64 bytes, and the program after it follows at once" {
	run --separate-stderr zr-connect exec:'head -c 64 > label; echo ok; cat' zr-mux connect zrepl_data sh -c 'head -n 1 <&6'
	[ "$status" -eq 0 ]
	[ "$output" = ok ]
	cmp label <(label zrepl_data)
}

@test "accept reads exactly the label, passes it on, and refuses others" {
	run --separate-stderr zr-mux accept sh -c 'echo "$ZR_LABEL"; cat' < <(label zrepl_control; echo rest)
	[ "$status" -eq 0 ]
	[ "$output" = $'zrepl_control\nrest' ]
	run --separate-stderr zr-mux accept true < <(label zrepl_other)
	[ "$status" -eq 98 ]
	stderr_has 'the client'"'"'s label "zrepl_other" is not served here'
	run --separate-stderr zr-mux -l zrepl_other -l x accept sh -c 'echo "$ZR_LABEL"' < <(label x)
	[ "$output" = x ]
	run --separate-stderr zr-mux -l x accept true < <(label zrepl_data)
	[ "$status" -eq 98 ]
	stderr_has 'the client'"'"'s label "zrepl_data" is not served here'
}

@test "a malformed or missing label is an error" {
	run --separate-stderr zr-mux accept true < <(printf 'zrepl_data'; head -c 53 /dev/zero; printf x)
	[ "$status" -eq 98 ]
	stderr_has "the client's label is malformed"
	run --separate-stderr zr-mux accept true < <(head -c 64 /dev/zero)
	[ "$status" -eq 98 ]
	stderr_has "the client's label is malformed"
	run --separate-stderr zr-mux accept true < <(printf zrepl)
	[ "$status" -eq 98 ]
	stderr_has "connection closed after 5 of 64 bytes"
	run --separate-stderr zr-mux connect '' true 6< /dev/null 7> /dev/null
	[ "$status" -eq 100 ]
}

@test "a silent client is disconnected after 10 s" {
	run --separate-stderr zr-connect exec:'zr-mux accept true; echo $? > status; cat' sleep 30 &
	eventually 20 test -s status
	[ "$(cat status)" = 99 ]
	kill %1 2>/dev/null || true
}

@test "the label frees zr-listen's place for a new client" {
	run --separate-stderr bash -c 'exec 9> pipe; ZR_HANDSHAKE_FD=9 zr-mux accept sh -c "ls -l /proc/self/fd; echo \"[\${ZR_HANDSHAKE_FD-unset}]\""' < <(label zrepl_data)
	[ "$status" -eq 0 ]
	[[ "$output" == *"[unset]"* ]]
	[[ "$output" != *"/pipe"* ]]
}

@test "a ZR_HANDSHAKE_FD that is not a descriptor is an error" {
	for fd in 2 65536 4294967299 x ''; do
		ZR_HANDSHAKE_FD=$fd run -100 --separate-stderr zr-mux accept true < <(label zrepl_data)
		stderr_has 'ZR_HANDSHAKE_FD is not a descriptor, 3 to 65535'
	done
}

@test "a label does not begin with -, and options come before connect" {
	run -100 --separate-stderr zr-mux connect -f 6,7 zrepl_data true 6< /dev/null 7> out
	stderr_has '-f stands where a label is expected'
	run -100 --separate-stderr zr-mux connect zrepl_data -f 6,7 true 6< /dev/null 7> out
	stderr_has '-f stands where a program is expected'
	run -100 --separate-stderr zr-mux -l zrepl_data connect zrepl_data true 6< /dev/null 7> out
	stderr_has '-l is for accept'
	[ ! -s out ]
	for label in -x '' 'a b' $'a\n' "$(printf %065d 0)"; do
		run -100 --separate-stderr zr-mux -l "$label" accept true < <(label zrepl_data)
		stderr_has 'a label is 1 to 64 printable characters'
	done
	run -100 --separate-stderr zr-mux accept -l zrepl_data true < <(label zrepl_data)
	stderr_has '-l stands where a program is expected'
	run --separate-stderr zr-mux accept true < <(label -f)
	[ "$status" -eq 98 ]
	stderr_has "the client's label is malformed"
}

@test "recorded labels are accepted; the recorded wrong one is refused" {
	run --separate-stderr zr-mux accept sh -c 'echo "$ZR_LABEL"' < <(tail -c +68 "$DATA/recordings/d02-send-1MiB.data.c2s.bin")
	[ "$output" = zrepl_data ]
	run --separate-stderr zr-mux accept true < <(tail -c +68 "$DATA/recordings/r02-wrong-label.data.c2s.bin")
	[ "$status" -eq 98 ]
	[ -z "$output" ]
	stderr_has 'the client'"'"'s label "zrepl_bogus" is not served here'
}
