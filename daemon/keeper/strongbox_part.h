/*
 * The body of struct strongbox, for the files of that name only.
 */
#ifndef SBX_STRONGBOX_PART_H
#define SBX_STRONGBOX_PART_H

#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct policy;
struct policy_credential;
struct policy_set;
struct sandbox;
struct strongbox;
struct strongbox_entry;
struct strongbox_events;

struct strongbox {
	struct ev_loop *loop;
	const struct strongbox_events *events;
	void *arg;
	struct strongbox_entry **entries;
	size_t count;
	void *own; /* tsearch(3): those of one sandbox, by what they are of */
};

/* The last in the box, without a source.  of: the sandbox whose own it is, or
 * NULL.  NULL: out of memory. */
struct strongbox_entry *strongbox_entry_new(struct strongbox *b,
	struct policy *p, const struct policy_credential *spec,
	const struct sandbox *of);
void strongbox_entry_free(struct strongbox_entry *e); /* accepts NULL */

/* Opens its source.  0, or -errno with a line in reterr. */
int strongbox_entry_open(
	struct strongbox_entry *e, char *reterr, size_t reterr_size);

/* Takes it out of the tree, if it is there. */
void strongbox_forget_own(const struct strongbox_entry *e);

bool strongbox_lists(const struct policy_set *set, const char *credential);

#endif
