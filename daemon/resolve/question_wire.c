#include "question_wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum {
	HEADER = 12,
	FIXED = 4, /* type and class */
	NAME_MOST = 253,
	LABEL_MOST = 63,
	CLASS_IN = 1,
	TYPE_OPT = 41,
	CASE_BIT = 0x20,
	FLAG_QR = 0x80,
	OPCODE = 0x78,
	FLAG_RD = 0x01,
};

struct draw {
	uint8_t id[2];
	uint8_t bits[NAME_MOST / 8 + 1];
};

static uint8_t *
put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
	return p + 2;
}

static uint8_t
draw_case(const struct draw *draw, size_t at, char c)
{
	if (c < 'a' || c > 'z' || (draw->bits[at / 8] >> (at % 8) & 1) == 0)
		return (uint8_t)c;
	return (uint8_t)c & (uint8_t)~CASE_BIT;
}

static uint8_t *
put_name(uint8_t *p, const char *name, const struct draw *draw)
{
	size_t at = 0, len;

	while (name[at] != '\0') {
		len = strcspn(name + at, ".");
		assert(len > 0 && len <= LABEL_MOST);
		*p++ = (uint8_t)len;
		for (; len > 0; len--, at++)
			*p++ = draw_case(draw, at, name[at]);
		at += name[at] == '.';
	}
	*p++ = 0;
	return p;
}

/* The size that we take, version 0, no flags, no options (RFC 6891). */
static uint8_t *
put_opt(uint8_t *p)
{
	*p++ = 0;
	p = put16(p, TYPE_OPT);
	p = put16(p, QUESTION_UDP_SIZE);
	memset(p, 0, 6);
	return p + 6;
}

int
question_wire_make(
	struct question_wire *ret, const char *name, uint16_t type, bool edns)
{
	uint8_t *begin = ret->framed + QUESTION_PREFIX, *p = begin;
	struct draw draw;
	ssize_t n;

	assert(strlen(name) <= NAME_MOST);
	n = getrandom(&draw, sizeof(draw), 0);
	if (n != (ssize_t)sizeof(draw))
		return n < 0 ? -errno : -EIO;
	memset(p, 0, HEADER);
	memcpy(p, draw.id, sizeof(draw.id));
	p[2] = FLAG_RD;
	p[5] = 1; /* one question */
	p[11] = edns;
	p = put_name(p + HEADER, name, &draw);
	p = put16(p, type);
	p = put16(p, CLASS_IN);
	ret->question_len = (size_t)(p - begin) - HEADER;
	if (edns)
		p = put_opt(p);
	ret->len = (size_t)(p - begin);
	put16(ret->framed, (unsigned)ret->len);
	return 0;
}

/* No length of a label is a letter (63 at most), so the whole name may be
 * compared without looking at its parts. */
static bool
same_but_for_case(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t x = a[i], y = b[i];

		if (x >= 'A' && x <= 'Z')
			x |= CASE_BIT;
		if (y >= 'A' && y <= 'Z')
			y |= CASE_BIT;
		if (x != y)
			return false;
	}
	return true;
}

enum question_echo
question_wire_echo(
	const struct question_wire *w, const uint8_t *reply, size_t len)
{
	const uint8_t *asked = question_wire_message(w);
	size_t name_len = w->question_len - FIXED;

	if (len < HEADER + w->question_len || memcmp(reply, asked, 2) != 0)
		return ECHO_NONE;
	if ((reply[2] & FLAG_QR) == 0 || (reply[2] & OPCODE) != 0 ||
		reply[4] != 0 || reply[5] != 1)
		return ECHO_NONE;
	asked += HEADER;
	reply += HEADER;
	if (memcmp(reply, asked, w->question_len) == 0)
		return ECHO_FULL;
	if (memcmp(reply + name_len, asked + name_len, FIXED) == 0 &&
		same_but_for_case(reply, asked, name_len))
		return ECHO_CASE;
	return ECHO_NONE;
}
