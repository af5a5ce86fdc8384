/*
 * Policies and credentials that are put over the control socket
 * (docs/policy.md, "Over the control socket"): beside those of files, and known
 * by the same names.
 */
#ifndef SBX_KEEPER_ENTRY_H
#define SBX_KEEPER_ENTRY_H

#include <stdbool.h>

#include "keeper.h"
#include "policy_entry.h"

struct keeper_entry {
	enum policy_entry_kind kind;
	const char *name;
	const char *document; /* YAML, as under its name; NULL: it goes */
	const char *match;    /* the ETag that it has now; "*": some; or NULL */
	bool create;          /* only if there is none */
	bool ephemeral;       /* ends with the daemon; else it is kept */
};

/*
 * -EINVAL: the document is bad; -ENOENT; -ESTALE: match or create do not hold;
 * -EBUSY: a file declares it; -ENOTEMPTY: a sandbox or a policy uses it;
 * -ENOSPC; …
 */
void keeper_set_entry(struct keeper *k, const struct keeper_entry *entry,
	keeper_done *done, void *arg);

/* Its canonical YAML, malloc'd, and its ETag.  -ENOENT, -ENOMEM. */
int keeper_entry_of(struct keeper *k, enum policy_entry_kind kind,
	const char *name, char **ret_text, char ret_tag[KEEPER_TAG]);

/* {source: "FILE:LINE" or "socket", ephemeral}; a new reference; NULL: there is
 * none of that name. */
json_t *keeper_entry_place(
	struct keeper *k, enum policy_entry_kind kind, const char *name);

#endif
