# zr-remote with tls: addresses.
load ../lib/helper
load ../lib/tls

REQUEST='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'

setup_file() {
	make_pki
	zr-cert ca "$PKI/other" "other CA"
}

# The whole chain on $port, with an endpoint that sends the file stream.
serve_chain() {
	cat > endpoint <<-'EOF'
	#!/bin/sh
	read -r request
	echo '{"ExpectedSize":"5000000"}'
	cat stream
	EOF
	chmod +x endpoint
	head -c 5000000 /dev/urandom > stream
	: > port
	background zr-listen -1 tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 accept \
	    zr-handshake accept zr-mux accept zr-serve "$PWD/endpoint" > port 2> server.err
	eventually 10 test -s port
	port=$(cat port)
}

@test "zr-remote tls sends a stream through zr-listen and the whole chain" {
	serve_chain
	zr-remote -d "$PKI" -n web1 -s localhost -o answer "tls:127.0.0.1:$port" \
	    Send "$REQUEST" | cmp - stream
	zr-remote -d "$PKI" -n web1 -o answer "tls:127.0.0.1:$port" Send "$REQUEST" | cmp - stream
	grep -q 5000000 answer
	run -98 --separate-stderr zr-remote -d "$PKI" -n stranger "tls:127.0.0.1:$port" Send "$REQUEST"
	server_said 'not among the clients allowed'
}

@test "zr-remote tls takes CA, certificate and key as separate files" {
	serve_chain
	cp "$PKI/ca.crt" authority.pem
	cp "$PKI/web1.crt" us.pem
	cp "$PKI/web1.key" us.private
	zr-remote -a authority.pem -b us.pem -p us.private -o answer "tls:127.0.0.1:$port" \
	    Send "$REQUEST" | cmp - stream
	# They come before what -d and -n name, which is where the rest is from.
	zr-remote -d "$PKI" -b us.pem -p us.private -o answer "tls:127.0.0.1:$port" \
	    Send "$REQUEST" | cmp - stream
	zr-remote -d "$PKI/other" -n ../web1 -a authority.pem -o answer \
	    "tls:127.0.0.1:$port" Send "$REQUEST" | cmp - stream
	run -98 --separate-stderr zr-remote -a "$PKI/other/ca.crt" -b us.pem -p us.private \
	    "tls:127.0.0.1:$port" Send "$REQUEST"
	stderr_has 'wrong CA'
}

@test "zr-remote refuses options of TLS or ssh that its address cannot use" {
	for option in -a -b -d -n -p -s -i; do
		for address in tcp:127.0.0.1:1 unix:socket exec:true ssh:host; do
			[ "$option $address" != '-i ssh:host' ] || continue
			ZR_SSH=false run -100 --separate-stderr zr-remote "$option" x "$address" Ping '{}'
			stderr_has "$address: $option "
		done
	done
	run -100 --separate-stderr zr-remote -i x -d x -n x tls:127.0.0.1:1 Ping '{}'
	stderr_has '-i is for ssh:'
	for program in 'zr-remote' 'zr-tls'; do
		unfit() {
			case $program in
			zr-remote) run -100 --separate-stderr zr-remote "${@:2}" tls:127.0.0.1:1 Ping '{}' ;;
			zr-tls) run -100 --separate-stderr zr-tls -s x "${@:2}" connect true 6< /dev/null 7> /dev/null ;;
			esac
			stderr_has "$1"
		}
		unfit '-n ' -d x -n x -b x -p x
		unfit '-d has no effect' -d x -a x -b x -p x
		unfit '-' -n x -a x -b x -p x
	done
	run -100 --separate-stderr zr-remote -d '' -n x tls:127.0.0.1:1 Ping '{}'
	stderr_has '-d has an empty argument'
}

@test "zr-tls refuses options that contradict each other or the role" {
	tls() {
		run -100 --separate-stderr zr-tls "${@:2}" 6< /dev/null 7> /dev/null < /dev/null
		stderr_has "$1"
	}
	tls '-c and -l are for accept' -s x -d "$PKI" -n web1 -c x connect true
	tls '-s is for connect' -s x -d "$PKI" -n web1 -c x accept true
	tls '-x stands where a program is expected' -c x -d "$PKI" -n web1 accept -x
}

@test "zr-remote tls asks for missing files before anything is sent" {
	for some in '' '-a x' '-n x' '-d x' '-d x -a x' '-n x -a x' '-b x -p x' '-n x -b x -p x'; do
		# Nobody listens there: 111 otherwise.
		# shellcheck disable=SC2086 # words
		run -100 --separate-stderr zr-remote $some tls:127.0.0.1:1 Send "$REQUEST"
		stderr_has '(-d DIRECTORY -n NAME, or -a CA -b CERTIFICATE -p KEY)'
	done
	for half in -b -p; do
		for rest in '' '-a x' '-d x' '-d x -n x' '-d x -n x -a x'; do
			# shellcheck disable=SC2086 # words
			run -100 --separate-stderr zr-remote $rest $half x tls:127.0.0.1:1 Send "$REQUEST"
			stderr_has '-b and -p go together'
		done
	done
}
