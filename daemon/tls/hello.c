/*
 * hello.c - the ClientHello, read without a TLS library
 *
 * Theory of operation
 *
 * The caller holds all bytes received so far and asks again when more came.
 * gather() strips the record headers and puts the handshake message together;
 * until that is whole nothing is interpreted, so no decision is ever made on
 * part of a hello.  A cursor that can only shrink then walks the message: a
 * read past the end makes it bad and empty, and badness is asked for once.
 *
 * Whatever is ambiguous is refused rather than guessed: two server_name
 * extensions, two names, a name of another type, an empty name.
 */
#include "hello.h"

#include <string.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HEADER = 5,
	RECORD_MAX = 16384,
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_HEADER = 4,
	EXT_SERVER_NAME = 0,
	EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_ALPN = 16,
	EXT_ECH = 0xfe0d,
	NAME_TYPE_HOST = 0,
	RANDOM_LEN = 32,
};

static const char too_long[] = "a ClientHello of more than 16 KiB";

struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static uint32_t
take_number(struct cursor *c, size_t bytes)
{
	uint32_t n = 0;

	if (c->left < bytes) {
		c->bad = true;
		c->left = 0;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | c->at[i];
	c->at += bytes;
	c->left -= bytes;
	return n;
}

static struct cursor
take_bytes(struct cursor *c, size_t len)
{
	struct cursor part = {c->at, len, false};

	if (c->bad || c->left < len) {
		c->bad = true;
		c->left = 0;
		return (struct cursor){NULL, 0, true};
	}
	c->at += len;
	c->left -= len;
	return part;
}

/* A vector whose length stands before it in that many bytes. */
static struct cursor
take_vector(struct cursor *c, size_t length_bytes)
{
	return take_bytes(c, take_number(c, length_bytes));
}

/*
 * Whether len bytes of a message are all of it; HELLO_OK with how many it has
 * in *ret_size.
 */
static enum hello_result
measure(const uint8_t *message, size_t len, size_t *ret_size,
	const char **ret_why)
{
	size_t size;

	if (len >= 1 && message[0] != MESSAGE_CLIENT_HELLO) {
		*ret_why = "the first handshake message is no ClientHello";
		return HELLO_BAD;
	}
	if (len < MESSAGE_HEADER)
		return HELLO_MORE;
	size = MESSAGE_HEADER + ((size_t)message[1] << 16 |
					(size_t)message[2] << 8 | message[3]);
	if (size > HELLO_WIRE_MAX) {
		*ret_why = too_long;
		return HELLO_BAD;
	}
	if (len < size)
		return HELLO_MORE;
	*ret_size = size;
	return HELLO_OK;
}

/*
 * Puts the handshake message together from the records.  HELLO_OK with its
 * length in *ret_len when it is whole.
 */
static enum hello_result
gather(const uint8_t *data, size_t len, uint8_t *message, size_t *ret_len,
	const char **ret_why)
{
	enum hello_result result;
	size_t have = 0, at = 0;

	while (len - at >= RECORD_HEADER) {
		size_t body = (size_t)data[at + 3] << 8 | data[at + 4];
		size_t part;

		if (data[at] != RECORD_HANDSHAKE || data[at + 1] != 3) {
			*ret_why = "a record that is no handshake inside the "
				   "ClientHello";
			return HELLO_BAD;
		}
		if (body == 0 || body > RECORD_MAX) {
			*ret_why = "an empty or oversized TLS record";
			return HELLO_BAD;
		}
		part = len - at - RECORD_HEADER;
		if (part > body)
			part = body;
		if (part > HELLO_WIRE_MAX - have)
			part = HELLO_WIRE_MAX - have;
		memcpy(message + have, data + at + RECORD_HEADER, part);
		have += part;
		result = measure(message, have, ret_len, ret_why);
		if (result != HELLO_MORE)
			return result;
		if (len - at - RECORD_HEADER < body)
			break;
		at += RECORD_HEADER + body;
	}
	if (len >= HELLO_WIRE_MAX) {
		*ret_why = too_long;
		return HELLO_BAD;
	}
	return HELLO_MORE;
}

static const char *
read_server_name(struct cursor ext, struct hello *h)
{
	struct cursor list = take_vector(&ext, 2);
	uint32_t type = take_number(&list, 1);
	struct cursor name = take_vector(&list, 2);

	if (ext.bad || ext.left > 0 || list.bad || name.bad)
		return "a malformed server_name extension";
	if (type != NAME_TYPE_HOST)
		return "a server_name that is no host name";
	if (list.left > 0)
		return "more than one server_name";
	if (h->has_name)
		return "two server_name extensions";
	if (name.left == 0 || name.left > HELLO_NAME_MAX)
		return "an empty or oversized server_name";
	memcpy(h->name, name.at, name.left);
	h->name[name.left] = '\0';
	h->name_len = name.left;
	h->has_name = true;
	return NULL;
}

/* The exact identifiers: "H2" and "h2c" are other protocols (RFC 7301 6). */
static void
read_protocol(struct cursor name, struct hello *h)
{
	if (name.left == 8 && memcmp(name.at, "http/1.1", 8) == 0)
		h->offers_http1 = true;
	if (name.left == 2 && memcmp(name.at, "h2", 2) == 0)
		h->offers_h2 = true;
}

/* GREASE says nothing: two equal bytes that end in a (RFC 8701 2). */
static bool
is_grease(struct cursor name)
{
	return name.left == 2 && name.at[0] == name.at[1] &&
	       (name.at[0] & 0xf) == 0xa;
}

static void
keep_protocol(struct cursor name, struct hello *h)
{
	if (h->protocol_len > 0 || name.left == 0 ||
		name.left > HELLO_PROTOCOL_MAX || is_grease(name))
		return;
	memcpy(h->protocol, name.at, name.left);
	h->protocol[name.left] = '\0';
	h->protocol_len = name.left;
}

static const char *
read_alpn(struct cursor ext, struct hello *h)
{
	struct cursor list = take_vector(&ext, 2);

	if (h->has_alpn)
		return "two ALPN extensions";
	h->has_alpn = true;
	while (list.left > 0) {
		struct cursor name = take_vector(&list, 1);

		keep_protocol(name, h);
		read_protocol(name, h);
	}
	if (ext.bad || ext.left > 0 || list.bad)
		return "a malformed ALPN extension";
	h->offers_alien = !h->offers_http1 && !h->offers_h2;
	return NULL;
}

static const char *
read_signature_algorithms(struct cursor ext, struct hello *h)
{
	enum { ECDSA_SECP256R1_SHA256 = 0x0403 };
	struct cursor list = take_vector(&ext, 2);

	h->offers_ecdsa = false;
	while (list.left > 0) {
		if (take_number(&list, 2) == ECDSA_SECP256R1_SHA256)
			h->offers_ecdsa = true;
	}
	if (ext.bad || list.bad)
		return "a malformed signature_algorithms extension";
	return NULL;
}

static const char *
read_extensions(struct cursor list, struct hello *h)
{
	const char *why = NULL;

	while (list.left > 0 && why == NULL) {
		uint32_t type = take_number(&list, 2);
		struct cursor ext = take_vector(&list, 2);

		if (list.bad)
			return "a malformed extension";
		switch (type) {
		case EXT_SERVER_NAME:
			why = read_server_name(ext, h);
			break;
		case EXT_ALPN:
			why = read_alpn(ext, h);
			break;
		case EXT_SIGNATURE_ALGORITHMS:
			why = read_signature_algorithms(ext, h);
			break;
		case EXT_ECH:
			h->has_ech = true;
			break;
		default:
			break;
		}
	}
	return why;
}

/*
 * TLS 1.2 clients without ECDHE_ECDSA suites cannot use a P-256 leaf, whatever
 * signature algorithms they name; TLS 1.3 suites (0x13xx) say nothing of it.
 */
static bool
suites_allow_ecdsa(struct cursor suites)
{
	while (suites.left > 0) {
		uint32_t suite = take_number(&suites, 2);

		if (suite >> 8 == 0x13 || suite == 0xc02b || suite == 0xc02c ||
			suite == 0xcca9 || suite == 0xc023 || suite == 0xc024 ||
			suite == 0xc009 || suite == 0xc00a)
			return true;
	}
	return false;
}

static const char *
read_message(struct cursor c, struct hello *h)
{
	struct cursor suites, extensions;
	const char *why = NULL;

	take_number(&c, MESSAGE_HEADER);
	take_number(&c, 2); /* legacy_version: OpenSSL judges it */
	take_bytes(&c, RANDOM_LEN);
	take_vector(&c, 1); /* session id */
	suites = take_vector(&c, 2);
	take_vector(&c, 1); /* compression methods */
	if (c.bad)
		return "a malformed ClientHello";
	h->offers_ecdsa = true;
	if (c.left > 0) {
		extensions = take_vector(&c, 2);
		if (c.bad || c.left > 0)
			return "a malformed ClientHello";
		why = read_extensions(extensions, h);
	}
	h->offers_ecdsa = h->offers_ecdsa && suites_allow_ecdsa(suites);
	return why;
}

/* The message is whole. */
static enum hello_result
judge(const uint8_t *message, size_t size, struct hello *ret,
	const char **ret_why)
{
	struct hello h = {0};
	const char *why;

	why = read_message((struct cursor){message, size, false}, &h);
	if (why != NULL) {
		*ret_why = why;
		return HELLO_BAD;
	}
	*ret = h;
	return HELLO_OK;
}

enum hello_result
hello_parse(const uint8_t *data, size_t len, struct hello *ret,
	const char **ret_why)
{
	uint8_t message[HELLO_WIRE_MAX];
	enum hello_result result;
	size_t size;

	if (len == 0)
		return HELLO_MORE;
	if (data[0] != RECORD_HANDSHAKE || (len >= 2 && data[1] != 3))
		return HELLO_NOT_TLS;
	result = gather(data, len, message, &size, ret_why);
	if (result != HELLO_OK)
		return result;
	return judge(message, size, ret, ret_why);
}

enum hello_result
hello_parse_message(const uint8_t *message, size_t len, struct hello *ret,
	const char **ret_why)
{
	enum hello_result result;
	size_t size;

	result = measure(message, len, &size, ret_why);
	if (result != HELLO_OK)
		return result;
	return judge(message, size, ret, ret_why);
}
