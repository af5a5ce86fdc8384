/*
 * parse_rule.c - one entry of `allow` or `deny`
 */
#include "parse.h"

#include "policy_packet.h"
#include "region.h"

#include <assert.h>
#include <string.h>

static const char *const via_words[] = {"inspect", "passthrough", NULL};
static_assert(POLICY_VIA_INSPECT == 0 && POLICY_VIA_PASSTHROUGH == 1,
	"via_words is in the order of enum policy_via");

static const char *const protocol_words[] = {
	[POLICY_TCP] = "tcp",
	[POLICY_UDP] = "udp",
	[POLICY_ICMP] = "icmp",
	NULL,
};

enum {
	PORTS_MAX = 64, /* entries of one list */
	METHODS_MAX = 32,
	VALUES_MAX = 32, /* names of one map */
	DNS_PORT = 53,
	TYPES_MAX = 32,
};

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct rule, member)

static const char *const beside_address[] = {
	"port", "address", "protocol", "audit", "limit", NULL};

/* Every key that a rule may have; what an address asks for besides. */
#define MATCH_FIELDS(address_implies) \
	{FIELD(host, hosts), .read = parse_hosts, .min = 1, \
		.shape = &parse_hosts_shape, .one_of = true, \
		.about = "names, as example.org, *.example.org, " \
			 "**.example.org or .example.org"}, \
		{FIELD(port, ports), .read = parse_ports, .min = 1, \
			.max = PORTS_MAX, .shape = &parse_ports_shape, \
			.about = "443, 8000-8999; else 80 and 443 where " \
				 "names are allowed, all where they are " \
				 "denied"}, \
		{FIELD(method, methods), .read = parse_methods, .min = 1, \
			.max = METHODS_MAX, .shape = &parse_methods_shape, \
			.about = "of the request; else any"}, \
		{FIELD(path, paths), .read = parse_paths, .min = 1, \
			.shape = &parse_paths_shape, \
			.about = "/repos/**, without the query; else any"}, \
		{FIELD(query, queries), .read = parse_queries, .min = 1, \
			.max = VALUES_MAX, .shape = &parse_values_shape, \
			.about = "parameters, each with its patterns; else " \
				 "any"}, \
		{FIELD(header, headers), .read = parse_headers, .min = 1, \
			.max = VALUES_MAX, .shape = &parse_values_shape, \
			.about = "fields, each with its patterns; else any"}, \
		{FIELD(address, addresses), .read = parse_addresses, .min = 1, \
			.shape = &parse_addresses_shape, .one_of = true, \
			.beside = beside_address, \
			.implies = (address_implies), \
			.about = "addresses or ranges, for flows without a " \
				 "name, which nobody reads"}, \
	{ \
		FIELD(broad, broad), \
			.read = schema_bool, \
			.about = "true: names that anybody can register are " \
				 "meant (false)" \
	}

static const struct schema_field allow_fields[] = {
	MATCH_FIELDS("\"properties\": {\"limit\": {\"properties\": "
		     "{\"requests\": false}}}, \"if\": {\"required\": "
		     "[\"protocol\"], \"properties\": {\"protocol\": "
		     "{\"const\": \"icmp\"}}}, \"then\": {\"properties\": "
		     "{\"port\": false}}, \"else\": {\"required\": "
		     "[\"port\"]}"),
	{FIELD(protocol, protocol), .read = schema_choice,
		.words = protocol_words,
		.about = "beside host, tcp: whatever bytes are carried unread "
			 "to that name and port, and the server may speak "
			 "first; else TLS and HTTP, and on a port other than "
			 "80 and 443 what is neither. Beside address, tcp, udp "
			 "or icmp (tcp)",
		.implies = "\"if\": {\"required\": [\"host\"]}, \"then\": "
			   "{\"required\": [\"port\"], \"properties\": "
			   "{\"protocol\": {\"const\": \"tcp\"}, "
			   "\"method\": false, \"path\": false, \"query\": "
			   "false, \"header\": false, \"tls\": false, "
			   "\"limit\": {\"properties\": {\"requests\": "
			   "false}}}}"},
	{FIELD(tls, via), .read = schema_choice, .words = via_words,
		.about = "inspect, or passthrough: bytes are carried unread "
			 "(inspect)",
		.implies = "\"if\": {\"properties\": {\"tls\": "
			   "{\"const\": \"passthrough\"}}}, \"then\": "
			   "{\"properties\": {\"method\": false, \"path\": "
			   "false, \"query\": false, \"header\": false, "
			   "\"limit\": {\"properties\": {\"requests\": "
			   "false}}}}"},
	{FIELD(dns, types), .read = parse_types, .min = 1, .max = TYPES_MAX,
		.shape = &parse_types_shape,
		.about = "types of records that may be asked for beside "
			 "addresses, as TXT or MX; else none"},
	{FIELD(limit, limit), .read = parse_limit, .table = &parse_limit_table,
		.shape = &parse_limit_shape,
		.about = "how much of it in how long; else any"},
	{.key = NULL},
};
const struct schema_table parse_allow_table = {"an allow rule", allow_fields};

static const struct schema_field deny_fields[] = {
	MATCH_FIELDS(NULL),
	{FIELD(protocol, protocol), .read = schema_choice,
		.words = protocol_words,
		.implies = "\"required\": [\"address\"]",
		.about = "tcp, udp or icmp, beside address (each of them)"},
	{FIELD(audit, audit), .read = schema_bool,
		.about = "true: what it would deny passes, and is on record as "
			 "audited (false)"},
	{.key = NULL},
};
const struct schema_table parse_deny_table = {"a deny rule", deny_fields};

/* What only the gate decides about, a flow at a time. */
static void
check_packets(
	struct parse *p, const struct tree_node *map, const struct rule *r)
{
	const struct tree_node *limit = tree_get(map, "limit");

	if (limit != NULL)
		report_add(p->schema.report, limit->key->at,
			"nobody counts what the kernel forwards: \"limit\" "
			"cannot stand beside \"protocol: %s\"",
			protocol_words[r->protocol]);
	if (r->protocol == POLICY_UDP && r->ports_given &&
		ports_contain(&r->ports, DNS_PORT))
		report_add(p->schema.report, tree_get(map, "port")->key->at,
			"UDP port 53 never leaves: the daemon answers it, "
			"whatever address is asked");
}

static void
check_address_rule(struct parse *p, const struct tree_node *map, struct rule *r)
{
	for (const struct tree_node *e = map->first; e != NULL; e = e->next) {
		size_t i = 0;

		while (beside_address[i] != NULL &&
			strcmp(e->key->text, beside_address[i]) != 0)
			i++;
		if (beside_address[i] == NULL)
			report_add(p->schema.report, e->key->at,
				"only \"port\" and \"protocol\" may stand "
				"beside \"address\": "
				"such a rule is about flows without a name, "
				"which are not opened");
	}
	if (r->protocol == POLICY_ICMP && r->ports_given)
		report_add(p->schema.report, tree_get(map, "port")->key->at,
			"\"protocol: icmp\" has no ports");
	else if (!r->deny && r->protocol != POLICY_ICMP && !r->ports_given)
		report_add(p->schema.report, map->at,
			"an allow rule with \"address\" needs \"port\"");
	if (!r->deny && r->protocol != POLICY_TCP)
		check_packets(p, map, r);
	r->via = POLICY_VIA_ADDRESS;
}

/* beside: what says that nothing is opened. */
static void
check_unopened(struct parse *p, const struct tree_node *map, const char *beside)
{
	static const char *const keys[] = {"method", "path", "query", "header"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_node *e = tree_get(map, keys[i]);

		if (e != NULL)
			report_add(p->schema.report, e->key->at,
				"\"%s\" needs inspection: it cannot stand "
				"beside \"%s\"",
				keys[i], beside);
	}
}

static void
check_raw_rule(struct parse *p, const struct tree_node *map, struct rule *r)
{
	const struct tree_node *tls = tree_get(map, "tls");

	if (r->protocol != POLICY_TCP)
		report_add(p->schema.report, tree_get(map, "protocol")->key->at,
			"\"protocol: %s\" stands beside \"address\" only: "
			"what is dialled by name is TCP",
			protocol_words[r->protocol]);
	if (!r->ports_given)
		report_add(p->schema.report, map->at,
			"an allow rule with \"protocol\" needs \"port\"");
	if (tls != NULL)
		report_add(p->schema.report, tls->key->at,
			"\"tls\" cannot stand beside \"protocol: tcp\": "
			"nothing of such a flow is opened");
	check_unopened(p, map, "protocol: tcp");
	r->via = POLICY_VIA_RAW;
}

/* What no single key can tell; and the ports that go without saying. */
static void
finish_rule(struct parse *p, const struct tree_node *map, struct rule *r)
{
	bool host = tree_get(map, "host") != NULL;
	bool address = tree_get(map, "address") != NULL;
	const struct tree_node *protocol = tree_get(map, "protocol");

	r->ports_given = tree_get(map, "port") != NULL;
	r->protocol_given = protocol != NULL;
	if (address)
		check_address_rule(p, map, r);
	else if (!host)
		report_add(p->schema.report, map->at,
			"a rule needs the key \"host\" or \"address\"");
	else if (protocol != NULL && r->deny)
		report_add(p->schema.report, protocol->key->at,
			"\"protocol\" stands beside \"address\" only: no "
			"host can be reached otherwise when it is denied");
	else if (protocol != NULL)
		check_raw_rule(p, map, r);
	else if (r->via == POLICY_VIA_PASSTHROUGH)
		check_unopened(p, map, "tls: passthrough");
	if (r->via != POLICY_VIA_INSPECT && r->limit != NULL &&
		r->limit->amounts[POLICY_REQUESTS].amount > 0)
		report_add(p->schema.report, map->at,
			"\"requests\" needs inspection: only \"up\" and "
			"\"down\" can limit what is not opened");
	/* What is denied is denied everywhere, unless a port is named. */
	if (!r->ports_given)
		r->ports = r->deny ? ports_all : ports_web;
}

static void
parse_rule(struct parse *p, const struct tree_node *map, struct rule *ret)
{
	const struct tree_node *broad = NULL;

	if (map->kind == TREE_MAP)
		broad = tree_get(map, "broad");
	/* It widens `host`, which may stand before it.  Denying is never too
	   wide. */
	p->broad = ret->deny || (broad != NULL && broad->kind == TREE_SCALAR &&
					strcmp(broad->text, "true") == 0);
	p->narrow_hint = "write \"broad: true\" beside it if that is meant";
	schema_fill(&p->schema, map,
		ret->deny ? &parse_deny_table : &parse_allow_table, ret);
	if (map->kind != TREE_MAP)
		return;
	finish_rule(p, map, ret);
	parse_limit_key(p, ret);
}

void
parse_rules(struct parse *p, const char *policy, const struct tree_node *list,
	struct rule *ret)
{
	const struct tree_node *e = list->first;

	for (size_t i = 0; i < list->count; i++, e = e->next) {
		ret[i].deny = strcmp(list->key->text, "deny") == 0;
		ret[i].name = region_format(p->schema.region, "%s.%s[%zu]",
			policy, list->key->text, i);
		ret[i].source = parse_source(p, e->at);
		parse_rule(p, e, &ret[i]);
	}
}
