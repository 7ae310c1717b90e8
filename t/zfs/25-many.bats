# Many filesystems.  (Making them takes much longer than listing them.)
load zfs_helper

setup() {
	enter_directory || return
	count_zfs
}

@test "300 filesystems with 20 snapshots each are listed by one process each time" {
	POOL_SIZE=2G make_pool src -O canmount=off
	seq -f src/%03g 0 299 | create_all
	for i in {01..20}; do
		zfs snapshot -r "src@$i"
	done
	counted sender ListFilesystems '{}' > listed
	[ "$processes" -eq 1 ]
	[ "$(jq '.Filesystems | length' listed)" -eq 301 ]
	[ "$(jq -r '.Filesystems[300].Path' listed)" = src/299 ]
	counted sender ListFilesystemVersions '{"Filesystem":"src/123"}' > listed
	[ "$processes" -eq 1 ]
	[ "$(jq -r '.Versions | map(.Name) | join(" ")' listed)" = "$(echo {01..20})" ]
	[ "$(jq -r '.Versions[7].Guid' listed)" = "$(guid_of src/123@08)" ]

	RECEIVER='zr-endpoint receiver -n -j job src'
	counted receiver ListFilesystems '{}' > listed
	[ "$processes" -eq 1 ]
	[ "$(jq '.Filesystems | length' listed)" -eq 300 ]
	counted receiver ListFilesystemVersions '{"Filesystem":"123"}' > listed
	[ "$processes" -eq 1 ]
	[ "$(jq '.Versions | length' listed)" -eq 20 ]

	# Twenty snapshots go at once.
	jq -c '{Filesystem: "123", Snapshots: .Versions}' listed > request
	counted receiver DestroySnapshots < request > destroyed
	[ "$(jq '.Results | map(select(.Error // "" == "")) | length' destroyed)" -eq 20 ]
	[ "$processes" -le 2 ]
	[ -z "$(snapshots_of src/123)" ]
}
