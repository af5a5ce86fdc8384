/*
 * c-ares on a libev loop: questions go out, answers come in.  Knows nothing of
 * caches or of who wants to know.
 */
#ifndef SBX_ASKER_H
#define SBX_ASKER_H

#include <stddef.h>

struct asker;
struct ev_loop;
struct resolver_answer;

/* Embedded in what the owner keeps for a question; must stay until replied. */
struct asker_question {
	struct asker *asker; /* set by asker_ask() */
	int family;
};

struct asker_ops {
	/*
	 * The question is over.  Called from inside c-ares, perhaps before
	 * asker_ask() has returned: take note of the answer, do nothing else.
	 * Status -ECANCELED: over without an answer, by asker_set_servers() or
	 * asker_free().
	 */
	void (*replied)(void *arg, struct asker_question *q,
		const struct resolver_answer *answer);
	/* Some were replied, c-ares is done: now act.  May ask anew. */
	void (*settled)(void *arg);
};

/* ops, arg and the loop are borrowed.  As resolver_new(), without servers. */
int asker_new(struct ev_loop *loop, const struct asker_ops *ops, void *arg,
	struct asker **ret, char *reterr, size_t reterr_size);
void asker_free(struct asker *a); /* accepts NULL */

/* Cancels every question, then changes the servers; see resolver.h. */
int asker_set_servers(struct asker *a, const char *const *servers, size_t count,
	char *reterr, size_t reterr_size);

/* See resolver_set_patience(); the caller has no question out. */
int asker_set_patience(struct asker *a, unsigned timeout_ms, unsigned tries);

/* q->family is AF_INET or AF_INET6; name has no escapes. */
void asker_ask(struct asker *a, struct asker_question *q, const char *name);

#endif
