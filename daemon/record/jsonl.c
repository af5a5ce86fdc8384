/*
 * jsonl.c - JSON values at a cursor
 *
 * This is on the path of every request, twice, so it is written for the bytes
 * that are nearly always there: printable ASCII is copied in a run, found by
 * one table; everything else takes the slow road of one code point at a time.
 */
#include "jsonl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codepoint.h"

enum {
	ESCAPE_MAX = 12, /* two \uXXXX */
};

static const uint64_t last_second = 253402300799; /* 9999-12-31T23:59:59 */
#define ONES UINT64_C(0x0101010101010101)         /* times c: c in each byte */
#define TOPS UINT64_C(0x8080808080808080)

static const char replacement[] = {'\xEF', '\xBF', '\xBD'}; /* U+FFFD */
static const char digits[] = "0123456789abcdef";

static void
put(struct jsonl *l, char c)
{
	*l->next++ = c;
}

void
jsonl_raw(struct jsonl *l, const char *bytes, size_t len)
{
	memcpy(l->next, bytes, len);
	l->next += len;
}

/* ---- strings ----------------------------------------------------------- */

static bool
is_plain(char c)
{
	return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

/* The top bit of each byte that is zero is set; others above it may be. */
static uint64_t
zero_bytes(uint64_t v)
{
	return (v - ONES) & ~v & TOPS;
}

/* Eight bytes at once; true only if each of them is_plain(). */
static bool
are_plain(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return ((v | (v - ONES * ' ') | (v + ONES) |
			zero_bytes(v ^ ONES * '"') |
			zero_bytes(v ^ ONES * '\\')) &
		       TOPS) == 0;
}

static size_t
plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (len - n >= sizeof(uint64_t) && are_plain(s + n))
		n += sizeof(uint64_t);
	while (n < len && is_plain(s[n]))
		n++;
	return n;
}

static size_t
hex_escape(uint32_t unit, char *ret)
{
	ret[0] = '\\';
	ret[1] = 'u';
	for (int i = 0; i < 4; i++)
		ret[2 + i] = digits[unit >> (12 - 4 * i) & 0xF];
	return 6;
}

/* How a code point stands in a string; len bytes at s are what it was. */
static size_t
escape(uint32_t cp, const char *s, size_t len, char *ret)
{
	if (cp == 0)
		cp = CODEPOINT_BAD; /* many a reader ends a string there */
	if (cp == CODEPOINT_BAD) {
		memcpy(ret, replacement, sizeof(replacement));
		return sizeof(replacement);
	}
	if (cp == '"' || cp == '\\') {
		ret[0] = '\\';
		ret[1] = (char)cp;
		return 2;
	}
	if (!codepoint_is_control(cp)) {
		memcpy(ret, s, len);
		return len;
	}
	if (cp < 0x10000)
		return hex_escape(cp, ret);
	cp -= 0x10000;
	hex_escape(0xD800 | cp >> 10, ret);
	hex_escape(0xDC00 | (cp & 0x3FF), ret + 6);
	return ESCAPE_MAX;
}

void
jsonl_text(struct jsonl *l, struct span text, size_t cap)
{
	const char *s = text.ptr, *end = text.ptr + text.len;
	char escaped[ESCAPE_MAX];
	uint32_t cp;
	size_t n, size;

	put(l, '"');
	while (s < end) {
		size = (size_t)(end - s);
		n = plain_run(s, size < cap ? size : cap);
		jsonl_raw(l, s, n);
		s += n;
		cap -= n;
		if (s == end)
			break;
		n = codepoint_next(s, (size_t)(end - s), &cp);
		size = escape(cp, s, n, escaped);
		if (size > cap) {
			l->cut = true;
			break;
		}
		jsonl_raw(l, escaped, size);
		s += n;
		cap -= size;
	}
	put(l, '"');
}

static bool
object_is_sound(struct span object)
{
	uint32_t cp;
	size_t n;

	if (object.len < 2 || object.ptr[0] != '{' ||
		object.ptr[object.len - 1] != '}')
		return false;
	for (size_t i = 0; i < object.len; i += n) {
		n = plain_run(object.ptr + i, object.len - i);
		if (n > 0)
			continue;
		n = codepoint_next(object.ptr + i, object.len - i, &cp);
		if (cp == CODEPOINT_BAD || codepoint_is_control(cp))
			return false;
	}
	return true;
}

void
jsonl_object(struct jsonl *l, struct span object, size_t cap)
{
	if (object.len > cap || !object_is_sound(object)) {
		l->cut = true;
		object = SPAN_LITERAL("{}");
	}
	jsonl_raw(l, object.ptr, object.len);
}

/* ---- numbers and time -------------------------------------------------- */

/* Exactly width digits, zeros in front. */
static void
put_padded(struct jsonl *l, uint64_t v, int width)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		l->next[i] = digits[v % 10];
	l->next += width;
}

void
jsonl_uint(struct jsonl *l, uint64_t v)
{
	int width = 1;

	for (uint64_t rest = v / 10; rest > 0; rest /= 10)
		width++;
	put_padded(l, v, width);
}

void
jsonl_millis(struct jsonl *l, uint64_t us)
{
	jsonl_uint(l, us / 1000);
	put(l, '.');
	put_padded(l, us % 1000, 3);
}

void
jsonl_hex(struct jsonl *l, uint64_t v)
{
	put(l, '"');
	for (int shift = 60; shift >= 0; shift -= 4)
		put(l, digits[v >> shift & 0xF]);
	put(l, '"');
}

/* "2025-01-01T00:00:00", made once a second rather than once a record. */
static const char *
second_text(uint64_t second)
{
	enum { TEXT = 20 };
	static _Thread_local struct {
		uint64_t second;
		char text[TEXT];
	} last = {0, "1970-01-01T00:00:00"};
	time_t t = (time_t)second;
	struct tm tm;

	if (last.second != second && gmtime_r(&t, &tm) != NULL) {
		strftime(last.text, sizeof(last.text), "%FT%T", &tm);
		last.second = second;
	}
	return last.text;
}

void
jsonl_time(struct jsonl *l, uint64_t us)
{
	uint64_t second = us / 1000000;

	put(l, '"');
	jsonl_raw(l, second_text(second < last_second ? second : last_second),
		sizeof("2025-01-01T00:00:00") - 1);
	put(l, '.');
	put_padded(l, us % 1000000, 6);
	jsonl_raw(l, "Z\"", 2);
}

/* ---- addresses --------------------------------------------------------- */

static void
put_in4(struct jsonl *l, const uint8_t *bytes)
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			put(l, '.');
		jsonl_uint(l, bytes[i]);
	}
}

static void
put_group(struct jsonl *l, unsigned int group)
{
	int shift = 12;

	while (shift > 0 && group >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put(l, digits[group >> shift & 0xF]);
}

struct zeros { /* the groups that "::" stands for; len 0: none */
	int start, len;
};

/* The first of the longest runs of two or more zero groups (RFC 5952). */
static struct zeros
longest_zeros(const unsigned int *group)
{
	struct zeros best = {-1, 1}, run = {0, 0};

	for (int i = 0; i < 8; i++) {
		run.len = group[i] == 0 ? run.len + 1 : 0;
		run.start = i + 1 - run.len;
		if (run.len > best.len)
			best = run;
	}
	return best.len > 1 ? best : (struct zeros){-1, 0};
}

static void
put_in6(struct jsonl *l, const struct in6_addr *addr)
{
	const uint8_t *bytes = addr->s6_addr;
	unsigned int group[8];
	struct zeros zeros;
	bool tail4;

	for (size_t i = 0; i < 8; i++)
		group[i] = (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
	zeros = longest_zeros(group);
	/* As inet_ntop(): ::ffff:192.0.2.1, and ::192.0.2.1 of old. */
	tail4 = zeros.start == 0 &&
		(zeros.len == 6 || (zeros.len == 5 && group[5] == 0xFFFF));
	for (int i = 0; i < (tail4 ? 6 : 8); i++) {
		if (i == zeros.start) {
			jsonl_raw(l, "::", 2);
			i += zeros.len - 1;
			continue;
		}
		if (i > 0 && i != zeros.start + zeros.len)
			put(l, ':');
		put_group(l, group[i]);
	}
	if (tail4) {
		if (zeros.len == 5)
			put(l, ':');
		put_in4(l, bytes + 12);
	}
}

static void
put_address(struct jsonl *l, const struct sockaddr *sa, bool with_port)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const struct sockaddr_in *in4 = (const void *)sa;
	bool is6 = sa->sa_family == AF_INET6;

	put(l, '"');
	if (is6 && with_port)
		put(l, '[');
	if (is6)
		put_in6(l, &in6->sin6_addr);
	else if (sa->sa_family == AF_INET)
		put_in4(l, (const uint8_t *)&in4->sin_addr);
	if (is6 && with_port)
		put(l, ']');
	if (with_port && (is6 || sa->sa_family == AF_INET)) {
		put(l, ':');
		jsonl_uint(l, ntohs(is6 ? in6->sin6_port : in4->sin_port));
	}
	put(l, '"');
}

void
jsonl_address(struct jsonl *l, const struct sockaddr *sa)
{
	put_address(l, sa, false);
}

void
jsonl_endpoint(struct jsonl *l, const struct sockaddr *sa)
{
	put_address(l, sa, true);
}
