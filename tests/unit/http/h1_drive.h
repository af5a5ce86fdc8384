/*
 * Drives one end of HTTP/1.1 over given bytes and writes down what it made of
 * them, so that two ways of feeding the same bytes can be compared as text.
 */
#ifndef SBX_TEST_H1_DRIVE_H
#define SBX_TEST_H1_DRIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

enum {
	DRIVE_TEXT_MAX = 256 * 1024,
};

/* How the input is cut: at two places, or into pieces of one size. */
struct cut {
	size_t first; /* 0: no cut */
	size_t piece; /* 0: as large as can be */
	bool no_eof;  /* the connection stays open at the end of the input */
};

/* What came of it: a line a message, the error last; and the error alone. */
struct outcome {
	char *text; /* the caller frees it */
	size_t messages;
	int status; /* 0: no error */
	const char *error;
	bool must_close;
};

/* A server: every request is read to its end and answered. */
struct outcome drive_server(struct span input, struct cut cut);

/* A client that has sent one request with this method, reads one response (and
 * interim ones), and closes its stream. */
struct outcome drive_client(
	const char *method, struct span input, struct cut cut);

/* Feeds input whole, byte by byte and cut in two at every place (or at some
 * places where it is long), and fails unless all come to the same. */
struct outcome drive_server_every_way(struct span input, const char *why);
struct outcome drive_client_every_way(
	const char *method, struct span input, const char *why);

#endif
