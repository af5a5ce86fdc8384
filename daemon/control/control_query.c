#include "control_query.h"

#include <errno.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that text at i stands for, and how long it is there; or -1. */
static int
decode_one(struct span text, size_t i, bool plus, size_t *ret_len)
{
	int high, low;

	*ret_len = 1;
	if (text.ptr[i] == '+' && plus)
		return ' ';
	if (text.ptr[i] != '%')
		return (unsigned char)text.ptr[i];
	if (text.len - i < 3)
		return -1;
	high = hex_digit(text.ptr[i + 1]);
	low = hex_digit(text.ptr[i + 2]);
	*ret_len = 3;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* 0, or -EINVAL. */
static int
decode(struct span text, bool plus, char *ret, size_t size)
{
	size_t len = 0, step;

	for (size_t i = 0; i < text.len; i += step) {
		int c = decode_one(text, i, plus, &step);

		if (c <= 0 || len + 1 >= size)
			return -EINVAL;
		ret[len++] = (char)c;
	}
	ret[len] = '\0';
	return 0;
}

/* What stands before the first c, which is taken off the rest with it. */
static struct span
cut(struct span *rest, char c)
{
	const char *at = rest->len > 0 ? memchr(rest->ptr, c, rest->len) : NULL;
	struct span head = *rest;

	if (at == NULL) {
		*rest = (struct span){rest->ptr + rest->len, 0};
		return head;
	}
	head.len = (size_t)(at - rest->ptr);
	*rest = (struct span){at + 1, rest->len - head.len - 1};
	return head;
}

bool
control_path_matches(
	const char *pattern, struct span path, char name[CONTROL_NAME_MAX])
{
	struct span wanted = span_of(pattern);

	name[0] = '\0';
	/* An empty segment at the end is none of ours. */
	if (path.len == 0 || path.ptr[path.len - 1] == '/')
		return false;
	while (wanted.len > 0 && path.len > 0) {
		struct span want = cut(&wanted, '/');
		struct span have = cut(&path, '/');

		if (span_equals(want, SPAN_LITERAL("NAME"))) {
			if (have.len == 0 ||
				decode(have, false, name, CONTROL_NAME_MAX) < 0)
				return false;
		} else if (!span_equals(want, have)) {
			return false;
		}
		if ((wanted.len == 0) != (path.len == 0))
			return false;
	}
	return wanted.len == 0 && path.len == 0;
}

int
control_query_get(struct span query, const char *key, char *ret, size_t size)
{
	return control_query_next(&query, key, ret, size);
}

int
control_query_next(struct span *rest, const char *key, char *ret, size_t size)
{
	while (rest->len > 0) {
		struct span pair = cut(rest, '&');
		struct span have = cut(&pair, '=');

		if (!span_equals(have, span_of(key)))
			continue;
		return decode(pair, true, ret, size) < 0 ? -EINVAL : 1;
	}
	return 0;
}
