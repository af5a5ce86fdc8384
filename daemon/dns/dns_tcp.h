/*
 * DNS over a byte stream: each message with its length in front (RFC 1035,
 * 4.2.2), many on one connection (RFC 7766).  Bytes in, bytes out; the stream
 * is the caller's.  Pure.
 */
#ifndef SBX_DNS_TCP_H
#define SBX_DNS_TCP_H

#include <stddef.h>
#include <stdint.h>

enum {
	DNS_TCP_PREFIX = 2,
	DNS_TCP_QUERY = 1232, /* a longer query ends the connection */
};

/* Embedded; all zero is its beginning, and it owns nothing. */
struct dns_tcp {
	uint8_t data[DNS_TCP_PREFIX + DNS_TCP_QUERY];
	size_t len;
};

/*
 * Takes bytes up to the end of one message and returns how many; 0 while a
 * whole message waits for dns_tcp_pop(), or when nothing good can follow.
 */
size_t dns_tcp_feed(struct dns_tcp *t, const uint8_t *data, size_t len);

/*
 * 1: a whole message, *ret valid until dns_tcp_pop(); 0: feed more; -EMSGSIZE:
 * longer than DNS_TCP_QUERY, close the connection.
 */
int dns_tcp_next(const struct dns_tcp *t, const uint8_t **ret, size_t *ret_len);

/* Done with the message that dns_tcp_next() gave. */
void dns_tcp_pop(struct dns_tcp *t);

/* Writes the prefix for an answer of len bytes (at most 65,535). */
void dns_tcp_prefix(uint8_t ret[DNS_TCP_PREFIX], size_t len);

#endif
