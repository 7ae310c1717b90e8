#ifndef ZR_PBJSON_VALUE_H
#define ZR_PBJSON_VALUE_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "message/arena.h"
#include "message/json_scan.h"

/*
 * One JSON value into its place in a message, for pbjson.h: integers, enums,
 * strings and booleans.
 */
#define PBJSON_NAME_MAX	64	/* bytes of a field's or an enum value's name, with NUL */
#define PBJSON_NO_INDEX	SIZE_MAX

struct pbjson_reader {
	struct json_scan scan;
	struct arena *arena;	/* for strings, and what the caller needs */
	struct error *error;
};

/* Where a value stands, for errors: "SendReq.To.Guid", "SendReq.To[3]". */
struct pbjson_path {
	const struct pbjson_path *above;
	const char *name;
	size_t index;		/* in a list, or PBJSON_NO_INDEX */
};

/* The error "PATH: what", with EXIT_USAGE, and the one for memory; both return -1. */
int	pbjson_refuse(struct pbjson_reader *reader,
	    const struct pbjson_path *path, const char *what);
int	pbjson_no_memory(struct pbjson_reader *reader);

/* The value that is next, to place: a member, or an element of a repeated one. */
int	pbjson_value(struct pbjson_reader *reader, void *place,
	    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path);

#endif
