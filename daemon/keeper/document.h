/*
 * One document of a generation: a file, or an entry of `policies:` or
 * `credentials:` that was put over the control socket, as a document by itself.
 * Its text and tree never change, and are shared by the generations that have
 * it.
 */
#ifndef SBX_DOCUMENT_H
#define SBX_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy_entry.h"

struct tree;

enum {
	/* Of each: it has to fit into a frame. */
	DOCUMENT_BYTES_MAX = 8 * 1024 * 1024,
	DOCUMENT_ENTRIES_MAX = 1024, /* over the control socket */
};

struct document {
	/* A path, or "socket:policies/NAME", as errors and records call it. */
	char *name;
	char *text;
	size_t len;
	struct tree *tree; /* NULL: it is no YAML */
	bool for_workers;  /* holds more than sandboxes */

	char *entry; /* its name; NULL: it is a file */
	enum policy_entry_kind kind;
	bool ephemeral; /* ends with the daemon */

	size_t *users; /* of what it points to */
};

struct document_list { /* {0} is empty */
	struct document *items;
	size_t count;
};

/* A file that was read (takes text) and parsed (takes tree, may be NULL).  0 or
 * -ENOMEM: then neither is taken. */
int document_init(struct document *d, const char *name, char *text, size_t len,
	struct tree *tree);

/*
 * An entry that document says, a text as policy_entry_print() makes it.  0;
 * -EINVAL with report filled when it is not that and nothing else; -ENOMEM.
 */
int document_init_entry(struct document *d, enum policy_entry_kind kind,
	const char *name, const char *document, struct report *report);

void document_share(const struct document *d, struct document *ret);
void document_done(struct document *d); /* accepts {0} */

/* Takes what d has, even if it fails: -ENOMEM. */
int document_list_add(struct document_list *l, struct document *d);

/* Adds those of another, shared; 0 or -ENOMEM. */
int document_list_extend(
	struct document_list *l, const struct document_list *more);
void document_list_done(struct document_list *l);

/* The entry of that name, or NULL. */
struct document *document_list_find(const struct document_list *l,
	enum policy_entry_kind kind, const char *name);

/* Takes it out, if it is there. */
void document_list_remove(
	struct document_list *l, enum policy_entry_kind kind, const char *name);

#endif
