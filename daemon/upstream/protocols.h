/*
 * Which HTTP an origin speaks, as far as one sandbox has learnt it from the
 * TLS handshakes of its own connections (RFC 7301).  Bounded in number and age.
 */
#ifndef SBX_PROTOCOLS_H
#define SBX_PROTOCOLS_H

#include <stdint.h>

struct protocols;

enum spoken {
	SPOKEN_UNKNOWN,
	SPOKEN_1,      /* not HTTP/2 */
	SPOKEN_2,      /* HTTP/2; perhaps HTTP/1.1 too */
	SPOKEN_ONLY_2, /* it has refused HTTP/1.1 */
};

struct protocols *protocols_new(void);    /* NULL: out of memory */
void protocols_free(struct protocols *p); /* accepts NULL */

/* now: seconds of a clock that never goes back. */
enum spoken protocols_get(
	struct protocols *p, const char *host, uint16_t port, double now);

/* Without memory nothing is remembered. */
void protocols_put(struct protocols *p, const char *host, uint16_t port,
	enum spoken spoken, double now);

#endif
