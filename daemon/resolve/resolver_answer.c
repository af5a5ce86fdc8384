/*
 * resolver_answer.c - what is believed of a reply
 *
 * Theory of operation
 *
 * ldns takes the message apart.  Of its answer section, we begin at the name
 * that was asked: records of the type at that name are the answer; else an
 * alias there leads to the next name, a bounded number of times.  Nothing else
 * in the message is looked at, so that a server can say what it likes about
 * names that nobody asked for.
 */
#include "resolver_answer.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include <ldns/ldns.h>

#include "svcb_filter.h"

enum {
	TTL_LEAST = 5,
	TTL_MOST = 300,
	TTL_NEGATIVE = 5,
	CHAIN_MOST = 12, /* aliases one behind another */
	/* Names may be spelt by pointers at pointers: reading a message costs
	 * its length squared. */
	REPLY_MOST = 16384,
	RDATA_MOST = 2048,
};

int
resolver_family(uint16_t type)
{
	if (type == LDNS_RR_TYPE_A)
		return AF_INET;
	return type == LDNS_RR_TYPE_AAAA ? AF_INET6 : AF_UNSPEC;
}

void
resolver_answer_fail(uint16_t type, int status, const char *text,
	struct resolver_answer *ret)
{
	*ret = (struct resolver_answer){
		.status = status,
		.family = resolver_family(type),
		.type = type,
		.ttl = TTL_NEGATIVE,
		.text = text,
	};
}

/* A TTL with its top bit set counts as 0 (RFC 2181). */
static unsigned
clamp(uint32_t ttl)
{
	if (ttl < TTL_LEAST || ttl > INT32_MAX)
		return TTL_LEAST;
	return ttl > TTL_MOST ? TTL_MOST : (unsigned)ttl;
}

static bool
is_at(const ldns_rr *rr, const ldns_rdf *owner, unsigned type)
{
	return ldns_rr_get_type(rr) == (ldns_rr_type)type &&
	       ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

static const ldns_rr *
find_at(const ldns_rr_list *list, const ldns_rdf *owner, unsigned type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (is_at(rr, owner, type))
			return rr;
	}
	return NULL;
}

static void
note_ttl(struct resolver_answer *ret, const ldns_rr *rr)
{
	unsigned ttl = clamp(ldns_rr_ttl(rr));

	if (ttl < ret->ttl)
		ret->ttl = ttl;
}

/* The record's data as a server would send it, but with names in full; -1: it
 * is too long. */
static ssize_t
copy_data(const ldns_rr *rr, uint8_t data[RDATA_MOST])
{
	size_t len = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *part = ldns_rr_rdf(rr, i);

		if (part == NULL || ldns_rdf_size(part) > RDATA_MOST - len)
			return -1;
		memcpy(data + len, ldns_rdf_data(part), ldns_rdf_size(part));
		len += ldns_rdf_size(part);
	}
	return (ssize_t)len;
}

static bool
add_address(const ldns_rr *rr, struct resolver_answer *ret)
{
	size_t len = ret->family == AF_INET ? 4 : 16;
	const ldns_rdf *part = ldns_rr_rdf(rr, 0);

	if (part == NULL || ldns_rdf_size(part) != len)
		return false;
	if (ret->count == RESOLVER_ADDRESSES)
		return true;
	memcpy(ret->addresses[ret->count++], ldns_rdf_data(part), len);
	return true;
}

/* False: more than we hold, which is not to be answered in part. */
static bool
add_record(const ldns_rr *rr, struct resolver_records *room,
	struct resolver_answer *ret)
{
	uint8_t data[RDATA_MOST], *p = room->bytes + room->len;
	ssize_t n = copy_data(rr, data);
	size_t len = (size_t)n;

	if (n < 0)
		return false;
	if (svcb_filter_wants(ret->type) && !svcb_filter(data, &len))
		return true;
	if (ret->count == RESOLVER_RECORDS ||
		sizeof(room->bytes) - room->len < 2 + len)
		return false;
	p[0] = (uint8_t)(len >> 8);
	p[1] = (uint8_t)len;
	memcpy(p + 2, data, len);
	room->len += 2 + len;
	ret->count++;
	return true;
}

/* Everything of the type at the end of the chain. */
static bool
collect(const ldns_rr_list *list, const ldns_rdf *owner,
	struct resolver_records *room, struct resolver_answer *ret)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (!is_at(rr, owner, ret->type))
			continue;
		note_ttl(ret, rr);
		if (!(ret->family != AF_UNSPEC ? add_address(rr, ret)
					       : add_record(rr, room, ret)))
			return false;
	}
	return true;
}

/* NULL, or why there is no answer, with its status. */
static const char *
follow(const ldns_rr_list *list, const ldns_rdf *owner,
	struct resolver_records *room, struct resolver_answer *ret)
{
	const ldns_rr *alias;

	for (int i = 0; i <= CHAIN_MOST; i++) {
		ret->status = -EIO;
		if (!collect(list, owner, room, ret))
			return "the answer has records that are too long";
		ret->status = -ENODATA;
		if (ret->count > 0)
			return NULL;
		alias = find_at(list, owner, LDNS_RR_TYPE_CNAME);
		if (alias == NULL || ldns_rr_rdf(alias, 0) == NULL)
			return "no record of that type";
		note_ttl(ret, alias);
		owner = ldns_rr_rdf(alias, 0);
	}
	ret->status = -EIO;
	return "a chain of aliases that does not end";
}

static void
read_packet(const ldns_pkt *packet, const struct resolver_asked *asked,
	struct resolver_records *room, struct resolver_answer *ret)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(asked->name);
	const char *why = "out of memory";

	*ret = (struct resolver_answer){
		.status = -EIO,
		.family = resolver_family(asked->type),
		.type = asked->type,
		.ttl = TTL_MOST,
	};
	room->len = 0;
	if (ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN) {
		ret->status = -ENOENT;
		why = "no such name";
	} else if (owner != NULL) {
		why = follow(ldns_pkt_answer(packet), owner, room, ret);
	}
	ldns_rdf_deep_free(owner);
	if (why != NULL) {
		resolver_answer_fail(asked->type, ret->status, why, ret);
		return;
	}
	ret->status = 0;
	if (ret->family == AF_UNSPEC) {
		ret->records = room->bytes;
		ret->records_len = room->len;
	}
}

void
resolver_answer_read(const struct resolver_asked *asked, struct span reply,
	struct resolver_records *room, struct resolver_answer *ret)
{
	ldns_pkt *packet = NULL;

	if (reply.len > REPLY_MOST) {
		resolver_answer_fail(
			asked->type, -EIO, "the reply is too long", ret);
		return;
	}
	if (ldns_wire2pkt(&packet, (const uint8_t *)reply.ptr, reply.len) !=
		LDNS_STATUS_OK) {
		resolver_answer_fail(
			asked->type, -EIO, "the reply is malformed", ret);
		return;
	}
	read_packet(packet, asked, room, ret);
	ldns_pkt_free(packet);
}
