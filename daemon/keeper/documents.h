/*
 * Everything the operator wrote, of one generation (DESIGN 6): the main file,
 * its neighbours policies.d and sandboxes.d, the sandboxes.d of the runtime
 * directory, the kits that their policies name; and what was put over the
 * control socket.  Read, parsed, compiled; immutable then.
 *
 * Reads files.  Knows nothing of workers or of what runs.
 */
#ifndef SBX_DOCUMENTS_H
#define SBX_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "document.h"

struct policy;
struct report;
struct settings;
struct tree;

struct documents {
	struct document *files; /* the main file first, entries last */
	size_t count;
	size_t file_count; /* of these */
	struct settings *settings;
	struct policy *policy;
	char *trust; /* text of upstream.ca_file, else of what the host trusts
		      */
	size_t trust_len;
	char *notes; /* what kits say that means something else here: lines;
			NULL: nothing, or not read just now */
};

/*
 * entries: of the socket, which are shared.  Returns 0 and *ret, which the
 * caller frees; or -EINVAL and in *ret_report all that is wrong, one a line,
 * malloc'd; or -ENOMEM.
 */
int documents_load(const char *config, const char *runtime_dir,
	const struct document_list *entries, struct documents **ret,
	char **ret_report);
void documents_free(struct documents *d); /* accepts NULL */

/* What stands in no file; valid as long as d. */
struct document_list documents_entries(const struct documents *d);

/*
 * The same files, as they were read then, with other entries.  Returns and
 * reports as documents_load().
 */
int documents_with(const struct documents *d,
	const struct document_list *entries, struct documents **ret,
	char **ret_report);

struct documents_change { /* of one entry */
	enum policy_entry_kind kind;
	const char *name;
	const char *text; /* as it stands under its name; NULL: it goes */
	bool ephemeral;
};

/*
 * The same with that entry added, replaced or gone; kept as canonical YAML.
 * Returns and reports as documents_load(); -ENOSPC: too many entries; -EFBIG.
 */
int documents_change(const struct documents *d,
	const struct documents_change *change, struct documents **ret,
	char **ret_report);

/* Whether a file of that name, in one of the folders, is read. */
bool documents_is_name(const char *name);

/*
 * Compiles the same documents and one more: the entry of a sandbox of that
 * name, as it would stand under `sandboxes:`.  Returns and reports as
 * documents_load(), and -ENOENT when it names a policy that is not there; the
 * caller drops the policy's reference.
 */
int documents_compile_sandbox(const struct documents *d, const char *name,
	const char *entry, struct policy **ret, char **ret_report);

#endif
