/*
 * The synthetic addresses of a sandbox, as a worker knows them.  Who gives them
 * out is asked for those that are not known here; meanwhile whoever wants one
 * waits.
 */
#ifndef SBX_NAMES_H
#define SBX_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct names;

/* Who gives them out.  host NULL: whose the number is; the answer is
 * names_heard(). */
struct name_giver {
	void (*ask)(void *arg, const char *sandbox, const char *host,
		uint32_t number);
	void *arg;
};

struct name_wait { /* embedded by who waits; zero: does not */
	TAILQ_ENTRY(name_wait) link;
	struct names *names; /* NULL: does not wait */
	const char *host;    /* whose number is wanted; NULL: */
	uint32_t number;     /* … whose host */
	/* Once, later: names_number() or names_host() knows now, or it is known
	 * that there is none. */
	void (*heard)(struct name_wait *w);
};

/* For the sandbox of that name, borrowed; so is giver.  NULL: out of memory. */
struct names *names_new(const char *sandbox, const struct name_giver *giver);
void names_free(struct names *n); /* accepts NULL; nobody waits any more */

/* What is known here.  False; NULL, else the host for as long as names lives.
 */
bool names_number(const struct names *n, const char *host, uint32_t *ret);
const char *names_host(const struct names *n, uint32_t number);

/* w, with host or number and heard() filled in, waits. */
void names_wait(struct names *n, struct name_wait *w);
void names_cancel(struct name_wait *w); /* also of one that does not wait */

/* The answer; host NULL, or known false: there is none. */
void names_heard(
	struct names *n, const char *host, uint32_t number, bool known);

/* Nobody will answer any more.  Accepts NULL. */
void names_close(struct names *n);

#endif
