#include <stdint.h>
#include <stdlib.h>

#include "message/request.h"
#include "zfs/zfs_filesystems.h"

int
zfs_filesystems_answer(const struct zfs_list *list,
    const char *(*shown)(const void *context, const char *name),
    const void *context, struct error *error)
{
	ListFilesystemRes response = LIST_FILESYSTEM_RES__INIT;
	Filesystem *filesystems, **pointers;
	const char *name;
	size_t count = 0;
	int result = -1;

	filesystems = calloc(list->count + 1, sizeof(*filesystems));
	pointers = calloc(list->count + 1, sizeof(*pointers));
	if (filesystems == NULL || pointers == NULL) {
		error_errno(error, "filesystems");
		goto out;
	}
	for (size_t i = 0; i < list->count; i++) {
		name = shown(context, list->objects[i].name);
		if (name == NULL)
			continue;
		filesystem__init(&filesystems[count]);
		filesystems[count].path = (char *)(uintptr_t)name;
		filesystems[count].isplaceholder = list->objects[i].placeholder;
		filesystems[count].resumetoken =
		    (char *)(uintptr_t)list->objects[i].resume_token;
		pointers[count] = &filesystems[count];
		count++;
	}
	response.filesystems = pointers;
	response.n_filesystems = count;
	result = request_answer(&response.base, error);
out:
	free(filesystems);
	free(pointers);
	return (result);
}
