/*
 * h1_upgrade.c - from HTTP to another protocol on the same connection
 *
 * Theory of operation
 *
 * One protocol is carried: websocket.  Whatever else an Upgrade field names is
 * as if it were not there, h2c above all: behind an h2c that was accepted the
 * requests are in a framing that nobody here would read.
 *
 *	server	a request that wants it has a protocol; it is a request like
 *		any other until our 101 has been written, and after any other
 *		final answer what follows is HTTP again (threat 26)
 *	client	a 101 counts only if it was asked for, and if it names what was
 *		asked for and nothing else
 *
 * From the 101 on both directions are bytes, with no end but that of the
 * connection: the ends that request and response had reached are taken back.
 */
#include <assert.h>
#include <errno.h>

#include "field.h"
#include "h1.h"
#include "head_build.h"

static const struct span carried = {"websocket", 9};

static bool
wants_upgrade(const struct http_head *h)
{
	return h->minor > 0 && h->framing == HTTP_NO_BODY &&
	       span_equals(http_head_method(h), SPAN_LITERAL("GET")) &&
	       h1_has_token(h, HTTP_CONNECTION, SPAN_LITERAL("upgrade")) &&
	       h1_has_token(h, HTTP_UPGRADE, carried);
}

static enum h1_refused
set_protocol(struct http_head *h, struct span protocol)
{
	int r = http_head_set_protocol(h, protocol);

	if (r == 0)
		return H1_FINE;
	return r == -ENOMEM ? H1_NO_MEMORY : H1_HEAD_SIZE;
}

enum h1_refused
h1_upgrade_check_request(struct http_head *h)
{
	return wants_upgrade(h) ? set_protocol(h, carried) : H1_FINE;
}

/* One Upgrade field, and it is this protocol (RFC 6455 4.1, step 2). */
static bool
names_only(const struct http_head *h, struct span protocol)
{
	int fields = 0;

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->known != HTTP_UPGRADE)
			continue;
		if (!span_equals_nocase(http_head_value(h, f), protocol))
			return false;
		fields++;
	}
	return fields == 1;
}

enum h1_refused
h1_upgrade_check_response(struct http_head *h, struct span asked)
{
	if (asked.len == 0)
		return H1_SWITCHED;
	if (h->minor == 0 || !names_only(h, asked) ||
		!h1_has_token(h, HTTP_CONNECTION, SPAN_LITERAL("upgrade")))
		return H1_SWITCHED_OTHER;
	h->framing = HTTP_TUNNEL;
	return set_protocol(h, asked);
}

bool
h1_upgrade_ask(struct h1 *h, const struct http_head *request)
{
	struct span protocol = http_head_protocol(request);

	h->asked_len = 0;
	if (protocol.len == 0)
		return true;
	if (protocol.len > sizeof(h->asked) ||
		request->framing != HTTP_NO_BODY ||
		!span_equals(http_head_method(request), SPAN_LITERAL("GET")))
		return false;
	memcpy(h->asked, protocol.ptr, protocol.len);
	h->asked_len = (uint8_t)protocol.len;
	return true;
}

void
h1_upgrade_begin(struct h1 *h)
{
	assert(h->head.framing == HTTP_TUNNEL);
	h->base.must_close = true;
	h->phase = H1_BODY;
	h->sending = H1_SEND_RAW;
	h->stream.sent_head = true;
	h->stream.send_ended = false;
	h->stream.receive_ended = false;
}
