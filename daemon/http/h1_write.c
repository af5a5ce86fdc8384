#include "h1_write.h"

#include <assert.h>
#include <errno.h>

#include "buf.h"
#include "message.h"
#include "phrase.h"

enum {
	DIGITS_MAX = 20, /* of a length */
	STATUS_LINE = sizeof("HTTP/1.1 200 \r\n") - 1,
	REQUEST_LINE = sizeof("  HTTP/1.1\r\n") - 1,
	CHUNK_FRAME = 4, /* two CRLF */
};

/* Framing and persistence are between two neighbours: only the codec says
 * them, whatever stands in the head. */
static bool
is_ours(const struct http_field *f)
{
	switch (f->known) {
	case HTTP_CONNECTION:
	case HTTP_CONTENT_LENGTH:
	case HTTP_TRANSFER_ENCODING:
	case HTTP_KEEP_ALIVE:
	case HTTP_PROXY_CONNECTION:
	case HTTP_UPGRADE:
	case HTTP_HTTP2_SETTINGS:
		return true;
	default:
		return false;
	}
}

static char *
put(char *at, struct span s)
{
	memcpy(at, s.ptr, s.len);
	return at + s.len;
}

static char *
put_field(char *at, struct span name, struct span value)
{
	at = put(at, name);
	at = put(at, SPAN_LITERAL(": "));
	at = put(at, value);
	return put(at, SPAN_LITERAL("\r\n"));
}

/* Digits of n into the end of text; what they are. */
static struct span
digits(uint64_t n, unsigned base, char text[static DIGITS_MAX])
{
	size_t at = DIGITS_MAX;

	do {
		text[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n > 0);
	return (struct span){text + at, DIGITS_MAX - at};
}

static size_t
fields_size(const struct http_head *h)
{
	size_t size = 0;

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (!is_ours(f))
			size += f->name_len + f->value_len + 4;
	}
	return size;
}

static char *
put_fields(char *at, const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (!is_ours(f))
			at = put_field(at, http_head_name(h, f),
				http_head_value(h, f));
	}
	return at;
}

static int
reserve(struct buf *out, size_t need, char **ret)
{
	size_t room;

	if (need > out->bound)
		return -EMSGSIZE;
	if (need > buf_room(out))
		return -ENOBUFS;
	*ret = buf_reserve(out, need, &room);
	return *ret != NULL ? 0 : -ENOMEM;
}

static char *
put_start(char *at, const struct http_head *h)
{
	if (h->status == 0) {
		at = put(at, http_head_method(h));
		at = put(at, SPAN_LITERAL(" "));
		at = put(at, http_head_target(h));
		return put(at, SPAN_LITERAL(" HTTP/1.1\r\n"));
	}
	at = put(at, SPAN_LITERAL("HTTP/1.1 "));
	*at++ = (char)('0' + h->status / 100);
	*at++ = (char)('0' + h->status / 10 % 10);
	*at++ = (char)('0' + h->status % 10);
	*at++ = ' ';
	at = put(at, http_phrase(h->status));
	return put(at, SPAN_LITERAL("\r\n"));
}

static size_t
start_size(const struct http_head *h)
{
	if (h->status == 0)
		return REQUEST_LINE + h->method_len + h->target_len;
	return STATUS_LINE + http_phrase(h->status).len;
}

/* The name and value of the framing field; an empty name: none. */
static struct span
framing_field(const struct h1_wire *wire, char text[static DIGITS_MAX],
	struct span *ret_value)
{
	switch (wire->framing) {
	case H1_WIRE_LENGTH:
		*ret_value = digits(wire->length, 10, text);
		return SPAN_LITERAL("Content-Length");
	case H1_WIRE_CHUNKED:
		*ret_value = SPAN_LITERAL("chunked");
		return SPAN_LITERAL("Transfer-Encoding");
	case H1_WIRE_NONE:
		break;
	}
	return SPAN_LITERAL("");
}

int
h1_write_head(
	struct buf *out, const struct http_head *h, const struct h1_wire *wire)
{
	struct span name, value = SPAN_LITERAL("");
	char text[DIGITS_MAX], *start, *at;
	size_t need;
	int r;

	name = framing_field(wire, text, &value);
	need = start_size(h) + fields_size(h) + 2;
	if (name.len > 0)
		need += name.len + value.len + 4;
	if (wire->connection.len > 0)
		need += strlen("Connection: \r\n") + wire->connection.len;
	if (wire->upgrade.len > 0)
		need += strlen("Upgrade: \r\n") + wire->upgrade.len;
	r = reserve(out, need, &start);
	if (r < 0)
		return r;

	at = put_start(start, h);
	at = put_fields(at, h);
	if (name.len > 0)
		at = put_field(at, name, value);
	if (wire->connection.len > 0)
		at = put_field(
			at, SPAN_LITERAL("Connection"), wire->connection);
	if (wire->upgrade.len > 0)
		at = put_field(at, SPAN_LITERAL("Upgrade"), wire->upgrade);
	at = put(at, SPAN_LITERAL("\r\n"));
	assert((size_t)(at - start) == need);
	buf_commit(out, need);
	return 0;
}

size_t
h1_chunk_room(size_t room)
{
	size_t most = 0xf;

	for (size_t frame = CHUNK_FRAME + 1; room > frame; frame++) {
		if (room - frame <= most)
			return room - frame;
		/* One digit more would cost the byte it gives. */
		if (room - frame == most + 1)
			return most;
		most = most << 4 | 0xf;
	}
	return 0;
}

int
h1_write_chunk(struct buf *out, const void *data, size_t len)
{
	char text[DIGITS_MAX], *at;
	struct span size = digits(len, 16, text);
	size_t need = size.len + len + CHUNK_FRAME;
	int r;

	r = reserve(out, need, &at);
	if (r < 0)
		return r;
	at = put(at, size);
	at = put(at, SPAN_LITERAL("\r\n"));
	at = put(at, (struct span){data, len});
	put(at, SPAN_LITERAL("\r\n"));
	buf_commit(out, need);
	return 0;
}

int
h1_write_last_chunk(struct buf *out, const struct http_head *trailers)
{
	size_t need = strlen("0\r\n\r\n");
	char *at;
	int r;

	if (trailers != NULL)
		need += fields_size(trailers);
	r = reserve(out, need, &at);
	if (r < 0)
		return r;
	at = put(at, SPAN_LITERAL("0\r\n"));
	if (trailers != NULL)
		at = put_fields(at, trailers);
	put(at, SPAN_LITERAL("\r\n"));
	buf_commit(out, need);
	return 0;
}
