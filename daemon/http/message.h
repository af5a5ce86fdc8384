/*
 * One HTTP head as a model (RFC 9110): a request or status line in parts, and
 * an ordered list of fields.  Both codecs parse into it and write from it; raw
 * head bytes never travel.  Pure.
 *
 * The text lives in one growing block inside the head (bound: HTTP_HEAD_MAX),
 * the fields are offsets into it, so a head costs two allocations that
 * http_head_clear() keeps for the next message and http_head_done() frees.
 *
 * What is in a head can be written: names are tokens and values hold no
 * control characters, whoever put them there.
 */
#ifndef SBX_HTTP_MESSAGE_H
#define SBX_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum {
	HTTP_HEAD_MAX = 64 * 1024, /* bytes of all names and values */
	HTTP_FIELDS_MAX = 128,
};

/* Fields that some rule of ours names; one table row each in field.c. */
enum http_known {
	HTTP_OTHER,
	HTTP_HOST,
	HTTP_CONNECTION,
	HTTP_CONTENT_LENGTH,
	HTTP_TRANSFER_ENCODING,
	HTTP_TE,
	HTTP_TRAILER,
	HTTP_UPGRADE,
	HTTP_EXPECT,
	HTTP_KEEP_ALIVE,
	HTTP_PROXY_CONNECTION,
	HTTP_PROXY_AUTHORIZATION,
	HTTP_PROXY_AUTHENTICATE,
	HTTP_PROXY_OTHER, /* all else of Proxy-* */
	HTTP_HTTP2_SETTINGS,
	HTTP_WEBSOCKET_KEY,
	HTTP_WEBSOCKET_ACCEPT,
	HTTP_AUTHORIZATION,
	HTTP_COOKIE,
	HTTP_ACCEPT,
	HTTP_ALT_SVC,
	HTTP_DATE,
	HTTP_VIA,
	HTTP_FORWARDED,
	HTTP_X_FORWARDED, /* all of X-Forwarded-* */
	HTTP_KNOWN_COUNT
};

enum http_framing {
	HTTP_NO_BODY,     /* none, by rule or by length 0 */
	HTTP_LENGTH,      /* exactly content_length bytes */
	HTTP_CHUNKED,     /* of unknown length, ends by itself */
	HTTP_UNTIL_CLOSE, /* responses only: ends with the connection */
	HTTP_TUNNEL,      /* behind a 101: bytes, until the connection ends */
};

struct http_field {
	uint32_t name, name_len, value, value_len; /* into text */
	uint8_t known;                             /* enum http_known */
	bool secret; /* never printed; HPACK never-indexed */
};

struct http_head {
	char *text;
	uint32_t text_len, text_size;
	struct http_field *fields;
	uint16_t field_count, field_size;

	/* Request: offsets and lengths into text, see http_head_method() … */
	uint32_t method, method_len;
	uint32_t authority, authority_len; /* Host, absolute form, :authority */
	uint32_t target, target_len;       /* origin form with query, or "*" */
	uint32_t path_len;                 /* target up to '?' */
	uint32_t protocol, protocol_len;   /* see http_head_protocol() */
	int status;                        /* response; 0 in a request */

	uint8_t minor;   /* HTTP/1.minor as received; 1 for h2 */
	bool keep_alive; /* the peer lets the connection live on (h1) */
	bool expect_continue;
	bool te_trailers;
	bool secret_target; /* as a field's secret: of the target */
	enum http_framing framing;
	/* With HTTP_LENGTH; in an answer to HEAD and in a 304 (HTTP_NO_BODY)
	 * what the body's length would be, 0 when unknown. */
	uint64_t content_length;
};

void http_head_init(struct http_head *h);

/* Empty, memory kept; wiped if any field was secret. */
void http_head_clear(struct http_head *h);

/* Empty, memory freed; wiped likewise. */
void http_head_done(struct http_head *h);

/*
 * Adds a field; name and value are copied.  0, -EINVAL when name is no token
 * or value holds a control character, -E2BIG over a bound, -ENOMEM.
 */
int http_head_add(
	struct http_head *h, struct span name, struct span value, bool secret);

/* Another value for one of its fields, which is secret from then on.  Errors as
 * http_head_add(). */
int http_head_replace(struct http_head *h, size_t field, struct span value);

/* Errors as http_head_add(): a token; visible ASCII; visible ASCII without '#'.
 * An old value's bytes stay in text until http_head_clear(). */
int http_head_set_method(struct http_head *h, struct span method);
int http_head_set_authority(struct http_head *h, struct span authority);
int http_head_set_target(struct http_head *h, struct span target);

/* The same name once case and '_'/'-' are folded and surrounding blanks cut:
 * what a gateway may take one for (threat 21). */
bool http_names_alike(struct span a, struct span b);

/* Takes out every field whose name is alike; how many. */
size_t http_head_remove(struct http_head *h, struct span name);

struct span http_head_name(
	const struct http_head *h, const struct http_field *f);
struct span http_head_value(
	const struct http_head *h, const struct http_field *f);
struct span http_head_method(const struct http_head *h);
struct span http_head_authority(const struct http_head *h);
struct span http_head_target(const struct http_head *h);
struct span http_head_path(const struct http_head *h);
struct span http_head_query(const struct http_head *h); /* without its '?' */

/*
 * The protocol that a request wants to go on with, or that a 101 goes on with;
 * empty: none.  One model for both versions: a GET with Upgrade in HTTP/1 (RFC
 * 9110 7.8) is an extended CONNECT in HTTP/2 (RFC 8441), and the 101 its 200.
 * The model is HTTP/1's: the method is GET, the status 101.
 */
int http_head_set_protocol(struct http_head *h, struct span protocol);
struct span http_head_protocol(const struct http_head *h);

/* The first field so known, or NULL. */
const struct http_field *http_head_find(
	const struct http_head *h, enum http_known known);

/* … or so named (exact, case-insensitive). */
const struct http_field *http_head_find_name(
	const struct http_head *h, struct span name);

#endif
