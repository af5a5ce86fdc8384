/*
 * DNS over one TCP connection of a sandbox (RFC 7766): questions in, answers
 * out, one at a time, each with its two bytes of length.
 */
#ifndef SBX_QUESTIONS_H
#define SBX_QUESTIONS_H

#include <stdbool.h>

struct buf;
struct flow;
struct questions;

/* wake() as in exchange.h.  NULL: out of memory. */
struct questions *questions_new(
	struct flow *f, void (*wake)(void *arg), void *arg);
void questions_free(struct questions *q); /* accepts NULL */

/* Takes questions from in and puts answers into out; false: this is no DNS. */
bool questions_run(struct questions *q, struct buf *in, struct buf *out);

/* Nothing is asked that was not answered. */
bool questions_are_answered(const struct questions *q);

#endif
