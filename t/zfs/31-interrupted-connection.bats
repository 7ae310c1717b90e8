# The same with zrepl's protocol between the two: each end is among what is
# killed; or the connection is cut.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
}

# A server, found at an address of zr-remote.
served() {
	printf "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve %s'" "${1//\'/}"
}

@test "a push arrives despite 15 interruptions" {
	zfs create src/data
	change() {
		random 3000000 "src/data/$(($1 % 3))"
	}
	RECEIVER=$(served "$RECEIVER")
	interruptions 15 src/data
	same_snapshot src/data@last
}

@test "a pull of a volume arrives despite 15 interruptions" {
	zfs create -s -V 16M src/vol
	SENDER=$(served 'zr-endpoint sender -j job -f src/vol')
	RECEIVER='zr-endpoint receiver -n -j job -e inherit dst'
	at() {
		echo "dst/$1"
	}
	change() {
		write_volume src/vol $(($1 % 8 * 16))
	}
	interruptions 15 src/vol
	same_snapshot src/vol@last
}

# listening ENDPOINT: behind zr-listen on a free port, $port; its session is $listener.
listening() {
	background setsid zr-listen -1 tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve sh -c "$1"' "$@"' zr > port
	listener=$!
	eventually 60 test -s port
	port=$(cat port)
}

# Has everything ended that served a connection?
served_ended() {
	[ "$(processes_of "$listener" | wc -l)" -eq 1 ]
}

@test "a push arrives although its connection is cut or reset 10 times" {
	zfs create src/data
	change() {
		random 3000000 "src/data/$(($1 % 3))"
	}
	slow_zfs	# for the server too
	listening "$RECEIVER"
	RECEIVER="zr-remote tcp:127.0.0.1:$port"
	lingering=0
	# Anywhere in the stream; or in what comes before it; or in what the server says.
	interrupted_step() {
		local status=0 kind=cut direction=c2s offset=$((RANDOM * 92)) proxy request
		((RANDOM % 2)) || kind=reset
		case $((RANDOM % 6)) in
		0) offset=$((RANDOM % 1000)) ;;
		1) direction=s2c offset=$((RANDOM % 200)) ;;
		esac
		request=$(send_request "${@:2}")
		rm -f receiving through
		background "$HELPERS/fault_proxy.py" -a $offset -d $direction \
		    $kind "127.0.0.1:$port" > through
		proxy=$!
		eventually 60 test -s through
		zr-step -s "$SENDER" -r "zr-remote tcp:127.0.0.1:$(cat through)" "$request" \
		    > /dev/null 2> step.err || status=$?
		kill $proxy
		wait $proxy || true
		echo "$kind $direction at $offset: $status"
		[ $status -eq 0 ] || [ ! -e receiving ] || flowing=$((flowing + 1))
		eventually 120 served_ended || lingering=$((lingering + 1))
		return $status
	}
	interruptions 10 src/data
	same_snapshot src/data@last
	[ $lingering -eq 0 ]
}
