/*
 * body_swap.c - stand-ins in a request's body
 *
 *	off	no stand-in concerns this request: the stream's own bytes
 *	looks	the stream's own bytes, but none before it was looked at
 *	puts	bytes are taken from the stream when what was made of those
 *		before has been sent; the stream's flow control knows only of
 *		what is taken
 *
 * What is compressed is not looked into: to open it would be to read a format
 * more, and the value could not be put in without writing it, too.
 */
#include "body_swap.h"

#include <errno.h>
#include <string.h>

#include "message.h"

enum {
	OUT_MAX = 16 * 1024, /* made of what was taken, and not sent */
};

/* ---- which body --------------------------------------------------------- */

/* Every coding that the field names leaves the bytes as they are. */
static bool
is_identity(struct span list)
{
	static const struct span identity = SPAN_LITERAL("identity");

	while (list.len > 0) {
		size_t n = 0;

		while (n < list.len && strchr(", \t", list.ptr[n]) == NULL)
			n++;
		if (n > 0 && !span_equals_nocase(
				     (struct span){list.ptr, n}, identity))
			return false;
		n += n < list.len;
		list = (struct span){list.ptr + n, list.len - n};
	}
	return true;
}

static bool
is_encoded(const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (http_names_alike(http_head_name(h, f),
			    SPAN_LITERAL("Content-Encoding")) &&
			!is_identity(http_head_value(h, f)))
			return true;
	}
	return false;
}

/* The one Content-Type without its parameters.  Empty: none, or several. */
static struct span
type_of(const struct http_head *h)
{
	struct span type = {"", 0};
	int count = 0;

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (!http_names_alike(
			    http_head_name(h, f), SPAN_LITERAL("Content-Type")))
			continue;
		type = http_head_value(h, f);
		count++;
	}
	if (count != 1)
		return (struct span){"", 0};
	for (size_t i = 0; i < type.len; i++) {
		if (strchr("; \t", type.ptr[i]) != NULL)
			type.len = i;
	}
	return type;
}

static bool
ends_with(struct span text, struct span end)
{
	if (text.len < end.len)
		return false;
	text.ptr += text.len - end.len;
	text.len = end.len;
	return span_equals_nocase(text, end);
}

/* Whether values can be put into a body of that type, and how. */
static bool
spelling_of(struct span type, enum swap_spelling *ret)
{
	if (span_equals_nocase(type, SPAN_LITERAL("application/json")) ||
		ends_with(type, SPAN_LITERAL("+json"))) {
		*ret = SWAP_JSON;
		return true;
	}
	*ret = SWAP_PERCENT;
	return span_equals_nocase(
		type, SPAN_LITERAL("application/x-www-form-urlencoded"));
}

/* ---- opening ------------------------------------------------------------ */

static bool
has_values(const struct body_swap_want *want)
{
	for (size_t i = 0; i < swap_set_count(want->set); i++) {
		if (want->values[i] != NULL)
			return true;
	}
	return false;
}

static bool
has_open_body(const struct http_head *head)
{
	return (head->framing == HTTP_LENGTH ||
		       head->framing == HTTP_CHUNKED) &&
	       !is_encoded(head);
}

bool
body_swap_takes(const struct http_head *head)
{
	enum swap_spelling spelling;

	return has_open_body(head) && spelling_of(type_of(head), &spelling);
}

static enum body_swap_mode
mode_for(const struct body_swap_want *want, const struct http_head *head,
	enum swap_spelling *ret)
{
	*ret = SWAP_PLAIN;
	if (want->set == NULL || !has_open_body(head))
		return BODY_SWAP_OFF;
	if (has_values(want) && spelling_of(type_of(head), ret))
		return BODY_SWAP_PUTS;
	return want->wrong != 0 ? BODY_SWAP_LOOKS : BODY_SWAP_OFF;
}

static void
begin(struct body_swap *b, const struct body_swap_want *want,
	const struct http_head *head)
{
	enum swap_spelling spelling;

	b->mode = mode_for(want, head, &spelling);
	if (b->mode == BODY_SWAP_OFF)
		return;
	b->wrong = want->wrong;
	swap_init(&b->swap, want->set, spelling);
	if (b->mode != BODY_SWAP_PUTS)
		return;
	for (size_t i = 0; i < swap_set_count(want->set); i++) {
		if (want->values[i] != NULL)
			swap_give(&b->swap, i, want->values[i]);
	}
	buf_init(&b->out, OUT_MAX);
	b->out.secret = true;
}

int
body_swap_open(struct body_swap *b, const struct body_swap_want *want,
	struct http_head *head)
{
	if (b->mode == BODY_SWAP_OFF)
		begin(b, want, head);
	else if (b->mode == BODY_SWAP_PUTS &&
		 !swap_gives(&b->swap, want->values))
		return -ENOKEY;
	if (b->mode == BODY_SWAP_PUTS && head->framing == HTTP_LENGTH &&
		!swap_keeps_length(&b->swap)) {
		head->framing = HTTP_CHUNKED;
		head->content_length = 0;
	}
	return 0;
}

void
body_swap_done(struct body_swap *b)
{
	if (b->mode != BODY_SWAP_OFF)
		swap_done(&b->swap);
	buf_done(&b->out);
	b->mode = BODY_SWAP_OFF;
}

/* ---- on its way --------------------------------------------------------- */

uint32_t
body_swap_wrong(const struct body_swap *b)
{
	if (b->mode == BODY_SWAP_OFF)
		return 0;
	return swap_found(&b->swap) & b->wrong;
}

uint32_t
body_swap_put(const struct body_swap *b)
{
	uint32_t put = 0;

	for (size_t i = 0; b->mode == BODY_SWAP_PUTS && i < SWAP_MAX; i++)
		put |= (uint32_t)(b->swap.values[i] != NULL) << i;
	return put != 0 ? put & swap_found(&b->swap) : 0;
}

bool
body_swap_puts(const struct body_swap *b)
{
	return b->mode == BODY_SWAP_PUTS;
}

static enum http_body
look(struct body_swap *b, struct http_stream *from, struct span *ret)
{
	struct span data;
	enum http_body body = http_stream_peek(from, &data);

	if (body != HTTP_DATA)
		return body;
	if (b->looked < data.len)
		swap_look(&b->swap, (struct span){data.ptr + b->looked,
					    data.len - b->looked});
	b->looked = data.len;
	*ret = data;
	return body_swap_wrong(b) != 0 ? HTTP_BROKEN : HTTP_DATA;
}

/* What can be made of what is there, into an empty buffer. */
static enum http_body
fill(struct body_swap *b, struct http_stream *from)
{
	struct span data, rest;
	enum http_body body = http_stream_peek(from, &data);
	size_t room;
	char *out;

	if (body != HTTP_DATA && body != HTTP_END)
		return body;
	out = buf_reserve(&b->out, OUT_MAX, &room);
	b->no_memory = out == NULL;
	if (out == NULL)
		return HTTP_BROKEN;
	if (body == HTTP_END) {
		buf_commit(&b->out, swap_end(&b->swap, out, room));
		return HTTP_END;
	}
	rest = data;
	buf_commit(&b->out, swap_run(&b->swap, &rest, out, room));
	http_stream_consume(from, data.len - rest.len);
	return body_swap_wrong(b) != 0 ? HTTP_BROKEN : HTTP_DATA;
}

enum http_body
body_swap_peek(struct body_swap *b, struct http_stream *from, struct span *ret)
{
	enum http_body body = HTTP_DATA;

	if (b->mode == BODY_SWAP_OFF)
		return http_stream_peek(from, ret);
	if (b->mode == BODY_SWAP_LOOKS)
		return look(b, from, ret);
	if (body_swap_wrong(b) != 0)
		return HTTP_BROKEN;
	/* All of a piece may be held back. */
	while (b->out.len == 0 && body == HTTP_DATA)
		body = fill(b, from);
	if (b->out.len == 0 || body == HTTP_BROKEN)
		return body;
	*ret = buf_span(&b->out);
	return HTTP_DATA;
}

void
body_swap_consume(struct body_swap *b, struct http_stream *from, size_t len)
{
	if (b->mode == BODY_SWAP_PUTS) {
		buf_consume(&b->out, len);
		buf_shrink(&b->out);
		return;
	}
	http_stream_consume(from, len);
	if (b->mode == BODY_SWAP_LOOKS)
		b->looked -= len;
}
