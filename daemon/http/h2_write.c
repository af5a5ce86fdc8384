#include "h2_write.h"

#include <errno.h>
#include <stdio.h>

enum {
	COOKIE_SHORT = 20,   /* RFC 7541 7.1.3: could be guessed bit by bit */
	FIELD_OVERHEAD = 3,  /* a prefix and two lengths below 127 */
	BLOCK_OVERHEAD = 16, /* changes of the table's size */
	FRAME_MAX = 16384,
	FRAME_HEADER = 9,
};

/* How a field goes out. */
enum way {
	COPIED,
	NEVER_INDEXED, /* … so that no gateway behind it indexes it either */
	OURS,          /* between two neighbours: only the codec says it */
};

static enum way
way_of(const struct http_field *f)
{
	switch (f->known) {
	case HTTP_HOST:
	case HTTP_CONNECTION:
	case HTTP_CONTENT_LENGTH:
	case HTTP_TRANSFER_ENCODING:
	case HTTP_TE:
	case HTTP_KEEP_ALIVE:
	case HTTP_PROXY_CONNECTION:
	case HTTP_UPGRADE:
	case HTTP_HTTP2_SETTINGS:
		return OURS;
	case HTTP_AUTHORIZATION:
		return NEVER_INDEXED;
	case HTTP_COOKIE:
		if (f->value_len < COOKIE_SHORT)
			return NEVER_INDEXED;
		break;
	default:
		break;
	}
	return f->secret ? NEVER_INDEXED : COPIED;
}

static bool
is_lower(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
			return false;
	}
	return true;
}

/* Bytes that a length takes beyond the first (RFC 7541 5.1). */
static size_t
length_bytes(size_t len)
{
	size_t bytes = 0;

	for (size_t rest = len; rest >= 127; rest >>= 7)
		bytes++;
	return bytes;
}

static void
put(struct h2_fields *f, struct span name, struct span value, enum way way)
{
	uint8_t flags = NGHTTP2_NV_FLAG_NO_COPY_VALUE;

	/* The library copies a name in lower case, if it copies it. */
	if (is_lower(name))
		flags |= NGHTTP2_NV_FLAG_NO_COPY_NAME;
	if (way == NEVER_INDEXED) {
		flags |= NGHTTP2_NV_FLAG_NO_INDEX;
		f->secret = true;
	}
	f->list[f->count++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.ptr,
		.value = (uint8_t *)(uintptr_t)value.ptr,
		.namelen = name.len,
		.valuelen = value.len,
		.flags = flags,
	};
	f->wire += name.len + length_bytes(name.len) + value.len +
		   length_bytes(value.len) + FIELD_OVERHEAD;
}

static void
put_fields(struct h2_fields *f, const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *field = &h->fields[i];
		enum way way = way_of(field);

		if (way != OURS)
			put(f, http_head_name(h, field),
				http_head_value(h, field), way);
	}
	f->wire += BLOCK_OVERHEAD;
	f->wire += (f->wire / FRAME_MAX + 1) * FRAME_HEADER;
}

static void
put_length(struct h2_fields *f, uint64_t length)
{
	int len = snprintf(f->length, sizeof(f->length), "%llu",
		(unsigned long long)length);

	put(f, SPAN_LITERAL("content-length"),
		(struct span){f->length, (size_t)len}, COPIED);
}

/* The value of the only Host field; NULL when there is none or several. */
static const struct http_field *
only_host(const struct http_head *h)
{
	const struct http_field *host = http_head_find(h, HTTP_HOST);

	for (int i = 0; i < h->field_count; i++) {
		if (h->fields[i].known == HTTP_HOST && &h->fields[i] != host)
			return NULL;
	}
	return host;
}

int
h2_fields_of_request(struct h2_fields *f, const struct http_head *h, bool plain)
{
	const struct http_field *host = only_host(h);
	struct span protocol = http_head_protocol(h);

	f->count = f->wire = 0;
	f->secret = false;
	if (host == NULL || h->status != 0)
		return -EINVAL;
	put(f, SPAN_LITERAL(":method"),
		protocol.len > 0 ? SPAN_LITERAL("CONNECT")
				 : http_head_method(h),
		COPIED);
	put(f, SPAN_LITERAL(":scheme"),
		plain ? SPAN_LITERAL("http") : SPAN_LITERAL("https"), COPIED);
	put(f, SPAN_LITERAL(":authority"), http_head_value(h, host), COPIED);
	put(f, SPAN_LITERAL(":path"), http_head_target(h),
		h->secret_target ? NEVER_INDEXED : COPIED);
	if (protocol.len > 0)
		put(f, SPAN_LITERAL(":protocol"), protocol, COPIED);
	if (h->framing == HTTP_LENGTH && h->content_length > 0)
		put_length(f, h->content_length);
	if (h->te_trailers)
		put(f, SPAN_LITERAL("te"), SPAN_LITERAL("trailers"), COPIED);
	put_fields(f, h);
	return 0;
}

void
h2_fields_of_response(
	struct h2_fields *f, const struct http_head *h, bool length)
{
	/* RFC 8441: what HTTP/1 says with 101. */
	int status = h->status == 101 ? 200 : h->status;

	f->count = f->wire = 0;
	f->secret = false;
	f->status[0] = (char)('0' + status / 100);
	f->status[1] = (char)('0' + status / 10 % 10);
	f->status[2] = (char)('0' + status % 10);
	put(f, SPAN_LITERAL(":status"), (struct span){f->status, 3}, COPIED);
	if (length)
		put_length(f, h->content_length);
	put_fields(f, h);
}

void
h2_fields_of_trailers(struct h2_fields *f, const struct http_head *h)
{
	f->count = f->wire = 0;
	f->secret = false;
	put_fields(f, h);
}
