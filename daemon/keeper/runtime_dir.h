/*
 * The runtime directory (/run/sbx-net): made if it is absent, and locked, so
 * that one keeper lives in it.
 */
#ifndef SBX_RUNTIME_DIR_H
#define SBX_RUNTIME_DIR_H

#include <stddef.h>

/*
 * Returns an fd that holds the lock until it is closed; -EBUSY when another
 * keeper has it; -errno.  One line of text in reterr.
 */
int runtime_dir_open(const char *path, char *reterr, size_t reterr_size);

#endif
