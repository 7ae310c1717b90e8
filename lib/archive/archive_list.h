#ifndef ZR_ARCHIVE_LIST_H
#define ZR_ARCHIVE_LIST_H

#include "archive/archive.h"
#include "archive/archive_scan.h"
#include "zrepl.pb-c.h"

/*
 * The snapshots of a filesystem's directory.
 *
 * A snapshot is sound if its record and its stream exist and agree and, for an
 * increment, its base is sound.  Only sound snapshots are listed for others and can be
 * the base of a new one; the others can be received again.  Damage inside a stream is
 * known only if zr-scrub has marked it.
 */
enum archive_defect {
	ARCHIVE_SOUND,
	ARCHIVE_NO_RECORD,	/* unreadable: only the guid is known */
	ARCHIVE_NO_STREAM,	/* missing, or of another size */
	ARCHIVE_MARKED,		/* zr-scrub found damage in it */
	ARCHIVE_NO_BASE		/* missing, or not sound */
};

struct archive_entry {
	struct archive_snapshot snapshot;
	enum archive_defect defect;
	uint64_t found;		/* bytes of the stream file; 0: missing */
	int64_t since;		/* creation, or its base's if that is later */
	const struct archive_entry *base;	/* in this list; or NULL */
};

/*
 * The sound ones come first, in the order in which they can be received: by creation,
 * an increment counting as no older than its base, and a base before its increments.
 * createtxg is the sender's, raised where necessary so that it ascends in this order: a
 * sender that moves to another pool begins again with small numbers.
 */
struct archive_list {
	struct archive_entry *entries;
	size_t sound;
	size_t count;		/* of all */
	struct archive_scan scan;	/* what was there before they were read, with */
					/* the times of what was read then */
	uint64_t last_arrival;	/* the greatest of all; 0: none has one */
	const struct archive_entry **by_guid, **by_name;
};

/*
 * One snapshot alone; a base that is missing or not sound is no defect here.  1 if there is
 * such a record, 0 if not.
 */
int	archive_read_entry(int directory, uint64_t guid, struct archive_entry *entry,
	    struct error *error);

int	archive_list(int directory, struct archive_list *list, struct error *error);
void	archive_list_free(struct archive_list *list);

/*
 * Let createtxg count from 1 in the order of arrival, instead: the sound ones without
 * an arrival first, in the order of the list.  -1 (EXIT_SYSTEM): out of memory.
 */
int	archive_list_number_by_arrival(struct archive_list *list,
	    struct error *error);

/* NULL if no snapshot matches.  The one found may be damaged. */
const struct archive_entry *archive_find_guid(const struct archive_list *list,
	    uint64_t guid);
const struct archive_entry *archive_find_name(const struct archive_list *list,
	    const char *name);

/*
 * The snapshot that a version names, by name and guid (0: by name alone), if its record
 * is readable; otherwise the error gives the reason.
 */
const struct archive_entry *archive_find_version(const struct archive_list *list,
	    const char *filesystem, const FilesystemVersion *version,
	    struct error *error);

/* The defect of an entry that is not sound, with EXIT_FAILED; returns -1. */
int	archive_explain(const struct archive_entry *entry, struct error *error);

#endif
