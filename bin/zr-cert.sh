#!/bin/sh
# zr-cert: certificates for zr-tls, made, shown and checked with openssl(1).
set -eu

usage='zr-cert ca DIRECTORY [NAME]
zr-cert server DIRECTORY NAME [ALIAS ...]
zr-cert client DIRECTORY NAME
zr-cert show CERTIFICATE ...
zr-cert [-c CLIENT] [-s SERVER] check CLIENT-CERTIFICATE SERVER-CERTIFICATE'
days=${ZR_CERT_DAYS:-3650}

usage() {
	echo "usage: $usage" | sed '2,$s/^/       /'
	[ "$1" -ne 0 ] || echo 'See zr-cert(1).'
	exit "$1"
}

fail() {
	printf 'zr-cert: %s\n' "$*" >&2
	exit 1
}

misuse() {
	printf 'zr-cert: %s\n' "$*" >&2
	exit 100
}

# What is a file name, a CN and (for a server) a host name at once.
check_name() {
	case $1 in
	'' | . | .. | -* | *[!-0-9A-Za-z_.:\ ]*)
		fail "$1: a name is made of 0-9 A-Z a-z - _ . : and blank" ;;
	esac
	[ ${#1} -le 64 ] || fail "$1: a CN has at most 64 characters"
}

# For how long, before anything is made.
check_days() {
	case $days in
	*[!0-9]* | ??????*) ;;
	*) if [ "$days" -ge 1 ] && [ "$days" -le 36500 ]; then return; fi ;;
	esac
	misuse "ZR_CERT_DAYS=$days: 1 to 36500 days are expected"
}

# Names in certificates may be anybody's: printf, for echo may take a backslash
# in them for the beginning of a control character.

# What moves a cursor or turns text around: C1, separators of lines, zero-width and
# bidirectional controls, in UTF-8.
controls=$(printf '\302[\200-\237]\|\342\200[\213-\217\250-\256]\|\342\201[\240-\257]\|\330\234')
newline='
'

# legible TEXT: on one line, as it is if all of it can be printed; else as sed's
# "l" has it, in octal.
legible() {
	case $1 in
	*"$newline"*) ;;
	*)
		if printf '%s\n' "$1" | LC_ALL=C.UTF-8 grep -qx '[[:print:]]*' &&
		    ! printf '%s\n' "$1" | LC_ALL=C grep -q "$controls"; then
			printf '%s\n' "$1"
			return
		fi ;;
	esac
	printf '%s\n' "$1" | LC_ALL=C sed -n 'H; ${ x; s/^\n//; l 0
	}' | sed 's/\$$//'
}

# why OUTPUT: what of it is for people, and the reason in OpenSSL's trace.
why() {
	said=$(printf '%s\n' "$1" | grep -v ':error:' | head -n 1)
	reason=$(printf '%s\n' "$1" |
		sed -n 's/^[0-9A-Fa-f]*:error:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p' | head -n 1)
	[ -z "$reason" ] || said=${said:+$said, }$reason
	legible "$said"
}

# run WHAT COMMAND...: quiet, unless it fails.
run() {
	what=$1
	shift
	output=$("$@" 2>&1) || fail "$what: $(why "$output")"
}

# check_certificate FILE
check_certificate() {
	output=$(openssl x509 -in "$1" -noout 2>&1) ||
		fail "$1: not a certificate in PEM ($(why "$output"))"
}

# new DIRECTORY NAME: no file of that name is there, and at our end there are both
# or none: a key without its certificate would only be in the way of the next try.
new() {
	for file in "$1/$2.key" "$1/$2.crt"; do
		[ ! -e "$file" ] || fail "$file already exists; remove it to make another"
	done
	work=$(mktemp -d)
	made=$1/$2
	trap 'rm -rf "$work"; [ -s "$made.crt" ] || rm -f "$made.key" "$made.crt"' EXIT
}

# issue DIRECTORY NAME EKU SAN: NAME.key and NAME.crt, signed by the CA there.
issue() {
	directory=$1 name=$2
	check_days
	for file in "$directory/ca.key" "$directory/ca.crt"; do
		[ -r "$file" ] || fail "$file: no CA here (zr-cert ca makes one)"
	done
	new "$directory" "$name"
	{
		echo 'basicConstraints=critical,CA:FALSE'
		echo 'keyUsage=critical,digitalSignature'
		echo "extendedKeyUsage=$3"
		echo "subjectAltName=$4"
	} > "$work/extensions"
	umask 077
	run key openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$directory/$name.key"
	run request openssl req -new -key "$directory/$name.key" \
	    -subj "/CN=$name" -out "$work/request"
	umask 022
	run certificate openssl x509 -req -in "$work/request" -days "$days" \
	    -CA "$directory/ca.crt" -CAkey "$directory/ca.key" \
	    -set_serial "0x$(openssl rand -hex 15)" -extfile "$work/extensions" \
	    -out "$directory/$name.crt"
	echo "$directory/$name.crt"
}

# How subjectAltName spells a host name or an address.
alternative() {
	case $1 in
	*:* | *[!0-9.]*.*[!0-9.]*) ;;
	*.*.*.*) case $1 in *[!0-9.]*) ;; *) echo "IP:$1"; return ;; esac ;;
	esac
	case $1 in *:*) echo "IP:$1" ;; *) echo "DNS:$1" ;; esac
}

make_ca() {
	directory=$1 name=${2:-zr CA}
	check_name "$name"
	check_days
	new "$directory" ca
	mkdir -p "$directory"
	umask 077
	run key openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$directory/ca.key"
	umask 022
	run certificate openssl req -x509 -new -key "$directory/ca.key" \
	    -days "$days" -subj "/CN=$name" -out "$directory/ca.crt" \
	    -addext 'keyUsage=critical,keyCertSign,cRLSign'
	echo "$directory/ca.crt"
}

make_server() {
	check_name "$2"
	directory=$1 name=$2
	names=$(alternative "$name")
	shift 2
	for alias; do
		check_name "$alias"
		names=$names,$(alternative "$alias")
	done
	issue "$directory" "$name" serverAuth "$names"
}

make_client() {
	check_name "$2"
	case $2 in
	# Not every CN is a DNS name; a client is known by its CN alone.
	*[!-0-9A-Za-z.]*) issue "$1" "$2" clientAuth 'URI:urn:zr:client' ;;
	*) issue "$1" "$2" clientAuth "DNS:$2" ;;
	esac
}

# extension FILE NAME: its heading and its value, a line each.
extension() {
	output=$(openssl x509 -in "$1" -noout -ext "$2" 2>/dev/null) || return 0
	case $output in
	*"$newline"*) ;;
	*) return 0 ;;
	esac
	printf '\t%s\n' "${output%%"$newline"*}"
	output=${output#*"$newline"}
	printf '\t%s\n' "$(legible "${output#    }")"
}

show() {
	for file; do
		check_certificate "$file"
		printf '%s:\n' "$file"
		openssl x509 -in "$file" -noout -subject -issuer -dates \
		    -nameopt RFC2253,-esc_msb,utf8 |
			while IFS= read -r line; do
				printf '\t%s\n' "$(legible "$line")"
			done
		for name in subjectAltName extendedKeyUsage basicConstraints; do
			extension "$file" "$name"
		done
	done
}

common_name() {
	openssl x509 -in "$1" -noout -subject -nameopt multiline,-esc_msb,utf8 |
		sed -n 's/^ *commonName *= //p'
}

problems=0
problem() {
	printf 'NO: %s\n' "$*"
	problems=$((problems + 1))
}

# accepts WHO CERTIFICATE OF PURPOSE CA [OPTION...]: would WHO, with zr-tls, accept
# it?  By that CA file alone, and at OpenSSL's security level 2.
accepts() {
	who=$1 certificate=$2 of=$3 purpose=$4 ca=$5
	shift 5
	if output=$(openssl verify -partial_chain -CAfile "$ca" -no-CApath \
	    -no-CAstore -auth_level 2 -untrusted "$certificate" \
	    -purpose "$purpose" "$@" "$certificate" 2>&1); then
		printf "yes: the %s accepts the %s's certificate %s (%s)\n" \
		    "$who" "$of" "$certificate" "$ca"
	else
		reason=$(printf '%s\n' "$output" | sed -n 's/^error [0-9]* at [0-9]* depth lookup: *//p' | head -n 1)
		problem "the $who refuses the $of's certificate $certificate ($ca): ${reason:-$(why "$output")}"
	fi
}

# The key beside a certificate, where there is one, must be its own.
check_key() {
	key=${1%.crt}.key
	[ -r "$key" ] || return 0
	if [ "$(openssl pkey -in "$key" -pubout 2>/dev/null)" != \
	    "$(openssl x509 -in "$1" -noout -pubkey)" ]; then
		problem "$key does not belong to $1"
	fi
}

check() {
	client=$1 server=$2
	client_ca=$(dirname "$client")/ca.crt server_ca=$(dirname "$server")/ca.crt
	for file in "$client" "$server" "$client_ca" "$server_ca"; do
		[ -r "$file" ] || fail "$file: cannot read it (each side's ca.crt" \
		    "lies beside its certificate)"
	done
	check_certificate "$client"
	check_certificate "$server"
	: "${server_name:=$(common_name "$server")}"
	[ -n "$server_name" ] ||
		fail "$server: has no CN; which name does the client expect (-s SERVER)?"
	case $(alternative "$server_name") in
	IP:*) accepts client "$server" server sslserver "$client_ca" \
	    -verify_ip "$server_name" ;;
	*)
		accepts client "$server" server sslserver "$client_ca" \
		    -verify_hostname "$server_name"
		# openssl(1) would fall back on the CN, zr-tls and zrepl do not.
		openssl x509 -in "$server" -noout -ext subjectAltName 2>/dev/null |
			grep -q DNS: || problem "the client refuses the server's" \
			    "certificate $server: no host name in its subjectAltName" ;;
	esac
	accepts server "$client" client sslclient "$server_ca"
	name=$(common_name "$client")
	if [ -n "$client_name" ] && [ "$name" != "$client_name" ]; then
		problem "the server allows the client \"$client_name\", but the" \
		    "certificate's CN is \"$(legible "$name")\""
	fi
	printf 'the client expects the server name %s (zr-tls -s)\n' "$(legible "$server_name")"
	printf 'the server must allow the client %s (zr-tls -c)\n' "$(legible "$name")"
	check_key "$client"
	check_key "$server"
	[ "$problems" -eq 0 ]
}

case $#:${1-} in
0:) usage 100 >&2 ;;
1:--help) usage 0 ;;
1:--version) echo 'zr-cert (zr) @VERSION@' || exit 111; exit 0 ;;
esac
client_name='' server_name=''
while getopts c:hs: option; do
	case $option in
	c) client_name=$OPTARG ;;
	h) usage 0 ;;
	s) server_name=$OPTARG ;;
	*) usage 100 >&2 ;;
	esac
done
shift $((OPTIND - 1))
command=${1-}
[ $# -eq 0 ] || shift
case $command:$client_name$server_name in
ca: | server: | client: | show: | check:*) ;;
ca:* | server:* | client:* | show:*) misuse '-c and -s are for check' ;;
:*) misuse 'ca, server, client, show or check is missing after the options' ;;
*) misuse "$command stands where ca, server, client, show or check is expected" ;;
esac
case ${1-} in
-*) misuse "$1 stands where an operand is expected: options come first" ;;
esac
case $command:$# in
ca:[12]) make_ca "$@" ;;
server:[01] | client:[!2]* | client:2?*) usage 100 >&2 ;;
server:*) make_server "$@" ;;
client:2) make_client "$@" ;;
show:[1-9]*) show "$@" ;;
check:2) check "$@" ;;
*) usage 100 >&2 ;;
esac
