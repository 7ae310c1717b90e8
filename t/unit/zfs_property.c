/* Which properties are left out for what kind of stream. */
#include "unit.h"
#include "format/zstream.h"
#include "zfs/zfs_property.h"

int
main(void)
{
	TEST("what only filesystems have does not apply to a volume, and the other way round") {
		CHECK(!zfs_property_applies("mountpoint=none", ZSTREAM_VOLUME));
		CHECK(!zfs_property_applies("canmount", ZSTREAM_VOLUME));
		CHECK(!zfs_property_applies("recsize=4k", ZSTREAM_VOLUME));
		CHECK(zfs_property_applies("mountpoint=none", ZSTREAM_FILESYSTEM));
		CHECK(!zfs_property_applies("volsize", ZSTREAM_FILESYSTEM));
		CHECK(zfs_property_applies("volsize", ZSTREAM_VOLUME));
	}
	TEST("the rest is left to zfs: both kinds, users' own, unknown names and types") {
		for (uint32_t type = 0; type < 5; type++) {
			CHECK(zfs_property_applies("compression=lz4", type));
			CHECK(zfs_property_applies("volmode=none", type));
			CHECK(zfs_property_applies("org:mountpoint=x", type));
			CHECK(zfs_property_applies("mountpoints=x", type));
			CHECK(zfs_property_applies("mount=x", type));
			CHECK(zfs_property_applies("=x", type));
			CHECK(zfs_property_applies("", type));
		}
		CHECK(zfs_property_applies("mountpoint=none", 0));
		CHECK(zfs_property_applies("volsize", 4));
	}
	return (unit_end());
}
