/*
 * The rules for one place: all wishes of a policy for one host or address.
 * Internal to wishes.c.
 */
#ifndef SBX_WISH_RULES_H
#define SBX_WISH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum wish_text { /* in the order in which entries are sorted */
	WISH_POLICY,
	WISH_PLACE, /* then by port */
	WISH_METHOD,
	WISH_PATH,
	WISH_SANDBOX,
	WISH_TEXTS
};

struct wish_entry {
	char *texts[WISH_TEXTS]; /* owned; "" for none */
	uint16_t port;
	bool by_name; /* the place is a host */
	uint64_t count;
};

/* count (> 0) of them, sorted.  0 or -ENOMEM. */
int wish_rules_print(const struct wish_entry *entries, size_t count, FILE *out);

#endif
