/*
 * What outlives the daemon: a folder with a text in a file of its own for each
 * name, NAME.yaml.  A file is written whole or not at all, whenever power or
 * the daemon fails.
 */
#ifndef SBX_STATE_FOLDER_H
#define SBX_STATE_FOLDER_H

#include <stddef.h>

/* All return 0 or -errno, with a line in reterr; name: a file's, valid. */

/* Makes the folder if it is absent, and the one above it.  -EFBIG: more than
 * 8 MiB. */
int state_folder_put(const char *folder, const char *name, const char *text,
	char *reterr, size_t reterr_size);

/* One that is not there is removed, too. */
int state_folder_remove(
	const char *folder, const char *name, char *reterr, size_t reterr_size);

/* *ret malloc'd; NULL: there is none. */
int state_folder_get(const char *folder, const char *name, char **ret,
	char *reterr, size_t reterr_size);

/*
 * Calls visit() for each, in the order of their names, until one does not
 * return 0: that is returned then, and the line is visit()'s to say.
 */
int state_folder_each(const char *folder,
	int (*visit)(void *arg, const char *name, const char *text), void *arg,
	char *reterr, size_t reterr_size);

#endif
