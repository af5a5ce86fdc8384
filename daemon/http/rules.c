/*
 * rules.c - from the head that came to the head that goes
 *
 * Nothing is passed on because it was there: a new head is built from the
 * parts, field by field, and each field has to get past one table that says
 * where fields of its kind may go.  What a field is, is asked twice: as it is
 * spelled, and as a gateway that cannot tell '_' from '-' would read it.
 */
#include "rules.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>

#include "field.h"
#include "head_build.h"
#include "message.h"

enum {
	PORT_DIGITS_MAX = 5,
	CONNECTION_MAX = 8, /* fields that are looked at for nominations */
};

/* Where a known field may go. */
enum {
	TO_ORIGIN = 1,  /* in a request */
	TO_SANDBOX = 2, /* in a response */
	IN_TRAILERS = 4,
	NOMINABLE = 8, /* Connection may name it and take it away */
};

static const uint8_t ways[HTTP_KNOWN_COUNT] = {
	[HTTP_OTHER] = TO_ORIGIN | TO_SANDBOX | IN_TRAILERS | NOMINABLE,
	[HTTP_TRAILER] = TO_ORIGIN | TO_SANDBOX | NOMINABLE,
	[HTTP_AUTHORIZATION] = TO_ORIGIN | TO_SANDBOX,
	[HTTP_COOKIE] = TO_ORIGIN | TO_SANDBOX | NOMINABLE,
	[HTTP_ACCEPT] = TO_ORIGIN | TO_SANDBOX | NOMINABLE,
	[HTTP_DATE] = TO_ORIGIN | TO_SANDBOX | IN_TRAILERS | NOMINABLE,
	[HTTP_PROXY_AUTHENTICATE] = 0,
	[HTTP_ALT_SVC] = TO_ORIGIN | NOMINABLE,
	[HTTP_VIA] = TO_SANDBOX,
	[HTTP_FORWARDED] = 0,
	/* All that is not named here is between neighbours, or is written by
	 * the codec, by http_rules_request() itself or, the key of a WebSocket
	 * and the answer to it, by websocket.c. */
};

/* RFC 9110 6.5.1: these would change how the message or the client's state is
 * read, so they cannot come late.  The known ones are in the table above. */
static const struct span never_trailers[] = {
	{"set-cookie", 10},
	{"content-type", 12},
	{"content-encoding", 16},
	{"content-range", 13},
	{"cache-control", 13},
	{"location", 8},
	{"max-forwards", 12},
	{"range", 5},
	{"vary", 4},
	{"www-authenticate", 16},
};

const char *
http_rules_refuse_method(struct span method)
{
	static const struct {
		struct span method;
		const char *text;
	} refused[] = {
		{{"CONNECT", 7}, "CONNECT is not carried: tunnels would not "
				 "be inspected"},
		{{"TRACE", 5}, "TRACE is not carried: it shows credentials"},
		{{"TRACK", 5}, "TRACK is not carried: it shows credentials"},
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (span_equals_nocase(method, refused[i].method))
			return refused[i].text;
	}
	return NULL;
}

const char *
http_rules_refuse(const struct http_head *request, int *ret_status)
{
	struct span method = http_head_method(request);
	const char *why = http_rules_refuse_method(method);

	assert(method.len > 0 && request->target_len > 0);
	assert(request->status == 0);
	if (why != NULL)
		*ret_status = 405;
	return why;
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool
is_v6(struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return strlen(text) == s.len && inet_pton(AF_INET6, text, &address) > 0;
}

/* ":port" or nothing. */
static int
read_port(struct span s, uint16_t *ret)
{
	uint32_t port = 0;

	if (s.len == 0) {
		*ret = 0;
		return 0;
	}
	if (s.ptr[0] != ':' || s.len == 1 || s.len > 1 + PORT_DIGITS_MAX)
		return -EINVAL;
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return -EINVAL;
		port = port * 10 + (uint32_t)(s.ptr[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int
http_rules_authority(
	struct span authority, struct span *ret_host, uint16_t *ret_port)
{
	struct span host = authority, rest;
	const char *end;

	if (authority.len > 0 && authority.ptr[0] == '[') {
		end = memchr(authority.ptr, ']', authority.len);
		if (end == NULL)
			return -EINVAL;
		host = (struct span){
			authority.ptr + 1, (size_t)(end - authority.ptr) - 1};
		if (!is_v6(host))
			return -EINVAL;
		end++;
	} else {
		host.len = 0;
		while (host.len < authority.len &&
			is_host_char(authority.ptr[host.len]))
			host.len++;
		if (host.len == 0)
			return -EINVAL;
		end = authority.ptr + host.len;
	}
	rest = (struct span){
		end, authority.len - (size_t)(end - authority.ptr)};
	if (read_port(rest, ret_port) < 0)
		return -EINVAL;
	*ret_host = host;
	return 0;
}

/* The values of the Connection fields of one head. */
struct nominations {
	struct span list[CONNECTION_MAX];
	size_t count;
	bool all; /* too many to look at: everything nominable is taken away */
};

static struct nominations
nominations(const struct http_head *h)
{
	struct nominations n = {.count = 0};

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->known != HTTP_CONNECTION)
			continue;
		if (n.count == CONNECTION_MAX) {
			n.all = true;
			break;
		}
		n.list[n.count++] = http_head_value(h, f);
	}
	return n;
}

static bool
is_nominated(const struct nominations *n, struct span name)
{
	for (size_t i = 0; i < n->count; i++) {
		if (http_list_has(n->list[i], name))
			return true;
	}
	return n->all;
}

/* What this field's own spelling and its twin both allow. */
static unsigned
ways_of(const struct http_head *h, const struct http_field *f)
{
	enum http_known twin;

	if (f->known != HTTP_OTHER)
		return ways[f->known];
	twin = http_known_twin(http_head_name(h, f));
	/* An honest client has no reason to spell a known field with '_'. */
	return twin == HTTP_OTHER ? ways[HTTP_OTHER] : 0;
}

static bool
passes(const struct http_head *h, const struct http_field *f, unsigned way,
	const struct nominations *n)
{
	unsigned may = ways_of(h, f);

	if ((may & way) == 0)
		return false;
	return (may & NOMINABLE) == 0 || !is_nominated(n, http_head_name(h, f));
}

static int
copy_fields(const struct http_head *in, unsigned way, struct http_head *out)
{
	struct nominations n = nominations(in);

	for (int i = 0; i < in->field_count; i++) {
		const struct http_field *f = &in->fields[i];
		int r;

		if (!passes(in, f, way, &n))
			continue;
		r = http_head_copy_field(out, in, f);
		if (r < 0)
			return r;
	}
	return 0;
}

const struct http_field *
http_rules_find(const struct http_head *request, struct span name, size_t *next)
{
	struct nominations n = nominations(request);

	while (*next < request->field_count) {
		const struct http_field *f = &request->fields[(*next)++];

		if (http_names_alike(http_head_name(request, f), name) &&
			passes(request, f, TO_ORIGIN, &n))
			return f;
	}
	return NULL;
}

static void
copy_framing(const struct http_head *in, struct http_head *out)
{
	out->framing = in->framing;
	out->content_length = in->content_length;
	out->keep_alive = true;
}

int
http_rules_request(const struct http_head *in, struct span authority,
	struct http_head *out)
{
	struct span host;
	uint16_t port;
	int r;

	assert(in != out && in->status == 0);
	http_head_clear(out);
	if (http_rules_authority(authority, &host, &port) < 0)
		return -EINVAL;
	r = http_head_set_method(out, http_head_method(in));
	if (r == 0)
		r = http_head_set_target(out, http_head_target(in));
	if (r == 0)
		r = http_head_add(out, SPAN_LITERAL("Host"), authority, false);
	if (r == 0)
		r = copy_fields(in, TO_ORIGIN, out);
	if (r == 0 && in->te_trailers)
		r = http_head_add(out, SPAN_LITERAL("TE"),
			SPAN_LITERAL("trailers"), false);
	if (r == 0 && in->expect_continue)
		r = http_head_add(out, SPAN_LITERAL("Expect"),
			SPAN_LITERAL("100-continue"), false);
	if (r < 0)
		return r;
	out->authority = out->fields[0].value;
	out->authority_len = out->fields[0].value_len;
	out->te_trailers = in->te_trailers;
	out->expect_continue = in->expect_continue;
	copy_framing(in, out);
	return 0;
}

int
http_rules_response(const struct http_head *in, struct http_head *out)
{
	int r;

	assert(in != out && in->status != 0);
	http_head_clear(out);
	r = copy_fields(in, TO_SANDBOX, out);
	if (r < 0)
		return r;
	out->status = in->status;
	copy_framing(in, out);
	return 0;
}

static bool
is_alike_any(struct span name, const struct span *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (http_names_alike(name, names[i]))
			return true;
	}
	return false;
}

int
http_rules_trailers(const struct http_head *in, const struct span *injected,
	size_t count, struct http_head *out)
{
	enum {
		NEVER = sizeof(never_trailers) / sizeof(never_trailers[0]),
	};

	assert(in != out);
	http_head_clear(out);
	for (int i = 0; i < in->field_count; i++) {
		const struct http_field *f = &in->fields[i];
		struct span name = http_head_name(in, f);
		int r;

		if ((ways_of(in, f) & IN_TRAILERS) == 0 ||
			is_alike_any(name, never_trailers, NEVER) ||
			is_alike_any(name, injected, count))
			continue;
		r = http_head_copy_field(out, in, f);
		if (r < 0)
			return r;
	}
	return 0;
}
