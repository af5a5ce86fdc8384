/*
 * A client and a server conn back to back, in memory, with bounded buffers
 * between them and as little patience as one likes: the harness of
 * test_h1_pair.c and test_h2_pair.c.  A plan says what is exchanged; the run
 * checks every byte.
 */
#ifndef SBX_TEST_CODEC_PAIR_H
#define SBX_TEST_CODEC_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "conn.h"
#include "message.h"

/* One direction of one exchange. */
struct load {
	enum http_framing framing;
	size_t body;   /* bytes; with HTTP_LENGTH also what is promised */
	bool trailers; /* one field, "X-Sum: 1" */
};

struct plan {
	const char *method;
	struct load up, down;
	int status;
	int interims;    /* 103s before the final head */
	bool early;      /* the server answers before it reads the body */
	bool half_close; /* the client sends no more after the request */
	const char *reason;
};

#define NONE \
	{ \
		HTTP_NO_BODY, 0, false \
	}

/* What either version must carry: every framing both ways, trailers, interim
 * heads, early answers. */
enum { PAIR_LARGE = 40 * 1000 }; /* a body that no buffer holds */

extern const struct plan plans[];
extern const size_t plan_count;

struct pair;

/* Bounds of the four buffers: what each end has read, what each has written,
 * and how many bytes move between them at a time. */
struct bounds {
	size_t in, out, move;
};

struct pair *pair_new(enum http_version version, struct bounds bounds);

/* … with a bridge (bridge.h) between them: a client of one version, a server of
 * another. */
struct pair *pair_new_bridged(
	enum http_version near, enum http_version far, struct bounds bounds);
void pair_free(struct pair *p);

/* One exchange from its beginning to its end; fails the test when a byte is
 * lost or wrong, when nothing moves any more, or when a bound is not kept. */
void pair_run(struct pair *p, const struct plan *plan);

/* Whether both ends may be used again. */
bool pair_is_idle(const struct pair *p);

#endif
