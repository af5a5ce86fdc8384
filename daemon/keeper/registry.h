/*
 * The sandboxes there are (DESIGN 5): what documents or a caller say of each,
 * its authority, and which workers serve it.  Sorted by name.
 *
 * A change of several sandboxes is made in two steps, so that it can be taken
 * back: registry_declare() or registry_enter() mark what comes, goes and
 * changes; registry_settle() makes that so, registry_undo() makes as if it had
 * never been.  Between the two both old and new are there.  What is marked is
 * listed, so that a change of one costs the same however many there are.
 *
 * Knows nothing of workers but their number.
 */
#ifndef SBX_REGISTRY_H
#define SBX_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "policy.h"

struct ca;
struct link_sandbox;
struct name_table;
struct place;
struct registry;

struct sandbox_spec { /* what somebody says of it; never changes */
	char *interface, *policy, *labels, *source;
	char *limit_source; /* "file:line"; NULL: it has no limit */
	char *overlay;      /* canonical YAML, or NULL */
	struct policy_limit limit;
	struct sandbox_address {
		int family;
		uint8_t bytes[16];
	} * addresses;
	size_t address_count;
	struct place *places; /* place_index.h: one for each address */
};

enum sandbox_phase {
	SANDBOX_ENTERING, /* goes again if the change is undone */
	SANDBOX_LIVING,
	SANDBOX_LEAVING, /* stays if the change is undone */
};

enum sandbox_link { /* how its interface is (keeper_interface.c) */
	SANDBOX_UNSEEN,
	SANDBOX_ATTACHED,
	SANDBOX_DOWN,
	SANDBOX_ABSENT,  /* nobody has that name */
	SANDBOX_RENAMED, /* the one it was attached to has another name now */
};

struct sandbox {
	char *name;
	struct sandbox_spec *spec;
	struct sandbox_spec *old_spec; /* if the change is undone */
	char *overlay;                 /* that somebody set, over the spec's;
					  canonical YAML, or NULL */
	char *old_overlay;             /* if the change is undone */
	json_t *stand_ins; /* credential to text; NULL: none looked for yet */
	struct ca *ca;
	struct name_table *names; /* with synthetic addresses; NULL: none */
	uint64_t served;          /* a bit for each worker that serves it */
	uint32_t ifindex;         /* 0: closed, for want of its interface */
	uint32_t attached;        /* the last one that it had */
	char *attached_as; /* … and the name that was wished for then */
	uint64_t trouble;  /* the record that says why it is closed, or 0 */
	enum sandbox_link link;
	enum sandbox_phase phase;
	bool overlaid;  /* the change is one of the overlay */
	bool runtime;   /* added by a caller, not by a file */
	bool marked;    /* it is listed */
	bool dirty;     /* the workers know something else: marked, too */
	bool in_kernel; /* its addresses are in the kernel's sets */
};

/* by_source: an address is steered to one worker; else all serve it. */
struct registry *registry_new(uint32_t workers, bool by_source);
void registry_free(struct registry *r); /* accepts NULL; wipes authorities */

size_t registry_count(const struct registry *r);
struct sandbox *registry_at(const struct registry *r, size_t i);
struct sandbox *registry_find(const struct registry *r, const char *name);

/* What is marked, in no order: registry_marked(r, 0) to NULL. */
struct sandbox *registry_marked(const struct registry *r, size_t i);

/* The workers know something else of it. */
void registry_soil(struct registry *r, struct sandbox *s);

/* The workers have been told all that was marked. */
void registry_told(struct registry *r);

/*
 * Marks what the policy's documents declare: new ones, changed ones, and those
 * of files that are declared no more.  0; -EEXIST a name or an address is in
 * use, with a line in reterr; -ENOMEM.  On failure nothing is marked.
 */
int registry_declare(struct registry *r, const struct policy *p, char *reterr,
	size_t reterr_size);

/* Marks one sandbox more, of a caller.  As registry_declare(). */
int registry_enter(struct registry *r, const struct policy_sandbox *declared,
	struct sandbox **ret, char *reterr, size_t reterr_size);

/* Marks one, of a caller and there, as what declared says of it now.  As
 * registry_declare(). */
int registry_replace(struct registry *r, struct sandbox *s,
	const struct policy_sandbox *declared, char *reterr,
	size_t reterr_size);

/* The overlay that holds: the one that was set, else the declared one; NULL:
 * neither is there. */
const char *sandbox_overlay(const struct sandbox *s);

/* Marks another overlay that is set: takes it; NULL: none. */
void registry_overlay(struct registry *r, struct sandbox *s, char *overlay);

/* Marks one that goes. */
void registry_leave(struct registry *r, struct sandbox *s);

/* What is marked comes true. */
void registry_settle(struct registry *r);

/* Nobody was told: what is marked never was. */
void registry_undo(struct registry *r);

/* Workers were told: marks the way back, for them to be told that. */
void registry_reverse(struct registry *r);

/* Whether interface and addresses are what they were: the kernel's part. */
bool sandbox_spec_same_place(
	const struct sandbox_spec *a, const struct sandbox_spec *b);

#endif
