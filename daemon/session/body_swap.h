/*
 * Stand-ins in the body of a request, on its way from the codec that receives
 * it to the one that sends it: swapped for values where the policy says so,
 * refused where they must not go, and else not looked for at all.
 *
 * What is sent is what body_swap_peek() shows.  It is the receiving stream's
 * own bytes as long as nothing is to be put in; else those of one buffer of
 * fixed size, which is wiped.
 */
#ifndef SBX_BODY_SWAP_H
#define SBX_BODY_SWAP_H

#include "buf.h"
#include "http_stream.h"
#include "swap.h"

enum body_swap_mode {
	BODY_SWAP_OFF,
	BODY_SWAP_LOOKS, /* nothing is put in */
	BODY_SWAP_PUTS,
};

struct body_swap { /* all zeros: off */
	enum body_swap_mode mode;
	struct swap swap;
	uint32_t wrong; /* stand-ins that must not go there */
	size_t looked;  /* bytes at hand that were looked at, and not sent */
	struct buf out; /* what was made of those that were taken */
	bool no_memory;
};

/* What is to be done with each stand-in, by its number. */
struct body_swap_want {
	struct swap_set *set;            /* NULL: there are none */
	struct secret *values[SWAP_MAX]; /* NULL: none goes into bodies */
	uint32_t wrong;                  /* bits; these have no value */
};

/* Whether values can be put into the body of such a request. */
bool body_swap_takes(const struct http_head *head);

/*
 * head: the request as it goes out; it gets another framing if its body may
 * change its length.  References to all are taken.  May be called again, when
 * the request is sent again: then whatever was put in goes on.
 * 0; -ENOKEY when that is another value by now.
 */
int body_swap_open(struct body_swap *b, const struct body_swap_want *want,
	struct http_head *head);
void body_swap_done(struct body_swap *b);

/* As http_stream_peek() of that stream and http_stream_consume().  HTTP_BROKEN
 * also for want of memory (no_memory), and once body_swap_wrong(). */
enum http_body body_swap_peek(
	struct body_swap *b, struct http_stream *from, struct span *ret);
void body_swap_consume(
	struct body_swap *b, struct http_stream *from, size_t len);

/* Those found so far that must not go there, and those whose value went in. */
uint32_t body_swap_wrong(const struct body_swap *b);
uint32_t body_swap_put(const struct body_swap *b);

/* Values go out with the body. */
bool body_swap_puts(const struct body_swap *b);

#endif
