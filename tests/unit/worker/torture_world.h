/*
 * For tests: a sandbox's whole surroundings in one process.  Its client at one
 * end, four origins at the other, and our sessions in between; memory may run
 * out in ours, never in theirs.
 *
 *	a.test     TLS; allowed (GET), where "key" goes in for its stand-in,
 *		   in the head and in the body
 *	evil.test  TLS, with a certificate for another name; allowed, with the
 *		   credential "key"
 *	pass.test  TLS; passed through unopened
 *	h2.test    TLS, and speaks HTTP/2; allowed (GET, POST), with "key"
 *
 * Whatever reaches an origin is held against the law at once (torture_side.h):
 * each connection and each request has its decision on record by then, only a
 * verified origin hears anything at all, and the credential is where the
 * record says that it went and nowhere else.
 */
#ifndef SBX_TEST_TORTURE_WORLD_H
#define SBX_TEST_TORTURE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer.h"
#include "session_lab.h"
#include "torture_side.h"
#include "visitor.h"

enum { A_TEST, EVIL_TEST, PASS_TEST, H2_TEST, SIDES };

struct world {
	struct session_lab lab;
	struct side sides[SIDES];
	SSL_CTX *trust;         /* what the client has */
	struct peer client;     /* speaks HTTP/1 or DNS, as bytes */
	struct visitor visitor; /* speaks HTTP/2 */
	bool scarce;            /* memory is as planned while ours runs */
	long at;                /* which request for it fails; for people */
	unsigned lines;         /* of the log, when the client dialled */
	unsigned decisions;     /* about requests, when the visitor asked */
	char policy[1024];
};

/* "box" is there, but its policy is not yet. */
void world_open(struct world *w);
void world_close(struct world *w);

/* The client dials; name "": no TLS. */
void world_dial(struct world *w, uint16_t port, const char *name);

/* The visitor dials, with TLS. */
void world_visit(struct world *w, uint16_t port, const char *name);

/* Of whatever became of what was dialled last, something is on record. */
bool world_is_on_record(const struct world *w);

/* The sandbox has no connection left. */
bool world_is_quiet(const struct world *w);

/* Both ends move until it holds; a failure names what. */
void world_until(struct world *w, bool (*holds)(const struct world *w),
	const char *what);

#endif
