/*
 * query.c - the few bytes of DNS that a sandbox may send
 *
 * Parsing goes forward only.  A question has no reason to be compressed, so a
 * pointer in it is an error and no loop can exist; in the additional section a
 * pointer ends the owner name, which is skipped and never followed.
 */
#include "query.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_LEN = 12,
	LABEL_MOST = 63,
	ADDITIONAL_MOST = 8,
	POINTER = 0xc0,
	TYPE_OPT = 41,
	OPT_LEN = 11,
	RECORD_LEN = 12,         /* without its data */
	EDNS_VERSION_SHIFT = 16, /* in the TTL of an OPT record */
	EDNS_RCODE_SHIFT = 24,
};

/* The second word of the header. */
enum {
	FLAG_QR = 0x8000,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_CD = 0x0010,
	OPCODE_SHIFT = 11,
	OPCODE_MASK = 0xf,
	RCODE_MASK = 0xf,
};

struct cursor {
	const uint8_t *data;
	size_t len;
	size_t at;
};

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value & 0xffff);
}

/* len bytes, or NULL if there are fewer. */
static const uint8_t *
take(struct cursor *c, size_t len)
{
	const uint8_t *p = c->data + c->at;

	if (len > c->len - c->at)
		return NULL;
	c->at += len;
	return p;
}

/* One label as text behind what is in name already. */
static bool
take_label(struct cursor *c, size_t len, char name[DNS_NAME_SIZE], size_t *used)
{
	const uint8_t *label = take(c, len);

	if (label == NULL || len > LABEL_MOST)
		return false;
	if (memchr(label, '.', len) != NULL || memchr(label, '\0', len) != NULL)
		return false;
	if (*used + (*used > 0) + len >= DNS_NAME_SIZE)
		return false;
	if (*used > 0)
		name[(*used)++] = '.';
	memcpy(name + *used, label, len);
	*used += len;
	return true;
}

static bool
take_name(struct cursor *c, char name[DNS_NAME_SIZE])
{
	const uint8_t *len;
	size_t used = 0;

	for (;;) {
		len = take(c, 1);
		if (len == NULL)
			return false;
		if (*len == 0)
			break;
		if (!take_label(c, *len, name, &used))
			return false;
	}
	name[used] = '\0';
	return true;
}

static bool
take_question(struct cursor *c, struct dns_query *q)
{
	size_t start = c->at;
	const uint8_t *fixed;

	if (!take_name(c, q->name))
		return false;
	fixed = take(c, 4);
	if (fixed == NULL)
		return false;
	q->type = get16(fixed);
	q->class = get16(fixed + 2);
	memcpy(q->question, c->data + start, c->at - start);
	q->question_len = c->at - start;
	return true;
}

/* Past the owner of an additional record, which nobody needs. */
static bool
skip_owner(struct cursor *c)
{
	const uint8_t *len;

	while ((len = take(c, 1)) != NULL) {
		if (*len == 0)
			return true;
		if ((*len & POINTER) == POINTER)
			return take(c, 1) != NULL;
		if (*len > LABEL_MOST || take(c, *len) == NULL)
			return false;
	}
	return false;
}

static bool
take_opt(struct dns_query *q, const uint8_t *fixed, bool at_root)
{
	uint16_t size = get16(fixed + 2);

	if (q->has_edns || !at_root)
		return false;
	q->has_edns = true;
	if (size > DNS_UDP_MOST)
		size = DNS_UDP_MOST;
	if (size > q->udp_size)
		q->udp_size = size;
	if ((get32(fixed + 4) >> EDNS_VERSION_SHIFT & 0xff) != 0)
		q->refusal = DNS_BADVERS;
	return true;
}

static bool
take_additional(struct cursor *c, struct dns_query *q)
{
	size_t start = c->at;
	const uint8_t *fixed;
	bool at_root;

	if (!skip_owner(c))
		return false;
	at_root = c->at == start + 1;
	fixed = take(c, 10);
	if (fixed == NULL || take(c, get16(fixed + 8)) == NULL)
		return false;
	return get16(fixed) != TYPE_OPT || take_opt(q, fixed, at_root);
}

/* Behind the header; false: not well-formed. */
static bool
take_body(struct cursor *c, struct dns_query *q)
{
	uint16_t additional = get16(c->data + 10);

	if (get16(c->data + 4) != 1 || get16(c->data + 6) != 0 ||
		get16(c->data + 8) != 0 || additional > ADDITIONAL_MOST)
		return false;
	if (!take_question(c, q))
		return false;
	while (additional-- > 0) {
		if (!take_additional(c, q))
			return false;
	}
	return c->at == c->len;
}

int
dns_query_parse(const uint8_t *data, size_t len, struct dns_query *ret)
{
	struct cursor c = {data, len, HEADER_LEN};
	unsigned flags;

	if (len < HEADER_LEN)
		return -EINVAL;
	flags = get16(data + 2);
	if (flags & FLAG_QR)
		return -EINVAL;
	*ret = (struct dns_query){
		.id = get16(data),
		.opcode = (uint8_t)(flags >> OPCODE_SHIFT & OPCODE_MASK),
		.recursion_desired = flags & FLAG_RD,
		.checking_disabled = flags & FLAG_CD,
		.udp_size = DNS_UDP_LEAST,
	};
	if (ret->opcode != 0)
		ret->refusal = DNS_NOTIMP;
	else if (!take_body(&c, ret))
		ret->refusal = DNS_FORMERR;
	return ret->refusal == DNS_NOERROR ? 0 : -EPROTO;
}

static size_t
put_opt(uint8_t *p, enum dns_rcode rcode)
{
	p[0] = 0;
	put16(p + 1, TYPE_OPT);
	put16(p + 3, DNS_UDP_MOST);
	put32(p + 5, (uint32_t)rcode >> 4 << EDNS_RCODE_SHIFT);
	put16(p + 9, 0);
	return OPT_LEN;
}

/* How many bytes of an address the question wants; 0: it wants none. */
static size_t
address_len(const struct dns_query *q)
{
	if (q->type == DNS_TYPE_A)
		return 4;
	return q->type == DNS_TYPE_AAAA ? 16 : 0;
}

/* Records behind the question, their owner a pointer to it. */
struct section {
	uint8_t *at;
	size_t room;
	size_t count;
	const struct dns_query *query;
	uint32_t ttl;
};

/* False: there is no room. */
static bool
put_record(struct section *s, const uint8_t *data, size_t len)
{
	uint8_t *p = s->at;

	if (s->room < RECORD_LEN + len)
		return false;
	put16(p, POINTER << 8 | HEADER_LEN);
	put16(p + 2, s->query->type);
	put16(p + 4, s->query->class);
	put32(p + 6, s->ttl);
	put16(p + 10, (unsigned)len);
	memcpy(p + RECORD_LEN, data, len);
	s->at += RECORD_LEN + len;
	s->room -= RECORD_LEN + len;
	s->count++;
	return true;
}

static bool
put_addresses(struct section *s, const struct dns_content *content, size_t len)
{
	for (size_t i = 0; i < content->count; i++) {
		if (!put_record(s, content->addresses[i], len))
			return false;
	}
	return true;
}

static bool
put_records(struct section *s, const struct dns_content *content)
{
	struct cursor c = {content->records, content->records_len, 0};
	const uint8_t *prefix, *data;

	while (c.at < c.len) {
		prefix = take(&c, 2);
		data = prefix != NULL ? take(&c, get16(prefix)) : NULL;
		if (data == NULL || !put_record(s, data, get16(prefix)))
			return false;
	}
	return true;
}

/* False: not all of it fits. */
static bool
put_content(struct section *s, const struct dns_content *content)
{
	size_t len = address_len(s->query);

	return len > 0 ? put_addresses(s, content, len)
		       : put_records(s, content);
}

size_t
dns_answer(const struct dns_query *q, enum dns_rcode rcode,
	const struct dns_content *content, uint8_t *ret, size_t size)
{
	size_t opt_len = q->has_edns ? OPT_LEN : 0;
	size_t at = HEADER_LEN + q->question_len;
	unsigned flags = FLAG_QR | FLAG_RA | (rcode & RCODE_MASK);
	struct section s = {.query = q};

	if (size < at + opt_len)
		return 0;
	memcpy(ret + HEADER_LEN, q->question, q->question_len);
	s.at = ret + at;
	s.room = size - at - opt_len;
	if (rcode == DNS_NOERROR && content != NULL) {
		s.ttl = content->ttl;
		if (!put_content(&s, content))
			flags |= FLAG_TC;
	}
	at = (size_t)(s.at - ret);
	if (q->has_edns)
		at += put_opt(ret + at, rcode);

	flags |= (unsigned)q->opcode << OPCODE_SHIFT;
	flags |= q->recursion_desired ? FLAG_RD : 0;
	flags |= q->checking_disabled ? FLAG_CD : 0;
	put16(ret, q->id);
	put16(ret + 2, flags);
	put16(ret + 4, q->question_len > 0);
	put16(ret + 6, (unsigned)s.count);
	put16(ret + 8, 0);
	put16(ret + 10, q->has_edns);
	return at;
}

size_t
dns_refuse(const struct dns_query *q, uint8_t *ret, size_t size)
{
	return dns_answer(q, q->refusal, NULL, ret, size);
}
