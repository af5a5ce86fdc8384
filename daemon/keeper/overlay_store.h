/*
 * What is kept for sandboxes and outlives the daemon (docs/policy.md,
 * "Overlays" and "Stand-ins"): a folder of each kind, with one file for each
 * sandbox that has one, NAME.yaml.  A file is written
 * whole or not at all, whenever power or the daemon fails.
 */
#ifndef SBX_OVERLAY_STORE_H
#define SBX_OVERLAY_STORE_H

#include <stddef.h>

/* All return 0 or -errno, with a line in reterr; sandbox: a valid name. */

/* Makes the folder if it is absent, and the one above it. */
int overlay_store_put(const char *folder, const char *sandbox, const char *text,
	char *reterr, size_t reterr_size);

/* One that is not there is removed, too. */
int overlay_store_remove(const char *folder, const char *sandbox, char *reterr,
	size_t reterr_size);

/* *ret malloc'd; NULL: there is none. */
int overlay_store_get(const char *folder, const char *sandbox, char **ret,
	char *reterr, size_t reterr_size);

#endif
