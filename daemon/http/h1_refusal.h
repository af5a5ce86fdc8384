/*
 * Every way in which a peer can break the rules of HTTP/1.1, as a list: the
 * status to answer a request with, and the words.  The table in h1_refusal.c is
 * the only place that knows them.  Internal to the codec.
 */
#ifndef SBX_HTTP_H1_REFUSAL_H
#define SBX_HTTP_H1_REFUSAL_H

enum h1_refused {
	H1_FINE,
	/* the start line */
	H1_NOT_HTTP,
	H1_UNKNOWN_METHOD,
	H1_PREFACE,
	H1_EMPTY_LINE,
	H1_BAD_START,
	H1_BAD_VERSION,
	H1_LONG_LINE,
	H1_BAD_TARGET,
	H1_TARGET_FRAGMENT,
	H1_TARGET_FORM,
	H1_TARGET_SCHEME,
	H1_TARGET_AUTHORITY,
	/* lines and fields */
	H1_CONTROL,
	H1_NOT_ASCII,
	H1_BARE_LF,
	H1_BARE_CR,
	H1_FOLD,
	H1_BAD_FIELD,
	H1_HEAD_SIZE,
	H1_FIELD_COUNT,
	/* host, expectation */
	H1_NO_HOST,
	H1_TWO_HOSTS,
	H1_BAD_HOST,
	H1_EXPECT,
	/* framing */
	H1_TWO_LENGTHS,
	H1_BAD_LENGTH,
	H1_LENGTH_AND_TE,
	H1_TWO_TE,
	H1_BAD_TE,
	H1_UNKNOWN_TE,
	H1_TE_IN_1_0,
	H1_BAD_CHUNK_SIZE,
	H1_LONG_CHUNK_SIZE,
	H1_CHUNK_EXTENSION,
	H1_CHUNK_END,
	H1_TRAILER_FIELD,
	/* responses */
	H1_BAD_STATUS,
	H1_SWITCHED,
	H1_SWITCHED_OTHER,
	H1_INTERIMS,
	H1_BODY_FORBIDDEN,
	/* ends */
	H1_CUT_HEAD,
	H1_CUT_BODY,
	H1_NO_RESPONSE,
	/* our own doubts */
	H1_MALFORMED,
	H1_DISAGREE,
	H1_NO_MEMORY,
	H1_REFUSED_COUNT
};

struct h1_refusal {
	int status;
	const char *text;
};

const struct h1_refusal *h1_refusal(enum h1_refused why);

#endif
