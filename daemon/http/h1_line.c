/*
 * h1_line.c - the second reader
 *
 * Theory of operation
 *
 * A smuggled request lives in the difference between two readers, and every
 * parser is lenient somewhere.  So each byte of a head and of chunk framing is
 * read twice: llhttp says what it means, and this says whether it is spelled
 * in the only way in which no reader differs: lines end in CRLF, CR and LF
 * stand nowhere else, no line begins with a blank, no control characters, one
 * space each between the three words of the request line, chunk sizes are
 * plain hex digits.  Where the two do not see the end of a head or of the
 * trailers at the same byte, the message is refused.
 *
 *	START -CRLF-> FIELD ... -empty line-> ended
 *	SIZE -CRLF-> (data) GAP -CRLF-> SIZE ... -size 0-> FIELD ... ended
 *
 * It also keeps the bounds, which makes them exact to the byte however the
 * input was cut into pieces.
 */
#include "h1_line.h"

#include <string.h>

enum {
	HEAD_MAX = 64 * 1024,
	START_MAX = 16 * 1024,
	EXTENSION_MAX = 16 * 1024, /* in one body */
	SIZE_DIGITS_MAX = 16,
	WORDS_SPACES = 2, /* in a request line */
};

void
h1_line_begin_head(struct h1_line *l, bool request)
{
	*l = (struct h1_line){.kind = H1_LINE_START, .request = request};
}

void
h1_line_begin_chunks(struct h1_line *l)
{
	*l = (struct h1_line){.kind = H1_LINE_SIZE, .request = l->request};
}

static uint64_t
pack(const char text[static 8])
{
	uint64_t ret = 0;

	for (int i = 0; i < 8; i++)
		ret = ret << 8 | (unsigned char)text[i];
	return ret;
}

static bool
is_digit(uint64_t c)
{
	return (c & 0xff) >= '0' && (c & 0xff) <= '9';
}

static enum h1_refused
check_version(uint64_t tail)
{
	if (tail == pack("HTTP/1.1") || tail == pack("HTTP/1.0"))
		return H1_FINE;
	if (tail >> 24 == pack("\0\0\0HTTP/") && is_digit(tail >> 16) &&
		is_digit(tail) && (tail >> 8 & 0xff) == '.')
		return H1_BAD_VERSION;
	return H1_BAD_START;
}

static enum h1_refused
end_start(struct h1_line *l)
{
	if (l->column == 0) {
		/* RFC 9112 2.2: old clients send CRLF behind a body. */
		if (!l->request || l->blank)
			return H1_EMPTY_LINE;
		l->blank = true;
		return H1_FINE;
	}
	l->kind = H1_LINE_FIELD;
	l->at_start = true;
	if (!l->request)
		return H1_FINE;
	if (l->spaces != WORDS_SPACES)
		return H1_BAD_START;
	return check_version(l->tail);
}

static enum h1_refused
end_size(struct h1_line *l)
{
	if (l->digits == 0)
		return H1_BAD_CHUNK_SIZE;
	l->kind = l->size ? H1_LINE_GAP : H1_LINE_FIELD;
	l->at_start = true;
	l->bytes = 0;
	l->digits = 0;
	l->size = l->in_extension = false;
	return H1_FINE;
}

static enum h1_refused
end_line(struct h1_line *l)
{
	switch (l->kind) {
	case H1_LINE_START:
		return end_start(l);
	case H1_LINE_SIZE:
		return end_size(l);
	case H1_LINE_GAP:
		l->kind = H1_LINE_SIZE;
		return H1_FINE;
	case H1_LINE_FIELD:
		break;
	}
	l->ended = l->at_start;
	l->at_start = true;
	return H1_FINE;
}

static bool
is_control(unsigned char c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

static enum h1_refused
in_start(struct h1_line *l, unsigned char c)
{
	if (++l->column > START_MAX)
		return H1_LONG_LINE;
	if (is_control(c) || c == '\t')
		return H1_CONTROL;
	if (l->request && c >= 0x80)
		return H1_NOT_ASCII;
	if (c == ' ' && l->spaces <= WORDS_SPACES)
		l->spaces++;
	l->tail = l->tail << 8 | c;
	return H1_FINE;
}

static enum h1_refused
in_field(struct h1_line *l, unsigned char c)
{
	if (l->at_start && (c == ' ' || c == '\t'))
		return H1_FOLD;
	l->at_start = false;
	return is_control(c) ? H1_CONTROL : H1_FINE;
}

static bool
is_hex(unsigned char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static enum h1_refused
in_size(struct h1_line *l, unsigned char c)
{
	if (l->in_extension) {
		if (++l->extension > EXTENSION_MAX)
			return H1_CHUNK_EXTENSION;
		return is_control(c) ? H1_CONTROL : H1_FINE;
	}
	if (c == ';' && l->digits > 0) {
		l->in_extension = true;
		return H1_FINE;
	}
	if (!is_hex(c))
		return H1_BAD_CHUNK_SIZE;
	if (++l->digits > SIZE_DIGITS_MAX)
		return H1_LONG_CHUNK_SIZE;
	l->size = l->size || c != '0';
	return H1_FINE;
}

static enum h1_refused
step(struct h1_line *l, unsigned char c)
{
	if (l->ended)
		return H1_DISAGREE;
	if (l->kind <= H1_LINE_FIELD && ++l->bytes > HEAD_MAX)
		return H1_HEAD_SIZE;
	if (l->cr) {
		l->cr = false;
		return c == '\n' ? end_line(l) : H1_BARE_CR;
	}
	if (c == '\r') {
		l->cr = true;
		return H1_FINE;
	}
	if (c == '\n')
		return H1_BARE_LF;
	switch (l->kind) {
	case H1_LINE_START:
		return in_start(l, c);
	case H1_LINE_FIELD:
		return in_field(l, c);
	case H1_LINE_SIZE:
		return in_size(l, c);
	case H1_LINE_GAP:
		break;
	}
	return H1_CHUNK_END;
}

/* Whether one of eight bytes is below ' ' or DEL: eight at a time is what makes
 * a second reader cheap.  A tab counts too, and is looked at by itself. */
static bool
has_control(const char *bytes)
{
	const uint64_t ones = UINT64_MAX / 0xff, tops = ones << 7;
	uint64_t word, del;

	memcpy(&word, bytes, sizeof(word));
	del = word ^ ones * 0x7f;
	return (((word - ones * ' ') & ~word) | ((del - ones) & ~del)) & tops;
}

/* How many bytes from here on are ordinary ones within a field line. */
static size_t
plain_run(const struct h1_line *l, const char *bytes, size_t len)
{
	size_t n = 0;

	if (l->kind != H1_LINE_FIELD || l->at_start || l->cr || l->ended)
		return 0;
	if (len > HEAD_MAX - l->bytes)
		len = HEAD_MAX - l->bytes;
	while (len - n >= sizeof(uint64_t) && !has_control(bytes + n))
		n += sizeof(uint64_t);
	while (n < len && !is_control((unsigned char)bytes[n]))
		n++;
	return n;
}

enum h1_refused
h1_line_check(struct h1_line *l, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t run = plain_run(l, bytes + at, len - at);
		enum h1_refused why;

		l->bytes += (uint32_t)run;
		at += run;
		if (at == len)
			break;
		why = step(l, (unsigned char)bytes[at++]);
		if (why != H1_FINE)
			return why;
	}
	return H1_FINE;
}
