/*
 * The credentials that some policy lists: where each comes from, its value
 * now, which workers have it and which should.  Those of the documents that
 * hold and, while a change is made, of those that will.
 *
 * A credential of which each sandbox has a value of its own has an entry that
 * has no source, and one more for each sandbox whose policy lists it.
 */
#ifndef SBX_STRONGBOX_H
#define SBX_STRONGBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct documents;
struct ev_loop;
struct policy;
struct policy_credential;
struct registry;
struct secret;
struct secret_source;
struct strongbox;

enum { STRONGBOX_WHY = 160 };

enum strongbox_phase {
	STRONGBOX_ENTERING,
	STRONGBOX_LIVING,
	STRONGBOX_LEAVING,
};

struct strongbox_entry {
	struct strongbox *strongbox;
	struct policy *policy; /* keeps spec alive */
	char *key;             /* as workers call it: "name", "name/sandbox" */
	char *sandbox;         /* whose own value it is; NULL: of all */
	char *labels;          /* of that sandbox, as JSON */
	const struct policy_credential *spec;
	struct secret_source *source; /* NULL: it has none */
	struct secret *value;         /* NULL: no source yields, and why */
	char why[STRONGBOX_WHY];
	enum strongbox_phase phase;
	bool dirty;       /* the workers that have it have an old value */
	uint64_t wanted;  /* a bit for each worker that needs it */
	uint64_t holders; /* that has been sent it */
};

struct strongbox_events {
	void (*changed)(void *arg); /* some entry is dirty */
	/* It had a value and has none any more; e->why says why. */
	void (*gone)(void *arg, const struct strongbox_entry *e);
	void (*settled)(void *arg); /* the sources of one have answered */
};

struct strongbox *strongbox_new(
	struct ev_loop *loop, const struct strongbox_events *events, void *arg);
void strongbox_free(struct strongbox *b); /* accepts NULL; drops all values */

size_t strongbox_count(const struct strongbox *b);
struct strongbox_entry *strongbox_at(const struct strongbox *b, size_t i);

/*
 * Opens the sources of what these documents list and of nothing that is there,
 * and asks again for what they require and what has no value.  0, or -errno
 * with a line in reterr and nothing opened; strongbox_undo() closes them.
 */
int strongbox_open(struct strongbox *b, const struct documents *d, char *reterr,
	size_t reterr_size);

/*
 * Whether these documents have all that they require.  0; -EAGAIN: a command is
 * waited for, settled() will come; -EINVAL with a line in reterr.
 */
int strongbox_check(struct strongbox *b, const struct documents *d,
	char *reterr, size_t reterr_size);

/* Marks what these documents list, all of it opened, and what they do no more,
 * as the registry does with sandboxes. */
void strongbox_declare(struct strongbox *b, const struct documents *d);
void strongbox_settle(struct strongbox *b);
void strongbox_undo(struct strongbox *b);    /* nobody was told */
void strongbox_reverse(struct strongbox *b); /* workers were */

/* Works out `wanted` from who serves which sandbox under which policy, makes
 * the sandboxes' own entries, and wipes those of sandboxes that are gone. */
void strongbox_assign(
	struct strongbox *b, const struct policy *p, const struct registry *r);

/* The same, when all that has changed are sandboxes that come: costs what they
 * cost, not what all do. */
void strongbox_assign_more(
	struct strongbox *b, const struct policy *p, const struct registry *r);

/* A worker that has nothing: a new process. */
void strongbox_forget_worker(struct strongbox *b, uint32_t index);

#endif
