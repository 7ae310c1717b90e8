# Another host that says nothing: it takes a minute, beside the other files.
# Takes long
load ../lib/helper
load ../lib/sshd

setup_file() {
	make_ssh_keys
}

setup() {
	enter_directory || return
	start_sshd
}

@test "a login shell that does not run the command is given up after a minute" {
	login 'exec sleep 300'
	background timeout 100 zr-endpoint sender -H box.test -f '<' ListFilesystems '{}' > one 2> one.err
	one=${children[-1]}
	started=$SECONDS
	ended_with 99 "$one"
	[ $((SECONDS - started)) -lt 80 ]
	[ "$(cat one.err)" = 'zr-endpoint: box.test did not run the command within 60 seconds: ssh or the login shell there waits for something' ]
	eventually 10 ssh_ended
}
