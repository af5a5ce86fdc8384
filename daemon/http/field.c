#include "field.h"

#include <stdint.h>

#include "array.h"

enum {
	KNOWN_LEN_MAX = 21, /* longer names are only known by a prefix */
	KNOWN_SAME_LEN = 3,
};

struct known_name {
	const char *name;
	enum http_known known;
};

/* By length, so that most names cost one look at one first character. */
static const struct known_name by_length[KNOWN_LEN_MAX][KNOWN_SAME_LEN] = {
	[2] = {{"te", HTTP_TE}},
	[3] = {{"via", HTTP_VIA}},
	[4] = {{"host", HTTP_HOST}, {"date", HTTP_DATE}},
	[6] = {{"accept", HTTP_ACCEPT}, {"cookie", HTTP_COOKIE},
		{"expect", HTTP_EXPECT}},
	[7] = {{"upgrade", HTTP_UPGRADE}, {"trailer", HTTP_TRAILER},
		{"alt-svc", HTTP_ALT_SVC}},
	[9] = {{"forwarded", HTTP_FORWARDED}},
	[10] = {{"connection", HTTP_CONNECTION},
		{"keep-alive", HTTP_KEEP_ALIVE}},
	[13] = {{"authorization", HTTP_AUTHORIZATION}},
	[14] = {{"content-length", HTTP_CONTENT_LENGTH},
		{"http2-settings", HTTP_HTTP2_SETTINGS}},
	[16] = {{"proxy-connection", HTTP_PROXY_CONNECTION}},
	[17] = {{"transfer-encoding", HTTP_TRANSFER_ENCODING},
		{"sec-websocket-key", HTTP_WEBSOCKET_KEY}},
	[18] = {{"proxy-authenticate", HTTP_PROXY_AUTHENTICATE}},
	[19] = {{"proxy-authorization", HTTP_PROXY_AUTHORIZATION}},
	[20] = {{"sec-websocket-accept", HTTP_WEBSOCKET_ACCEPT}},
};

static const struct {
	const char *prefix;
	uint8_t len;
	uint8_t known;
} by_prefix[] = {
	{"x-forwarded-", 12, HTTP_X_FORWARDED},
	{"proxy-", 6, HTTP_PROXY_OTHER},
};

static const bool token_char[256] = {
	['!'] = true,
	['#' ... '\''] = true,
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['^' ... '`'] = true,
	['a' ... 'z'] = true,
	['|'] = true,
	['~'] = true,
};

#define ONES UINT64_C(0x0101010101010101) /* times c: c in each byte */
#define TOPS UINT64_C(0x8080808080808080)

/* Whether eight bytes all lie between least (not above 0x7e) and '~'. */
static bool
are_within(const char *s, unsigned char least)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return ((v | (v - ONES * least) | (v + ONES)) & TOPS) == 0;
}

/* How many bytes from the start on surely do. */
static size_t
run_within(struct span s, unsigned char least)
{
	size_t n = 0;

	while (s.len - n >= sizeof(uint64_t) && are_within(s.ptr + n, least))
		n += sizeof(uint64_t);
	return n;
}

bool
http_is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!token_char[(unsigned char)s.ptr[i]])
			return false;
	}
	return s.len > 0;
}

bool
http_is_value(struct span s)
{
	for (size_t i = run_within(s, ' '); i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool
http_is_visible(struct span s)
{
	for (size_t i = run_within(s, '!'); i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c >= 0x7f)
			return false;
	}
	return s.len > 0;
}

struct span
http_trim(struct span s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 &&
		(s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char
fold(char c)
{
	return c == '_' ? '-' : lower(c);
}

/* Both foldings as one function over the table: twin reads '_' as '-'. */
static bool
starts_with(struct span name, const char *known, size_t len, bool twin)
{
	/* All of them begin with a letter. */
	if ((name.ptr[0] | 0x20) != known[0])
		return false;
	for (size_t i = 1; i < len; i++) {
		char c = twin ? fold(name.ptr[i]) : lower(name.ptr[i]);

		if (c != known[i])
			return false;
	}
	return true;
}

static enum http_known
find_known(struct span name, bool twin)
{
	if (name.len < KNOWN_LEN_MAX) {
		const struct known_name *row = by_length[name.len];

		for (int i = 0; i < KNOWN_SAME_LEN && row[i].name; i++) {
			if (starts_with(name, row[i].name, name.len, twin))
				return row[i].known;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(by_prefix); i++) {
		if (name.len > by_prefix[i].len &&
			starts_with(name, by_prefix[i].prefix, by_prefix[i].len,
				twin))
			return by_prefix[i].known;
	}
	return HTTP_OTHER;
}

enum http_known
http_known_of(struct span name)
{
	return find_known(name, false);
}

enum http_known
http_known_twin(struct span name)
{
	return find_known(name, true);
}

bool
http_names_alike(struct span a, struct span b)
{
	a = http_trim(a);
	b = http_trim(b);
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (fold(a.ptr[i]) != fold(b.ptr[i]))
			return false;
	}
	return true;
}

bool
http_list_next(struct span *rest, struct span *ret)
{
	while (rest->len > 0) {
		const char *comma = memchr(rest->ptr, ',', rest->len);
		size_t len = comma ? (size_t)(comma - rest->ptr) : rest->len;
		struct span member = http_trim((struct span){rest->ptr, len});

		if (comma)
			len++;
		rest->ptr += len;
		rest->len -= len;
		if (member.len > 0) {
			*ret = member;
			return true;
		}
	}
	return false;
}

bool
http_list_has(struct span list, struct span token)
{
	struct span member;

	while (http_list_next(&list, &member)) {
		if (span_equals_nocase(member, token))
			return true;
	}
	return false;
}

bool
http_read_length(struct span s, uint64_t *ret)
{
	uint64_t n = 0;

	if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(s.ptr[i] - '0');
	}
	*ret = n;
	return true;
}
