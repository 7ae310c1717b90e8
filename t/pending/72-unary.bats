# A unary call through every program: for t/71-serve-remote.bats, once zr-rpc
# is there.
load helper

ADDRESS='exec:zr-handshake accept zr-mux accept zr-serve ./endpoint'

endpoint() {
	cat > endpoint <<-'END'
		#!/bin/sh
		[ $# -gt 1 ] || read -r request
		case $1 in
		ListFilesystems) echo '{"Filesystems":[{"Path":"a/data"}]}' ;;
		*) exit 100 ;;
		esac
	END
	chmod +x endpoint
}

@test "a unary call comes through zr-remote and zr-serve" {
	endpoint
	run -0 zr-remote "$ADDRESS" ListFilesystems '{}'
	[ "$(jq -r '.Filesystems[].Path' <<< "$output")" = a/data ]
}
