/*
 * A value out of a file.
 */
#ifndef SBX_SOURCE_FILE_H
#define SBX_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct secret;

/*
 * Reads the file, which must be regular and no symlink; with owner_only, also
 * root's or ours and closed to group and others.  A new reference, or NULL
 * with what is wrong in reterr.
 */
struct secret *source_file_read(
	const char *path, bool owner_only, char *reterr, size_t reterr_size);

#endif
