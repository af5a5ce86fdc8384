/*
 * Names to addresses, and to records of other types, on the worker's libev
 * loop.
 *
 * Reads no file: servers are given, /etc/hosts and search domains do not
 * exist.  Answers are cached with their TTL clamped to 5..300 s, "there is
 * none" for 5 s, failures never.  At most 4,096 names are cached (the least
 * recently used goes), at most 1,024 questions are on the wire, and questions
 * for the same name and family are joined.  Of those on the wire one share has
 * 128 at most, counted to the first who asked.  Knows nothing of policy and
 * does not judge addresses: that is the guard's work, on each of them.
 */
#ifndef SBX_RESOLVER_H
#define SBX_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct ev_loop;
struct resolver;
struct resolver_query;
struct resolver_share;

enum {
	RESOLVER_ADDRESSES = 16,      /* an answer with more is cut */
	RESOLVER_RECORDS = 64,        /* of another type: with more, or */
	RESOLVER_RECORD_BYTES = 4096, /* longer, the answer fails */
	RESOLVER_A = 1,               /* types of DNS */
	RESOLVER_AAAA = 28,
};

struct resolver_question {
	const char *host; /* normalised: lower case, no dot at its end */
	uint16_t type; /* DNS_TYPE_…, or any that has a meaning to ask for */
	struct resolver_share *share; /* whose question; NULL: nobody's */
};

struct resolver_answer {
	/*
	 * 0; -ENOENT no such name, or not a host name; -ENODATA no address of
	 * that family; -ETIMEDOUT; -ECONNREFUSED no server can be reached or
	 * all of them refuse or fail; -EIO anything else
	 */
	int status;
	int family;    /* AF_UNSPEC: records of another type */
	uint16_t type; /* of DNS, that was asked for */
	size_t count;
	uint8_t addresses[RESOLVER_ADDRESSES][16]; /* AF_INET: the first 4 */
	/*
	 * Of another type: each its length in two bytes and its data, names in
	 * it in full.  Borrowed until done() returns or asks anew.
	 */
	const uint8_t *records;
	size_t records_len;
	unsigned ttl;     /* seconds left, clamped */
	const char *text; /* static; why, if status < 0 */
};

/*
 * servers: 1 to SERVER_LIST_MAX of them, asked in that order, as server_list.h
 * spells them.  The loop is
 * borrowed.  0 and the resolver in *ret, which the caller frees; or -errno with
 * one line of text in reterr.
 */
int resolver_new(struct ev_loop *loop, const char *const *servers, size_t count,
	struct resolver **ret, char *reterr, size_t reterr_size);

/*
 * What servers over TLS are verified with, and for; borrowed.  Until it is
 * there, they cannot be reached.
 */
void resolver_set_tls(struct resolver *r, SSL_CTX *context);

/* Accepts NULL; calls nobody back.  Not from inside a resolver_done. */
void resolver_free(struct resolver *r);

/*
 * Other servers from now on: what was cached is forgotten, and what is on the
 * wire is asked again there.  0; -EINVAL with text in reterr
 * and nothing changed.
 */
int resolver_set_servers(struct resolver *r, const char *const *servers,
	size_t count, char *reterr, size_t reterr_size);

/*
 * How long one server may take and how often each is tried (2,000 ms, 3
 * times; later tries wait twice as long).  0; -EBUSY while questions are on the
 * wire.
 */
int resolver_set_patience(
	struct resolver *r, unsigned timeout_ms, unsigned tries);

/* The answer is borrowed for the call. */
typedef void resolver_done(void *arg, const struct resolver_answer *answer);

/*
 * Asks that; with an address type for addresses, else for records, and then
 * answer->family is AF_UNSPEC.  An answer that is known at once (cached, or the
 * question cannot be asked) is given before the call returns, and then NULL is
 * returned; else the query, which is gone once done() was called or after
 * resolver_cancel().  done() may ask and cancel at will.
 */
struct resolver_query *resolver_ask_for(struct resolver *r,
	const struct resolver_question *question, resolver_done *done,
	void *arg);

/* The same for the addresses of host in AF_INET or AF_INET6, in nobody's name.
 */
struct resolver_query *resolver_ask(struct resolver *r, const char *host,
	int family, resolver_done *done, void *arg);

/* Accepts NULL.  The question stays on the wire, for the cache, and counts. */
void resolver_cancel(struct resolver_query *q);

#endif
