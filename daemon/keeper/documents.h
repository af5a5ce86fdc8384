/*
 * Everything the operator wrote, of one generation (DESIGN 6): the main file,
 * its neighbours policies.d and sandboxes.d, the sandboxes.d of the runtime
 * directory; read, parsed, compiled.  Immutable once loaded.
 *
 * Reads files.  Knows nothing of workers or of what runs.
 */
#ifndef SBX_DOCUMENTS_H
#define SBX_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct policy;
struct settings;
struct tree;

struct document {
	char *name; /* path, as errors and records call it */
	char *text;
	size_t len;
	struct tree *tree;
	bool for_workers; /* holds more than sandboxes */
};

struct documents {
	struct document *files; /* the main file first */
	size_t count;
	struct settings *settings;
	struct policy *policy;
	char *trust; /* text of upstream.ca_file, else of what the host trusts
		      */
	size_t trust_len;
};

/*
 * Returns 0 and *ret, which the caller frees; or -EINVAL and in *ret_report
 * all that is wrong, one a line, malloc'd; or -ENOMEM.
 */
int documents_load(const char *config, const char *runtime_dir,
	struct documents **ret, char **ret_report);
void documents_free(struct documents *d); /* accepts NULL */

/*
 * Compiles the same documents and one more: the entry of a sandbox of that
 * name, as it would stand under `sandboxes:`.  Returns and reports as
 * documents_load(), and -ENOENT when it names a policy that is not there; the
 * caller drops the policy's reference.
 */
int documents_compile_sandbox(const struct documents *d, const char *name,
	const char *entry, struct policy **ret, char **ret_report);

#endif
