/*
 * A DNS message as a sandbox sends it, and our answer to it (RFC 1035, 6891).
 *
 * One question, perhaps an OPT record, nothing else.  Answers carry records of
 * the name and type that were asked for, or nothing; they are never
 * authoritative and always say that recursion is to be had.  Which names may be
 * answered is not decided here.  Pure, fuzzed.
 */
#ifndef SBX_QUERY_H
#define SBX_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_NAME_SIZE = 254, /* 253 characters and the end */
	DNS_QUESTION = 259,  /* a name of 255 bytes, type and class */
	DNS_UDP_LEAST = 512,
	DNS_UDP_MOST = 1232, /* never fragmented over IPv6 */
	DNS_TYPE_A = 1,
	DNS_TYPE_AAAA = 28,
	DNS_CLASS_IN = 1,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16, /* only if the query has EDNS */
};

struct dns_query {
	uint16_t id;
	uint16_t type;
	uint16_t class;
	uint8_t opcode;
	bool recursion_desired;
	bool checking_disabled;
	bool has_edns;
	enum dns_rcode refusal;   /* if it was -EPROTO: what to answer */
	uint16_t udp_size;        /* what an answer by UDP may be long */
	char name[DNS_NAME_SIZE]; /* as asked, no dot at its end; "" the root */
	uint8_t question[DNS_QUESTION]; /* echoed byte for byte */
	size_t question_len;            /* 0: could not be read */
};

/*
 * 0; -EPROTO: to be answered with dns_refuse(), of *ret then only id, opcode,
 * flags, refusal and what belongs to the answer count; -EINVAL: not even that
 * is due (too short, or no query), *ret untouched.
 *
 * A label with a dot or a NUL in it is refused, so that name has one reading.
 * Any other byte may occur in it.
 */
int dns_query_parse(const uint8_t *data, size_t len, struct dns_query *ret);

/* What an answer holds. */
struct dns_content {
	/* To A and AAAA: 4 bytes each count for an A question, else 16. */
	const uint8_t (*addresses)[16];
	size_t count;
	uint32_t ttl;
	/* To any other question: each its length in two bytes and its data. */
	const uint8_t *records;
	size_t records_len;
};

/*
 * Writes the answer: the content if rcode is DNS_NOERROR, else none (NODATA).
 * content may be NULL.  size is what the
 * answer may be long: at most q->udp_size by UDP, up to 65,535 by TCP.  What
 * does not fit is left out and TC set.  Returns the length; 0 if not even the
 * question fits (DNS_UDP_LEAST always does).
 */
size_t dns_answer(const struct dns_query *q, enum dns_rcode rcode,
	const struct dns_content *content, uint8_t *ret, size_t size);

/* dns_answer() with q->refusal. */
size_t dns_refuse(const struct dns_query *q, uint8_t *ret, size_t size);

#endif
