/*
 * guard.c - may this address be dialled?
 *
 * Theory of operation
 *
 * Every address becomes one shape first: 16 bytes, IPv4 among them as
 * ::ffff:a.b.c.d.  A sockaddr of AF_INET6 that holds a mapped address becomes
 * the same bytes, so two things are told apart by the sockaddr's family only:
 * whether the IPv6 rows of the table or the IPv4 rows are asked.
 *
 *	1. selfs: the address, or the IPv4 address embedded in it
 *	2. rows of the table that contain it, unless an allowed range does so
 *	   too
 *	3. … and what we tell sandboxes for names, which is nowhere
 *	4. the embedded IPv4 address again, as if it had been dialled itself
 *
 * 4 is why allowing 64:ff9b::/96 does not open 10.0.0.0/8 through a NAT64.
 * What embeds is a table as well.  64:ff9b:1::/48 is not in it: where in such
 * an address the IPv4 bytes stand is the local operator's secret (RFC 6052).
 */
#include "guard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "array.h"
#include "self_set.h"
#include "synthetic.h"

enum {
	GUARD_ALLOWS = 1024,
	GUARD_RANGE_TEXT = 64, /* longer than any range can be spelled */
};

/* The prefix counts bits of bytes: 4 of them for AF_INET, else 16. */
struct range {
	int family;
	unsigned prefix;
	uint8_t bytes[16];
};

struct guard {
	struct self_set *selfs;
	struct range *refused; /* guard_ranges(), compiled */
	size_t refused_count;
	struct range *allowed;
	size_t allowed_count;
};

/* Where an IPv6 form keeps an IPv4 address, and whether it is inverted. */
static const struct embedding {
	uint8_t prefix[12];
	unsigned prefix_len;
	unsigned at;
	uint8_t invert;
} embeddings[] = {
	/* ::/96 compatible, ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated */
	{{0}, 12, 12, 0},
	{{[10] = 0xff, [11] = 0xff}, 12, 12, 0},
	{{[8] = 0xff, [9] = 0xff}, 12, 12, 0},
	/* 64:ff9b::/96 NAT64, 2002::/16 6to4, 2001::/32 Teredo's client */
	{{0x00, 0x64, 0xff, 0x9b}, 12, 12, 0},
	{{0x20, 0x02}, 2, 2, 0},
	{{0x20, 0x01}, 4, 12, 0xff},
};

/* The decimal prefix of a range: nothing but one to three digits. */
static int
parse_prefix(const char *text, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3 || strspn(text, "0123456789") != len)
		return -EINVAL;
	if (len > 1 && text[0] == '0')
		return -EINVAL;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (value > most)
		return -EINVAL;
	*ret = value;
	return 0;
}

static bool
has_bits_beyond(const struct range *range)
{
	size_t len = range->family == AF_INET ? 4 : 16;

	for (size_t bit = range->prefix; bit < len * 8; bit++) {
		if (range->bytes[bit / 8] & 0x80 >> bit % 8)
			return true;
	}
	return false;
}

static int
parse_range(const char *text, struct range *ret)
{
	struct range range = {.family = AF_INET};
	char address[GUARD_RANGE_TEXT];
	size_t len = strcspn(text, "/");
	unsigned most;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (strchr(address, ':') != NULL)
		range.family = AF_INET6;
	if (inet_pton(range.family, address, range.bytes) != 1)
		return -EINVAL;
	most = range.family == AF_INET ? 32 : 128;
	range.prefix = most;
	if (text[len] == '/' &&
		parse_prefix(text + len + 1, most, &range.prefix) < 0)
		return -EINVAL;
	if (has_bits_beyond(&range))
		return -EINVAL;
	*ret = range;
	return 0;
}

static bool
range_has(const struct range *range, int family, const uint8_t *bytes)
{
	unsigned whole = range->prefix / 8, rest = range->prefix % 8;

	if (range->family != family || memcmp(range->bytes, bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((range->bytes[whole] ^ bytes[whole]) & 0xff00 >> rest) == 0;
}

static int
compile_refused(struct guard *g)
{
	const struct guard_range *rows = guard_ranges(&g->refused_count);
	int r;

	g->refused = calloc(g->refused_count, sizeof(struct range));
	if (g->refused == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < g->refused_count; i++) {
		r = parse_range(rows[i].range, &g->refused[i]);
		assert(r == 0);
	}
	return 0;
}

struct guard *
guard_new(void)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->selfs = self_set_new();
	if (g->selfs == NULL || compile_refused(g) < 0) {
		guard_free(g);
		return NULL;
	}
	return g;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	self_set_free(g->selfs);
	free(g->refused);
	free(g->allowed);
	free(g);
}

int
guard_allow(struct guard *g, const char *range)
{
	struct range parsed, *more;
	int r = parse_range(range, &parsed);

	if (r < 0)
		return r;
	if (g->allowed_count == GUARD_ALLOWS)
		return -ENOSPC;
	more = reallocarray(g->allowed, g->allowed_count + 1, sizeof(parsed));
	if (more == NULL)
		return -ENOMEM;
	g->allowed = more;
	g->allowed[g->allowed_count++] = parsed;
	return 0;
}

/* The one spelling under which the set of selfs knows an address. */
static int
spell_self(int family, const uint8_t *bytes, uint8_t ret[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == AF_INET6) {
		memcpy(ret, bytes, 16);
		return 0;
	}
	if (family != AF_INET)
		return -EAFNOSUPPORT;
	memcpy(ret, mapped, 12);
	memcpy(ret + 12, bytes, 4);
	return 0;
}

int
guard_add_self(struct guard *g, int family, const uint8_t *address)
{
	uint8_t key[16];
	int r = spell_self(family, address, key);

	return r < 0 ? r : self_set_add(g->selfs, key);
}

void
guard_remove_self(struct guard *g, int family, const uint8_t *address)
{
	uint8_t key[16];

	if (spell_self(family, address, key) == 0)
		self_set_remove(g->selfs, key);
}

/* The bytes of an Internet address; NULL for any other sockaddr. */
static const uint8_t *
bytes_of(const struct sockaddr *dst)
{
	const void *any = dst;

	if (dst->sa_family == AF_INET)
		return (const uint8_t *)&((const struct sockaddr_in *)any)
			->sin_addr;
	if (dst->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)any)->sin6_addr.s6_addr;
	return NULL;
}

static bool
embedded(const uint8_t *bytes, uint8_t ret[4])
{
	static const uint8_t zero[15];
	const struct embedding *e;

	/* :: and ::1 look IPv4-compatible and are not. */
	if (memcmp(bytes, zero, sizeof(zero)) == 0 && bytes[15] <= 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
		e = &embeddings[i];
		if (memcmp(bytes, e->prefix, e->prefix_len) != 0)
			continue;
		for (size_t n = 0; n < 4; n++)
			ret[n] = bytes[e->at + n] ^ e->invert;
		return true;
	}
	return false;
}

static bool
is_self(const struct guard *g, int family, const uint8_t *bytes)
{
	uint8_t key[16], v4[4];

	if (spell_self(family, bytes, key) < 0)
		return false;
	if (self_set_has(g->selfs, key))
		return true;
	return family == AF_INET6 && embedded(bytes, v4) &&
	       is_self(g, AF_INET, v4);
}

static bool
is_allowed(const struct guard *g, const struct guard_range *row,
	const struct range *refused, const uint8_t *bytes)
{
	const struct range *range;

	for (size_t i = 0; i < g->allowed_count; i++) {
		range = &g->allowed[i];
		if (row->exact && range->prefix < refused->prefix)
			continue;
		if (range_has(range, refused->family, bytes))
			return true;
	}
	return false;
}

static const char *
range_refuses(const struct guard *g, int family, const uint8_t *bytes)
{
	const struct guard_range *rows;
	size_t count;

	if (synthetic_covers(family, bytes))
		return "synthetic";
	rows = guard_ranges(&count);
	for (size_t i = 0; i < count; i++) {
		if (range_has(&g->refused[i], family, bytes) &&
			!is_allowed(g, &rows[i], &g->refused[i], bytes))
			return rows[i].reason;
	}
	return NULL;
}

const char *
guard_refuses(const struct guard *g, const struct sockaddr *dst)
{
	const uint8_t *bytes = bytes_of(dst);
	const char *reason;
	uint8_t v4[4];

	if (bytes == NULL)
		return "reserved";
	if (is_self(g, dst->sa_family, bytes))
		return "this host or a sandbox";
	reason = range_refuses(g, dst->sa_family, bytes);
	if (reason == NULL && dst->sa_family == AF_INET6 && embedded(bytes, v4))
		reason = range_refuses(g, AF_INET, v4);
	return reason;
}

bool
guard_is_self(const struct guard *g, const struct sockaddr *dst)
{
	const uint8_t *bytes = bytes_of(dst);

	return bytes != NULL && is_self(g, dst->sa_family, bytes);
}
