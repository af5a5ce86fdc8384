#include "dns_type.h"

#include <string.h>

static const char always[] = "needs no rule: addresses of a name that is "
			     "allowed are always answered";
static const char transfer[] =
	"is no question about a name: whole zones are not handed out";
static const char signature[] =
	"is sent beside other records, not asked for: answers are rebuilt "
	"without signatures";
static const char meta[] = "is no record: it belongs to one message";

/* number 0: may not be allowed, and why. */
static const struct {
	const char *name;
	uint16_t number;
	const char *why;
} types[] = {
	{"CAA", 257, NULL},
	{"CERT", 37, NULL},
	{"CNAME", 5, NULL},
	{"DNSKEY", 48, NULL},
	{"DS", 43, NULL},
	{"HTTPS", 65, NULL},
	{"LOC", 29, NULL},
	{"MX", 15, NULL},
	{"NAPTR", 35, NULL},
	{"NS", 2, NULL},
	{"OPENPGPKEY", 61, NULL},
	{"PTR", 12, NULL},
	{"SMIMEA", 53, NULL},
	{"SOA", 6, NULL},
	{"SRV", 33, NULL},
	{"SSHFP", 44, NULL},
	{"SVCB", 64, NULL},
	{"TLSA", 52, NULL},
	{"TXT", 16, NULL},
	{"URI", 256, NULL},
	{"A", 0, always},
	{"AAAA", 0, always},
	{"ANY", 0, "is answered with nothing (RFC 8482): list the types"},
	{"*", 0, "is answered with nothing (RFC 8482): list the types"},
	{"NULL", 0, "holds bytes of any kind, and only tunnels use it"},
	{"PRIVATE", 0, "holds bytes of any kind, and only tunnels use it"},
	{"AXFR", 0, transfer},
	{"IXFR", 0, transfer},
	{"NSEC", 0, signature},
	{"NSEC3", 0, signature},
	{"RRSIG", 0, signature},
	{"OPT", 0, meta},
	{"TKEY", 0, meta},
	{"TSIG", 0, meta},
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

uint16_t
dns_type_parse(const char *name, const char **ret_why)
{
	*ret_why = NULL;
	for (size_t i = 0; i < TYPES; i++) {
		if (strcmp(types[i].name, name) != 0)
			continue;
		*ret_why = types[i].why;
		return types[i].number;
	}
	return 0;
}

const char *
dns_type_name(uint16_t type)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (type != 0 && types[i].number == type)
			return types[i].name;
	}
	return NULL;
}

void
dns_types_put(FILE *out, const uint16_t *list, size_t count)
{
	fputc('[', out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", dns_type_name(list[i]));
	fputs("]\n", out);
}
