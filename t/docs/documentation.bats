# What is written about the programs is so.
load ../lib/helper

# The names of all programs and scripts.
programs() {
	local file
	for file in "$TOP"/bin/*.c "$TOP"/bin/*.sh; do
		basename "${file%.*}"
	done
}

# The text of a section of a manual page, blanks squeezed.
section() {
	mandoc -T utf8 "$1" | col -bx | sed -n "/^$2\$/,/^[A-Z]/p" |
	    sed '1d;/^[A-Z]/d' | tr -s '[:space:]' ' ' | sed 's/^ //;s/ $//'
}

@test "every program and script has a manual page" {
	for program in $(programs); do
		[ -f "$TOP/man/$program.1" ] || { echo "no man/$program.1"; false; }
	done
	[ -f "$TOP/man/zr-chain.7" ]
	[ -f "$TOP/man/zr-endpoint-interface.7" ]
}

@test "-h prints the manual page's SYNOPSIS and exits 0" {
	for program in $(programs); do
		run -0 --separate-stderr "$program" -h
		[ -z "$stderr" ]
		[ "${lines[0]%%:*}" = usage ]
		help=$(sed '$d; s/^usage: //' <<< "$output" | tr -s '[:space:]' ' ' | sed 's/ $//')
		page=$(section "$TOP/man/$program.1" SYNOPSIS)
		[ "$help" = "$page" ] || { printf '%s\n%s\n' "$help" "$page"; false; }
	done
}

@test "every program refuses an option that it does not know, with status 100; zr-check with a monitor's 3" {
	for program in $(programs); do
		usage=100
		[ "$program" != zr-check ] || usage=3
		run "-$usage" --separate-stderr "$program" -_ < /dev/null
		[ -n "$stderr" ] || { echo "$program"; false; }
	done
}

@test "every manual page has its sections and lints clean" {
	mandoc -T lint -W warning "$TOP"/man/*.[1-8]
	for program in $(programs); do
		for name in NAME SYNOPSIS DESCRIPTION ENVIRONMENT 'EXIT STATUS' \
		    EXAMPLES 'SEE ALSO'; do
			grep -qx "\.Sh $name" "$TOP/man/$program.1" ||
			    { echo "$program.1: no $name"; false; }
		done
	done
}

@test "no punctuation in an example of one line is set as a delimiter, without the blank before it" {
	run -1 grep -nE "^\.(D1|Dl)( .*)? [].,:;)?!([] [^.,:;)?!]" "$TOP"/man/*.[1-8]
	mandoc -T ascii "$TOP/man/zr-prune.1" | grep -qF "zr-prune -T 60d -E 1h -k 'grid . 1x1h(keep=all) | 24x1h | 14x1d'"
}

@test "every page that has an example is run by t/zfs/70-examples.bats or another file there" {
	"$HELPERS/examples.py" "$TOP"/man/*.[1-8] | sed -n 's/^==> \(.*\) 1$/\1/p' > pages
	[ "$(wc -l < pages)" -ge 30 ]
	while read -r page; do
		grep -qxF "	page $page" "$TOP"/t/zfs/*.bats ||
		    grep -qE "^PAGE=.*/man/$page$" "$TOP"/t/zfs/*.bats || { echo "$page"; false; }
	done < pages
}

@test "every variable that a program reads is in its manual page or zr-chain(7)" {
	for name in $(grep -hoE 'getenv\("[A-Z_0-9]+"\)' "$TOP"/bin/*.c "$TOP"/lib/*/*.c |
	    sed 's/.*"\(.*\)".*/\1/' | grep -E '^(ZR_|LISTEN_|NOTIFY_)' | sort -u); do
		grep -q "$name" "$TOP"/man/*.[1-8] || { echo "$name"; false; }
	done
}

@test "shell scripts pass shellcheck" {
	shellcheck -s sh "$TOP"/bin/*.sh "$TOP"/examples/*.sh
	shellcheck "$TOP"/t/run "$TOP"/t/*.sh "$TOP"/.ci/run
}

@test "the exit codes of zr-chain(7) are those of lib/base/exit_code.h" {
	sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It \(.*\)/\1/p' "$TOP/man/zr-chain.7" |
	    tr -d ' ' | tr ',' '\n' | sed 's/+N$//' > page
	sed -n 's/^\tEXIT_[A-Z_]* = \([0-9]*\).*/\1/p' "$TOP/lib/base/exit_code.h" > header
	[ -s header ]
	diff page header
}

@test "make knows every target that README names" {
	grep -oE '(^    |`)make [a-z-]+' "$TOP/README.md" | sort -u > targets
	[ "$(wc -l < targets)" -ge 3 ]
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES
	while read -r _ target; do
		make -C "$TOP" -n DEPS=: "$target" > steps 2>&1 || { echo "$target:"; cat steps; false; }
	done < targets
}

@test "manual pages refer only to pages that exist" {
	for reference in $(sed -n 's/^\.Xr \(zr-[a-z-]*\) \([0-9]\).*/\1.\2/p' \
	    "$TOP"/man/*.[1-8] | sort -u); do
		[ -f "$TOP/man/$reference" ] || { echo "$reference"; false; }
	done
}

@test "every program and unit that README names exists" {
	for name in $(sed 's/zr-[a-z]*\.lock//' "$TOP/README.md" |
	    grep -oE '\bzr-[a-z]+(-[a-z]+)*\b' | sort -u); do
		[ -x "$ZR_BUILD/bin/$name" ] || [ -n "$(ls "$TOP"/man/"$name".? 2> /dev/null)" ] ||
		    [ -e "$TOP/examples/systemd/$name@.service" ] ||
		    { echo "$name"; false; }
	done
}

@test "each file of lib has a header, or is part of a file that has one" {
	for file in "$TOP"/lib/*/*.c; do
		header=${file%.c}
		until [ -e "$header.h" ] || [ "$header" = "${header%_*}" ]; do
			header=${header%_*}
		done
		[ -e "$header.h" ] || { echo "$file"; false; }
	done
}

@test "no layer of lib includes one that lib/README lists after it" {
	sed -n 's/^\([a-z]*\)\t.*/\1/p' "$TOP/lib/README" > layers
	diff <(sort layers) <(cd "$TOP/lib" && printf '%s\n' */ | tr -d / | sort)
	while read -r layer; do
		echo "$layer" >> allowed
		grep -ohE '^#include "[a-z]+/' "$TOP/lib/$layer"/*.[ch] | sed 's/.*"//;s,/,,' |
		    sort -u | { ! grep -vxFf allowed; } || { echo "$layer: see above"; false; }
	done < layers
}

@test "each file and function that lib/README names exists" {
	grep -oE '[a-z/_-]+\.c: [a-z_]+' "$TOP/lib/README" | sed 's/: / /' > named
	[ "$(wc -l < named)" -ge 12 ]
	while read -r file name; do
		[ ! -f "$TOP/lib/$file" ] || file=lib/$file
		# A function's name stands first on its line, a table's before its "[".
		grep -qE "^($name\(|static .*[ *]$name\[|const .*[ *]$name\[)" "$TOP/$file" ||
		    { echo "$file: $name"; false; }
	done < named
}

@test "no test has a condition whose failure bash ignores" {
	# "A && B" and "! A" end a test, or a function, only as its last statement.
	awk 'pending != "" && $1 != "}" { print pending; bad = 1 }
	    { pending = "" }
	    /^\t+(\[\[? .*\]\]? && |! )/ && !/\|\|/ && !/&&$/ { pending = FILENAME ": " $0 }
	    END { exit bad }' "$TOP"/t/*/*.ba*
}
