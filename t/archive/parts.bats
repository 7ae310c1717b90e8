# A stream into an archive that broke off goes on where it stopped.  What zfs send -t
# would send is resume_model.py's.
load ../lib/helper
load ../lib/archive

# cut_off FILE SNAPSHOT BYTES [FILESYSTEM]: a Receive that gets so much of it.
cut_off() {
	run -1 archive Receive "$(receive_request "$2" "${@:4}")" < <(head -c "$3" "$STREAMS/$1")
	[[ "$output" == *"the stream is incomplete: it ends after $3 bytes"* ]]
}

# rest FILE FILESYSTEM: writes what its token asks for to the file "rest".
rest() {
	token_of "$2" > token
	"$HELPERS/resume_model.py" "$STREAMS/$1" "$(cat token)" > rest
}

# resume SNAPSHOT [FILESYSTEM]: receives that.
resume() {
	archive Receive "$(receive_request "$@")" < rest
}

# whole FILE SNAPSHOT: that is stored, as if it had never been broken, and nothing else new.
whole() {
	local record
	record=$(printf '@%016x' "$(version "$2" | jq -r .Guid)")
	cmp "$STREAMS/$1" "box/${2%@*}/$record.zstream"
	rm -rf again
	mkdir -p again
	[ ! -e bases ] || cp -a bases/. again
	zr-endpoint archive again Receive "$(receive_request "$2")" < "$STREAMS/$1"
	cmp "box/${2%@*}/$record.json" "again/${2%@*}/$record.json"
	[ -z "$(leftovers)" ]
}

@test "a stream that is cut, wherever that is, is resumed to the very bytes" {
	for stream in data.full-props:a/data@two:700000 data.full-Lec:a/data@one:300077 \
	    data.full-Lec:a/data@one:419791 enc.full-raw:a/enc@e1:100000 vol.full:a/vol@v1:260525; do
		IFS=: read -r file snapshot cut <<< "$stream"
		rm -rf box
		mkdir box
		cut_off "$file.zstream" "$snapshot" "$cut"
		rest "$file.zstream" "${snapshot%@*}"
		resume "$snapshot"
		whole "$file.zstream" "$snapshot"
	done
}

@test "an increment is resumed, too" {
	mkdir box
	keep data.full.zstream a/data@one
	cp -a box bases
	cut_off data.one-two.zstream a/data@two 200000
	[ "$(token_of a/data | zr-token | jq -r .fromguid)" = "$(version a/data@one | jq -r .Guid)" ]
	[ "$(names a/data)" = one ]
	rest data.one-two.zstream a/data
	resume a/data@two
	whole data.one-two.zstream a/data@two
	[ "$(names a/data)" = one,two ]
}

@test "what is broken off again and again goes on, each time further" {
	mkdir box
	cut_off data.full.zstream a/data@one 300000
	before=0
	for more in 700000 500000 700000; do
		rest data.full.zstream a/data
		anchor=$((16#$(parts | sed 's/.*\.//')))
		[ "$anchor" -gt "$before" ]
		before=$anchor
		head -c "$more" rest > some
		run -1 archive Receive "$(receive_request a/data@one)" < some
		[[ "$output" == *"the stream is incomplete"* ]]
	done
	# One that brings nothing new loses nothing.
	for some in 0 100 400; do
		run -1 archive Receive "$(receive_request a/data@one)" < <(head -c "$some" rest)
		[ "$((16#$(parts | sed 's/.*\.//')))" -ge "$before" ]
	done
	rest data.full.zstream a/data
	resume a/data@one
	whole data.full.zstream a/data@one
}

@test "a Receive that was killed is resumed" {
	mkdir box
	paused data.full.zstream a/data@one 700000
	kill -9 "$receiver"
	wait "$receiver" || true
	exec 8>&-
	rest data.full.zstream a/data
	resume a/data@one
	whole data.full.zstream a/data@one
}

@test "a checksum that the network broke costs no more than what follows it" {
	mkdir box
	cp "$STREAMS/data.full.zstream" broken
	printf '\377' | dd of=broken bs=1 seek=800000 conv=notrunc status=none
	run -1 archive Receive "$(receive_request a/data@one)" < broken
	[[ "$output" == *"checksum mismatch"* ]]
	rest data.full.zstream a/data
	# Of what goes on, too.
	cp rest broken
	printf '\377' | dd of=broken bs=1 seek=700000 conv=notrunc status=none
	run -1 archive Receive "$(receive_request a/data@one)" < broken
	[[ "$output" == *"checksum mismatch"* ]]
	rest data.full.zstream a/data
	resume a/data@one
	whole data.full.zstream a/data@one
}

@test "zr-replicate goes on by itself, in the same run" {
	mkdir box
	run -0 zr-replicate -I all -s "$HELPERS/resuming_sender.py -c 300000,400000,300000 -l log $STREAMS/data.full.zstream $STREAMS/data.one-two.zstream" -r 'zr-endpoint archive box'
	[ "$(cut -d' ' -f1 log | xargs)" = "whole resumed resumed resumed whole" ]
	whole data.full.zstream a/data@one
	[ "$(names a/data)" = one,two ]
}

@test "a part that has rotten goes on before the damage" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	rest data.full.zstream a/data
	cp -a box left
	for damage in 'printf \377' 'head -c 100000 /dev/zero'; do
		rm -rf box
		cp -a left box
		$damage | dd of="box/a/data/$(parts)" bs=1 seek=400000 conv=notrunc status=none
		rest data.full.zstream a/data
		run -1 resume a/data@one
		[[ "$output" == *"what was kept of this stream is damaged: the next attempt resumes before the damage: "* ]]
		anchor=$((16#$(parts | sed 's/.*\.//')))
		[ "$anchor" -gt 200000 ]
		[ "$anchor" -lt 400000 ]
		rest data.full.zstream a/data
		resume a/data@one
		whole data.full.zstream a/data@one
	done
	# In one run.
	rm -rf box
	mv left box
	printf '\377' | dd of="box/a/data/$(parts)" bs=1 seek=400000 conv=notrunc status=none
	run -0 zr-replicate -s "$HELPERS/resuming_sender.py -l log $STREAMS/data.full.zstream" -r 'zr-endpoint archive box'
	[ "$(cut -d' ' -f1 log | xargs)" = "resumed resumed" ]
	whole data.full.zstream a/data@one
}

@test "a part of which a crash has taken the end goes on before that" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	cp -a box left
	for size in '400000' '400000 800000' '523457 900001'; do
		rm -rf box
		cp -a left box
		part=box/a/data/$(parts)
		for each in $size; do
			truncate -s "$each" "$part"
		done
		[ -n "$(token_of a/data)" ]
		anchor=$((16#$(parts | sed 's/.*\.//')))
		[ "$anchor" -gt 100000 ]
		[ "$anchor" -lt "${size% *}" ]
		rest data.full.zstream a/data
		resume a/data@one
		whole data.full.zstream a/data@one
	done
}

@test "a part of which nothing is good is removed, and begun anew in the same run" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	rest data.full.zstream a/data
	cp -a box left
	# Also an anchor in the wrong place.
	for damage in 'printf "\377" | dd of="$part" bs=1 seek=330 conv=notrunc status=none' 'mv "$part" "${part%????????????????}0000000000000138"; truncate -s 700 box/a/data/@receiving.*'; do
		rm -rf box
		cp -a left box
		part=box/a/data/$(parts)
		eval "$damage"
		run -1 resume a/data@one
		[ -z "$(ls -A box)" ]
	done
	rm -rf box
	mv left box
	printf '\377' | dd of="box/a/data/$(parts)" bs=1 seek=330 conv=notrunc status=none
	cp -a box left
	run -1 resume a/data@one
	[[ "$output" == *"what was kept of this stream is damaged and has been removed: the next attempt begins anew: "*"checksum mismatch"* ]]
	rm -rf box
	mv left box
	run -0 zr-replicate -s "$HELPERS/resuming_sender.py -l log $STREAMS/data.full.zstream" -r 'zr-endpoint archive box'
	[ "$(cut -d' ' -f1 log | xargs)" = "resumed whole" ]
	whole data.full.zstream a/data@one
}

@test "the log tells of a part that is kept, and of one that is removed, with their bytes" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	[[ "$output" == *"log: $(parts) is kept, to be resumed: 800000 bytes of a/data@one"* ]]
	touch -d '31 days ago' "box/a/data/$(parts)"
	name=$(parts)
	run -0 --separate-stderr archive ListFilesystems '{}'
	[[ "$stderr" == *"log: $name is removed, 800000 bytes: it is too old"* ]]
}

@test "the part of a writer that was slow to die is not lost to a new one that has less" {
	mkdir box
	paused data.full.zstream a/data@one 900000
	slow=$receiver
	kill -STOP "$slow"
	cut_off data.full.zstream a/data@one 500000
	[ "$(parts | wc -l)" = 2 ]
	kill "$slow"
	kill -CONT "$slow"
	wait "$slow" || true
	exec 8>&-
	touch -d '1 hour ago' "$(find box -name '@receiving.*' -size +800k)"
	[ -n "$(token_of a/data)" ]
	[ "$((16#$(parts | sed 's/.*\.//')))" -gt 600000 ]
	rest data.full.zstream a/data
	resume a/data@one
	whole data.full.zstream a/data@one
}

@test "another source's stream with the same guids does not go on: its part is begun anew" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	run -0 zr-replicate -s "$HELPERS/resuming_sender.py -f -l log $STREAMS/data.full.zstream" -r 'zr-endpoint archive box'
	[ "$(cut -d' ' -f1 log | xargs)" = "resumed whole" ]
	whole data.full.zstream a/data@one
}

@test "a sender that does not take the token sends the whole stream, and the part goes" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	run -0 zr-replicate -s "$HELPERS/resuming_sender.py -r -l log $STREAMS/data.full.zstream" -r 'zr-endpoint archive box'
	[ "$(cut -d' ' -f1 log | xargs)" = whole ]
	whole data.full.zstream a/data@one
}

@test "from an archive to an archive a part is begun anew" {
	mkdir box web
	zr-endpoint archive web Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	cut_off data.full.zstream a/data@one 800000
	[ "$(toguid_of a/data)" = "$(version a/data@one | jq -r .Guid)" ]
	run -0 zr-replicate -s 'zr-endpoint archive web' -r 'zr-endpoint archive box'
	whole data.full.zstream a/data@one
}

@test "ClearResumeToken removes the part as soon as the new stream is the right one" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	clear=$(receive_request a/data@one | jq -c '.ClearResumeToken = true')
	# Not for a stream that is refused, and not for one that goes on with it.
	run -1 archive Receive "$clear" < "$STREAMS/data.one-two.zstream"
	rest data.full.zstream a/data
	run -1 archive Receive "$clear" < rest
	[[ "$output" == *"goes on with one that ClearResumeToken gives up"* ]]
	[ -n "$(token_of a/data)" ]
	old=$(parts)
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$clear" < pipe 8>&-
	head -c 200 "$STREAMS/data.full.zstream" >&8
	eventually 20 sh -c '[ "$(find box -name "@receiving.*" | wc -l)" = 2 ]'
	[ -e "box/a/data/$old" ]
	tail -c +201 "$STREAMS/data.full.zstream" | head -c 600000 >&8
	eventually 20 sh -c "[ ! -e 'box/a/data/$old' ]"
	[ "$(find box -name '@receiving.*' | wc -l)" = 1 ]
	exec 8>&-
	wait "${children[-1]}" || true
	[ -n "$(token_of a/data)" ]
}

@test "of several parts only the newest stays, and none for more than 30 days" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	new=$(parts)
	old=@receiving.1.2.${new#*.*.*.}
	cp "box/a/data/$new" "box/a/data/$old"
	touch -d '1 hour ago' "box/a/data/$old"
	[ -n "$(token_of a/data)" ]
	[ "$(parts)" = "$new" ]
	touch -d '29 days ago' "box/a/data/$new"
	[ -n "$(token_of a/data)" ]
	touch -d '31 days ago' "box/a/data/$new"
	[ -z "$(token_of a/data)" ]
	[ -z "$(ls -A box)" ]
}

@test "a part goes with the base of its increment" {
	mkdir box
	keep data.full.zstream a/data@one
	cut_off data.one-two.zstream a/data@two 200000
	[ -n "$(token_of a/data)" ]
	# A damaged one may come again: until then nothing is offered.
	guid=$(printf '@%016x' "$(version a/data@one | jq -r .Guid)")
	mv "box/a/data/$guid.zstream" whole
	[ -z "$(token_of a/data)" ]
	[ -n "$(parts)" ]
	mv whole "box/a/data/$guid.zstream"
	[ -n "$(token_of a/data)" ]
	destroy one
	archive ListFilesystems '{}'
	[ -z "$(ls -A box)" ]
}

@test "a part goes once its snapshot has arrived in another way" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	rest data.full.zstream a/data
	keep data.full.zstream a/data@one
	[ -z "$(token_of a/data)" ]
	[ -z "$(leftovers)" ]
	# What goes on with it is read to its end then, as any other stream of it is.
	[ "$(resume a/data@one)" = '{}' ]
	whole data.full.zstream a/data@one
}

@test "the part of a writer that lives is neither offered nor touched" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	rest data.full.zstream a/data
	rm -rf box
	mkdir box
	paused data.full.zstream a/data@one 900000
	[ -z "$(token_of a/data)" ]
	[ "$(archive ListFilesystems '{}' | jq '.Filesystems[1].IsPlaceholder')" = true ]
	run -1 resume a/data@one
	[[ "$output" == *"goes on with one that another process is receiving"* ]]
	[ -e "$part" ]
	tail -c +900001 "$STREAMS/data.full.zstream" >&8
	exec 8>&-
	wait "$receiver"
	whole data.full.zstream a/data@one
}

@test "of two that go on with one part at once, one does, and the other fails" {
	mkdir box
	cut_off data.full.zstream a/data@one 400000
	rest data.full.zstream a/data
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(receive_request a/data@one)" < pipe 8>&-
	head -c 400000 rest >&8
	eventually 20 sh -c "test -n \"\$(find box -name '@receiving.*' -size +600k)\""
	run -1 resume a/data@one
	[[ "$output" == *"goes on with one that another process is receiving"* ]]
	tail -c +400001 rest >&8
	exec 8>&-
	wait "${children[-1]}"
	whole data.full.zstream a/data@one
}

@test "a disk that is full is made no fuller: the part goes" {
	mkdir box
	cut_off data.full.zstream a/data@one 300000
	rest data.full.zstream a/data
	run -111 bash -c 'ulimit -f 500; zr-endpoint archive box Receive "$0" < rest' "$(receive_request a/data@one)"
	[ -z "$(ls -A box)" ]
}

@test "what is refused for what it is keeps no part" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	rest data.full.zstream a/data
	# A record of a type that is not known, with a good checksum, behind good ones.
	/usr/bin/python3 - "$HELPERS" rest > strange <<-'PY'
	import sys
	sys.path.insert(0, sys.argv[1])
	from resume_model import Record, records_of, written
	records = records_of(open(sys.argv[2], "rb").read())
	strange = Record(records[-2].head, b"")
	strange.head[0] = 99
	strange.type = 99
	sys.stdout.buffer.write(b"".join(written(records[:-2] + [strange] + records[-1:])))
	PY
	run -1 archive Receive "$(receive_request a/data@one)" < strange
	[[ "$output" == *"unknown record type"* ]]
	[ -z "$(ls -A box)" ]
}

@test "a part whose beginning or whose name is no stream's is not offered, but removed" {
	mkdir box
	cut_off data.full.zstream a/data@one 800000
	cp -a box left
	forged() {
		rm -rf box
		cp -a left box
		part=box/a/data/$(parts)
		eval "$1"
		[ -z "$(token_of a/data)" ]
		[ -z "$(ls -A box)" ]
	}
	patch() {
		printf '%b' "$2" | dd of="$part" bs=1 seek="$1" conv=notrunc status=none
	}
	forged 'patch 62 x'				# the @ in a/data@one
	forged 'patch 57 "/../.."'
	forged 'patch 57 " \$(id)"'
	forged 'patch 8 x'				# the magic number
	forged 'patch 40 x'				# the guid
	forged 'patch 18 "\\x48"'			# it resumes another one, itself
	forged 'mv "$part" "${part%????????????????}0000000000000139"'
	forged 'mv "$part" "${part%????????????????}ffffffffffffffff"'
	forged 'mv "$part" "${part%????????????????}0000000000000000"'
	forged 'mv "$part" "${part%????????????????}00000000000F0000"'
	forged 'truncate -s 0 "$part"'
	# Others' files are none of ours.
	rm -rf box
	mv left box
	echo secret > secret
	part=$(parts)
	rm "box/a/data/$part"
	ln -s ../../../secret "box/a/data/$part"
	[ -z "$(token_of a/data)" ]
	[ "$(cat secret)" = secret ]
}
