# The example of zr-migrate(7), on pools as zrepl has left them.
load zfs_helper

PAGE=$TOP/man/zr-migrate.7

setup() {
	enter_directory || return
	make_pool zroot
	make_pool storage
	JOB=prod_to_backups
	SINK=storage/zrepl/sink/prod
	mkdir -p /etc/zrepl
	for name in prod backups; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 \
		    -keyout /etc/zrepl/$name.key -out /etc/zrepl/$name.crt -subj /CN=$name \
		    -addext "subjectAltName=DNS:$name" 2> /dev/null
	done
	echo '127.0.0.1 backups.example.com' >> /etc/hosts
}

teardown() {
	end_children
	rm -rf /etc/zrepl /etc/zr /var/lib/zr
	sed -i '/backups.example.com/d' /etc/hosts
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
}

# block TEXT: the example of the page that has it, as it is displayed
block() {
	awk -v text="$1" '/^\.Bd/ { inside = 1; all = ""; next }
	    /^\.Ed/ { if (index(all, text)) { printf "%s", all; found++ } inside = 0 }
	    inside { gsub(/\\e/, "\\"); sub(/^\\&/, ""); all = all $0 "\n" }
	    END { exit found != 1 }' "$PAGE"
}

# named AGE: the snapshot that zrepl took so many seconds ago
named() {
	date -u -d "@$((now - $1))" +zrepl_%Y%m%d_%H%M%S_000
}

# replicated FILESYSTEM AGE [BASE]: what zrepl leaves after a step
replicated() {
	local to from=${3:+@$(named "$3")}
	to=$(named "$2")
	zfs send ${from:+-i "$from"} "$1@$to" | zfs recv -u "$SINK/$1"
	zfs list -Ho name -t bookmark "$1" | xargs -r -n 1 zfs destroy
	zfs bookmark "$1@$to" "$1#$(printf 'zrepl_CURSOR_G_%016x_J_%s' "$(guid_of "$1@$to")" $JOB)"
	[ -z "$from" ] || zfs release zrepl_last_received_J_sink "$SINK/$1$from"
	zfs hold zrepl_last_received_J_sink "$SINK/$1@$to"
}

D=86400
# In seconds.  The last two have not been replicated.  Of each pair in one bucket of the
# receiver's grid the younger goes: 40 days, 75 hours, 7920 seconds.
AGES="$((200 * D)) $((41 * D)) $((40 * D)) $((77 * 3600)) $((75 * 3600)) 8640 7920 2400 1800 1200 600"

as_zrepl_left_it() {
	now=$(date +%s)
	# zroot/var has a history: dated snapshots come from streams.
	zfs create zroot/scratch
	local age last=''
	for age in $AGES; do
		[ $age -gt 1800 ] || random 100000 zroot/scratch/$age
		zfs snapshot "zroot/scratch@$(named $age)"
		zfs send ${last:+-i "@$(named $last)"} "zroot/scratch@$(named $age)" |
		    "$HELPERS/redate.py" $((now - age)) | zfs recv -u zroot/var
		last=$age
	done
	zfs destroy -r zroot/scratch
	zfs create -p zroot/usr/home/paranoid
	zfs create zroot/var/tmp
	for name in zroot zroot/usr zroot/usr/home; do
		zfs snapshot "$name@$(named 1800)"
	done
	zfs create -p -u -o mountpoint=none storage/zrepl/sink
	zfs create -u -o mountpoint=none -o zrepl:placeholder=on $SINK
	for name in zroot zroot/usr zroot/usr/home; do
		replicated $name 1800
	done
	zfs send "zroot/var@$(named $((200 * D)))" | zfs recv -u $SINK/zroot/var
	zfs send -I "@$(named $((200 * D)))" "zroot/var@$(named 2400)" | zfs recv -u $SINK/zroot/var
	zfs hold zrepl_last_received_J_sink "$SINK/zroot/var@$(named 2400)"
	replicated zroot/var 1800 2400
	# The base of the next step is nothing but a cursor here.
	random 100000 zroot/usr/home/file
	zfs snapshot "zroot/usr/home@$(named 600)"
	zfs destroy "zroot/usr/home@$(named 1800)"
}

# serve: the last example, on backups
serve() {
	block 'zr-listen tcp::8888' | sed '1s/^/exec /' > server
	background bash server 2> server.err
	eventually 30 listening
}

listening() {
	ss -Hltn 'sport = :8888' | grep -q .
}

# without AGE...: the names of all of AGES but these, and of zr's own
without() {
	local age
	for age in $AGES; do
		[[ " $* " == *" $age "* ]] || named "$age"
	done
	echo "$own"
}

names_of() {
	snapshots_of "$1" | cut -d ' ' -f 1
}

@test "the example of zr-migrate(7) goes on where zrepl has stopped, from its cursors and by its rules" {
	as_zrepl_left_it
	serve
	bash -eu <(block 'cat > /etc/zr/filesystems')
	cursor=$(bookmarks_of zroot/usr/home | cut -d ' ' -f 1)

	# The look changes nothing, and says what comes.
	zfs list -Hr -t all -o name,guid,userrefs zroot storage > before
	bash -eu <(block 'zr-replicate -n') > look 2> look.err || { cat look look.err; false; }
	cat look look.err
	zfs list -Hr -t all -o name,guid,userrefs zroot storage | diff before -
	run -1 grep 'in full' look
	grep -qx "zroot/var: incremental: 2 steps: @$(named 1800) to @$(named 1200), then to @$(named 600)" look
	grep -qx "zroot/usr/home: incremental: 1 step: #$cursor to @$(named 600)" look
	run -1 grep -e zroot/var/tmp -e paranoid look
	{
		echo "zroot/var@$(named $((200 * D)))"
		for age in $((40 * D)) $((75 * 3600)) 7920; do
			echo "zroot/var@$(named $age)"
		done
	} > expected
	grep '^[^ ]*@[^ ]*$' look | diff expected -

	# The run, as cron starts it.
	bash -eu <(block 'chmod 755')
	line=$(block '/run/zr.lock')
	[[ "$line" == '*/10 * * * * root '* ]]
	sh -c "${line#*root }"
	own=$(names_of zroot/usr | tail -n 1)
	[[ "$own" =~ ^zrepl_[0-9]{8}_[0-9]{6}_[0-9]{3}$ ]]
	for name in zroot zroot/usr zroot/usr/home zroot/var; do
		[ "$(guid_of "$name@$own")" = "$(guid_of "$SINK/$name@$own")" ]
		# zrepl's cursors and holds have made room for the new ones.
		[ "$(bookmarks_of $name | cut -d ' ' -f 1)" = "$(printf 'zrepl_CURSOR_G_%016x_J_%s' "$(guid_of "$name@$own")" $JOB)" ]
		[ -z "$(holds_of $name)" ]
		[ "$(holds_of $SINK/$name)" = "$own zrepl_last_received_J_sink" ]
	done
	for name in zroot/usr/home zroot/var; do
		[ "$(fs_digest "$name@$own")" = "$(fs_digest "$SINK/$name@$own")" ]
	done
	# Ten are left on the sender; on the receiver the oldest of each bucket.
	diff <(without $((200 * D)) $((41 * D))) <(names_of zroot/var)
	diff <(without $((40 * D)) $((75 * 3600)) 7920) <(names_of $SINK/zroot/var)
	run -1 zfs list $SINK/zroot/var/tmp
	run -1 zfs list $SINK/zroot/usr/home/paranoid
	[ -z "$(names_of zroot/var/tmp)" ]
	[ ! -s server.err ] || { cat server.err; false; }
	zr-status /var/lib/zr/$JOB | grep -q 'done'
}
