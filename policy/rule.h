/*
 * Compiled policy, as the files of this folder share it.  Internal: nobody
 * outside policy/ includes it.  Everything lives in the policy's region except
 * the indexes.
 */
#ifndef SBX_RULE_H
#define SBX_RULE_H

#include "addr.h"
#include "host_pattern.h"
#include "policy.h"
#include "policy_swap.h"
#include "ports.h"
#include "report.h"
#include "schema.h"

struct host_index;
struct region;

struct pattern_list {
	const struct host_pattern *items;
	size_t count;
};

struct range_list {
	const struct addr_range *items;
	size_t count;
};

struct value_match { /* one entry of `query` or `header` */
	const char *name;
	struct schema_strings patterns; /* one of them must match */
};

struct value_list {
	const struct value_match *items;
	size_t count;
};

struct type_list { /* of DNS records */
	const uint16_t *items;
	size_t count;
};

struct rule {               /* one entry of `allow` or `deny` */
	const char *name;   /* "agent.allow[2]" */
	const char *source; /* "policy.yaml:14" */
	bool deny;
	bool broad;
	bool audit;          /* a deny rule that only looks on */
	bool ports_given;    /* written in the document */
	bool protocol_given; /* a deny rule without is about each of them */
	int protocol;        /* enum policy_protocol */
	int via;             /* enum policy_via */
	struct ports ports;
	struct pattern_list hosts; /* none: a rule about addresses */
	struct range_list addresses;
	struct schema_strings methods; /* upper case; none: any */
	struct schema_strings paths;   /* none: any */
	struct value_list queries;     /* all must match; so must headers */
	struct value_list headers;
	struct type_list types; /* that may be asked for, beside addresses */
	struct policy_limit *limit; /* NULL: none */
};

static inline bool
rule_has_values(const struct rule *r)
{
	return r->queries.count > 0 || r->headers.count > 0;
}

/* Whether the rule speaks of whole flows and not of single requests. */
static inline bool
rule_is_flat(const struct rule *r)
{
	return r->methods.count == 0 && r->paths.count == 0 &&
	       !rule_has_values(r);
}

struct binding { /* where one entry of `inject` or `swap` applies */
	struct report_mark at;
	const char *source;
	struct pattern_list hosts;
	struct ports ports;
};

struct binding_list {
	const struct binding *items;
	size_t count;
};

struct credential {
	const struct policy_credential *face;
	struct report_mark at; /* its name */
	struct binding_list inject, swap;
	const struct policy_injection *injections; /* of each of inject */
	const struct policy_swap *swaps;           /* of each of swap */
};

enum overlay_mode { /* of a set that is an overlay; see overlay.h */
	OVERLAY_POLICY,
	OVERLAY_LOCKDOWN,
	OVERLAY_OPEN,
};
extern const char *const overlay_mode_words[]; /* and NULL */

/*
 * One policy; or an overlay, which has rules and a default of its own and takes
 * all else from its base.
 */
struct policy_set {
	const struct policy_set *base; /* of an overlay; else NULL */
	enum overlay_mode mode;
	const char *name;
	struct report_mark at; /* its name */
	bool default_allow;
	bool audit;                 /* nothing is denied, only put on record */
	const char *default_name;   /* "agent.default" */
	const char *default_source; /* "policy.yaml:11" */

	/*
	 * Deny rules, then allow rules, each in document order: the order of
	 * evaluation is the order of the numbers in the index.
	 */
	const struct rule *rules;
	size_t rule_count, deny_count;
	struct host_index *index;
	const struct rule *const *address_rules; /* those without hosts */
	size_t address_rule_count;
	struct ports host_ports; /* of all rules with hosts, for early flows */

	const char *const *credential_names;
	const struct credential *const *credentials;
	size_t credential_count;
	size_t own_credential_count; /* the first; the others are its kit's */
};

struct overlay {       /* overlay.h */
	unsigned refs; /* one thread */
	struct region *region;
	struct policy_set set;
};

struct policy {
	unsigned refs; /* one thread */
	struct region *region;
	struct policy_set *sets; /* document order */
	const struct policy_set **sets_by_name;
	size_t set_count;
	struct policy_credential *credential_faces;
	struct credential *credentials;
	size_t credential_count;
	struct policy_sandbox *sandboxes;
	size_t sandbox_count;
};

#endif
