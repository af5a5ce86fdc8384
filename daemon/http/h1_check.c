/*
 * h1_check.c - what the fields of a complete head must obey, and what follows
 * from them: framing, authority, target, persistence.  Stricter than RFC 9112
 * wherever it leaves a choice between refusing and repairing.
 */
#include <errno.h>

#include "field.h"
#include "h1.h"
#include "head_build.h"
#include "rules.h"

/* How often each known field stands in a head, and where first. */
struct tally {
	const struct http_field *first[HTTP_KNOWN_COUNT];
	uint8_t count[HTTP_KNOWN_COUNT];
};

static struct tally
tally(const struct http_head *h)
{
	struct tally t = {0};

	for (int i = 0; i < h->field_count; i++) {
		uint8_t known = h->fields[i].known;

		if (t.count[known]++ == 0)
			t.first[known] = &h->fields[i];
	}
	return t;
}

bool
h1_has_token(
	const struct http_head *h, enum http_known known, struct span token)
{
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->known == known &&
			http_list_has(http_head_value(h, f), token))
			return true;
	}
	return false;
}

static bool
wants_keep_alive(const struct http_head *h)
{
	if (h1_has_token(h, HTTP_CONNECTION, SPAN_LITERAL("close")))
		return false;
	return h->minor > 0 ||
	       h1_has_token(h, HTTP_CONNECTION, SPAN_LITERAL("keep-alive"));
}

/* "gzip, chunked": framed right, but coded in a way that we do not carry. */
static bool
ends_in_chunked(struct span list)
{
	struct span member;
	bool chunked = false;
	size_t seen = 0;

	while (http_list_next(&list, &member)) {
		if (chunked || !http_is_token(member))
			return false;
		chunked = span_equals_nocase(member, SPAN_LITERAL("chunked"));
		seen++;
	}
	return chunked && seen > 1;
}

static enum h1_refused
check_coding(const struct http_head *h, const struct tally *t)
{
	struct span coding;

	if (t->count[HTTP_CONTENT_LENGTH] > 0)
		return H1_LENGTH_AND_TE;
	if (t->count[HTTP_TRANSFER_ENCODING] > 1)
		return H1_TWO_TE;
	if (h->minor == 0)
		return H1_TE_IN_1_0;
	coding = http_head_value(h, t->first[HTTP_TRANSFER_ENCODING]);
	if (span_equals_nocase(coding, SPAN_LITERAL("chunked")))
		return H1_FINE;
	return ends_in_chunked(coding) ? H1_UNKNOWN_TE : H1_BAD_TE;
}

/* The fields' say alone; none of the two is HTTP_NO_BODY. */
static enum h1_refused
check_framing(struct http_head *h, const struct tally *t)
{
	enum h1_refused why;

	h->framing = HTTP_NO_BODY;
	if (t->count[HTTP_TRANSFER_ENCODING] > 0) {
		why = check_coding(h, t);
		if (why == H1_FINE)
			h->framing = HTTP_CHUNKED;
		return why;
	}
	if (t->count[HTTP_CONTENT_LENGTH] == 0)
		return H1_FINE;
	if (t->count[HTTP_CONTENT_LENGTH] > 1)
		return H1_TWO_LENGTHS;
	if (!http_read_length(http_head_value(h, t->first[HTTP_CONTENT_LENGTH]),
		    &h->content_length))
		return H1_BAD_LENGTH;
	if (h->content_length > 0)
		h->framing = HTTP_LENGTH;
	return H1_FINE;
}

static enum h1_refused
check_host(struct http_head *h, const struct tally *t)
{
	const struct http_field *f = t->first[HTTP_HOST];
	struct span host;
	uint16_t port;

	if (t->count[HTTP_HOST] > 1)
		return H1_TWO_HOSTS;
	if (f == NULL)
		return h->minor > 0 ? H1_NO_HOST : H1_FINE;
	if (http_rules_authority(http_head_value(h, f), &host, &port) < 0)
		return H1_BAD_HOST;
	h->authority = f->value;
	h->authority_len = f->value_len;
	return H1_FINE;
}

static enum h1_refused
check_expect(struct http_head *h, const struct tally *t)
{
	if (t->count[HTTP_EXPECT] == 0)
		return H1_FINE;
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->known == HTTP_EXPECT &&
			!span_equals_nocase(http_head_value(h, f),
				SPAN_LITERAL("100-continue")))
			return H1_EXPECT;
	}
	/* RFC 9110 10.1.1: ignored from 1.0 and where no body follows. */
	h->expect_continue = h->minor > 0 && h->framing != HTTP_NO_BODY;
	return H1_FINE;
}

static bool
same_authority(struct span a, struct span b, uint16_t default_port)
{
	uint16_t port_a, port_b;
	struct span host_a, host_b;

	if (http_rules_authority(a, &host_a, &port_a) < 0 ||
		http_rules_authority(b, &host_b, &port_b) < 0)
		return false;
	if (port_a == 0)
		port_a = default_port;
	if (port_b == 0)
		port_b = default_port;
	return port_a == port_b && span_equals_nocase(host_a, host_b);
}

/* The length of "http://" or "https://" at the front, or 0. */
static size_t
scheme_length(struct span target, uint16_t *ret_port)
{
	static const struct {
		struct span text;
		uint16_t port;
	} schemes[] = {
		{{"http://", 7}, 80},
		{{"https://", 8}, 443},
	};

	for (int i = 0; i < 2; i++) {
		struct span front = {target.ptr, schemes[i].text.len};

		if (target.len <= front.len ||
			!span_equals_nocase(front, schemes[i].text))
			continue;
		*ret_port = schemes[i].port;
		return front.len;
	}
	return 0;
}

static enum h1_refused
refused_errno(int error)
{
	return error == -ENOMEM ? H1_NO_MEMORY : H1_HEAD_SIZE;
}

/* What stands behind the authority becomes the target. */
static enum h1_refused
rewrite_target(struct http_head *h, uint32_t at)
{
	uint32_t len = h->target + h->target_len - at;
	struct span method = http_head_method(h);
	int r;

	if (len > 0 && h->text[at] == '/') {
		h->target = at;
		h->target_len = len;
		return H1_FINE;
	}
	if (len == 0 && span_equals(method, SPAN_LITERAL("OPTIONS")))
		r = http_head_append(h, SPAN_LITERAL("*"), &h->target);
	else
		r = http_head_append(h, SPAN_LITERAL("/"), &h->target);
	if (r == 0)
		r = http_head_append(h, (struct span){h->text + at, len}, NULL);
	h->target_len = len + 1;
	return r == 0 ? H1_FINE : refused_errno(r);
}

static enum h1_refused
check_absolute(struct http_head *h)
{
	struct span target = http_head_target(h), authority, host;
	uint16_t default_port, port;
	uint32_t at;
	size_t len;

	len = scheme_length(target, &default_port);
	if (len == 0)
		return memmem(target.ptr, target.len, "://", 3)
			       ? H1_TARGET_SCHEME
			       : H1_TARGET_FORM;
	at = h->target + (uint32_t)len;
	authority.ptr = target.ptr + len;
	for (authority.len = 0; len + authority.len < target.len;
		authority.len++) {
		char c = authority.ptr[authority.len];

		if (c == '/' || c == '?')
			break;
	}
	if (http_rules_authority(authority, &host, &port) < 0)
		return H1_BAD_TARGET;
	if (h->authority_len == 0) {
		h->authority = at;
		h->authority_len = (uint32_t)authority.len;
	} else if (!same_authority(
			   authority, http_head_authority(h), default_port)) {
		return H1_TARGET_AUTHORITY;
	}
	return rewrite_target(h, at + (uint32_t)authority.len);
}

static enum h1_refused
check_form(struct http_head *h)
{
	struct span target = http_head_target(h), method, host;
	uint16_t port;

	method = http_head_method(h);
	if (memchr(target.ptr, '#', target.len) != NULL)
		return H1_TARGET_FRAGMENT;
	if (!http_is_visible(target))
		return H1_BAD_TARGET;
	if (span_equals(method, SPAN_LITERAL("CONNECT"))) {
		if (http_rules_authority(target, &host, &port) < 0 || port == 0)
			return H1_TARGET_FORM;
		return H1_FINE;
	}
	if (target.ptr[0] == '/')
		return H1_FINE;
	if (span_equals(target, SPAN_LITERAL("*")))
		return span_equals(method, SPAN_LITERAL("OPTIONS"))
			       ? H1_FINE
			       : H1_TARGET_FORM;
	return check_absolute(h);
}

static enum h1_refused
check_target(struct http_head *h)
{
	enum h1_refused why = check_form(h);
	struct span target = http_head_target(h);
	const char *query;

	if (why != H1_FINE)
		return why;
	query = memchr(target.ptr, '?', target.len);
	h->path_len = query ? (uint32_t)(query - target.ptr) : h->target_len;
	return H1_FINE;
}

enum h1_refused
h1_check_request(struct http_head *h)
{
	struct tally t = tally(h);
	enum h1_refused why;

	h->keep_alive = wants_keep_alive(h);
	h->te_trailers = h1_has_token(h, HTTP_TE, SPAN_LITERAL("trailers"));
	why = check_framing(h, &t);
	if (why == H1_FINE)
		why = check_host(h, &t);
	if (why == H1_FINE)
		why = check_target(h);
	if (why == H1_FINE)
		why = check_expect(h, &t);
	if (why == H1_FINE)
		why = h1_upgrade_check_request(h);
	return why;
}

enum h1_refused
h1_check_response(struct http_head *h, bool to_head, struct span asked)
{
	struct tally t = tally(h);
	bool none = h->status < 200 || h->status == 204;
	enum h1_refused why;

	if (h->status < 100 || h->status > 599)
		return H1_BAD_STATUS;
	h->keep_alive = wants_keep_alive(h);
	why = check_framing(h, &t);
	if (why != H1_FINE)
		return why;
	if (none && h->framing != HTTP_NO_BODY)
		return H1_BODY_FORBIDDEN;
	if (h->status == 101)
		return h1_upgrade_check_response(h, asked);
	if (none || h->status == 304 || to_head) {
		h->framing = HTTP_NO_BODY;
		return H1_FINE;
	}
	if (h->framing == HTTP_NO_BODY && t.count[HTTP_CONTENT_LENGTH] == 0)
		h->framing = HTTP_UNTIL_CLOSE;
	return H1_FINE;
}

enum h1_refused
h1_check_trailers(const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		switch (h->fields[i].known) {
		case HTTP_HOST:
		case HTTP_CONTENT_LENGTH:
		case HTTP_TRANSFER_ENCODING:
		case HTTP_AUTHORIZATION:
		case HTTP_PROXY_AUTHORIZATION:
			return H1_TRAILER_FIELD;
		default:
			break;
		}
	}
	return H1_FINE;
}
