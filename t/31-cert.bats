load helper

@test "a CA, a server and a client are made, fit together and verify" {
	zr-cert ca pki
	zr-cert server pki backup.example 127.0.0.1 ::1
	zr-cert client pki 'web 1'
	[ "$(stat -c %a pki/ca.key pki/backup.example.key 'pki/web 1.key' | sort -u)" = 600 ]
	openssl verify -CAfile pki/ca.crt -purpose sslserver \
	    -verify_hostname backup.example pki/backup.example.crt
	openssl verify -CAfile pki/ca.crt -purpose sslserver -verify_ip ::1 \
	    pki/backup.example.crt
	openssl verify -CAfile pki/ca.crt -purpose sslclient 'pki/web 1.crt'
	run ! openssl verify -CAfile pki/ca.crt -purpose sslserver 'pki/web 1.crt'
	run -0 zr-cert check 'pki/web 1.crt' pki/backup.example.crt
	[[ "$output" == *'yes: the client accepts'*'yes: the server accepts'* ]]
	[[ "$output" == *'must allow the client web 1 '* ]]
}

@test "show prints names, dates and purposes" {
	zr-cert ca pki 'My CA'
	zr-cert server pki a.example b.example
	run -0 zr-cert show pki/a.example.crt
	[[ "$output" == *'issuer=CN=My CA'* ]]
	[[ "$output" == *'DNS:a.example, DNS:b.example'* ]]
	[[ "$output" == *'TLS Web Server Authentication'* ]]
	[[ "$output" == *notAfter* ]]
}

@test "check says who refuses whom, and why" {
	zr-cert ca a
	zr-cert ca b
	zr-cert server a server
	zr-cert client b web1
	run -1 zr-cert check b/web1.crt a/server.crt
	[[ "$output" == *'NO: the client refuses the server'*'unable to get local issuer'* ]]
	[[ "$output" == *'NO: the server refuses the client'* ]]
	zr-cert client a web1
	run -1 zr-cert check -s other a/web1.crt a/server.crt
	[[ "$output" == *'NO: the client refuses'*'hostname mismatch'* ]]
	run -1 zr-cert check -c web2 a/web1.crt a/server.crt
	[[ "$output" == *'allows the client "web2", but'*'"web1"'* ]]
	run -1 zr-cert check a/server.crt a/server.crt
	[[ "$output" == *'NO: the server refuses'*purpose* ]]
	cp b/web1.key a/web1.key
	run -1 zr-cert check a/web1.crt a/server.crt
	[[ "$output" == *'a/web1.key does not belong to a/web1.crt'* ]]
}

@test "check is as strict as zr-tls" {
	zr-cert ca pki
	zr-cert client pki web1
	# made NAME SUBJECT [OPTION...]: a server certificate of that CA
	made() {
		openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key \
		    -newkey "${KEY:-rsa:2048}" -nodes -keyout "pki/$1.key" \
		    -out "pki/$1.crt" -subj "$2" -days 10 \
		    -addext basicConstraints=critical,CA:FALSE "${@:3}" 2> /dev/null
	}
	made good /CN=server -addext subjectAltName=DNS:server
	run -0 zr-cert check pki/web1.crt pki/good.crt
	made cn /CN=server
	run -1 zr-cert check pki/web1.crt pki/cn.crt
	[[ "$output" == *'NO: the client refuses'*'no host name in its subjectAltName'* ]]
	made nameless / -addext subjectAltName=DNS:server
	run -1 zr-cert check pki/web1.crt pki/nameless.crt
	[[ "$output" == *'has no CN; which name does the client expect'* ]]
	run -0 zr-cert check -s server pki/web1.crt pki/nameless.crt
	KEY=rsa:1024 made weak /CN=server -addext subjectAltName=DNS:server
	run -1 zr-cert check pki/web1.crt pki/weak.crt
	[[ "$output" == *'NO: the client refuses'*'key too weak'* ]]
	# What the whole system trusts is not trusted here.
	zr-cert ca other
	zr-cert server other server
	mkdir store
	cp other/ca.crt "store/$(openssl x509 -in other/ca.crt -noout -hash).0"
	cp other/server.crt pki/foreign.crt
	export SSL_CERT_DIR=$PWD/store
	openssl verify other/server.crt
	run -1 zr-cert check pki/web1.crt pki/foreign.crt
	[[ "$output" == *'unable to get local issuer'* ]]
}

@test "names in certificates stay text" {
	zr-cert ca pki
	zr-cert client pki web1
	openssl req -x509 -CA pki/ca.crt -CAkey pki/ca.key -newkey ec \
	    -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pki/odd.key -out pki/odd.crt \
	    -subj $'/CN=\x033[2Jx' -addext subjectAltName=DNS:server 2> /dev/null
	for command in 'show pki/odd.crt' 'check -s server pki/web1.crt pki/odd.crt' \
	    'check -s server pki/odd.crt pki/odd.crt'; do
		# shellcheck disable=SC2086 # words
		run zr-cert $command
		[[ "$output" == *'3[2Jx'* ]] || [[ "$command" == *web1* ]]
		[[ "$output" != *$'\e'* ]]
	done
}

@test "an expired certificate is named as such" {
	zr-cert ca pki
	zr-cert server pki server
	ZR_CERT_DAYS=-1 zr-cert client pki web1
	run -1 zr-cert check pki/web1.crt pki/server.crt
	[[ "$output" == *'certificate has expired'* ]]
}

@test "the other side's self-signed certificate may stand in for a CA" {
	for side in client server; do
		mkdir $side
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		    -keyout $side/$side.key -out $side/$side.crt -subj /CN=$side \
		    -addext subjectAltName=DNS:$side 2> /dev/null
	done
	cp client/client.crt server/ca.crt
	cp server/server.crt client/ca.crt
	run -0 zr-cert check client/client.crt server/server.crt
	[[ "$output" != *NO:* ]]
}

@test "a certificate that cannot be made leaves no key behind" {
	ZR_CERT_DAYS=soon run -1 zr-cert ca pki
	[ -z "$(ls pki)" ]
	zr-cert ca pki
	: > pki/ca.crt
	run -1 zr-cert client pki web1
	[ ! -e pki/web1.key ]
}

@test "nothing is overwritten, and odd names are refused" {
	zr-cert ca pki
	run -1 zr-cert ca pki
	# Nor the certificate that others trust, its key being elsewhere.
	mv pki/ca.key .
	run -1 zr-cert server pki server
	[[ "$output" == *'no CA here'* ]]
	run -1 zr-cert ca pki
	[[ "$output" == *'pki/ca.crt is there already'* ]]
	mv ca.key pki
	zr-cert client pki web1
	before=$(sha256sum pki/web1.key)
	run -1 zr-cert client pki web1
	[ "$(sha256sum pki/web1.key)" = "$before" ]
	for name in a/b .. -x 'a=b' "a
b" ''; do
		run -1 zr-cert client pki "$name"
	done
	run -100 zr-cert client pki
	run -100 zr-cert
	run -1 zr-cert client nowhere web1
	[[ "$output" == *'no CA here'* ]]
}
