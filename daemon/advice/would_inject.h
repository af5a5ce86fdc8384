/*
 * Which credentials would go with a request, and why others would not, as
 * session/inject.c decides it; what depends on the request's own header fields
 * is said in words.  Pure.
 */
#ifndef SBX_WOULD_INJECT_H
#define SBX_WOULD_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_set;

enum {
	WOULD_INJECT_MAX = 64, /* a policy lists no more */
	WOULD_INJECT_GO = 8,   /* so many go with one request */
	WOULD_INJECT_WHY = 256,
};

struct would_inject {
	const char *name, *header; /* the policy's */
	bool goes;
	char why[WOULD_INJECT_WHY]; /* why not; or on which condition, or "" */
};

struct would_inject_question {
	const struct policy_set *set;
	const char *host;
	uint16_t port;
	bool tls;
	/* NULL: the credential has a value; else why it has none.  May be NULL
	 * itself: all have one. */
	const char *(*missing)(void *arg, const char *name);
	void *arg;
};

/* Writes at most WOULD_INJECT_MAX rows, in the policy's order; how many. */
size_t would_inject(const struct would_inject_question *q,
	struct would_inject ret[WOULD_INJECT_MAX]);

#endif
