/*
 * One line of JSON under construction: values, and nothing but values, written
 * at a cursor in a buffer of the caller's.
 *
 * Never allocates, never calls printf, never reads a clock.  Each function
 * says the most bytes it writes; that the buffer holds them is the caller's
 * to prove (record.c does it when it is compiled).
 */
#ifndef SBX_JSONL_H
#define SBX_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "span.h"

struct jsonl {
	char *next; /* the cursor */
	bool cut;   /* something did not fit its cap, or was left out */
};

/* The most bytes that each kind of value takes, quotes included. */
enum {
	JSONL_UINT_MAX = 20,
	JSONL_MILLIS_MAX = 21,
	JSONL_TIME_MAX = 29,     /* "2025-01-01T00:00:00.000000Z" */
	JSONL_HEX_MAX = 18,      /* 16 digits */
	JSONL_ADDRESS_MAX = 47,  /* a v4-mapped address */
	JSONL_ENDPOINT_MAX = 55, /* the same in brackets, with its port */
};

/* len bytes, as they are. */
void jsonl_raw(struct jsonl *l, const char *bytes, size_t len);

/*
 * A string of at most cap bytes after escaping, and two quotes.  What is no
 * UTF-8, and NUL, becomes U+FFFD; whatever codepoint_is_control() is escaped.
 */
void jsonl_text(struct jsonl *l, struct span text, size_t cap);

/*
 * A JSON object that the caller vouches for, at most cap bytes.  One that is
 * longer, or holds anything a terminal or a reader of lines would trip over,
 * becomes {} (cap >= 2).
 */
void jsonl_object(struct jsonl *l, struct span object, size_t cap);

void jsonl_uint(struct jsonl *l, uint64_t v);

/* Microseconds as milliseconds: 1.234 */
void jsonl_millis(struct jsonl *l, uint64_t us);

/* 16 hex digits, as a string. */
void jsonl_hex(struct jsonl *l, uint64_t v);

/* Microseconds since the epoch, RFC 3339 in UTC; the year ends at 9999. */
void jsonl_time(struct jsonl *l, uint64_t us);

/*
 * An AF_INET or AF_INET6 address as inet_ntop() writes it; with its port:
 * "192.0.2.1:80", "[2001:db8::1]:80".  Any other family: "".
 */
void jsonl_address(struct jsonl *l, const struct sockaddr *sa);
void jsonl_endpoint(struct jsonl *l, const struct sockaddr *sa);

#endif
