# What the tests of a stream that goes on stand on: a model of zfs send -t.
load ../lib/helper
load ../lib/archive

@test "the model of zfs send -t makes what OpenZFS sent for its own token, byte for byte" {
	"$HELPERS/resume_model.py" "$STREAMS/data.full.zstream" \
	    "$(cat "$STREAMS/data.full.cut.resume-token.txt")" > resumed
	cmp resumed "$STREAMS/data.full.resumed.zstream"
}

@test "the model refuses a token of another stream, as zfs does" {
	run -1 "$HELPERS/resume_model.py" "$STREAMS/data.full.zstream" \
	    "$(cat "$STREAMS/enc.cut.resume-token.txt")"
	[[ $output == *"no longer the same"* ]]
	run -1 "$HELPERS/resume_model.py" "$STREAMS/data.full-Lec.zstream" \
	    "$(cat "$STREAMS/data.full.cut.resume-token.txt")"
	[[ $output == *"is not the stream's"* ]]
}
