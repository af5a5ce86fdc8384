/*
 * What the keeper and its workers say to each other (DESIGN 3), as typed
 * messages to and from a frame's bytes.  Pure: holds no descriptor, copies
 * nothing.  The keeper does not trust a worker, so decoding believes nothing.
 *
 * Order from the keeper: SETUP first.  Then batches: BEGIN(g) … COMMIT(g).  A
 * batch with DOCUMENTs replaces all documents; one without keeps them.  What
 * is in a batch takes effect at COMMIT, all of it or nothing.  The worker
 * answers each COMMIT with COMMITTED or REFUSED, in order.
 */
#ifndef SBX_LINK_MESSAGE_H
#define SBX_LINK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct buf;

enum link_type {
	/* keeper -> worker */
	LINK_SETUP,
	LINK_BEGIN,
	LINK_DOCUMENT,
	LINK_SANDBOX, /* new, or the same name anew */
	LINK_SANDBOX_GONE,
	LINK_SECRET,
	LINK_COMMIT,
	LINK_SELF,    /* an address of the host: added or gone; at once */
	LINK_RSA_KEY, /* DER private key for RSA leaves; at once */
	LINK_LOG,     /* a new decision log; at once */
	LINK_STATUS_ASK,
	LINK_NAME, /* the answer to a NAME_ASK */
	LINK_STOP, /* finish for LINK_STOP_SECONDS, then exit 0 */
	/* worker -> keeper */
	LINK_READY,     /* after SETUP: listening */
	LINK_COMMITTED, /* with a receipt of what it closed */
	LINK_REFUSED,
	LINK_STATUS,
	LINK_NAME_ASK, /* what a sandbox has a synthetic address for */
	LINK_TYPE_COUNT
};

enum {
	LINK_STOP_SECONDS = 5, /* what is open then is ended, with a record */
	LINK_FDS = 5,
	LINK_SERVERS = 8,
	LINK_RANGES = 256,
	LINK_ADDRESSES = 64,
	LINK_LABELS = 64,
	LINK_BUDGETS = 3, /* requests, up, down */
};

struct link_limits { /* DESIGN 12; 0 is not a value */
	uint32_t hello_seconds, head_seconds, idle_seconds, connect_seconds;
	/* per sandbox: */
	uint32_t connections, connections_per_second, mints_per_second,
		dns_per_second;
	uint32_t dns_names_per_minute, dns_label_bytes, dns_name_bits;
};

struct link_setup {
	uint32_t index, workers;         /* the gate is one of them here */
	uint32_t mark, gate_mark, queue; /* for the gate (DESIGN 4) */
	struct link_limits limits;
	const char *servers[LINK_SERVERS]; /* resolver */
	size_t server_count;
	const char *ranges[LINK_RANGES]; /* upstream.allow_addresses */
	size_t range_count;
	struct span trust;               /* PEM text of upstream.ca_file */
	int tcp4, tcp6, udp4, udp6, log; /* -1 where there is none */
};

struct link_document {
	const char *name; /* for error texts: the file */
	struct span text;
};

struct link_address {
	int family;
	uint8_t bytes[16];
};

struct link_amount { /* as struct policy_amount */
	uint64_t amount;
	uint32_t seconds;
};

struct link_sandbox {
	const char *name, *interface, *policy;
	const char *labels;       /* a JSON object */
	const char *source;       /* "file:line" */
	const char *overlay;      /* its canonical YAML, or "" */
	const char *limit_source; /* "file:line"; "": it has no limit */
	struct link_amount limit[LINK_BUDGETS];
	uint32_t ifindex; /* 0: the interface is not there now */
	size_t address_count;
	struct link_address addresses[LINK_ADDRESSES];
	bool served; /* an address of it is steered to this worker: CA and
			secrets follow */
	struct span authority; /* ca_export(), only if served */
	const char *stand_ins; /* likewise: {credential: text}, or "" */
};

struct link_secret {
	const char *name;
	bool present;
	struct span value;
	const char *why; /* when not present */
};

struct link_self {
	bool added;
	int family;
	uint8_t address[16];
};

/*
 * One of the two is asked for: the number of a host, or the host of a number.
 * The answer says what was asked, and what came of it: both; or what was asked
 * alone, and that there is nothing to it.  naming/synthetic.h has the rest.
 */
enum { LINK_NO_NUMBER = UINT32_MAX };

struct link_name {
	const char *sandbox;
	const char *host; /* "": of a number */
	uint32_t number;  /* LINK_NO_NUMBER: of a host */
};

/* REFUSED: why; STATUS: a JSON object; COMMITTED: see receipt.h */
struct link_text {
	const char *text;
};

struct link_message {
	enum link_type type;
	uint64_t generation; /* BEGIN, COMMIT, COMMITTED, REFUSED */
	union {
		struct link_setup setup;
		struct link_document document;
		struct link_sandbox sandbox;
		const char *sandbox_gone;
		struct link_secret secret;
		struct link_self self;
		struct link_name name;
		struct span rsa_key;
		int log_fd;
		struct link_text text;
	};
};

/* "setup", for people. */
const char *link_type_name(enum link_type type);

/* Whether its bytes have to be wiped when they are done with. */
bool link_type_is_secret(enum link_type type);

/*
 * The frame's bytes into ret, which is empty, in one exact allocation, and its
 * descriptors, still the message's, into ret_fds.  NULL texts travel as "".
 * Returns how many descriptors there are, -EMSGSIZE or -ENOMEM.
 */
int link_message_encode(
	const struct link_message *m, struct buf *ret, int ret_fds[LINK_FDS]);

/*
 * frame: one whole frame; fds: as many as its head says.  What *ret points to
 * lies in the frame, each text and span with a NUL behind it.  0 or -EPROTO.
 */
int link_message_decode(
	struct span frame, const int *fds, struct link_message *ret);

#endif
