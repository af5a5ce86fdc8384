/*
 * h1_parse.c - from bytes to a head, through llhttp
 *
 * Theory of operation
 *
 * llhttp is told about bytes exactly once.  It stops (HPE_PAUSED) in three
 * places: behind a head, behind a run of chunk data, behind the trailers.  What
 * it read up to there is framing, which goes through the line discipline and
 * is consumed; a run of chunk data stays at the head of `in` as `ready` bytes.
 * Bodies with a length and until close never come here: h1.c counts them.
 *
 * The framing is decided by h1_check.c and not by llhttp; that the two agree
 * on chunks is checked, and so is the place where each message ends.  Which
 * error is reported must not depend on how the bytes were cut: the earlier
 * byte wins, and the line discipline is asked first.
 */
#include <errno.h>

#include "array.h"
#include "buf.h"
#include "field.h"
#include "h1.h"
#include "head_build.h"

static struct http_head *
filling(struct h1 *h)
{
	return h->in_trailers ? &h->trailers : &h->head;
}

static int
refuse(struct h1 *h, enum h1_refused why)
{
	h->why = why;
	return -1;
}

static int
refuse_errno(struct h1 *h, int error)
{
	return refuse(h, error == -ENOMEM ? H1_NO_MEMORY : H1_HEAD_SIZE);
}

/* Adds to a part that may come in pieces: offset at the first, then length. */
static int
extend(struct h1 *h, struct span piece, uint32_t *at, uint32_t *len)
{
	uint32_t where;
	int r;

	r = http_head_append(filling(h), piece, &where);
	if (r < 0)
		return refuse_errno(h, r);
	if (*len == 0)
		*at = where;
	*len += (uint32_t)piece.len;
	return 0;
}

static int
on_method(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return extend(h, (struct span){at, len}, &h->head.method,
		&h->head.method_len);
}

static int
on_method_complete(llhttp_t *p)
{
	return p->method == HTTP_PRI ? refuse(p->data, H1_PREFACE) : 0;
}

static int
on_url(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return extend(h, (struct span){at, len}, &h->head.target,
		&h->head.target_len);
}

static int
on_header_field(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return extend(
		h, (struct span){at, len}, &h->field.name, &h->field.name_len);
}

static int
on_header_value(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	return extend(h, (struct span){at, len}, &h->field.value,
		&h->field.value_len);
}

static int
on_header_value_complete(llhttp_t *p)
{
	struct h1 *h = p->data;
	struct http_head *head = filling(h);
	int r;

	/* llhttp lets an empty name pass. */
	if (!http_is_token(http_head_name(head, &h->field)))
		return refuse(h, H1_BAD_FIELD);
	/* The spaces that llhttp leaves at the end. */
	h->field.value_len =
		(uint32_t)http_trim(http_head_value(head, &h->field)).len;
	r = http_head_push(head, h->field);
	if (r == -E2BIG)
		return refuse(h, H1_FIELD_COUNT);
	if (r < 0)
		return refuse_errno(h, r);
	h->field = (struct http_field){0};
	return 0;
}

static int
on_headers_complete(llhttp_t *p)
{
	struct h1 *h = p->data;

	/* No upgrade and no tunnel, whatever the fields ask for. */
	p->upgrade = 0;
	h->done = true;
	return HPE_PAUSED;
}

static int
on_body(llhttp_t *p, const char *at, size_t len)
{
	struct h1 *h = p->data;

	(void)at;
	h->ready = len;
	return HPE_PAUSED;
}

static int
on_message_complete(llhttp_t *p)
{
	struct h1 *h = p->data;

	h->done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_method = on_method,
	.on_method_complete = on_method_complete,
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* What we say when llhttp stops. */
static const struct {
	llhttp_errno_t error;
	enum h1_refused why;
} reasons[] = {
	{HPE_INVALID_METHOD, H1_UNKNOWN_METHOD},
	{HPE_INVALID_URL, H1_BAD_TARGET},
	{HPE_INVALID_VERSION, H1_BAD_VERSION},
	{HPE_INVALID_CONSTANT, H1_BAD_START},
	{HPE_UNEXPECTED_SPACE, H1_BAD_START},
	{HPE_INVALID_STATUS, H1_BAD_STATUS},
	{HPE_INVALID_HEADER_TOKEN, H1_BAD_FIELD},
	{HPE_INVALID_CONTENT_LENGTH, H1_BAD_LENGTH},
	{HPE_UNEXPECTED_CONTENT_LENGTH, H1_TWO_LENGTHS},
	{HPE_INVALID_TRANSFER_ENCODING, H1_BAD_TE},
	{HPE_INVALID_CHUNK_SIZE, H1_BAD_CHUNK_SIZE},
	{HPE_STRICT, H1_MALFORMED},
	{HPE_CR_EXPECTED, H1_BARE_LF},
	{HPE_LF_EXPECTED, H1_BARE_CR},
};

/* Whether this error leaves the offending byte unread, so that the line
 * discipline may have a better word for it. */
static bool
stops_before(llhttp_errno_t error)
{
	return error == HPE_INVALID_HEADER_TOKEN || error == HPE_STRICT ||
	       error == HPE_INVALID_URL || error == HPE_CR_EXPECTED ||
	       error == HPE_LF_EXPECTED;
}

static enum h1_refused
explain(struct h1 *h, llhttp_errno_t error, struct span rest)
{
	enum h1_refused why = H1_FINE;

	if (h->why != H1_FINE)
		return h->why;
	if (stops_before(error) && rest.len > 0)
		why = h1_line_check(&h->line, rest.ptr, 1);
	if (why != H1_FINE)
		return why;
	if (error == HPE_INVALID_METHOD && rest.len > 0 &&
		!http_is_token((struct span){rest.ptr, 1}))
		return H1_NOT_HTTP;
	if (error == HPE_INVALID_VERSION && h->parser.http_major == 1 &&
		h->parser.http_minor <= 1)
		return H1_BAD_START;
	if (http_head_find(&h->head, HTTP_TRANSFER_ENCODING) != NULL) {
		if (error == HPE_UNEXPECTED_CONTENT_LENGTH)
			return H1_LENGTH_AND_TE;
		if (error == HPE_INVALID_TRANSFER_ENCODING)
			return H1_TWO_TE;
	}
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].error == error)
			return reasons[i].why;
	}
	return H1_MALFORMED;
}

void
h1_begin_head(struct h1 *h)
{
	http_head_clear(&h->head);
	http_head_clear(&h->trailers);
	h->field = (struct http_field){0};
	h->in_trailers = false;
	h->ready = 0;
	h1_line_begin_head(&h->line, h->base.server);
	llhttp_init(&h->parser, h->base.server ? HTTP_REQUEST : HTTP_RESPONSE,
		&settings);
	h->parser.data = h;
}

int
h1_feed(struct h1 *h)
{
	struct span in = buf_span(h->base.in);
	size_t used = in.len, framing;
	enum h1_refused why;
	llhttp_errno_t error;

	h->done = false;
	llhttp_resume(&h->parser);
	error = llhttp_execute(&h->parser, in.ptr, in.len);
	if (error != HPE_OK)
		used = (size_t)(llhttp_get_error_pos(&h->parser) - in.ptr);
	framing = used - h->ready;

	why = h1_line_check(&h->line, in.ptr, framing);
	if (why == H1_FINE && error != HPE_OK && error != HPE_PAUSED)
		why = explain(
			h, error, (struct span){in.ptr + used, in.len - used});
	if (why == H1_FINE && h->done != h->line.ended)
		why = H1_DISAGREE;
	if (why != H1_FINE)
		return h1_fail(h, why);
	buf_consume(h->base.in, framing);
	return 0;
}
