/*
 * svcb_filter.c - what may stay of an HTTPS record
 *
 * A list of what stays, not of what goes: a key that is invented tomorrow is
 * not let through by a filter of today.
 */
#include "svcb_filter.h"

#include <string.h>

enum {
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	PRIORITY = 2,
	LABEL_MOST = 63,
	KEY_MANDATORY = 0,
	KEY_ALPN = 1,
	KEY_NO_DEFAULT_ALPN = 2,
	KEYS = 3,
};

struct parameter {
	unsigned key;
	uint8_t *value;
	size_t len;
};

struct parameters {
	uint8_t *at, *end;
};

bool
svcb_filter_wants(uint16_t type)
{
	return type == TYPE_SVCB || type == TYPE_HTTPS;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* 1: *ret; 0: there are no more; -1: malformed. */
static int
next_parameter(struct parameters *all, struct parameter *ret)
{
	size_t left = (size_t)(all->end - all->at);

	if (left == 0)
		return 0;
	if (left < 4)
		return -1;
	ret->key = get16(all->at);
	ret->len = get16(all->at + 2);
	ret->value = all->at + 4;
	if (ret->len > left - 4)
		return -1;
	all->at = ret->value + ret->len;
	return 1;
}

/* Behind the name; NULL: it does not end. */
static uint8_t *
skip_name(uint8_t *p, const uint8_t *end)
{
	size_t len;

	while (p < end) {
		len = *p++;
		if (len == 0)
			return p;
		if (len > LABEL_MOST || len > (size_t)(end - p))
			return NULL;
		p += len;
	}
	return NULL;
}

static bool
is_over_tcp(const uint8_t *id, size_t len)
{
	return len < 2 || memcmp(id, "h3", 2) != 0;
}

/* Takes HTTP/3 and its drafts out of an alpn; false: malformed. */
static bool
filter_alpn(uint8_t *value, size_t *len)
{
	size_t kept = 0, at = 0, one;

	while (at < *len) {
		one = value[at];
		if (one == 0 || one > *len - at - 1)
			return false;
		if (is_over_tcp(value + at + 1, one)) {
			memmove(value + kept, value + at, 1 + one);
			kept += 1 + one;
		}
		at += 1 + one;
	}
	*len = kept;
	return true;
}

/* Whether a client that needs all of these keys can do with what stays. */
static bool
needs_only_what_stays(const struct parameter *mandatory)
{
	if (mandatory->len == 0 || mandatory->len % 2 != 0)
		return false;
	for (size_t i = 0; i < mandatory->len; i += 2) {
		if (get16(mandatory->value + i) >= KEYS)
			return false;
	}
	return true;
}

/* False: without this the whole record goes. */
static bool
filter_parameter(struct parameter *p)
{
	if (p->key == KEY_MANDATORY)
		return needs_only_what_stays(p);
	if (p->key == KEY_ALPN)
		return filter_alpn(p->value, &p->len) && p->len > 0;
	return p->key != KEY_NO_DEFAULT_ALPN || p->len == 0;
}

static uint8_t *
put_parameter(uint8_t *to, const struct parameter *p)
{
	uint8_t header[4] = {(uint8_t)(p->key >> 8), (uint8_t)p->key,
		(uint8_t)(p->len >> 8), (uint8_t)p->len};

	/* What was there is read already, and never longer. */
	memmove(to + sizeof(header), p->value, p->len);
	memcpy(to, header, sizeof(header));
	return to + sizeof(header) + p->len;
}

bool
svcb_filter(uint8_t *data, size_t *len)
{
	struct parameters all = {.end = data + *len};
	struct parameter p;
	uint8_t *to;
	int r;

	if (*len < PRIORITY + 1)
		return false;
	all.at = to = skip_name(data + PRIORITY, all.end);
	if (to == NULL)
		return false;
	while ((r = next_parameter(&all, &p)) > 0) {
		if (p.key >= KEYS)
			continue;
		if (!filter_parameter(&p))
			return false;
		to = put_parameter(to, &p);
	}
	*len = (size_t)(to - data);
	return r == 0;
}
