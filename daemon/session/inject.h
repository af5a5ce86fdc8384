/*
 * Credentials into an outgoing head (DESIGN 8): first a plan, made when the
 * request is decided, from which the record names them; then, as the last
 * thing before the head is sent, the values.
 *
 * What is chosen depends on sandbox, verified name and port.  The Host header
 * has been held to that name before.
 */
#ifndef SBX_INJECT_H
#define SBX_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct http_head;
struct policy_injection;
struct policy_set;
struct keyring;

enum {
	INJECT_MAX = 8,                 /* credentials in one request */
	INJECT_NAMES = INJECT_MAX * 64, /* so many names of 63 bytes */
};

struct inject_plan {
	const struct policy_injection *entries[INJECT_MAX]; /* the policy's */
	size_t count;
	const char *sandbox;         /* the target's */
	char injected[INJECT_NAMES]; /* credentials, comma separated */
	char skipped[INJECT_NAMES];  /* … that have no value or no place */
};

struct inject_target {
	const struct policy_set *set;
	const char *sandbox; /* its name */
	const char *host;
	uint16_t port;
	bool secure;   /* over TLS whose name will have been verified */
	bool entitled; /* values may go with it; see swap_plan.h */
};

/* Adds a credential to such a list.  False: there is no room for it. */
bool inject_add_name(char list[INJECT_NAMES], const char *name);

/* request: as the sandbox sent it. */
void inject_plan(const struct inject_target *target,
	const struct keyring *keyring, const struct http_head *request,
	struct inject_plan *ret);

/*
 * Takes out whatever stands where a credential goes and puts it in.  0;
 * -ENOKEY when a value has gone meanwhile; -E2BIG, -ENOMEM.
 */
int inject_apply(const struct inject_plan *plan, const struct keyring *keyring,
	struct http_head *head);

/* Whether that field, or one that looks like it, will be taken out, for a
 * credential of the plan goes there. */
bool inject_takes(const struct inject_plan *plan, struct span header);

/* Whether a value of that credential goes out with it. */
bool inject_plan_has(const struct inject_plan *plan, const char *credential);

/* The names of the fields injected, for the trailers; returns how many. */
size_t inject_fields(
	const struct inject_plan *plan, struct span ret[INJECT_MAX]);

#endif
