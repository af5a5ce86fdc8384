/*
 * A value out of a file.
 */
#ifndef SBX_SOURCE_FILE_H
#define SBX_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret_format.h"

struct secret;

struct source_file {
	const char *path;
	bool owner_only;
	struct secret_format format;
};

/*
 * Reads the file, which must be regular and no symlink; with owner_only, also
 * root's or ours and closed to group and others.  A new reference, and in
 * *ret_expires when it ends, as of secret_format_read(); or NULL with what is
 * wrong in reterr.
 */
struct secret *source_file_read(const struct source_file *file,
	int64_t *ret_expires, char *reterr, size_t reterr_size);

#endif
