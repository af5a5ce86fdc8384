#include "resolver_answer.h"

#include <ares.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "array.h"
#include "resolver.h"

enum {
	TTL_LEAST = 5,
	TTL_MOST = 300,
	TTL_NEGATIVE = 5,
};

/* What is not here is -EIO. */
static const struct {
	int ares;
	int status;
} statuses[] = {
	{ARES_SUCCESS, 0},
	{ARES_ENODATA, -ENODATA},
	{ARES_ENOTFOUND, -ENOENT},
	{ARES_EBADNAME, -ENOENT},
	{ARES_ETIMEOUT, -ETIMEDOUT},
	{ARES_ECONNREFUSED, -ECONNREFUSED},
	{ARES_ECANCELLED, -ECANCELED},
	{ARES_EDESTRUCTION, -ECANCELED},
};

static int
status_of(int ares)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].ares == ares)
			return statuses[i].status;
	}
	return -EIO;
}

/* c-ares says the same of a server that answers SERVFAIL, NOTIMP or REFUSED. */
static const char *
text_of(int ares)
{
	if (ares == ARES_ECONNREFUSED)
		return "no name server can be reached or is willing to answer";
	return ares_strerror(ares);
}

/* A TTL with its top bit set comes out negative and counts as 0 (RFC 2181). */
static unsigned
clamp(int ttl)
{
	if (ttl < TTL_LEAST)
		return TTL_LEAST;
	return ttl > TTL_MOST ? TTL_MOST : (unsigned)ttl;
}

static int
read_a(const uint8_t *reply, size_t len, struct resolver_answer *ret)
{
	struct ares_addrttl found[RESOLVER_ADDRESSES];
	int count = RESOLVER_ADDRESSES, least = INT_MAX, status;

	status = ares_parse_a_reply(reply, (int)len, NULL, found, &count);
	if (status != ARES_SUCCESS)
		return status;
	for (int i = 0; i < count; i++) {
		memcpy(ret->addresses[i], &found[i].ipaddr, 4);
		if (found[i].ttl < least)
			least = found[i].ttl;
	}
	ret->count = (size_t)count;
	ret->ttl = clamp(least);
	return count > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

static int
read_aaaa(const uint8_t *reply, size_t len, struct resolver_answer *ret)
{
	struct ares_addr6ttl found[RESOLVER_ADDRESSES];
	int count = RESOLVER_ADDRESSES, least = INT_MAX, status;

	status = ares_parse_aaaa_reply(reply, (int)len, NULL, found, &count);
	if (status != ARES_SUCCESS)
		return status;
	for (int i = 0; i < count; i++) {
		memcpy(ret->addresses[i], &found[i].ip6addr, 16);
		if (found[i].ttl < least)
			least = found[i].ttl;
	}
	ret->count = (size_t)count;
	ret->ttl = clamp(least);
	return count > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

void
resolver_answer_fail(
	int family, int status, const char *text, struct resolver_answer *ret)
{
	*ret = (struct resolver_answer){
		.status = status,
		.family = family,
		.ttl = TTL_NEGATIVE,
		.text = text,
	};
}

void
resolver_answer_read(int family, int status, const uint8_t *reply, size_t len,
	struct resolver_answer *ret)
{
	*ret = (struct resolver_answer){.family = family};
	if (status == ARES_SUCCESS && len > USHRT_MAX)
		status = ARES_EBADRESP;
	if (status == ARES_SUCCESS && family == AF_INET)
		status = read_a(reply, len, ret);
	else if (status == ARES_SUCCESS)
		status = read_aaaa(reply, len, ret);
	if (status != ARES_SUCCESS)
		resolver_answer_fail(
			family, status_of(status), text_of(status), ret);
}
