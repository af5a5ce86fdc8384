/*
 * The policies and credentials of the control socket that outlive the daemon:
 * each a document in a file of its own in a state_folder.h.
 */
#ifndef SBX_ENTRY_STORE_H
#define SBX_ENTRY_STORE_H

#include <stddef.h>

#include "policy_entry.h"

struct document;
struct document_list;

/*
 * All of them.  0 and *ret (document_list_done()); or -errno and a text, naming
 * the file, in *ret_text, malloc'd (or NULL).
 */
int entry_store_load(
	const char *folder, struct document_list *ret, char **ret_text);

/* Both: 0, or -errno with a line in reterr. */
int entry_store_put(const char *folder, const struct document *d, char *reterr,
	size_t reterr_size);
int entry_store_remove(const char *folder, enum policy_entry_kind kind,
	const char *name, char *reterr, size_t reterr_size);

#endif
