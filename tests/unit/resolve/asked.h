/*
 * A resolver under test: its loop, its name server, and what was answered.
 * Whatever waits does so in asked_wait(), with a deadline that fails the test.
 */
#ifndef SBX_TEST_ASKED_H
#define SBX_TEST_ASKED_H

#include <stdbool.h>

#include "name_server.h"
#include "resolver.h"

struct asked {
	struct resolver_answer answer;
	unsigned calls;
};

struct bench {
	struct ev_loop *loop;
	struct name_server *ns;
	struct resolver *r;
};

/* A resolver that asks a server with that reply function, patient 2 s x 3. */
void bench_init(struct bench *b, name_server_reply *reply);
void bench_done(struct bench *b);

/* The resolver_done of every test; arg is a struct asked. */
void asked_done(void *arg, const struct resolver_answer *answer);

/* Runs the loop until all count of them were answered. */
void asked_wait(struct bench *b, const struct asked *asked, unsigned count);

/* Asks and waits; fails the test unless exactly one answer came. */
struct resolver_answer asked_answer(
	struct bench *b, const char *host, int family);

/* The i-th address as text, in a static buffer. */
const char *asked_address(const struct resolver_answer *answer, size_t i);

#endif
