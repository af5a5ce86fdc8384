/*
 * The first datagrams of a QUIC client: which server does it name?
 *
 * Versions 1 (RFC 9000, 9001) and 2 (RFC 9369) are read: Initial packets are
 * opened with the keys that anyone on the path can derive, and the ClientHello
 * is put together out of their CRYPTO frames, in whatever order these come.
 * One opening is one flow (addresses and ports) and is fed what the client
 * sends, never what the server answers.
 *
 * A name is what the client claims.  The client picks which datagrams get as
 * far as the server (a TTL of 2 is enough), so the name alone must never let a
 * flow pass: hold it against the destination, too.
 *
 * Pure, fuzzed; but OpenSSL reads its configuration file when the first Initial
 * is opened, unless something has made it do so before.  The memory of an
 * opening is one block of about 20 KiB; nothing in it is secret.
 */
#ifndef SBX_QUIC_OPENING_H
#define SBX_QUIC_OPENING_H

#include <stddef.h>
#include <stdint.h>

struct hello; /* tls/hello.h */

enum {
	QUIC_DATAGRAMS = 16,   /* without a whole hello in them: bad */
	QUIC_HELLO_MAX = 16384 /* bytes of CRYPTO */
};

enum quic_result {
	QUIC_MORE,          /* QUIC; the hello is not whole yet */
	QUIC_NAME,          /* a whole hello that names a server */
	QUIC_NO_NAME,       /* a whole hello that does not */
	QUIC_OTHER_VERSION, /* QUIC that is not read here, greased or a
			       negotiation of versions among it */
	QUIC_NOT_QUIC,      /* what a connection cannot begin with */
	QUIC_BAD,           /* QUIC, but not as servers accept it, or with two
			       readings: quic_opening_why() */
};

struct quic_opening;

/* NULL: out of memory. */
struct quic_opening *quic_opening_new(void);

/* Accepts NULL. */
void quic_opening_free(struct quic_opening *o);

/*
 * The payload of the next datagram.  Any result but QUIC_MORE is final:
 * whatever is fed after it changes nothing and gets the same result.
 */
enum quic_result quic_opening_feed(
	struct quic_opening *o, const uint8_t *datagram, size_t len);

/* After QUIC_NAME and QUIC_NO_NAME; otherwise NULL.  The opening's. */
const struct hello *quic_opening_hello(const struct quic_opening *o);

/* Of the first datagram with a long header; 0 before that (and if it is a
 * negotiation of versions). */
uint32_t quic_opening_version(const struct quic_opening *o);

/* After QUIC_BAD and QUIC_NOT_QUIC: a static text; otherwise NULL. */
const char *quic_opening_why(const struct quic_opening *o);

#endif
