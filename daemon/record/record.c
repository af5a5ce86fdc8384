/*
 * record.c - a record as one line of JSON
 *
 * Theory of operation
 *
 * FIELDS is the only place that knows the keys: their order, how each value is
 * written and the most bytes it may take.  The same rows, added up when this
 * file is compiled, prove that no record is longer than RECORD_LINE_MAX, so
 * nothing here asks how much room is left.  A value that exceeds its row is
 * cut, and the line says so with "truncated":true.
 */
#include "record.h"

#include <assert.h>
#include <string.h>

#include "array.h"
#include "jsonl.h"

/* put_x, member, key, most bytes of the value. */
#define FIELDS(X) \
	X(put_time, ts_us, "ts", JSONL_TIME_MAX) \
	X(put_hex, id, "id", JSONL_HEX_MAX) \
	X(put_event, event, "event", NAME) \
	X(put_kind, kind, "kind", NAME) \
	X(put_string, sandbox, "sandbox", QUOTED(63)) \
	X(put_object, labels, "labels", 512) \
	X(put_endpoint, src, "src", JSONL_ENDPOINT_MAX) \
	X(put_address, dst, "dst", JSONL_ADDRESS_MAX) \
	X(put_uint, dport, "dport", JSONL_UINT_MAX) \
	X(put_string, proto, "proto", NAME) \
	X(put_span, host, "host", QUOTED(255)) \
	X(put_span, method, "method", QUOTED(32)) \
	X(put_span, path, "path", QUOTED(1024)) \
	X(put_verdict, verdict, "verdict", NAME) \
	X(put_reason, reason, "reason", QUOTED(32)) \
	X(put_string, rule, "rule", QUOTED(128)) \
	X(put_string, source, "source", QUOTED(255)) \
	X(put_string, policy, "policy", QUOTED(63)) \
	X(put_uint, generation, "generation", JSONL_UINT_MAX) \
	X(put_string, via, "via", NAME) \
	X(put_string, alpn, "alpn", NAME) \
	X(put_endpoint, upstream, "upstream", JSONL_ENDPOINT_MAX) \
	X(put_status, status, "status", JSONL_UINT_MAX) \
	X(put_uint, bytes_up, "bytes_up", JSONL_UINT_MAX) \
	X(put_uint, bytes_down, "bytes_down", JSONL_UINT_MAX) \
	X(put_millis, dur_us, "dur_ms", JSONL_MILLIS_MAX) \
	X(put_millis, ttfb_us, "ttfb_ms", JSONL_MILLIS_MAX) \
	X(put_string, injected, "injected", QUOTED(256)) \
	X(put_string, skipped, "skipped", QUOTED(256)) \
	X(put_string, handler, "handler", QUOTED(64)) \
	X(put_flag, dst_mismatch, "dst_mismatch", FLAG) \
	X(put_string, detail, "detail", QUOTED(256)) \
	X(put_count, count, "count", JSONL_UINT_MAX)

#define QUOTED(cap) ((cap) + 2)
#define KEY(name) ",\"" name "\":"
#define TRUNCATED KEY("truncated") "true"

enum {
	NAME = QUOTED(16), /* words that are ours */
	FLAG = sizeof("true") - 1,
};

#define X(put, member, name, most) char member[sizeof(KEY(name)) - 1 + (most)];
struct longest { /* the longest line there can be, row by row */
	FIELDS(X)
	char end[sizeof(TRUNCATED "}\n")];
};
#undef X
static_assert(sizeof(struct longest) <= RECORD_LINE_MAX, "too many, too long");

struct key { /* one row, as the put_x see it */
	const char *text;
	size_t len;
	size_t most;
};

static const char *const event_names[] = {
	[RECORD_DECISION] = "decision",
	[RECORD_OUTCOME] = "outcome",
};
static_assert(ARRAY_LEN(event_names) == RECORD_EVENT_COUNT, "a name each");

static const char *const kind_names[] = {
	[RECORD_CONNECT] = "connect",
	[RECORD_REQUEST] = "request",
	[RECORD_PACKET] = "packet",
	[RECORD_DNS] = "dns",
	[RECORD_CONTROL] = "control",
};
static_assert(ARRAY_LEN(kind_names) == RECORD_KIND_COUNT, "a name each");

static const char *const verdict_names[] = {
	[RECORD_ALLOWED] = "allowed",
	[RECORD_DENIED] = "denied",
	[RECORD_AUDITED] = "audited",
	[RECORD_ERROR] = "error",
};
static_assert(ARRAY_LEN(verdict_names) == RECORD_VERDICT_COUNT, "a name each");

const char *
record_event_name(enum record_event event)
{
	assert((unsigned int)event < ARRAY_LEN(event_names));
	return event_names[event];
}

const char *
record_kind_name(enum record_kind kind)
{
	assert((unsigned int)kind < ARRAY_LEN(kind_names));
	return kind_names[kind];
}

const char *
record_verdict_name(enum record_verdict verdict)
{
	assert((unsigned int)verdict < ARRAY_LEN(verdict_names));
	return verdict_names[verdict];
}

static void
put_key(struct jsonl *l, const struct key *key)
{
	jsonl_raw(l, key->text, key->len);
}

static void
put_time(struct jsonl *l, const struct key *key, uint64_t us)
{
	put_key(l, key);
	jsonl_time(l, us);
}

static void
put_hex(struct jsonl *l, const struct key *key, uint64_t v)
{
	put_key(l, key);
	jsonl_hex(l, v);
}

static void
put_span(struct jsonl *l, const struct key *key, struct span v)
{
	if (v.ptr == NULL || v.len == 0)
		return;
	put_key(l, key);
	jsonl_text(l, v, key->most - QUOTED(0));
}

static void
put_string(struct jsonl *l, const struct key *key, const char *v)
{
	put_span(l, key, span_of(v));
}

/* A word of ours: nothing in it wants escaping. */
static void
put_name(struct jsonl *l, const struct key *key, const char *name)
{
	put_key(l, key);
	jsonl_raw(l, "\"", 1);
	jsonl_raw(l, name, strlen(name));
	jsonl_raw(l, "\"", 1);
}

static void
put_event(struct jsonl *l, const struct key *key, enum record_event v)
{
	put_name(l, key, record_event_name(v));
}

static void
put_kind(struct jsonl *l, const struct key *key, enum record_kind v)
{
	put_name(l, key, record_kind_name(v));
}

static void
put_verdict(struct jsonl *l, const struct key *key, enum record_verdict v)
{
	put_name(l, key, record_verdict_name(v));
}

static void
put_reason(struct jsonl *l, const struct key *key, enum record_reason v)
{
	put_name(l, key, record_reason_name(v));
}

static void
put_object(struct jsonl *l, const struct key *key, const char *v)
{
	if (v == NULL)
		return;
	put_key(l, key);
	jsonl_object(l, span_of(v), key->most);
}

static void
put_endpoint(struct jsonl *l, const struct key *key, const struct sockaddr *v)
{
	if (v == NULL)
		return;
	put_key(l, key);
	jsonl_endpoint(l, v);
}

static void
put_address(struct jsonl *l, const struct key *key, const struct sockaddr *v)
{
	if (v == NULL)
		return;
	put_key(l, key);
	jsonl_address(l, v);
}

static void
put_uint(struct jsonl *l, const struct key *key, uint64_t v)
{
	if (v == 0)
		return;
	put_key(l, key);
	/* More than this is an error to many a reader of JSON. */
	jsonl_uint(l, v < INT64_MAX ? v : INT64_MAX);
}

static void
put_status(struct jsonl *l, const struct key *key, int v)
{
	put_uint(l, key, v > 0 ? (uint64_t)v : 0);
}

static void
put_count(struct jsonl *l, const struct key *key, uint32_t v)
{
	put_uint(l, key, v > 1 ? v : 0);
}

static void
put_millis(struct jsonl *l, const struct key *key, int64_t us)
{
	if (us < 0)
		return;
	put_key(l, key);
	jsonl_millis(l, (uint64_t)us);
}

static void
put_flag(struct jsonl *l, const struct key *key, bool v)
{
	if (!v)
		return;
	put_key(l, key);
	jsonl_raw(l, "true", FLAG);
}

size_t
record_format(const struct record *r, char *ret, size_t size)
{
	struct jsonl l = {ret, false};
	struct record copy = *r;

	assert(size >= RECORD_LINE_MAX);
	/* Nothing has lasted yet when it is decided: a 0 there is no value. */
	if (copy.event == RECORD_DECISION && copy.dur_us == 0)
		copy.dur_us = -1;
	if (copy.event == RECORD_DECISION && copy.ttfb_us == 0)
		copy.ttfb_us = -1;

#define X(put, member, name, most) \
	put(&l, &(const struct key){KEY(name), sizeof(KEY(name)) - 1, most}, \
		copy.member);
	FIELDS(X)
#undef X
	if (l.cut)
		jsonl_raw(&l, TRUNCATED, sizeof(TRUNCATED) - 1);
	jsonl_raw(&l, "}\n", sizeof("}\n"));
	ret[0] = '{'; /* ts is always there: its comma is ours to take */
	size = (size_t)(l.next - ret) - 1;
	assert(size < RECORD_LINE_MAX);
	return size;
}
