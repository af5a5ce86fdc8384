/*
 * What is allowed, and which credential goes where.
 *
 * Documents (YAML, docs/policy.md) go in, an immutable compiled policy comes
 * out; questions about names, flows and requests are answered from it without
 * allocation, lock or clock.  Knows nothing of sockets, TLS, HTTP messages,
 * logs or the values of secrets.  Never logs.
 */
#ifndef SBX_POLICY_H
#define SBX_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct policy;     /* all documents of one generation, shared by reference */
struct overlay;    /* overlay.h: rules of one sandbox over its policy's */
struct policy_set; /* one entry of `policies:`, owned by its policy */
struct report;     /* report.h: the list of what is wrong, file:line:col */
struct tree;       /* tree.h: one parsed YAML document with its marks */

/* ---- loading ---------------------------------------------------------- */

/*
 * Compiles trees (tree_parse()), in this order, into one policy.  other_keys:
 * NULL-terminated names of top-level keys that somebody else reads (settings).
 * A name defined in two documents is an error that names both places.  All
 * errors of all documents are added to report.  Returns 0 and *ret with one
 * reference, -EINVAL with report filled, or -ENOMEM.  The trees may be freed
 * afterwards.
 */
int policy_compile(const struct tree *const *trees, size_t count,
	const char *const *other_keys, struct policy **ret,
	struct report *report);

struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p); /* accepts NULL */

/* The policy of that name, or NULL. */
const struct policy_set *policy_find(const struct policy *p, const char *name);
const char *policy_name(const struct policy_set *set);

/* Canonical YAML of everything, malloc'd: the caller frees it. */
char *policy_print(const struct policy *p);

/* ---- sandboxes as documents declare them ------------------------------- */

struct policy_label {
	const char *key, *value;
};

struct policy_limit;

struct policy_address { /* one address, no prefix */
	int family;     /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
};

struct policy_sandbox {        /* strings owned by the policy */
	const char *name;      /* [a-z0-9][a-z0-9_.-]*, at most 63 bytes */
	const char *interface; /* at most 15 bytes */
	const struct policy_address *addresses;
	size_t address_count;
	const struct policy_set *set;
	const struct policy_label *labels;
	size_t label_count;
	const char *source;               /* "file:line" */
	const struct policy_limit *limit; /* of all that it does, or NULL */
	const char *limit_source;
	struct overlay *overlay; /* that it starts with (overlay.h), or NULL */
};

size_t policy_sandboxes(
	const struct policy *p, const struct policy_sandbox **ret);

/* ---- credentials: where from (for the keeper), where to (for a worker) -- */

enum policy_source_kind {
	POLICY_SOURCE_ENV,     /* words: variable names, first set one wins */
	POLICY_SOURCE_FILE,    /* words[0]: absolute path, owner-only */
	POLICY_SOURCE_COMMAND, /* words: argv, absolute path first, no shell */
	POLICY_SOURCE_SYSTEMD, /* words[0]: name in $CREDENTIALS_DIRECTORY */
	POLICY_SOURCE_VAULT,   /* words: by enum vault_word */
};

enum policy_source_format {
	POLICY_FORMAT_RAW,
	POLICY_FORMAT_JSON,   /* field: keys with dots between them */
	POLICY_FORMAT_GIT,    /* field: password, username */
	POLICY_FORMAT_DOCKER, /* field: Secret, Username */
	POLICY_FORMAT_AWS,    /* field: SecretAccessKey, … */
};

struct policy_source {
	enum policy_source_kind kind;
	const char *const *words;
	size_t word_count;
	bool own; /* its words are others for each sandbox: own_word.h */
	enum policy_source_format format; /* file, command, systemd */
	const char *field;                /* NULL: raw */
	const char *input;    /* command: to its standard input, or NULL */
	unsigned ttl_seconds; /* command, vault: a value holds so long; 300 */
	unsigned refresh_seconds;     /* … is asked again before that; 0 */
	unsigned failure_ttl_seconds; /* … and used after a failure; 0 */
	unsigned timeout_seconds;     /* command, vault: 10 */
};

struct policy_credential {
	const char *name;
	const struct policy_source *sources; /* first that yields wins */
	size_t source_count;
	const char *const *hosts; /* patterns that it is bound to, in order */
	size_t host_count;
	const char *const *environment; /* variables that hold its stand-in */
	size_t environment_count;
	bool stands_in;     /* sandboxes are given a stand-in for it */
	bool own;           /* each sandbox has a value of its own */
	bool required;      /* without a value nothing is loaded */
	const char *source; /* "file:line" */
};

size_t policy_credentials(
	const struct policy *p, const struct policy_credential **ret);

enum policy_inject_mode {
	POLICY_INJECT_ALWAYS,         /* replaces what the sandbox sent */
	POLICY_INJECT_IF_ABSENT,      /* only when the sandbox sent none */
	POLICY_INJECT_IF_PLACEHOLDER, /* only when the sandbox sent it with the
					 placeholder text inside */
};

struct policy_injection { /* one `inject` entry that applies */
	const char *credential;
	const char *header;      /* as written in the document */
	const char *format;      /* contains ${value} exactly once */
	const char *placeholder; /* if-placeholder: what to look for */
	enum policy_inject_mode mode;
	bool plaintext; /* may go over plain HTTP */
	bool own;       /* the credential's */
	const char *source;
};

/*
 * The injections for that host and port under this policy: of each credential
 * that the policy lists, its first matching `inject`, in the policy's order.
 * Two of them may name the same header: the first that has a value wins.
 * Writes at most max pointers, returns how many there are.
 */
size_t policy_injections(const struct policy_set *set, const char *host,
	uint16_t port, const struct policy_injection **ret, size_t max);

/* In document order; NULL: no more. */
const struct policy_set *policy_at(const struct policy *p, size_t i);

/* The names of the credentials that this policy lists. */
size_t policy_credential_names(
	const struct policy_set *set, const char *const **ret);

/* ---- questions --------------------------------------------------------- */

enum policy_reason { /* the part of the record's closed list that is ours */
	POLICY_RULE_ALLOW, /* an allow rule matched */
	POLICY_DEFAULT_ALLOW,
	POLICY_RULE_DENY, /* a deny rule matched */
	POLICY_NO_RULE,   /* default deny, nothing about that host at all */
	POLICY_METHOD,    /* host allowed, this method is not */
	POLICY_PATH,      /* host allowed, this path is not */
	POLICY_PATH_AMBIGUOUS, /* a path rule decides and the path has %2e%2e,
				  %2f, %5c, //, ;, a dot segment or the like */
	POLICY_QUERY, /* host, method and path allowed, not this query */
	POLICY_QUERY_AMBIGUOUS, /* a query rule decides and the query has a bad
				   escape, ;, a name that some take for the
				   rule's, or the like */
	POLICY_HEADER,          /* all else allowed, not with these fields */
	POLICY_PORT,            /* host allowed, but on other ports */
	POLICY_NO_NAME,         /* no name, and no address rule for dst */
	POLICY_LOCKDOWN,        /* the sandbox's overlay denies everything */
	POLICY_NOT_RAW, /* host and port allowed, but only TLS and HTTP */
};

const char *policy_reason_name(enum policy_reason reason); /* "rule_allow" */

enum policy_via {
	POLICY_VIA_INSPECT,     /* open TLS, look at each request */
	POLICY_VIA_PASSTHROUGH, /* dial by name, copy bytes */
	POLICY_VIA_ADDRESS,     /* dial the original address, copy bytes */
	POLICY_VIA_RAW,         /* dial by name what shows none, copy bytes */
};

enum policy_budget { /* what can be limited */
	POLICY_REQUESTS,
	POLICY_UP, /* bytes */
	POLICY_DOWN,
	POLICY_BUDGETS
};

struct policy_amount {
	uint64_t amount; /* 0: no limit */
	unsigned seconds;
};

struct policy_limit {    /* of what one allow rule, or a sandbox, does */
	const char *key; /* of a rule: the same for rules of the same text */
	struct policy_amount amounts[POLICY_BUDGETS];
};

struct policy_verdict {
	bool allowed;
	bool audited;  /* allowed, and reason, rule and source say what would
			  have denied it, did audit not only look on */
	bool entitled; /* allowed by an allow rule or the default: credentials
			  may go with it */
	bool at_once;  /* policy_raw.h */
	enum policy_reason reason;
	enum policy_via via;
	const char *rule;   /* "agent.allow[2]", "agent.default"; never NULL */
	const char *source; /* "policy.yaml:14"; never NULL */
	const struct policy_limit *limit; /* the allow rule's; NULL: none */
};

/*
 * May a flow to this name and port be carried at all, and how?  Allowed when
 * some request could be; a rule with method, path, query or header is decided
 * later, by policy_decide_request().  host: from host_normalise().
 */
struct policy_verdict policy_decide_flow(
	const struct policy_set *set, const char *host, uint16_t port);

/* May a flow without a name be carried to this address and port? */
struct policy_verdict policy_decide_address(
	const struct policy_set *set, const struct sockaddr *dst);

/*
 * May this flow be carried by an address rule before the first byte is seen
 * (the server may speak first)?  Only when an address rule allows dst and no
 * host rule could apply to dst's port.
 */
bool policy_decides_early(
	const struct policy_set *set, const struct sockaddr *dst);

struct policy_field { /* one field line of a request */
	const char *value;
	size_t len;
	bool alike; /* named with '_' for '-', or the other way round */
};

/*
 * The next field line that goes to the origin under that name (in any case) or
 * one alike; *next is the finder's own, 0 at first.  False at the end.
 */
typedef bool policy_field_finder(const void *head, const char *name,
	size_t *next, struct policy_field *ret);

struct policy_request {
	const char *host; /* from host_normalise() */
	uint16_t port;
	const char *method;
	const char *path;  /* as received in origin form, without the query; may
			      hold anything */
	const char *query; /* what follows '?'; NULL: none */
	policy_field_finder *find_field; /* NULL: it has no fields */
	const void *head;                /* for find_field */
};

struct policy_verdict policy_decide_request(
	const struct policy_set *set, const struct policy_request *request);

/*
 * The names of the fields that rules about that host look at.  Writes at most
 * max pointers, returns how many there are; a name may be there more than once.
 */
size_t policy_field_names(const struct policy_set *set, const char *host,
	const char **ret, size_t max);

/*
 * What stands in the way of such a request, for people: the deny rules that
 * match it, in order (at most so many are kept), and what would be decided
 * without them.
 */
enum { POLICY_OBSTACLES_MAX = 16 };

struct policy_obstacles {
	struct policy_verdict items[POLICY_OBSTACLES_MAX];
	size_t count;
	struct policy_verdict beyond;
};

struct policy_obstacles policy_find_obstacles(
	const struct policy_set *set, const struct policy_request *request);

/*
 * Whether the answer is the same whatever its query and fields are (what
 * request has of them is not looked at): for who does not know them.
 */
bool policy_request_is_plain(
	const struct policy_set *set, const struct policy_request *request);

/* May the sandbox resolve this name (some flow to it, on any port)? */
struct policy_verdict policy_decide_name(
	const struct policy_set *set, const char *host);

#endif
