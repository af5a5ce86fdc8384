/*
 * What the first bytes of a flow are, told by the bytes and never by the port.
 * Pure.
 */
#ifndef SBX_SNIFF_H
#define SBX_SNIFF_H

#include "span.h"

enum sniff {
	SNIFF_MORE,
	SNIFF_TLS,
	SNIFF_HTTP1,
	SNIFF_HTTP2, /* the prior-knowledge preface (RFC 9113 3.4) */
	SNIFF_OTHER,
};

/* bytes: all received so far. */
enum sniff sniff(struct span bytes);

#endif
