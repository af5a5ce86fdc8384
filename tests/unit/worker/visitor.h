/*
 * For tests: a client that asks several things at once over one connection of
 * HTTP/2, each with a stream of its own, and holds what it hears against the
 * law: what looks whole is whole, and the credential is not in it.
 */
#ifndef SBX_TEST_VISITOR_H
#define SBX_TEST_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speaker.h"

enum { VISITOR_ASKS = 4, VISITOR_BODY = 1024 };

enum ask_kind { ASK_GET, ASK_POST, ASK_WEBSOCKET };

struct ask {
	enum ask_kind kind;
	int status; /* what it comes to, if nothing is in the way */
};

struct asked {
	struct http_stream *stream;
	int status;
	char body[VISITOR_BODY];
	size_t len;
	bool begun, spoke, whole, over;
};

struct visitor {
	struct speaker speaker;
	const struct ask *asks;
	size_t count;
	struct asked asked[VISITOR_ASKS];
	char authority[64];
	unsigned first_path;
};

/* Takes fd; each path is a number, from first_path. */
void visitor_open(struct visitor *v, int fd, SSL_CTX *trust, const char *name);
void visitor_close(struct visitor *v);

/* asks: borrowed until the next ones, which are for when these are over. */
void visitor_ask(struct visitor *v, const struct ask *asks, size_t count,
	const char *host, uint16_t port, unsigned first_path);

/* The connection is, or never was. */
bool visitor_is_lost(const struct visitor *v);

void visitor_run(struct visitor *v);

/* Nothing more comes of any of them. */
bool visitor_is_over(const struct visitor *v);

/* All of it came to what it should, and the connection could go on. */
void visitor_assert_served(const struct visitor *v);

#endif
