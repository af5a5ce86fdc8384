/*
 * parse_dns.c - which types of DNS records a rule allows to be asked for
 */
#include "parse.h"

#include "dns_type.h"
#include "region.h"

const struct schema_shape parse_types_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"enum\": [\"CAA\", \"CERT\", \"CNAME\", \"DNSKEY\", \"DS\", "
	       "\"HTTPS\", \"LOC\", \"MX\", \"NAPTR\", \"NS\", "
	       "\"OPENPGPKEY\", \"PTR\", \"SMIMEA\", \"SOA\", \"SRV\", "
	       "\"SSHFP\", \"SVCB\", \"TLSA\", \"TXT\", \"URI\"]"};

static bool
parse_type(struct schema *s, const struct schema_field *f,
	const struct tree_node *e, uint16_t *ret)
{
	const char *text = schema_text(s, f, e, "a type of DNS records");
	char quote[REPORT_QUOTE];
	const char *why;

	if (text == NULL)
		return false;
	*ret = dns_type_parse(text, &why);
	if (*ret != 0)
		return true;
	if (why != NULL)
		report_add(s->report, e->at, "type %s %s",
			report_quote(text, quote), why);
	else
		schema_expects(s, f, e,
			"types of DNS records, as TXT, MX, SRV, CAA or HTTPS, "
			"in capitals");
	return false;
}

void
parse_types(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const struct tree_node *e;
	uint16_t *items;
	bool good = true;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		good &= parse_type(s, f, e, &items[i]);
	if (good)
		*(struct type_list *)ret = (struct type_list){items, count};
}
