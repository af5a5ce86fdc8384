/*
 * Policy out of files, without a daemon: as sbx-netd --check reads them, or
 * just the documents that are named.
 */
#ifndef SBX_POLICY_FILES_H
#define SBX_POLICY_FILES_H

#include <stddef.h>

struct policy;
struct policy_set;

/*
 * The documents at paths, and nothing beside them.  0 and *ret with one
 * reference; -EINVAL with all that is wrong in *ret_report, malloc'd, a line
 * each; -ENOMEM.
 */
int policy_files_compile(const char *const *paths, size_t count,
	struct policy **ret, char **ret_report);

/* The main file with its neighbours (keeper/documents.h).  The same. */
int policy_files_load(const char *config, const char *runtime_dir,
	struct policy **ret, char **ret_report);

/*
 * Would they load, settings and all?  A main file alone (one with settings, or
 * with policies.d or sandboxes.d beside it) as sbx-netd would load it; all else
 * together, and nothing beside.  0 with what their kits have to say, or -EINVAL
 * with all that is wrong: *ret_report, malloc'd; -ENOMEM.
 */
int policy_files_check(const char *const *paths, size_t count,
	const char *runtime_dir, char **ret_report);

/* The same of a main file with its neighbours, whatever is in it. */
int policy_files_check_main(
	const char *config, const char *runtime_dir, char **ret_report);

/* That of the sandbox of this name, if a document declares it; else NULL. */
const struct policy_set *policy_files_find_sandbox(
	const struct policy *policy, const char *name);

/* That of the sandbox of this name or, if there is none, the policy. */
const struct policy_set *policy_files_find(
	const struct policy *policy, const char *name);

#endif
