# Completion in a real bash: readline gets keys, and says what the line has become.
load ../lib/helper

setup() {
	enter_directory || return
	mkdir -p directory tools
	touch file 'a name'
	cat > tools/zfs <<-'END'
		#!/bin/sh
		echo "$*" >> calls
		printf '%s\n' tank tank/web other
	END
	chmod +x tools/zfs
	cat > rc <<-END
		. "$ZR_BUILD/completion/zr"
		set -u
		COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
		HOSTFILE=hosts
		bind 'set completion-query-items 0'
		bind -x '"\\C-o": printf "%s\\n" "\$READLINE_LINE" >> became; READLINE_LINE='
	END
	echo '127.0.0.1 localhost' > hosts
}

# pressed LINE...: each with all completions inserted (Meta-*); what became of them is in
# the lines of $output.
pressed() {
	rm -f became
	printf '%s\033*\017' "$@" | INPUTRC=/dev/null TERM=dumb LC_ALL=C \
	    timeout 60 bash --noprofile --rcfile rc -i > screen 2>&1
	# No diagnostic but of bash itself, which has no terminal.
	run -1 grep -E '^bash: |: line [0-9]+:|unbound' <(grep -vE \
	    '^bash: (cannot set terminal process group|no job control)' screen)
	run -0 cat became
	[ "${#lines[@]}" -eq $# ]
}

# becomes LINE EXPECTED
becomes() {
	pressed "$1"
	[ "$output" = "$2" ] || { printf '%s\nbecame\n%s\n' "$1" "$output"; return 1; }
}

# Of each program and, where options follow a word, of the two: its options, a line
# "PROGRAM [WORD] -: -a -b", from -h.
synopses() {
	local program
	for program in "$ZR_BUILD"/bin/zr-*; do
		program=${program##*/}
		case $program in *.*) continue ;; esac	# an object
		"$program" -h | sed '$d; s/^usage: //; s/^ *//' | tr '[]()|' ' '
	done | awk '{
		lead = $1 ($2 ~ /^[a-z]+$/ ? " " $2 : "")
		options[lead] = options[lead] ""
		for (i = 2; i <= NF; i++)
			if (sub(/^-/, "", $i))
				for (j = 1; j <= length($i); j++)
					options[lead] = options[lead] " -" substr($i, j, 1)
	} END { for (lead in options) print lead " -:" options[lead] }' | sort
}

@test "after a dash, every option of -h is offered and nothing else" {
	local leads=() line i
	synopses > options
	[ "$(grep -c ' -[a-z]' options)" -ge 25 ]
	[ "$(grep -o ' -[A-Za-z0-9]' options | wc -l)" -ge 150 ]
	mapfile -t leads < <(sed 's/:.*//' options)
	pressed "${leads[@]}"
	for ((i = 0; i < ${#leads[@]}; i++)); do
		line=$(sed -n "$((i + 1))s/.*://p" options | tr -s ' ' '\n' | LC_ALL=C sort -u | paste -sd ' ')
		# None: the dash stays alone.
		[ "${lines[i]}" = "${leads[i]%-}${line:+${line# } }" ] || [ "${lines[i]}$line" = "${leads[i]}" ] ||
		    { echo "${lines[i]}, not $line"; false; }
	done
}

@test "a program of somebody else's is not run, whatever its name: it may be a job that asks for no -h" {
	printf '#!/bin/sh\ntouch ran\n' > tools/zr-mine
	cp tools/zr-mine tools/zr-server
	chmod +x tools/zr-mine tools/zr-server
	sed -i "1i PATH=$PWD/tools:\$PATH" rc
	pressed 'zr mine -' 'zr-listen tcp::1 tools/zr-server -' 'zr-serve zr-mine -' 'zr-listen tcp::1 zr-mux accept zr-mine '
	[ ! -e ran ]
	printf '#!/bin/sh\ntouch ran\n' > tools/zr-mux
	chmod +x tools/zr-mux
	pressed 'zr-listen tcp::1 zr-mux acc'
	[ -e ran ]
}

@test "an option has an argument in completion if it has one in the program" {
	local tries=() line lead option i
	while IFS=: read -r lead line; do
		for option in $line; do
			tries+=("${lead% -} $option -")
		done
	done < <(synopses)
	[ "${#tries[@]}" -ge 150 ]
	pressed "${tries[@]}"
	became=("${lines[@]}")
	wanting=0
	for ((i = 0; i < ${#tries[@]}; i++)); do
		# shellcheck disable=SC2086 # words
		run timeout 10 ${tries[i]% -} < /dev/null
		case $output in
		*'requires an argument'* | *'No arg for'*)
			wanting=$((wanting + 1))
			[ "${became[i]}" = "${tries[i]}" ] || { echo "${became[i]}"; false; } ;;
		*)
			[[ ${became[i]} == "${tries[i]}"[A-Za-z0-9]* ]] || { echo "${became[i]}"; false; } ;;
		esac
	done
	[ "$wanting" -ge 100 ]
}

@test "words of a synopsis are offered, and those that no longer fit are not" {
	pressed 'zr-tls ' 'zr-tls -s x ' 'zr-holds ' 'zr-endpoint ' 'zr-handshake -n ' 'zr-replicate -I ' \
	    'zr-endpoint receiver -e ' 'zr-cert ' 'zr-cert -c x ' 'zr-prune -T 60d -' 'zr-endpoint nonsense -'
	diff - became <<-'END'
		zr-tls accept connect 
		zr-tls -s x connect 
		zr-holds list release 
		zr-endpoint archive receiver sender 
		zr-handshake -n connect 
		zr-replicate -I all fail most_recent 
		zr-endpoint receiver -e inherit off 
		zr-cert ca check client server show 
		zr-cert -c x check 
		zr-prune -T 60d -E -G -K -T -k 
		zr-endpoint nonsense -
	END
}

@test "methods are those of method.c that the program takes" {
	all=$(sed -n '/^const struct method methods/,/^};/s/^\t{ "\(.*\)", METHOD_.*/\1/p' "$TOP/lib/message/method.c" |
	    LC_ALL=C sort | paste -sd ' ')
	[ "$(wc -w <<< "$all")" -eq 9 ]
	pressed 'zr-dump -m ' 'zr-endpoint archive directory ' 'zr-dataconn ' 'zr-rpc ' 'zr-guard -k x zr-endpoint receiver tank '
	[ "$(tr ' ' '\n' <<< "${lines[0]#zr-dump -m }" | sed '/^$/d' | LC_ALL=C sort | paste -sd ' ')" = "$all" ]
	[ "$(tr ' ' '\n' <<< "${lines[1]#zr-endpoint archive directory }" | sed '/^$/d; /^batch$/d' | LC_ALL=C sort | paste -sd ' ')" = "$all" ]
	[[ ${lines[1]} == *' batch '* ]]
	[ "${lines[2]}" = 'zr-dataconn Ping Receive Send serve ' ]
	[[ ${lines[3]} == *' Ping '* ]]
	[[ ${lines[3]} == *' batch serve '* ]]
	[[ ${lines[3]} != *' Send '* ]]
	[[ ${lines[4]} == *' Receive '* ]]
	# The server gives it the method.
	becomes 'zr-serve -b zr-endpoint archive directory ' 'zr-serve -b zr-endpoint archive directory '
}

@test "files, directories, users and hosts are completed where the placeholder is one, and nothing for JOB" {
	pressed 'zr-check f' 'zr-check -j a' 'zr-endpoint archive ' 'zr-plan -K f' 'zr-tls -s x -d ' 'zr-listen -u roo' \
	    'zr-ssh loc' 'zr-holds -J ' 'zr-list -t ' 'zr-step -s x < f' 'zr-token ' "zr-check 'a" "zr-check 'fi" "zr-endpoint archive '" "zr-list -e 'zr-endpoint archive x' -"
	diff - became <<-'END'
		zr-check file 
		zr-check -j a\ name 
		zr-endpoint archive directory tools 
		zr-plan -K file 
		zr-tls -s x -d directory tools 
		zr-listen -u root 
		zr-ssh localhost 
		zr-holds -J 
		zr-list -t 
		zr-step -s x < file 
		zr-token 
		zr-check 'a name' 
		zr-check file 
		zr-endpoint archive directory tools 
		zr-list -e 'zr-endpoint archive x' -e -t 
	END
}

@test "whatever is a file is completed by files" {
	files=('zr-plan f' 'zr-plan - f' 'zr-cert show f' 'zr-cert check f' 'zr-status f' 'zr-remote -i f'
	    'zr-tls -s x -a f' 'zr-tls -s x -b f' 'zr-tls -s x -p f' 'zr-dump f' 'zr-dump file f' 'zr-remote -o f')
	pressed "${files[@]}"
	diff became <(printf '%sile \n' "${files[@]}")
}

@test "a program or endpoint is completed by commands, and its arguments by its own forms" {
	pressed 'zr-list -e zr-endp' 'zr-connect tcp:host:1 zr-hand' 'zr-connect tcp:host:1 zr-handshake ' \
	    'zr-connect tcp:host:1 zr-handshake connect zr-mux -f 0,1 connect zrepl_data zr-dataconn -f 0,1 ' \
	    'zr-listen tcp::1 cat f' 'zr-serve zr-guard -a ./zr'
	diff - became <<-'END'
		zr-list -e zr-endpoint 
		zr-connect tcp:host:1 zr-handshake 
		zr-connect tcp:host:1 zr-handshake accept connect 
		zr-connect tcp:host:1 zr-handshake connect zr-mux -f 0,1 connect zrepl_data zr-dataconn -f 0,1 Ping Receive Send serve 
		zr-listen tcp::1 cat file 
		zr-serve zr-guard -a ./zr
	END
}

@test "addresses: their schemes, and the path of one that has a path" {
	pressed 'zr-connect ' 'zr-remote t' 'zr-listen i' 'zr-connect unix:dir' 'zr-connect tcp:'
	diff - became <<-'END'
		zr-connect exec: tcp: unix: 
		zr-remote tcp: tls: 
		zr-listen inherited 
		zr-connect unix:directory 
		zr-connect tcp:
	END
}

@test "datasets are those of zfs list, if there is zfs" {
	becomes 'zr-snap -r tan' 'zr-snap -r tan'
	PATH=$PWD/tools:$PATH becomes 'zr-snap -r tan' 'zr-snap -r tank tank/web '
	grep -qx 'list -H -o name -t filesystem,volume' calls
}

@test "a place of zr-sync is a dataset, an archive or an address" {
	PATH=$PWD/tools:$PATH
	pressed 'zr-sync ' 'zr-sync tan' 'zr-sync archive:dir' 'zr-sync tank archive:dir'
	diff - became <<-'END'
		zr-sync archive: exec: other ssh: tank tank/web tcp: tls: unix: 
		zr-sync tank tank/web 
		zr-sync archive:directory 
		zr-sync tank archive:directory 
	END
}

@test "zr is completed by the programs, and then as the program is" {
	pressed 'zr ' 'zr sy' 'zr help lis' 'zr hol' 'zr holds ' 'zr list -' 'zr connect tcp:host:1 zr-hand' 'zr -'
	names=$(cd "$ZR_BUILD/bin" && printf '%s\n' help zr-* | grep -v '\.' | sed 's/^zr-//' | LC_ALL=C sort | paste -sd ' ')
	[ "$(tr ' ' '\n' <<< "${lines[0]#zr }" | grep -xF -f <(tr ' ' '\n' <<< "$names") | paste -sd ' ')" = "$names" ]
	sed 1d became | diff <(cat <<-'END'
		zr sync 
		zr help list listen 
		zr holds 
		zr holds list release 
		zr list -e -t 
		zr connect tcp:host:1 zr-handshake 
		zr -
	END
	) -
}
