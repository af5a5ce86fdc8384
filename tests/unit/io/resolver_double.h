/*
 * For tests: a resolver that answers from a table and asks nobody, in the
 * place of resolver.c behind the same header.
 */
#ifndef SBX_TEST_RESOLVER_DOUBLE_H
#define SBX_TEST_RESOLVER_DOUBLE_H

#include "resolver.h"

struct resolver_row {
	const char *host; /* NULL ends the table */
	int family; /* AF_UNSPEC: any other type; the answer is a TXT "hi" */
	/* Up to four, then NULL; none: there is no address of that family. */
	const char *addresses[5];
	int status; /* with no addresses: 0 means -ENODATA */
	/* Seconds; 0: before the call returns, as what is cached; < 0: never */
	double after;
};

/* The table is borrowed.  A name that is not in it does not exist. */
struct resolver *resolver_double_new(
	struct ev_loop *loop, const struct resolver_row *rows);

/* Questions that were neither answered nor cancelled. */
int resolver_double_open(const struct resolver *r);

/* How many were asked in all. */
int resolver_double_asked(const struct resolver *r);

#endif
