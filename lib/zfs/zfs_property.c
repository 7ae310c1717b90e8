#include <string.h>

#include "format/zstream.h"
#include "zfs/zfs_property.h"

/*
 * OpenZFS 2.0 to 2.3, including the short names that zfs accepts.  (volmode and snapdev
 * apply to both: filesystems hand them down.)
 */
static const struct {
	const char *name;
	enum zstream_type type;
} only[] = {
	{ "aclinherit", ZSTREAM_FILESYSTEM },
	{ "aclmode", ZSTREAM_FILESYSTEM },
	{ "acltype", ZSTREAM_FILESYSTEM },
	{ "atime", ZSTREAM_FILESYSTEM },
	{ "canmount", ZSTREAM_FILESYSTEM },
	{ "case", ZSTREAM_FILESYSTEM },
	{ "casesensitivity", ZSTREAM_FILESYSTEM },
	{ "devices", ZSTREAM_FILESYSTEM },
	{ "direct", ZSTREAM_FILESYSTEM },
	{ "dnodesize", ZSTREAM_FILESYSTEM },
	{ "dnsize", ZSTREAM_FILESYSTEM },
	{ "exec", ZSTREAM_FILESYSTEM },
	{ "filesystem_limit", ZSTREAM_FILESYSTEM },
	{ "fslimit", ZSTREAM_FILESYSTEM },
	{ "jailed", ZSTREAM_FILESYSTEM },
	{ "longname", ZSTREAM_FILESYSTEM },
	{ "mountpoint", ZSTREAM_FILESYSTEM },
	{ "nbmand", ZSTREAM_FILESYSTEM },
	{ "norm", ZSTREAM_FILESYSTEM },
	{ "normalization", ZSTREAM_FILESYSTEM },
	{ "overlay", ZSTREAM_FILESYSTEM },
	{ "quota", ZSTREAM_FILESYSTEM },
	{ "recordsize", ZSTREAM_FILESYSTEM },
	{ "recsize", ZSTREAM_FILESYSTEM },
	{ "refquota", ZSTREAM_FILESYSTEM },
	{ "relatime", ZSTREAM_FILESYSTEM },
	{ "setuid", ZSTREAM_FILESYSTEM },
	{ "sharenfs", ZSTREAM_FILESYSTEM },
	{ "sharesmb", ZSTREAM_FILESYSTEM },
	{ "snapdir", ZSTREAM_FILESYSTEM },
	{ "special_small_blocks", ZSTREAM_FILESYSTEM },
	{ "utf8only", ZSTREAM_FILESYSTEM },
	{ "version", ZSTREAM_FILESYSTEM },
	{ "volblock", ZSTREAM_VOLUME },
	{ "volblocksize", ZSTREAM_VOLUME },
	{ "volsize", ZSTREAM_VOLUME },
	{ "volthreading", ZSTREAM_VOLUME },
	{ "vscan", ZSTREAM_FILESYSTEM },
	{ "xattr", ZSTREAM_FILESYSTEM },
	{ "zoned", ZSTREAM_FILESYSTEM }
};

bool
zfs_property_applies(const char *property, uint32_t type)
{
	const size_t length = strcspn(property, "=");

	if (type != ZSTREAM_FILESYSTEM && type != ZSTREAM_VOLUME)
		return (true);
	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++)
		if (strncmp(only[i].name, property, length) == 0 &&
		    only[i].name[length] == '\0')
			return ((uint32_t)only[i].type == type);
	return (true);
}
