/*
 * What may pass from one leg to the other, in one place: hop-by-hop fields,
 * framing, authority (DESIGN 7 and 8; RFC 9110 7.6, 9112 6-11).  Pure.
 *
 * Knows nothing of policy or credentials; the caller adds those to the head it
 * gets, last.
 */
#ifndef SBX_HTTP_RULES_H
#define SBX_HTTP_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct http_field;
struct http_head;

/*
 * Is this request one we carry at all?  NULL; or why not in words, and the
 * status to answer with in *ret_status (CONNECT, TRACE, TRACK: 405).  What the
 * codec should have refused already is an assert, not a reply.
 */
const char *http_rules_refuse(const struct http_head *request, int *ret_status);

/* The part of it that the method alone decides. */
const char *http_rules_refuse_method(struct span method);

/*
 * Host part (of [v6] what stands between the brackets) and port of the
 * authority; port 0 if none is given.  -EINVAL for userinfo, empty host, bad
 * or empty port, anything but host[:port] or [v6][:port].  A host is letters,
 * digits, '-', '_' and '.'.
 */
int http_rules_authority(
	struct span authority, struct span *ret_host, uint16_t *ret_port);

/*
 * The request to send upstream: built new in out (cleared first; not in).
 * Host first and once, from authority; then the fields of in without:
 * hop-by-hop ones; those that Connection names (framing fields, Host and
 * Authorization cannot be nominated away); Proxy-*, Upgrade, HTTP2-Settings,
 * Sec-WebSocket-Key (websocket.h: an upgrade is asked for there); Forwarded,
 * X-Forwarded-*, Via; and spellings with '_' of any of these.  TE only as
 * "trailers", Expect only as "100-continue".  Framing and content_length
 * carried over.  0, -EINVAL for an authority that http_rules_authority()
 * refuses, -E2BIG, -ENOMEM.
 */
int http_rules_request(const struct http_head *in, struct span authority,
	struct http_head *out);

/*
 * From *next (0 at first) on, the next field that this request will be sent
 * upstream with and whose name is alike (http_names_alike()); NULL at the end.
 */
const struct http_field *http_rules_find(
	const struct http_head *request, struct span name, size_t *next);

/*
 * The response to send to the sandbox, likewise; Alt-Svc is dropped (no way
 * around by HTTP/3), and so is Sec-WebSocket-Accept, which answers our key.
 * Whether there is a body at all the server codec decides from the request's
 * method.
 */
int http_rules_response(const struct http_head *in, struct http_head *out);

/* Trailers: neither framing, routing nor credential fields, none whose name
 * folds to one of `injected` (count names). */
int http_rules_trailers(const struct http_head *in, const struct span *injected,
	size_t count, struct http_head *out);

#endif
