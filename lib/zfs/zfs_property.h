#ifndef ZR_ZFS_PROPERTY_H
#define ZR_ZFS_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does a property apply to what a stream is of (enum zstream_type)?  A name, as
 * in "zfs recv -x NAME", or an assignment, "NAME=VALUE".  True for everything
 * that is not known here (user properties, properties of other versions of ZFS,
 * other types): zfs itself has the last word.
 */
bool	zfs_property_applies(const char *property, uint32_t type);

#endif
