# Shared by the bats files about zr-guard: `load ../lib/guard`, after helper and archive.
# shellcheck disable=SC2154 # set by the files

# put NAME AGE ARRIVAL [BASE]: in box/a, a snapshot that is AGE seconds old and arrived in
# this place, which is its guid too; BASE is the place of the one that it is based on.
put() {
	mkdir -p box/a
	chmod 700 box/a
	printf x > "box/a/@$(printf %016x "$3").zstream"
	printf '{"name":"%s","guid":"%s","from_guid":"%s","createtxg":"%s","creation":"%s","size":"1","arrival":"%s"}\n' \
	    "$1" "$3" "${4-0}" "$((1000 - $3))" "$(date -u -d "@$(($(date +%s) - $2))" +%FT%TZ)" "$3" \
	    > "box/a/@$(printf %016x "$3").json"
}

H=3600
D=86400

# daily COUNT: d1 (the youngest, half a day old) to dCOUNT
daily() {
	local i
	for ((i = $1; i >= 1; i--)); do
		put "d$i" $((i * D - D / 2)) $(($1 - i + 1))
	done
}

# what is there, by age
left() {
	names a
}

# all [FILTER]: the request for everything that is listed
all() {
	archive ListFilesystemVersions '{"Filesystem":"a"}' |
	    jq -c '{Filesystem: "a", Snapshots: [.Versions[]? | '"${1-.}"']}'
}

# guard OPTION... METHOD [REQUEST]
guard() {
	local options=()
	while [[ $1 == -* ]]; do
		options+=("$1")
		case $1 in
		-[dKk]) options+=("$2"); shift ;;
		esac
		shift
	done
	zr-guard "${options[@]}" zr-endpoint archive box "$@"
}

# of an answer: NAME=ERROR, a line for each
answers() {
	jq -r '.Results[]? | "\(.Snapshot.Name)=\(.Error // "")"'
}

# stand_in: ./endpoint, which notes each call in ./calls and runs ./METHOD, if there is
# such a file, or else zr-endpoint archive box.
stand_in() {
	cat > endpoint <<-'END'
	#!/bin/sh
	echo "$1" >> calls
	if [ -x "./$1" ]; then exec "./$1" "$@"; fi
	exec zr-endpoint archive box "$@"
	END
	chmod +x endpoint
}

# method NAME: the stand-in's, from standard input
method() {
	{ echo '#!/bin/sh'; cat; } > "$1"
	chmod +x "$1"
}
