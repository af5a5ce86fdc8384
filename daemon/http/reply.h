/*
 * Our own answers: a head and a short body (DESIGN 7, last point).  JSON
 * {"error","reason","rule","host","hint","id"} or, where the request does not
 * accept JSON, the same as lines of text; X-Sbx-Decision: <id>;
 * Cache-Control: no-store.  Pure; jansson does the JSON.
 */
#ifndef SBX_HTTP_REPLY_H
#define SBX_HTTP_REPLY_H

struct buf;
struct http_head;

struct http_reply {
	int status;         /* 400 403 405 421 429 502 503 504 … */
	const char *error;  /* "policy_denied", "upstream_tls" … */
	const char *reason; /* for people: what happened to whom and why */
	/* NULL leaves the key out; hint: what to do. */
	const char *rule, *host, *hint, *id;
	unsigned retry_after; /* seconds; 0: no such field */
};

/*
 * Fills head (cleared first; framing HTTP_LENGTH) and body (added to a buf of
 * the caller's).  request may be NULL (malformed).  Bytes that are not UTF-8
 * or, in text, would end a line become '?'.  0, -ENOBUFS, -ENOMEM; -EINVAL
 * for an id that no field value may hold.
 */
int http_reply_build(const struct http_reply *r,
	const struct http_head *request, struct http_head *head,
	struct buf *body);

#endif
