# The frames of a data connection: `load ../lib/frames`.
declare -gA TYPE=([request]=1 [message]=2 [answer]=3 [result]=4 [stream]=5
	[error]=10000 [end]=20000 [heartbeat]=1000000 [shutdown]=10000000)

# frames TYPE[=PAYLOAD]...: TYPE is a name above, or a number in hexadecimal;
# PAYLOAD is for printf(1).
frames() {
	local frame type header
	for frame; do
		type=${frame%%=*}
		frame=${frame#"$type"}
		header=$(printf '%08x%08x' "0x${TYPE[$type]:-$type}" "$(printf "${frame#=}" | wc -c)")
		printf "$(sed 's/../\\x&/g' <<< "$header")${frame#=}"
	done
}
