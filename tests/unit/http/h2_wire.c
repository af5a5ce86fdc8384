#include "h2_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	IN_BOUND = 4 * 1024 * 1024,
	OUT_BOUND = 256 * 1024,
	BLOCK_MAX = 512 * 1024,
	FRAME_MAX = 16384,
};

void
wire_bytes(struct wire *w, const void *data, size_t len)
{
	assert_int_equal(buf_add(&w->in, data, len), 0);
}

void
wire_frame(struct wire *w, uint8_t type, uint8_t flags, int32_t id,
	const void *payload, size_t len)
{
	const uint8_t header[] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len, type, flags, (uint8_t)(id >> 24),
		(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	wire_bytes(w, header, sizeof(header));
	wire_bytes(w, payload, len);
}

/* An integer with a prefix of seven bits (RFC 7541 5.1). */
static size_t
put_length(uint8_t *at, size_t len)
{
	size_t n = 1;

	if (len < 127) {
		at[0] = (uint8_t)len;
		return 1;
	}
	at[0] = 127;
	for (len -= 127; len >= 128; len >>= 7)
		at[n++] = (uint8_t)(len | 128);
	at[n++] = (uint8_t)len;
	return n;
}

static size_t
put_text(uint8_t *at, const char *text, size_t len)
{
	size_t n = put_length(at, len);

	memcpy(at + n, text, len);
	return n + len;
}

/* Literal fields, never in the table. */
static size_t
encode(uint8_t *block, const char *fields)
{
	size_t n = 0;

	while (*fields != '\0') {
		const char *end = strchr(fields, '\n');
		const char *equals;

		block[n++] = *fields == '!' ? 0x10 : 0;
		fields += *fields == '!';
		equals = strchr(fields, '=');
		assert_true(end != NULL && equals != NULL && equals < end);
		n += put_text(block + n, fields, (size_t)(equals - fields));
		n += put_text(
			block + n, equals + 1, (size_t)(end - equals) - 1);
		fields = end + 1;
		assert_true(n < BLOCK_MAX / 2);
	}
	return n;
}

void
wire_headers(struct wire *w, uint8_t flags, int32_t id, const char *fields)
{
	static uint8_t block[BLOCK_MAX];
	size_t len = encode(block, fields), at = 0;
	uint8_t type = NGHTTP2_HEADERS;
	bool more = (flags & MORE) != 0;

	flags &= (uint8_t)~MORE;
	do {
		size_t piece = len - at < FRAME_MAX ? len - at : FRAME_MAX;
		bool last = at + piece == len && !more;

		wire_frame(w, type,
			flags | (last ? NGHTTP2_FLAG_END_HEADERS : 0), id,
			block + at, piece);
		at += piece;
		type = NGHTTP2_CONTINUATION;
		flags = 0;
	} while (at < len);
}

void
wire_data(struct wire *w, uint8_t flags, int32_t id, size_t len)
{
	static const char zeroes[FRAME_MAX];

	wire_frame(w, NGHTTP2_DATA, flags, id, zeroes, len);
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

void
wire_settings(struct wire *w, uint16_t id, uint32_t value)
{
	uint8_t payload[6] = {(uint8_t)(id >> 8), (uint8_t)id};

	put_u32(payload + 2, value);
	wire_frame(w, NGHTTP2_SETTINGS, 0, 0, payload, sizeof(payload));
}

void
wire_window(struct wire *w, int32_t id, uint32_t by)
{
	uint8_t payload[4];

	put_u32(payload, by);
	wire_frame(w, NGHTTP2_WINDOW_UPDATE, 0, id, payload, sizeof(payload));
}

void
wire_reset(struct wire *w, int32_t id, uint32_t code)
{
	uint8_t payload[4];

	put_u32(payload, code);
	wire_frame(w, NGHTTP2_RST_STREAM, 0, id, payload, sizeof(payload));
}

void
wire_goaway(struct wire *w, int32_t last, uint32_t code)
{
	uint8_t payload[8];

	put_u32(payload, (uint32_t)last);
	put_u32(payload + 4, code);
	wire_frame(w, NGHTTP2_GOAWAY, 0, 0, payload, sizeof(payload));
}

int
wire_run(struct wire *w)
{
	return http_conn_run(w->conn, false);
}

void
wire_open_bound(struct wire *w, bool server, size_t out_bound)
{
	buf_init(&w->in, IN_BOUND);
	buf_init(&w->out, out_bound);
	w->conn = server ? http_server_new(HTTP_2, &w->in, &w->out)
			 : http_client_new(HTTP_2, &w->in, &w->out);
	assert_non_null(w->conn);
	assert_int_equal(nghttp2_hd_inflate_new(&w->inflater), 0);
	if (server)
		wire_bytes(w, PREFACE, strlen(PREFACE));
	wire_frame(w, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
	wire_frame(w, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
	assert_int_equal(wire_run(w), 0);
	(void)wire_said(w);
}

void
wire_open(struct wire *w, bool server)
{
	wire_open_bound(w, server, OUT_BOUND);
}

void
wire_close(struct wire *w)
{
	http_conn_free(w->conn);
	nghttp2_hd_inflate_del(w->inflater);
	buf_done(&w->in);
	buf_done(&w->out);
}

/* ---- reading ---- */

static void __attribute__((format(printf, 2, 3)))
say(struct wire *w, const char *format, ...)
{
	size_t len = strlen(w->text);
	va_list args;

	va_start(args, format);
	vsnprintf(w->text + len, sizeof(w->text) - len, format, args);
	va_end(args);
}

static uint32_t
get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static void
say_fields(struct wire *w, const uint8_t *block, size_t len, bool end)
{
	nghttp2_nv nv;
	int flags = 0;
	ssize_t n;

	do {
		n = nghttp2_hd_inflate_hd2(
			w->inflater, &nv, &flags, block, len, end);
		assert_true(n >= 0);
		block += n;
		len -= (size_t)n;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
			say(w, "%s%.*s=%.*s;",
				nv.flags & NGHTTP2_NV_FLAG_NO_INDEX ? "!" : "",
				(int)nv.namelen, nv.name, (int)nv.valuelen,
				nv.value);
	} while ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 ||
		 (len > 0 && (flags & NGHTTP2_HD_INFLATE_FINAL) == 0));
	if (end)
		nghttp2_hd_inflate_end_headers(w->inflater);
}

static void
say_frame(struct wire *w, const uint8_t *header, size_t len)
{
	const uint8_t *payload = header + 9;
	uint32_t id = get_u32(header + 5);
	uint8_t flags = header[4];
	const char *end = flags & END ? ",end" : "";
	bool whole = (flags & NGHTTP2_FLAG_END_HEADERS) != 0;

	switch (header[3]) {
	case NGHTTP2_DATA:
		say(w, "DATA(%u%s)%zu ", id, end, len);
		break;
	case NGHTTP2_HEADERS:
		say(w, "HEADERS(%u%s)[", id, end);
		say_fields(w, payload, len, whole);
		say(w, "%s", whole ? "] " : "");
		break;
	case NGHTTP2_CONTINUATION:
		say_fields(w, payload, len, whole);
		say(w, "%s", whole ? "] " : "");
		break;
	case NGHTTP2_RST_STREAM:
		say(w, "RST(%u,%u) ", id, get_u32(payload));
		break;
	case NGHTTP2_SETTINGS:
		say(w, "%s", flags & NGHTTP2_FLAG_ACK ? "ACK " : "SETTINGS ");
		break;
	case NGHTTP2_GOAWAY:
		say(w, "GOAWAY(%u,%u) ", get_u32(payload),
			get_u32(payload + 4));
		break;
	case NGHTTP2_WINDOW_UPDATE:
		say(w, "WINDOW(%u,%u) ", id, get_u32(payload));
		break;
	case NGHTTP2_PING:
		say(w, "PING ");
		break;
	default:
		say(w, "FRAME(%u) ", header[3]);
		break;
	}
}

const char *
wire_said(struct wire *w)
{
	struct span out = buf_span(&w->out);

	w->text[0] = '\0';
	if (out.len >= strlen(PREFACE) &&
		memcmp(out.ptr, PREFACE, strlen(PREFACE)) == 0) {
		say(w, "PREFACE ");
		buf_consume(&w->out, strlen(PREFACE));
		out = buf_span(&w->out);
	}
	while (out.len >= 9) {
		const uint8_t *header = (const uint8_t *)out.ptr;
		size_t len = get_u32(header) >> 8;

		if (out.len < 9 + len)
			break;
		say_frame(w, header, len);
		buf_consume(&w->out, 9 + len);
		out = buf_span(&w->out);
	}
	if (w->text[0] != '\0')
		w->text[strlen(w->text) - 1] = '\0';
	return w->text;
}

/* ---- heads ---- */

struct http_head
wire_head(const char *fields)
{
	struct http_head h;

	http_head_init(&h);
	while (*fields != '\0') {
		bool secret = *fields == '!';
		const char *name = fields + secret;
		const char *equals = strchr(name, '=');
		const char *end = strchr(fields, '\n');

		assert_true(equals != NULL && end != NULL);
		assert_int_equal(
			http_head_add(&h,
				(struct span){name, (size_t)(equals - name)},
				(struct span){
					equals + 1, (size_t)(end - equals) - 1},
				secret),
			0);
		fields = end + 1;
	}
	return h;
}

struct http_head
wire_request_head(const char *method, const char *fields)
{
	struct http_head h = wire_head(fields);

	assert_int_equal(http_head_set_method(&h, span_of(method)), 0);
	assert_int_equal(http_head_set_target(&h, SPAN_LITERAL("/")), 0);
	return h;
}

struct http_head
wire_response_head(int status, const char *fields)
{
	struct http_head h = wire_head(fields);

	h.status = status;
	return h;
}

static void
say_span(struct wire *w, struct span s)
{
	say(w, "%.*s", (int)s.len, s.ptr);
}

const char *
wire_print(struct wire *w, const struct http_head *h)
{
	w->text[0] = '\0';
	if (h == NULL)
		return "none";
	if (h->status != 0)
		say(w, "%d", h->status);
	say_span(w, http_head_method(h));
	say(w, " ");
	say_span(w, http_head_target(h));
	say(w, " at ");
	say_span(w, http_head_authority(h));
	say(w, " framing %d length %llu%s%s", h->framing,
		(unsigned long long)h->content_length,
		h->te_trailers ? " te" : "",
		h->expect_continue ? " expect" : "");
	if (h->protocol_len > 0) {
		say(w, " protocol ");
		say_span(w, http_head_protocol(h));
	}
	say(w, " [");
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		say(w, "%s", f->secret ? "!" : "");
		say_span(w, http_head_name(h, f));
		say(w, "=");
		say_span(w, http_head_value(h, f));
		say(w, ";");
	}
	say(w, "]");
	return w->text;
}
