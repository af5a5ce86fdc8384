/*
 * swap_basic.c - what is inside of base64
 *
 * Decoded, swapped and encoded a piece at a time through two small buffers on
 * the stack, both wiped: the decoded text is nowhere in one place.  Only base64
 * as RFC 4648 writes it is opened (whole groups, padded, no bits left over):
 * what one reader takes and another refuses is not ours to rewrite.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "swap.h"

enum {
	PIECE = 192, /* decoded bytes at a time */
	GROUP = 3,
	LETTERS = 4, /* so many bytes are so many letters */
	PAD = 64,    /* the number of the sign that fills up */
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789+/=";

struct encoder {
	char *out;
	size_t room, len;
	bool full;
	char held[GROUP]; /* no whole group yet */
	size_t held_len;
};

/* -1: no letter of base64. */
static int
number_of(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/* How many bytes are in one group of letters; 0: it is none. */
static size_t
decode_group(const char *letters, char ret[GROUP])
{
	int n[LETTERS];
	size_t len = GROUP;

	for (size_t i = 0; i < LETTERS; i++) {
		n[i] = number_of(letters[i]);
		if (n[i] < 0)
			return 0;
	}
	if (n[3] == PAD)
		len = n[2] == PAD ? 1 : 2;
	if (n[0] == PAD || n[1] == PAD || (n[2] == PAD && n[3] != PAD) ||
		(len == 1 && n[1] % 16 != 0) || (len == 2 && n[2] % 4 != 0))
		return 0;
	n[2] %= PAD;
	n[3] %= PAD;
	ret[0] = (char)(n[0] << 2 | n[1] >> 4);
	ret[1] = (char)((n[1] & 15) << 4 | n[2] >> 2);
	ret[2] = (char)((n[2] & 3) << 6 | n[3]);
	return len;
}

static bool
is_base64(struct span text)
{
	char bytes[GROUP];

	if (text.len == 0 || text.len % LETTERS != 0)
		return false;
	for (size_t i = 0; i < text.len; i += LETTERS) {
		size_t len = decode_group(text.ptr + i, bytes);

		if (len == 0 || (len < GROUP && i + LETTERS < text.len))
			return false;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

/* As many bytes as a piece holds, off the front of text. */
static size_t
decode(struct span *text, char ret[PIECE])
{
	size_t n = 0;

	while (text->len > 0 && n <= PIECE - GROUP) {
		n += decode_group(text->ptr, ret + n);
		text->ptr += LETTERS;
		text->len -= LETTERS;
	}
	return n;
}

static void
encode_group(struct encoder *e)
{
	unsigned char b[GROUP] = {0};
	char *out = e->out + e->len;

	if (e->room - e->len < LETTERS) {
		e->full = true;
		return;
	}
	memcpy(b, e->held, e->held_len);
	out[0] = alphabet[b[0] >> 2];
	out[1] = alphabet[(b[0] & 3) << 4 | b[1] >> 4];
	out[2] = e->held_len > 1 ? alphabet[(b[1] & 15) << 2 | b[2] >> 6] : '=';
	out[3] = e->held_len > 2 ? alphabet[b[2] & 63] : '=';
	explicit_bzero(b, sizeof(b));
	e->len += LETTERS;
	e->held_len = 0;
}

static void
encode(struct encoder *e, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && !e->full; i++) {
		e->held[e->held_len++] = bytes[i];
		if (e->held_len == GROUP)
			encode_group(e);
	}
}

static void
encode_end(struct encoder *e)
{
	if (e->held_len > 0 && !e->full)
		encode_group(e);
	explicit_bzero(e->held, sizeof(e->held));
}

/* The text to its end, whatever fits: what is in it is to be known. */
static void
swap_inside(struct swap *s, struct span text, struct encoder *e)
{
	char decoded[PIECE], swapped[PIECE];
	size_t n;

	while (text.len > 0) {
		struct span in = {decoded, decode(&text, decoded)};

		while (in.len > 0) {
			n = swap_run(s, &in, swapped, sizeof(swapped));
			encode(e, swapped, n);
		}
	}
	while ((n = swap_end(s, swapped, sizeof(swapped))) > 0)
		encode(e, swapped, n);
	encode_end(e);
	explicit_bzero(decoded, sizeof(decoded));
	explicit_bzero(swapped, sizeof(swapped));
}

/* What stands behind "Basic" and spaces.  Nothing: it is another scheme. */
static struct span
credentials_of(struct span value)
{
	static const struct span scheme = SPAN_LITERAL("Basic ");
	struct span none = {value.ptr, 0};

	if (value.len < scheme.len ||
		!span_equals_nocase(
			(struct span){value.ptr, scheme.len}, scheme))
		return none;
	value.ptr += scheme.len;
	value.len -= scheme.len;
	while (value.len > 0 && value.ptr[0] == ' ') {
		value.ptr++;
		value.len--;
	}
	return value;
}

ssize_t
swap_basic(struct swap *s, struct span value, char *out, size_t size)
{
	struct span text = credentials_of(value);
	size_t before = value.len - text.len;
	uint32_t found = s->found;
	struct encoder e = {.out = out, .room = size, .len = before};
	bool any;

	assert(s->spelling == SWAP_PLAIN);
	if (!is_base64(text))
		return 0;
	if (before > size)
		return -EMSGSIZE;
	memcpy(out, value.ptr, before);
	s->found = 0;
	swap_inside(s, text, &e);
	any = s->found != 0;
	s->found |= found;
	if (any && !e.full)
		return (ssize_t)e.len;
	explicit_bzero(out, e.len);
	return any ? -EMSGSIZE : 0;
}
