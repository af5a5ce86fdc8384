/*
 * Every way in which one HTTP/2 message can break the rules, as a list: the
 * status to answer a request with, and the words.  The table in h2_refusal.c
 * is the only place that knows them; it knows as well how an error of the
 * whole connection is called.  Internal to the codec.
 */
#ifndef SBX_HTTP_H2_REFUSAL_H
#define SBX_HTTP_H2_REFUSAL_H

#include <stdint.h>

enum h2_refused {
	H2_FINE,
	H2_MALFORMED, /* found by the library, which has reset the stream */
	H2_BAD_FIELD,
	H2_HEAD_SIZE,
	H2_FIELD_COUNT,
	H2_HEADS_HELD,
	H2_BAD_SCHEME,
	H2_BAD_AUTHORITY,
	H2_TWO_AUTHORITIES,
	H2_BAD_TARGET,
	H2_LONG_TARGET,
	H2_CONNECT,
	H2_BAD_PROTOCOL,
	H2_EXPECT,
	H2_BAD_LENGTH,
	H2_BAD_STATUS,
	H2_INTERIMS,
	H2_BODY_FORBIDDEN,
	H2_NO_MEMORY,
	H2_REFUSED_COUNT
};

struct h2_refusal {
	int status;
	const char *text;
};

const struct h2_refusal *h2_refusal(enum h2_refused why);

/* What we say of a connection that ended with this code (RFC 9113 7). */
const char *h2_code_text(uint32_t code);

/* … or with this error of the library. */
const char *h2_library_text(int error);

#endif
