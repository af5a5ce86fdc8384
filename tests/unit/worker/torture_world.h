/*
 * For tests: a sandbox's whole surroundings in one process.  Its client at one
 * end, three origins at the other, and our sessions in between; memory may run
 * out in ours, never in theirs.
 *
 *	a.test     TLS; allowed, with the credential "key"
 *	evil.test  TLS, with a certificate for another name; allowed, with "key"
 *	pass.test  TLS; passed through unopened
 *
 * Whatever reaches an origin is held against the law at once: each connection
 * and each request has its decision on record by then, only a verified origin
 * hears anything at all, and the credential is where the record says that it
 * went and nowhere else.
 */
#ifndef SBX_TEST_TORTURE_WORLD_H
#define SBX_TEST_TORTURE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer.h"
#include "session_lab.h"

enum { A_TEST, EVIL_TEST, PASS_TEST, SIDES };

enum { SIDE_PEERS = 8 };

struct side { /* an origin */
	int listener;
	uint16_t port;
	SSL_CTX *context;
	struct peer peers[SIDE_PEERS];
	size_t count; /* connections so far */
};

struct world {
	struct session_lab lab;
	struct side sides[SIDES];
	SSL_CTX *trust; /* what the client has */
	struct peer client;
	bool scarce;    /* memory is as planned while ours runs */
	long at;        /* which request for it fails; for people */
	unsigned lines; /* of the log, when the client dialled */
	char policy[1024];
};

#define TORTURE_SECRET "sesame"

/* "box" is there, but its policy is not yet. */
void world_open(struct world *w);
void world_close(struct world *w);

/* The client dials; name "": no TLS. */
void world_dial(struct world *w, uint16_t port, const char *name);

/* Both ends move until it holds; a failure names what. */
void world_until(struct world *w, bool (*holds)(const struct world *w),
	const char *what);

/* Lines of the log with all of it; NULL matches. */
unsigned world_lines(
	const struct world *w, const char *a, const char *b, const char *c);

#endif
