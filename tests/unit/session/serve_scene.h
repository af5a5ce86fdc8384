/*
 * For tests of sessions whose two ends speak either HTTP, in TLS or without: a
 * sandbox's client on a socketpair, an origin on loopback.
 *
 *	a.test       allowed: GET, POST; is the origin
 *	silent.test  allowed; its name is never resolved
 *	dead.test    allowed; nobody listens there
 *	other.test   not allowed
 */
#ifndef SBX_TEST_SERVE_SCENE_H
#define SBX_TEST_SERVE_SCENE_H

#include <stdint.h>

#include "http_end.h"
#include "http_talk.h"
#include "session_lab.h"

enum { SERVE_ORIGINS = 8 };

struct serve_scene {
	struct session_lab lab;
	int listener;
	uint16_t port;
	char authority[32]; /* a.test with its port */
	SSL_CTX *trust;     /* the client's */
	SSL_CTX *accept;    /* the origin's */
	struct http_end client;
	struct http_end origins[SERVE_ORIGINS];
	size_t count; /* connections to the origin */
};

void serve_scene_open(struct serve_scene *s);
void serve_scene_close(struct serve_scene *s);

/* The client dials and speaks, HTTP/2 with prior knowledge. */
void serve_scene_dial(struct serve_scene *s, enum http_version v);

/* … with TLS, for that name; until it is ready. */
void serve_scene_begin_tls(
	struct serve_scene *s, const char *name, enum tls_offer offer);
void serve_scene_dial_tls(
	struct serve_scene *s, const char *name, enum tls_offer offer);

/* The next connection at the origin: HTTP/2 without TLS; or that, without TLS
 * or with it. */
struct http_end *serve_scene_origin(struct serve_scene *s);
struct http_end *serve_scene_origin_plain(
	struct serve_scene *s, enum http_version v);
struct http_end *serve_scene_origin_tls(
	struct serve_scene *s, enum tls_alpn answer);

/* Nobody has connected, beyond those that were accepted. */
void serve_scene_assert_no_more(struct serve_scene *s);

/* The client asks a.test, or another at the same port. */
struct http_stream *serve_scene_ask(struct serve_scene *s, const char *path);
struct http_stream *serve_scene_ask_host(
	struct serve_scene *s, const char *host, const char *path);

/* Lines of the log that hold both (NULL: any). */
unsigned serve_scene_lines(struct serve_scene *s, const char *a, const char *b);

/* Until there are so many. */
void serve_scene_until(
	struct serve_scene *s, const char *a, const char *b, unsigned n);

/* Until the sandbox has no connection left. */
void serve_scene_until_over(struct serve_scene *s);

#endif
