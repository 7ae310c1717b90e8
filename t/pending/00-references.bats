# What the documents refer to exists: for t/00-docs.bats, once zr-endpoint and
# zr-rpc are there.
load helper

TOP=$BATS_TEST_DIRNAME/..

@test "manual pages refer only to pages that exist" {
	for reference in $(sed -n 's/^\.Xr \(zr-[a-z-]*\) \([0-9]\).*/\1.\2/p' \
	    "$TOP"/man/*.[1-8] | sort -u); do
		[ -f "$TOP/man/$reference" ] || { echo "$reference"; false; }
	done
}

@test "every program that README names exists" {
	for name in $(grep -oE '\bzr-[a-z]+(-[a-z]+)*\b' "$TOP/README.md" | sort -u); do
		[ -x "$ZR_BUILD/bin/$name" ] || [ -n "$(ls "$TOP"/man/"$name".? 2> /dev/null)" ] ||
		    { echo "$name"; false; }
	done
}
