# A batch lists many filesystems with few zfs processes, and nobody can tell otherwise.
load zfs_helper

setup() {
	enter_directory || return
	count_zfs
}

# 1000 filesystems, some below others.
many_filesystems() {
	printf 'src/%03d\n' {0..499} | awk '{ print; print $0 (NR % 2 ? "b" : "/b") }' |
	    create_all
}

# The answers to the calls that one makes alone, as batch_list.py writes them.
alone() {
	local name answer
	for name do
		if answer=$("${endpoint[@]}" ListFilesystemVersions \
		    "{\"Filesystem\":\"$name\"}" 2> errors); then
			printf '%s\t"response":%s}\n' "$name" "$answer"
		else
			grep -v ': log: ' errors | jq -Rsr --arg name "$name" '{code: 1, message: .[:-1]} |
			    "\($name)\t\"error\":\(.)}"'
		fi
	done
}

# listed NUMBER PROCESSES SAMPLE...: the listing has so many answers, cost at most so many
# zfs processes, and of each sample it says what a call alone does.
listed() {
	local name
	counted "$BATS_TEST_DIRNAME/../lib/batch_list.py" "${endpoint[@]}" > listed 2> log
	awk '{ print (NF > 11 ? NF - 11 : "all") }' ran | xargs echo names asked for:
	[ "$(wc -l < listed)" -eq "$1" ]
	[ "$processes" -le "$2" ]
	alone "${@:3}" > expected
	for name in "${@:3}"; do
		grep -m 1 "^$name	" listed
	done | diff expected -
}

@test "1000 filesystems cost ten zfs processes at most, with the answers of single calls" {
	POOL_SIZE=2G make_pool src -O canmount=off
	many_filesystems
	zfs create -V 8M -s src/volume
	zfs snapshot -r src@one
	zfs bookmark src/123@one 'src/123#one'
	zfs bookmark src/volume@one 'src/volume#mark'
	zfs snapshot -r src/123@two
	zfs destroy src/008@one
	samples=(src src/000 src/000b src/001 src/001/b src/008 src/123 src/123/b src/199/b
	    src/200 src/200b src/201 src/499/b src/volume)

	endpoint=(zr-endpoint sender -f '<' -j job)
	listed 1002 10 "${samples[@]}"
	# Every version that there is, and no other.
	jq -Rr 'split("\t") | .[0] as $name | ("{" + .[1] | fromjson).response.Versions[]? |
	    $name + (if .Type == "Bookmark" then "#" else "@" end) + .Name + " " + .Guid' listed |
	    sort > versions
	zfs list -Hpo name,guid -t snapshot,bookmark | tr '\t' ' ' | sort | diff - versions

	endpoint=(zr-endpoint receiver -n -j job src)
	listed 1001 10 000 000b 001 001/b 008 123 123/b 199/b 200 499/b volume
}

@test "missing filesystems have their own error, and cost one process each" {
	make_pool src
	zfs create src/a
	zfs create src/a/b
	zfs create src/c
	zfs snapshot -r src@one
	export ALSO='src/gone src/a/b/gone src/a other/c src/a/b'
	endpoint=(zr-endpoint sender -f 'src<' -j job)
	listed 9 7 src src/a src/a/b src/c src/gone src/a/b/gone other/c
	[ "$(grep -c 'creation src/gone$' ran)" -eq 1 ]

	ALSO='gone a/gone'
	endpoint=(zr-endpoint receiver -n -j job src)
	listed 5 6 a a/b c gone a/gone
}
