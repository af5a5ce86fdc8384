#include "websocket.h"

#include <assert.h>
#include <errno.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
	KEY_BYTES = 16,
	SHA1_BYTES = 20,
	ACCEPT_LEN = 28, /* 20 bytes in base64 */
	PAD_LEN = 2,     /* 16 bytes are 22 characters and "==" */
};

/* RFC 6455 1.3: whoever appends this has understood what was asked. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static const struct span version = {"13", 2};

/* The value of the one field so named; false when there is none, or more than
 * one (*ret_two). */
static bool
only_value(const struct http_head *h, const char *name, struct span *ret,
	bool *ret_two)
{
	int count = 0;

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (!span_equals_nocase(http_head_name(h, f), span_of(name)))
			continue;
		*ret = http_head_value(h, f);
		count++;
	}
	*ret_two = count > 1;
	return count == 1;
}

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool
is_key(struct span s)
{
	if (s.len != WEBSOCKET_KEY_LEN)
		return false;
	for (size_t i = 0; i < s.len - PAD_LEN; i++) {
		if (!is_base64(s.ptr[i]))
			return false;
	}
	return memcmp(s.ptr + s.len - PAD_LEN, "==", PAD_LEN) == 0;
}

static const char *
refuse_key(const struct http_head *request)
{
	struct span key;
	bool two;

	if (!only_value(request, "Sec-WebSocket-Key", &key, &two))
		return two ? "two Sec-WebSocket-Key fields"
			   : "no Sec-WebSocket-Key field";
	return is_key(key) ? NULL : "Sec-WebSocket-Key is not 16 bytes";
}

const char *
websocket_refuse(const struct http_head *request, enum http_version down,
	int *ret_status)
{
	const char *why = down == HTTP_1 ? refuse_key(request) : NULL;
	struct span asked;
	bool two;

	if (!span_equals(
		    http_head_protocol(request), SPAN_LITERAL("websocket"))) {
		*ret_status = 501;
		return "a protocol other than websocket";
	}
	if (why == NULL &&
		!only_value(request, "Sec-WebSocket-Version", &asked, &two))
		why = two ? "two Sec-WebSocket-Version fields"
			  : "no Sec-WebSocket-Version field";
	if (why != NULL) {
		*ret_status = 400;
		return why;
	}
	if (span_equals(asked, version))
		return NULL;
	*ret_status = 426;
	return "a version of WebSocket other than 13";
}

int
websocket_add_version(struct http_head *refusal)
{
	return http_head_add(
		refusal, SPAN_LITERAL("Sec-WebSocket-Version"), version, false);
}

int
websocket_ask(struct websocket *w, enum http_version up, struct http_head *out)
{
	unsigned char bytes[KEY_BYTES];
	int r;

	w->key[0] = '\0';
	/* Over HTTP/1 the request ends, and becomes a tunnel with the 101. */
	out->framing = up == HTTP_1 ? HTTP_NO_BODY : HTTP_TUNNEL;
	r = http_head_set_protocol(out, SPAN_LITERAL("websocket"));
	if (r < 0 || up != HTTP_1)
		return r;
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)w->key, bytes, sizeof(bytes));
	return http_head_add(
		out, SPAN_LITERAL("Sec-WebSocket-Key"), span_of(w->key), false);
}

/* RFC 6455 4.2.2, step 5. */
static int
accept_of(struct span key, char ret[static ACCEPT_LEN + 1])
{
	char text[WEBSOCKET_KEY_LEN + sizeof(guid)];
	unsigned char digest[SHA1_BYTES];

	assert(key.len == WEBSOCKET_KEY_LEN);
	memcpy(text, key.ptr, key.len);
	memcpy(text + key.len, guid, sizeof(guid));
	if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) != 1)
		return -ENOMEM;
	EVP_EncodeBlock((unsigned char *)ret, digest, sizeof(digest));
	return 0;
}

const char *
websocket_check(const struct websocket *w, const struct http_head *response)
{
	char expected[ACCEPT_LEN + 1];
	struct span accept;
	bool two;

	if (w->key[0] == '\0')
		return NULL;
	if (!only_value(response, "Sec-WebSocket-Accept", &accept, &two))
		return two ? "a 101 with two Sec-WebSocket-Accept fields"
			   : "a 101 without Sec-WebSocket-Accept";
	if (accept_of(span_of(w->key), expected) < 0)
		return "out of memory";
	return span_equals(accept, span_of(expected))
		       ? NULL
		       : "Sec-WebSocket-Accept does not answer our key";
}

int
websocket_answer(const struct http_head *request, enum http_version down,
	struct http_head *out)
{
	char accept[ACCEPT_LEN + 1];
	struct span key = SPAN_LITERAL("");
	bool two;
	int r;

	if (down != HTTP_1)
		return 0;
	only_value(request, "Sec-WebSocket-Key", &key, &two);
	r = accept_of(key, accept);
	if (r < 0)
		return r;
	return http_head_add(out, SPAN_LITERAL("Sec-WebSocket-Accept"),
		span_of(accept), false);
}
