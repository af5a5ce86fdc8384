/*
 * What was decided, and how it ended: the decision record (DESIGN 10) as a
 * struct and as one JSON line.
 *
 * Pure: no file, no clock.  Cuts and escapes whatever a sandbox or an origin
 * had a hand in, so that a line is always one line of valid JSON (UTF-8).
 * The keys and reasons are explained in docs/record.md.
 */
#ifndef SBX_RECORD_H
#define SBX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "span.h"

enum record_event { RECORD_DECISION, RECORD_OUTCOME, RECORD_EVENT_COUNT };

enum record_kind {
	RECORD_CONNECT, /* a flow, carried or refused as a whole */
	RECORD_REQUEST, /* one HTTP request */
	RECORD_PACKET,
	RECORD_DNS,
	RECORD_CONTROL, /* something done to or by the daemon itself */
	RECORD_KIND_COUNT
};

enum record_verdict {
	RECORD_ALLOWED,
	RECORD_DENIED,
	RECORD_AUDITED, /* passed, and would be denied but for audit */
	RECORD_ERROR,
	RECORD_VERDICT_COUNT
};

/*
 * Why.  The closed list: one row each in reason.c, with its name as written in
 * a record ("rule_allow") and its explanation for --explain.
 */
enum record_reason {
	/* policy_reason, same order */
	RECORD_RULE_ALLOW,
	RECORD_DEFAULT_ALLOW,
	RECORD_RULE_DENY,
	RECORD_NO_RULE,
	RECORD_METHOD,
	RECORD_PATH,
	RECORD_PATH_AMBIGUOUS,
	RECORD_QUERY,
	RECORD_QUERY_AMBIGUOUS,
	RECORD_HEADER,
	RECORD_PORT,
	RECORD_NO_NAME,
	RECORD_LOCKDOWN,
	RECORD_NOT_RAW,
	/* the first bytes and the name */
	RECORD_NO_CLIENT_DATA, /* nothing came before the deadline */
	RECORD_BAD_HELLO,      /* not a ClientHello we accept */
	RECORD_BAD_NAME,       /* SNI or Host is no host name */
	RECORD_NOT_HTTP,       /* an inspected port, bytes that are no HTTP */
	RECORD_UNKNOWN_SOURCE, /* no sandbox has this interface and address */
	RECORD_QUIC,           /* no address rule allows it over UDP */
	RECORD_PROTOCOL,       /* neither TCP nor DNS, and no rule allows it */
	RECORD_SELF,           /* dst is an address of the host or a sandbox */
	/* TLS towards the sandbox */
	RECORD_CLIENT_TLS, /* handshake failed (our CA refused, pinning …) */
	RECORD_ECH_PASSTHROUGH, /* ECH hides the name under a passthrough rule
				 */
	/* the request */
	RECORD_MALFORMED_HTTP,
	RECORD_AUTHORITY,      /* names another authority */
	RECORD_METHOD_REFUSED, /* TRACE, CONNECT, h2c */
	/* the origin */
	RECORD_RESOLVE,
	RECORD_ADDRESS_REFUSED, /* the guard */
	RECORD_CONNECT_FAILED,
	RECORD_UPSTREAM_TLS,
	RECORD_UPSTREAM_HTTP,
	RECORD_TIMEOUT,
	/* credentials */
	RECORD_CREDENTIAL_UNAVAILABLE,
	RECORD_CREDENTIAL_PLAINTEXT,
	RECORD_CREDENTIAL_WRONG_HOST, /* its stand-in, where it is not bound */
	/* us */
	RECORD_LIMIT,
	RECORD_BUDGET, /* … or what is left of a `limit` */
	RECORD_LOG_FULL,
	RECORD_INTERNAL,
	RECORD_WORKER_CRASHED,
	RECORD_GATE_CRASHED,
	RECORD_KERNEL_SIDE, /* rules, routes, sysctls: gone or wrong */
	RECORD_INTERFACE,   /* of a sandbox: down, gone, renamed */
	/* how a flow or request ended */
	RECORD_COMPLETE,
	RECORD_CLIENT_GONE,
	RECORD_ORIGIN_GONE,
	RECORD_REVOKED,
	RECORD_CREDENTIAL_REVOKED,
	RECORD_REASON_COUNT
};

struct record { /* every pointer borrowed; NULL or 0 leaves the key out */
	uint64_t ts_us; /* realtime, microseconds since the epoch */
	uint64_t id;    /* printed as 16 hex digits */
	enum record_event event;
	enum record_kind kind;
	enum record_verdict verdict;
	enum record_reason reason;
	const char *sandbox;
	const char *labels; /* a JSON object, made once per sandbox */
	const struct sockaddr *src, *dst; /* "src":"addr:port", "dst":"addr" */
	uint16_t dport;
	const char *proto;              /* "tls" "http" "dns" "tcp" "udp" */
	struct span host, method, path; /* path without query */
	const char *rule, *source, *policy;
	uint64_t generation;
	const char *via;  /* "inspect" "passthrough" "address" "raw" */
	const char *alpn; /* "http/1.1" */
	const struct sockaddr *upstream; /* "addr:port" */
	int status;
	uint64_t bytes_up, bytes_down;
	int64_t dur_us, ttfb_us; /* < 0: not known.  Printed as dur_ms 1.234;
				    0 is printed in an outcome only */
	const char *injected;    /* credential names, comma separated */
	const char *skipped;     /* credentials whose source yielded nothing */
	const char *handler;
	bool dst_mismatch;
	const char *detail; /* one line more, for people */
	uint32_t count;     /* > 1: stands for so many alike (rate-limited) */
};

enum { RECORD_LINE_MAX = 4096 }; /* with the newline; hosts, paths are cut */

/*
 * The line, with its newline, and a NUL behind it; size >= RECORD_LINE_MAX.
 * Returns its length without the NUL, always < size.
 */
size_t record_format(const struct record *r, char *ret, size_t size);

/* As written in a record: "decision", "connect", "allowed". */
const char *record_event_name(enum record_event event);
const char *record_kind_name(enum record_kind kind);
const char *record_verdict_name(enum record_verdict verdict);

/* As written in a record ("rule_allow"); what it means; and, for a refusal or
 * an error, what an operator can do about it, else NULL. */
const char *record_reason_name(enum record_reason reason);
const char *record_reason_text(enum record_reason reason);
const char *record_reason_hint(enum record_reason reason);

#endif
