/*
 * Documents of others as documents of ours: Docker's kits, its
 * proxy-config.json, and the hosts of a Cloudflare Container.  Text in, text
 * out.  Pure: reads no files and no variables, never logs.
 *
 * What cannot be said in our words is narrower where it allows and wider where
 * it denies, and a note says so.  What comes out loads.
 */
#ifndef SBX_IMPORT_H
#define SBX_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

struct import; /* what came of it; owns its texts */
struct report;

enum import_dialect {
	IMPORT_DOCKER_KIT, /* spec.yaml, schemaVersion "1" or "2" */
	IMPORT_DOCKER_PROXY_CONFIG,
	IMPORT_CLOUDFLARE, /* {"allowedHosts": [...], "deniedHosts": [...]} */
};

/* The dialect of that name ("docker-kit"); false when there is none. */
bool import_dialect_find(const char *name, enum import_dialect *ret);

/* The nth name, or NULL behind the last. */
const char *import_dialect_name(size_t n);

struct import_text {      /* borrowed for the call */
	const char *name; /* what errors and notes call it */
	const char *text;
	size_t len;
};

/*
 * Returns 0 and *ret, which the caller frees; -EINVAL with at least one line
 * added to report; or -ENOMEM.
 */
int import_run(enum import_dialect dialect, const struct import_text *source,
	struct import **ret, struct report *report);
void import_free(struct import *i); /* accepts NULL */

/* The document: YAML with one policy in it, and its credentials. */
const char *import_document(const struct import *i);
const char *import_policy(const struct import *i); /* the policy's name */

/* What means something else than it did, or is left out: lines, or "". */
const char *import_notes(const struct import *i);

/* Variables that hold the values of its credentials, left out or not. */
size_t import_secrets(const struct import *i, const char *const **ret);

/*
 * Variables that programs inside want set, though their value is put into
 * requests on the way; the text that stands in for it is IMPORT_STAND_IN.
 */
size_t import_stand_ins(const struct import *i, const char *const **ret);

/*
 * The same as parts of a policy that names it (policy/parse.h), one list each:
 * the nth, malloc'd, for the policy of that name.  Each entry stands on its
 * own line of the source, so that what is compiled of it says where that was.
 * Credentials are called POLICY.NAME.  Returns 0, with NULL behind the last,
 * or -ENOMEM.
 */
int import_part(
	const struct import *i, const char *policy, size_t n, char **ret);

#define IMPORT_STAND_IN "proxy-managed"

#endif
