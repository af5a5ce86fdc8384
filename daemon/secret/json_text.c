/*
 * json_text.c - JSON in place
 *
 * Theory of operation
 *
 * A cursor goes over the bytes once, from the left.  What lies inside of what
 * is kept in one word, a bit for each level, so that no depth of the text is a
 * depth of the stack.  json_text_open() has the cursor go over all of it, by
 * the grammar of RFC 8259; who looks for something later goes over it again.
 *
 * Strings are read by one function, a character at a time, whether they are
 * skipped, compared or copied.  It lets any byte from 0x80 on pass: whether it
 * is UTF-8 is not asked.
 */
#include "json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct cursor {
	const char *at, *end;
};

static bool
at_byte(const struct cursor *c, char byte)
{
	return c->at < c->end && *c->at == byte;
}

static bool
take(struct cursor *c, char byte)
{
	bool there = at_byte(c, byte);

	if (there)
		c->at++;
	return there;
}

static void
skip_space(struct cursor *c)
{
	static const char space[] = {' ', '\t', '\r', '\n'};

	while (c->at < c->end && memchr(space, *c->at, sizeof(space)) != NULL)
		c->at++;
}

/* ---- strings ------------------------------------------------------------ */

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static int
take_unit(struct cursor *c)
{
	int unit = 0;

	for (int i = 0; i < 4; i++) {
		int digit = c->at < c->end ? digit_value(*c->at++) : -1;

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static int
put_utf8(unsigned point, char ret[4])
{
	enum { TWO = 0x80, THREE = 0x800, FOUR = 0x10000, MORE = 0x80 };
	int len = point < TWO ? 1 : point < THREE ? 2 : point < FOUR ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (int i = len - 1; i > 0; i--) {
		ret[i] = (char)(MORE | (point & 0x3f));
		point >>= 6;
	}
	ret[0] = (char)(lead[len] | point);
	return len;
}

/* Behind "\u".  Both halves of a pair, or neither. */
static int
take_escaped_point(struct cursor *c, char ret[4])
{
	enum { HIGH = 0xd800, LOW = 0xdc00, AFTER = 0xe000 };
	int first = take_unit(c), second;

	if (first < 0 || (first >= LOW && first < AFTER))
		return -1;
	if (first < HIGH || first >= AFTER)
		return put_utf8((unsigned)first, ret);
	second = take(c, '\\') && take(c, 'u') ? take_unit(c) : -1;
	if (second < LOW || second >= AFTER)
		return -1;
	return put_utf8(0x10000 + ((unsigned)(first - HIGH) << 10) +
				(unsigned)(second - LOW),
		ret);
}

/*
 * The next character of a string.  How many bytes of UTF-8 it is, which are
 * never more than it took; 0: the string has ended, and the cursor is behind
 * its quote; -1: it is broken.
 */
static int
take_char(struct cursor *c, char ret[4])
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (c->at == c->end || (unsigned char)*c->at < ' ')
		return -1;
	ret[0] = *c->at++;
	if (ret[0] == '"')
		return 0;
	if (ret[0] != '\\')
		return 1;
	if (take(c, 'u'))
		return take_escaped_point(c, ret);
	if (c->at == c->end)
		return -1;
	name = memchr(names, *c->at++, sizeof(names) - 1);
	if (name == NULL)
		return -1;
	ret[0] = bytes[name - names];
	return 1;
}

/* Whether a string is there and says that; broken: *c is at its end. */
static bool
take_string(struct cursor *c, struct span wanted, bool *ret_same)
{
	char bytes[4];
	size_t at = 0;
	int n;

	*ret_same = true;
	if (!take(c, '"'))
		return false;
	while ((n = take_char(c, bytes)) > 0) {
		*ret_same = *ret_same && (size_t)n <= wanted.len - at &&
			    memcmp(bytes, wanted.ptr + at, (size_t)n) == 0;
		if (*ret_same)
			at += (size_t)n;
	}
	*ret_same = *ret_same && at == wanted.len;
	explicit_bzero(bytes, sizeof(bytes));
	return n == 0;
}

static bool
skip_string(struct cursor *c)
{
	bool ignored;

	return take_string(c, (struct span){"", 0}, &ignored);
}

/* ---- values ------------------------------------------------------------- */

static size_t
skip_digits(struct cursor *c)
{
	const char *from = c->at;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
		c->at++;
	return (size_t)(c->at - from);
}

static bool
skip_number(struct cursor *c)
{
	take(c, '-');
	if (!take(c, '0') && skip_digits(c) == 0)
		return false;
	if (take(c, '.') && skip_digits(c) == 0)
		return false;
	if (!take(c, 'e') && !take(c, 'E'))
		return true;
	if (!take(c, '+'))
		take(c, '-');
	return skip_digits(c) > 0;
}

static bool
skip_scalar(struct cursor *c)
{
	static const struct span words[] = {SPAN_LITERAL("true"),
		SPAN_LITERAL("false"), SPAN_LITERAL("null")};

	if (at_byte(c, '"'))
		return skip_string(c);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((size_t)(c->end - c->at) >= words[i].len &&
			memcmp(c->at, words[i].ptr, words[i].len) == 0) {
			c->at += words[i].len;
			return true;
		}
	}
	return skip_number(c);
}

static bool
skip_key(struct cursor *c)
{
	skip_space(c);
	if (!skip_string(c))
		return false;
	skip_space(c);
	return take(c, ':');
}

struct nesting {
	unsigned depth;
	uint32_t objects; /* bit 0: the innermost one is an object */
};
_Static_assert(JSON_TEXT_DEPTH <= 32, "a bit for each level");

/* Behind "[" or "{".  *ret_empty: and behind its end already. */
static bool
go_in(struct cursor *c, struct nesting *n, bool *ret_empty)
{
	bool object = c->at[-1] == '{';

	if (n->depth == JSON_TEXT_DEPTH)
		return false;
	skip_space(c);
	*ret_empty = take(c, object ? '}' : ']');
	if (*ret_empty)
		return true;
	n->depth++;
	n->objects = n->objects << 1 | object;
	return !object || skip_key(c);
}

/* A value has ended: goes to the next one, or out of all that ends with it. */
static bool
go_on(struct cursor *c, struct nesting *n)
{
	while (n->depth > 0) {
		bool object = (n->objects & 1) != 0;

		skip_space(c);
		if (take(c, ','))
			return !object || skip_key(c);
		if (!take(c, object ? '}' : ']'))
			return false;
		n->depth--;
		n->objects >>= 1;
	}
	return true;
}

static bool
skip_value(struct cursor *c)
{
	struct nesting n = {0, 0};

	do {
		bool ended = true;

		skip_space(c);
		if (take(c, '[') || take(c, '{')) {
			if (!go_in(c, &n, &ended))
				return false;
		} else if (!skip_scalar(c)) {
			return false;
		}
		if (ended && !go_on(c, &n))
			return false;
	} while (n.depth > 0);
	return true;
}

static bool
take_value(struct cursor *c, struct span *ret)
{
	skip_space(c);
	ret->ptr = c->at;
	if (!skip_value(c))
		return false;
	ret->len = (size_t)(c->at - ret->ptr);
	return true;
}

/* ---- what others ask ---------------------------------------------------- */

static struct cursor
cursor_of(struct span s)
{
	return (struct cursor){s.ptr, s.ptr + s.len};
}

int
json_text_open(struct span text, struct span *ret)
{
	struct cursor c = cursor_of(text);
	struct span value;

	if (!take_value(&c, &value))
		return -EINVAL;
	skip_space(&c);
	if (c.at != c.end)
		return -EINVAL;
	*ret = value;
	return 0;
}

int
json_text_member(struct span object, struct span key, struct span *ret)
{
	struct cursor c = cursor_of(object);
	struct span value, found = {NULL, 0};
	bool same;

	if (!take(&c, '{'))
		return -EINVAL;
	do {
		skip_space(&c);
		if (!take_string(&c, key, &same))
			break; /* an empty one */
		skip_space(&c);
		if (!take(&c, ':') || !take_value(&c, &value))
			return -EINVAL;
		if (same && found.ptr != NULL)
			return -EEXIST;
		if (same)
			found = value;
		skip_space(&c);
	} while (take(&c, ','));
	if (found.ptr == NULL)
		return -ENOENT;
	*ret = found;
	return 0;
}

int
json_text_key(struct span object, size_t index, struct span *ret)
{
	struct cursor c = cursor_of(object);
	struct span key, value;

	if (!take(&c, '{'))
		return -EINVAL;
	for (size_t i = 0;; i++) {
		skip_space(&c);
		key.ptr = c.at;
		if (!skip_string(&c))
			return -ENOENT; /* an empty one */
		key.len = (size_t)(c.at - key.ptr);
		skip_space(&c);
		if (!take(&c, ':') || !take_value(&c, &value))
			return -EINVAL;
		if (i == index)
			break;
		skip_space(&c);
		if (!take(&c, ','))
			return -ENOENT;
	}
	*ret = key;
	return 0;
}

int
json_text_element(struct span list, size_t index, struct span *ret)
{
	struct cursor c = cursor_of(list);
	struct span value;
	size_t i = 0;

	if (!take(&c, '['))
		return -EINVAL;
	skip_space(&c);
	if (at_byte(&c, ']'))
		return -ENOENT;
	do {
		if (!take_value(&c, &value))
			return -EINVAL;
		skip_space(&c);
	} while (i++ < index && take(&c, ','));
	if (i <= index)
		return -ENOENT;
	*ret = value;
	return 0;
}

ssize_t
json_text_string(struct span string, char *ret)
{
	struct cursor c = cursor_of(string);
	char bytes[4];
	size_t len = 0;
	int n;

	if (!take(&c, '"'))
		return -EINVAL;
	while ((n = take_char(&c, bytes)) > 0) {
		memcpy(ret + len, bytes, (size_t)n);
		len += (size_t)n;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return n == 0 ? (ssize_t)len : -EINVAL;
}
