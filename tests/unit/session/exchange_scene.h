/*
 * For tests of requests: a client on a socketpair, an origin on loopback whose
 * name a table resolves.
 *
 * Each connect() is looked at (link with --wrap=connect): at that moment the
 * decision must be on record, or closing the scene fails.
 */
#ifndef SBX_TEST_EXCHANGE_SCENE_H
#define SBX_TEST_EXCHANGE_SCENE_H

#include <stdint.h>

#include "session_lab.h"

enum { EXCHANGE_TEXT = 8192 };

struct exchange_scene {
	struct session_lab lab;
	int listener, client;
	uint16_t port;
};

/* In what is asked, '@' stands for the origin's port. */
#define EXCHANGE_GET "GET /x HTTP/1.1\r\nHost: a.test:@\r\n\r\n"
#define EXCHANGE_POST \
	"POST /x HTTP/1.1\r\nHost: a.test:@\r\nContent-Length: 2\r\n\r\nhi"
#define EXCHANGE_OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* How often connect() was called since the scene was opened. */
extern int exchange_scene_connects;

/*
 * Policy: a.test, inside.test (10.0.0.1), dead.test (nobody listens there) and
 * no.test (which does not exist) at the origin's port, with GET, POST, HEAD and
 * TRACE; the credential "key" for a.test.
 */
void exchange_scene_open(struct exchange_scene *s);
void exchange_scene_close(struct exchange_scene *s);

/* The client sends that. */
void exchange_scene_ask(struct exchange_scene *s, const char *lines);

/* The origin's end of the next connection, once a head was read: into text. */
int exchange_scene_accept(struct exchange_scene *s, char text[EXCHANGE_TEXT]);

#endif
