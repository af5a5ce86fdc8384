/*
 * A file of somebody else's, imported: what `sbx-netctl import` and `run --kit`
 * begin with.
 */
#ifndef SBX_IMPORT_FILE_H
#define SBX_IMPORT_FILE_H

#include "import.h"

/*
 * Imports the file at path ("-": standard input; of a kit also its folder,
 * in which it is spec.yaml).  0 and *ret, which the caller frees; or -errno
 * with lines of text in *reterr, malloc'd (NULL: out of memory).
 */
int import_file_read(enum import_dialect dialect, const char *path,
	struct import **ret, char **reterr);

#endif
