#ifndef ZR_ZFS_PROPERTY_H
#define ZR_ZFS_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does a property apply to a stream's kind of dataset (enum zstream_type)?  property is
 * a name, as in "zfs recv -x NAME", or an assignment, "NAME=VALUE".  True for everything
 * that is unknown here (user properties, properties of other versions of ZFS, other
 * types): zfs itself decides then.
 */
bool	zfs_property_applies(const char *property, uint32_t type);

#endif
