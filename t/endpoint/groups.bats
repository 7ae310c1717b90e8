# Calls of a batch that one child answers together: nobody can tell, but by the time.
load ../lib/helper

# A stand-in for zfs, which says in the file ran what it was asked for.  What a name is
# tells what becomes of it.  With several names it does first what the file together says.
setup() {
	enter_directory || return
	cat > zfs <<-'END'
	#!/bin/bash
	shift 11
	# Two may run at once, and a long line is several writes.
	{ flock 9; echo "$*" >&9; } 9>> ran
	declare -A shown
	show() {
		[ -z "${shown[$1]}" ] || return 0
		shown[$1]=yes
		printf "$1\ttype\t$2\t-\n$1\tguid\t$3\t-\n$1\tcreatetxg\t$3\t-\n$1\tcreation\t$3\t-\n"
	}
	list() {
		code=0
		for name do
			case $name in
			*missing*) echo "cannot open '$name': dataset does not exist" >&2; code=1 ;;
			*denied*) echo "cannot open '$name': permission denied" >&2; code=1 ;;
			*long*)
				show "$name" filesystem 1
				for i in {1..1500}; do
					show "$name@$(printf '%0200d' 0)$i" snapshot $i
				done ;;
			*hung*) echo $$ > hung; exec sleep 1000 ;;
			*)
				show "$name" filesystem 1
				show "$name/child" filesystem 2
				show "$name@2" snapshot 20
				show "$name@${name##*/}" snapshot 10
				show "$name#mark" bookmark 10
			esac
		done
		return $code
	}
	[ $# -eq 1 ] || [ ! -e together ] || . ./together
	list "$@"
	END
	chmod +x zfs
	export ZR_ZFS=./zfs
	endpoint=(zr-endpoint sender -f 'tank<')
}

# calls FILESYSTEM...: a request for each, its number the id
calls() {
	local id=0 name
	for name do
		id=$((id + 1))
		printf '{"id":%s,"method":"ListFilesystemVersions","request":{"Filesystem":"%s"}}\n' $id "$name"
	done
}

# same_as_alone PROCESSES FILESYSTEM...: together they are answered as each is when it is
# asked alone, and cost so many zfs processes.
same_as_alone() {
	local line
	calls "${@:2}" > calls
	: > expected
	: > expected.errors
	while read -r line; do
		timeout 20 "${endpoint[@]}" batch <<< "$line" >> expected 2>> expected.errors
	done < calls
	: > ran
	timeout 20 "${endpoint[@]}" batch < calls > answers 2> errors
	sort answers | diff <(sort expected) -
	cat ran
	[ "$(wc -l < ran)" -eq "$1" ]
	[ "$(wc -l < answers)" -eq $(($# - 1)) ]
}

@test "five filesystems cost one zfs process" {
	same_as_alone 1 tank/a tank/b tank/c tank/a/child tank
	[ "$(jq -c 'select(.id == 2).response.Versions | map(.Name)' answers)" = '["mark","b","2"]' ]
	[ ! -s errors ]
}

@test "a filesystem can be asked for twice, and beside one whose name begins like it" {
	same_as_alone 1 tank/a tank/ab tank/a tank/a/b tank/a-b 'tank/a b' tank/a.b
}

@test "200 filesystems with names of the greatest length are listed together" {
	mapfile -t names < <(seq -f "tank/$(printf '%0240d' 0)/%04g" 450)
	calls "${names[@]}" > calls
	"${endpoint[@]}" batch < calls > answers
	[ "$(jq -r 'select(.response.Versions | length == 3).id' answers | sort -un | wc -l)" -eq 450 ]
	[ "$(awk '{ print NF }' ran | sort -n | xargs)" = "50 200 200" ]
}

@test "a filesystem that zfs cannot open is asked for alone, and has its own error" {
	same_as_alone 2 tank/a tank/missing tank/b tank/c tank/d
	[ "$(tail -n 1 ran)" = tank/missing ]
	same_as_alone 4 tank/denied tank/a tank/missing1 tank/b tank/missing2
	diff <(sort errors) <(sort expected.errors)
	same_as_alone 3 tank/missing tank/denied
}

@test "a forbidden name costs no zfs process and does not harm the other calls" {
	same_as_alone 1 tank/a other/b tank/c '' 'tank//d' other/missing tank/e
	same_as_alone 0 other/a other/b
	endpoint=(zr-endpoint receiver -c host tank/sink)
	same_as_alone 2 a b/c missing .. '' a/d "$(printf '%0250d' 0)" b
	[[ "$(cat answers)" != *tank* ]]
	grep -q '^tank/sink/host/a tank/sink/host/b/c tank/sink/host/missing ' ran
}

# Each of these is what zfs does with several names; all are then asked alone.
distrusted() {
	cat > together
	same_as_alone 5 tank/a tank/missing tank/b tank/c
	[ "$(jq -r 'select(.response).id' answers | sort | xargs)" = "1 3 4" ]
}

@test "output that ends within a line is not trusted" {
	distrusted <<< 'list tank/a tank/b | head -c 150; exit 0'
}

@test "output before a failing exit status is not trusted" {
	distrusted <<< 'list tank/a tank/b tank/c; exit 1'
}

@test "output that ends early, with an error about one filesystem only, is not trusted" {
	distrusted <<< 'list tank/a tank/b tank/c | head -n 30; echo "cannot open '\''tank/missing'\'': gone" >&2; exit 2'
}

@test "output with an error that concerns no listed filesystem is not trusted" {
	distrusted <<< 'list "$@" 2>&1; echo "cannot iterate filesystems: I/O error" >&2; exit 1'
	distrusted <<< 'list "$@"; echo "internal error: out of memory" >&2; exit 1'
	distrusted <<< 'list "$@"; echo "cannot open '\''tank/other'\'': no" >&2; exit 1'
	distrusted <<< 'list "$@"; printf "cannot open '\''tank/a" >&2; exit 1'
}

@test "output of a zfs that was killed is not trusted" {
	distrusted <<< 'list tank/a tank/b tank/c; kill -9 $$'
	distrusted <<< 'list "$@"; kill -9 $$'
	grep -q '^zr-endpoint: log: 4 calls of ListFilesystemVersions together: ' errors
}

@test "invalid output, and filesystems not asked for or listed twice, are not trusted" {
	distrusted <<< 'list tank/a tank/b tank/c; echo garbage; exit 0'
	distrusted <<< 'list tank/a tank/b tank/c; show tank/other filesystem 1; exit 0'
	distrusted <<< 'list tank/a tank/b tank/c; shown=(); show tank/a filesystem 1; exit 0'
	distrusted <<< 'list tank/a tank/b tank/c; printf "tank/c@2\ttype\tsnap\0shot\t-\n"; exit 0'
}

@test "a filesystem that zfs does not mention is asked for alone" {
	echo 'list tank/a tank/c; exit 0' > together
	same_as_alone 2 tank/a tank/b tank/c
}

@test "a child destroyed before its turn is not taken for an empty filesystem" {
	echo 'list tank/a; echo "cannot open '\''tank/a/child'\'': dataset does not exist" >&2; exit 1' > together
	same_as_alone 2 tank/a tank/a/child
}

# talk: the batch runs and reads what is written to descriptor 8; ask FILESYSTEM...
# writes all at once.
talk() {
	mkfifo requests
	exec 8<> requests
	background "${endpoint[@]}" batch < requests > answers 2> errors 8>&-
	batch=$!
}

ask() {
	calls "$@" > asked
	cat asked >&8
}

hang_together() {
	echo 'echo $$ > started; until [ -e go ]; do sleep 0.02; done' > together
}

answered() {
	[ "$(wc -l < answers)" -eq "$1" ]
}

@test "calls that come while a group runs form the next one" {
	hang_together
	talk
	ask tank/a tank/b
	eventually 10 test -s started
	calls tank/{1..40} | sed 's/"id":/&1/' >&8
	calls tank/c | sed 's/.*/{"id":"ping","method":"Ping"}/' >&8
	eventually 10 grep -q ping answers
	[ "$(wc -l < ran)" -eq 1 ]
	touch go
	eventually 10 answered 43
	[ "$(awk '{ print NF }' ran | xargs)" = "2 40" ]
	exec 8>&-
	wait "$batch"
}

@test "a cancelled call of a group is answered at once and once; the others go on" {
	hang_together
	talk
	ask tank/a tank/b tank/c
	eventually 10 test -s started
	echo '{"id":2,"cancel":true}' >&8
	eventually 10 answered 1
	[ "$(cat answers)" = '{"id":2,"error":{"code":1,"message":"cancelled"}}' ]
	touch go
	exec 8>&-
	wait "$batch"
	[ "$(jq -c '[.id, (.response.Versions | length)]' answers | xargs)" = "[2,0] [1,3] [3,3]" ]
	[ "$(jq -r 'select(.id == 3).response.Versions[1].Name' answers)" = c ]
	[ "$(wc -l < ran)" -eq 1 ]
}

@test "a group whose calls are all cancelled ends, and the next one does not wait for it" {
	hang_together
	talk
	ask tank/a tank/b
	eventually 10 test -s started
	printf '{"id":%s,"cancel":true}\n' 1 2 >&8
	calls tank/c | sed 's/"id":1/"id":3/' >&8
	eventually 3 grep -q '"id":3,"response"' answers
	eventually 5 gone "$(cat started)"
	[ "$(wc -l < answers)" -eq 3 ]
	exec 8>&-
	wait "$batch"
}

@test "SIGTERM ends a group, and its calls are answered" {
	hang_together
	talk
	ask tank/a tank/b tank/c
	eventually 10 test -s started
	kill "$batch"
	ended_with 143 "$batch"
	eventually 5 gone "$(cat started)"
	[ "$(jq -r .error.message answers | sort | uniq -c | xargs)" = "3 cancelled" ]
	exec 8>&-
}

@test "if the child of a group is killed its calls run alone" {
	hang_together
	talk
	ask tank/a tank/missing tank/b
	eventually 10 test -s started
	child=$(ps -o ppid= -p "$(cat started)" | tr -d ' ')
	[ "$(ps -o ppid= -p "$child" | tr -d ' ')" -eq "$batch" ]
	kill -9 "$child"
	eventually 10 answered 3
	[ "$(jq -r 'select(.response).id' answers | sort | xargs)" = "1 3" ]
	grep -q "cannot open 'tank/missing': dataset does not exist" answers
	touch go
	exec 8>&-
	wait "$batch"
}

# The child is in the middle of its first line, because the batch does not read.
@test "if the child of a group is killed within an answer that one is not used" {
	hang_together
	talk
	ask tank/long tank/b
	eventually 10 test -s started
	child=$(ps -o ppid= -p "$(cat started)" | tr -d ' ')
	kill -STOP "$batch"
	touch go
	eventually 20 gone "$(cat started)" || stuck=yes
	eventually 20 grep -q pipe_write "/proc/$child/wchan" "/proc/$child/stack" ||
	    eventually 20 grep -q '^State:.S' "/proc/$child/status" || stuck=yes
	kill -9 "$child"
	kill -CONT "$batch"
	[ -z "${stuck-}" ]
	eventually 20 answered 2
	[ "$(jq -c '[.id, (.response.Versions | length)]' answers | sort | xargs)" = "[1,1500] [2,3]" ]
	exec 8>&-
	wait "$batch"
}

@test "a client that waits for each answer never waits for a group" {
	talk
	ask tank/a
	eventually 5 answered 1
	ask tank/b
	eventually 5 answered 2
	ask tank/c tank/d
	eventually 5 answered 4
	ask tank/e
	eventually 5 answered 5
	exec 8>&-
	wait "$batch"
}

@test "a call that hangs delays its group for half a minute, and nobody after that" {
	talk
	ask tank/a tank/hung tank/b
	eventually 10 test -s hung
	first=$(cat hung)
	calls tank/c tank/d | sed 's/"id":/&1/' >&8
	# The next group does not wait for the end of a slow one.
	eventually 20 answered 2
	eventually 40 answered 4
	[ "$(jq -r 'select(.response).id' answers | sort -n | xargs)" = "1 3 11 12" ]
	eventually 5 gone "$first"
	echo '{"id":2,"cancel":true}' >&8
	eventually 10 answered 5
	exec 8>&-
	wait "$batch"
}

@test "an archive's filesystems are listed" {
	mkdir -p archive/{a,b,c,d}/e
	endpoint=(zr-endpoint archive archive)
	same_as_alone 0 a/e b c d/e missing .. a/e
}
