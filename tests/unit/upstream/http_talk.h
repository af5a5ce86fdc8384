/*
 * For tests: requests and answers at a struct http_end, each waited for.
 */
#ifndef SBX_TEST_HTTP_TALK_H
#define SBX_TEST_HTTP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_end.h"

/* A head: "GET", "a.test", "/x", then lines "name: value\n" or NULL; the
 * caller http_head_done()s it. */
struct http_head talk_head(const char *method, const char *host,
	const char *path, const char *fields);

/* A client's end asks; the stream is the conn's. */
struct http_stream *talk_ask(
	struct http_end *e, const char *host, const char *path);
struct http_stream *talk_send(struct http_end *e, const struct http_head *h);

/* A server's end: the next request. */
struct http_stream *talk_hear(struct http_end *e);
bool talk_is_path(const struct http_stream *s, const char *path);

/* … and its answer: all of it; or only a head, whose body is open. */
void talk_answer(struct http_end *e, struct http_stream *s, int status,
	const char *body);
void talk_begin(struct http_end *e, struct http_stream *s, int status);

/* Either end: some of a body, and its end. */
void talk_say(struct http_end *e, struct http_stream *s, const char *text);
void talk_end(struct http_end *e, struct http_stream *s);

/* The status of the answer; 0: it was reset, or broke. */
int talk_status(struct http_end *e, struct http_stream *s);

/* A body until it holds text, or ("") until its end: what came, valid until
 * the next call.  NULL: it broke. */
const char *talk_read(
	struct http_end *e, struct http_stream *s, const char *text);

/* Until the other side resets it: the code. */
uint32_t talk_wait_reset(struct http_end *e, struct http_stream *s);

/* Resets it so, unless both directions have ended; it is gone. */
void talk_close(struct http_end *e, struct http_stream *s, uint32_t code);

#endif
