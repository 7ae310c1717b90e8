# For start, run, check and stop: . common.bash NAME
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# A User Mode Linux (README), or, where none is named, the emulated machine.
uml=${ZR_ZFSUML-}
image=${ZR_ZFSVM:-$project/build/zfsvm}
# Several clones may share an image, but not a machine: it sees one of them.
control=$project/build/zfsvm/machine.$1

# Is the machine running?  Its process may be somebody else's by now.
alive() {
	local pid word
	read -r pid 2> /dev/null < "$control/pid" &&
	    IFS= read -r -d '' word 2> /dev/null < "/proc/$pid/cmdline" && [ "$word" = timeout ]
}

# What is needed to start one, built if it is not there.
build_image() {
	[ -n "$uml" ] || "$project/t/zfsvm/build" "$image"
}
