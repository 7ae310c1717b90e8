load ../lib/helper

@test "zr-cert makes a CA, a server and a client that verify each other" {
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

@test "check says which side refuses the other, and why" {
	zr-cert ca a
	zr-cert ca b
	zr-cert server a server
	zr-cert client b web1
	run -1 zr-cert check b/web1.crt a/server.crt
	[[ "$output" == *'NO: the client refuses the server'*'unable to get local issuer'* ]]
	[[ "$output" == *'NO: the server refuses the client'* ]]
	zr-cert client a web1
	run -1 zr-cert -s other check a/web1.crt a/server.crt
	[[ "$output" == *'NO: the client refuses'*'hostname mismatch'* ]]
	run -1 zr-cert -c web2 check a/web1.crt a/server.crt
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
	run -0 zr-cert -s server check pki/web1.crt pki/nameless.crt
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
	for command in 'show pki/odd.crt' '-s server check pki/web1.crt pki/odd.crt' \
	    '-s server check pki/odd.crt pki/odd.crt'; do
		# shellcheck disable=SC2086 # words
		run zr-cert $command
		[[ "$output" == *'3[2Jx'* ]] || [[ "$command" == *web1* ]]
		[[ "$output" != *$'\e'* ]]
	done
}

@test "alternative names stay text, without control characters or extra lines" {
	zr-cert ca pki
	zr-cert client pki web1
	python3 - > extensions <<-'END'
	values = [b"good.example", b"x\n\tDNS:forged", b"e\x1b[31mred", b"c1\xc2\x9b\xff\x7f",
	    b"\xe2\x80\xaebidi"]
	body = b"".join(bytes([0x82, len(v)]) + v for v in values)
	print("subjectAltName=DER:" + bytes([0x30, len(body)] + list(body)).hex(":"))
	END
	openssl req -new -key pki/web1.key -subj $'/CN=a\u202eb\u009bc\u00fc' -utf8 -out request
	openssl x509 -req -in request -days 5 -CA pki/ca.crt -CAkey pki/ca.key -set_serial 5 \
	    -extfile extensions -out pki/odd.crt 2> /dev/null
	zr-cert show pki/odd.crt > shown
	grep -q 'DNS:good\.example, DNS:x\\n\\tDNS:forged, DNS:e\\033\[31mred' shown
	grep -qF '\342\200\256' shown
	# shellcheck disable=SC2094 # nothing writes to it
	run -1 env LC_ALL=C grep -q $'[^\t -~]' shown
	run -1 zr-cert -s x check pki/odd.crt pki/odd.crt
	[[ "$output" != *$'\u202e'* ]]
	# A name that can be printed is left as it is.
	openssl req -x509 -key pki/web1.key -subj $'/CN=M\u00fcller' -utf8 -out pki/good.crt
	zr-cert show pki/good.crt | grep -q $'subject=CN=M\u00fcller'
}

@test "an expired certificate is named as such" {
	zr-cert ca pki
	zr-cert server pki server
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout pki/web1.key -subj /CN=web1 -out request 2> /dev/null
	openssl x509 -req -in request -days -1 -CA pki/ca.crt -CAkey pki/ca.key -set_serial 5 \
	    -extfile <(echo extendedKeyUsage=clientAuth) -out pki/web1.crt 2> /dev/null
	run -1 zr-cert check pki/web1.crt pki/server.crt
	[[ "$output" == *'certificate has expired'* ]]
}

@test "the other side's self-signed certificate can replace a CA" {
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
	zr-cert ca pki
	: > pki/ca.crt
	run -1 zr-cert client pki web1
	[ ! -e pki/web1.key ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "ZR_CERT_DAYS must be a number in its range" {
	for days in 0 -1 36501 99999999999999999999 soon ' 5' 1.5 0x10; do
		ZR_CERT_DAYS=$days run -100 zr-cert ca pki
		[ "$output" = "zr-cert: ZR_CERT_DAYS=$days: 1 to 36500 days are expected" ]
	done
	[ ! -e pki ]
	ZR_CERT_DAYS=1 zr-cert ca pki
	ZR_CERT_DAYS=0 run -100 zr-cert client pki web1
	[ ! -e pki/web1.key ]
	openssl x509 -in pki/ca.crt -noout -checkend 80000
	run ! openssl x509 -in pki/ca.crt -noout -checkend 90000
}

@test "the error for an invalid certificate is one line, without OpenSSL's traces" {
	zr-cert ca pki
	zr-cert client pki web1
	echo junk > pki/junk.crt
	printf -- '-----BEGIN CERTIFICATE-----\n\033[31mAAAA\n-----END CERTIFICATE-----\n' > pki/pem.crt
	for file in pki/junk.crt pki/pem.crt; do
		for command in "show $file" "check $file pki/web1.crt" "check pki/web1.crt $file"; do
			# shellcheck disable=SC2086 # words
			run -1 zr-cert $command
			[ "${#lines[@]}" -eq 1 ]
			[[ "$output" == "zr-cert: $file: not a certificate in PEM"* ]]
			[[ "$output" != *:error:* ]]
			[[ "$output" != *$'\e'* ]]
		done
	done
	# A key that is another CA's: OpenSSL writes a trace.
	zr-cert ca other
	cp other/ca.key pki/ca.key
	run -1 zr-cert client pki web2
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" != *:error:* ]]
}

@test "nothing is overwritten, and odd names are refused" {
	zr-cert ca pki
	run -1 zr-cert ca pki
	# Nor the certificate that others trust, its key being elsewhere.
	mv pki/ca.key .
	run -1 zr-cert server pki server
	[[ "$output" == *'no CA here'* ]]
	run -1 zr-cert ca pki
	[[ "$output" == *'pki/ca.crt already exists'* ]]
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
