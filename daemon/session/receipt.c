#include "receipt.h"

#include <inttypes.h>
#include <stdio.h>

#include "flow.h"
#include "policy.h"
#include "sandbox.h"

enum { LIST_MAX = 100 };

void
receipt_add(struct receipt *r, const struct flow *f, const char *what,
	uint64_t id, const struct policy_verdict *by)
{
	char hex[17];

	if (r == NULL || ++r->closed > LIST_MAX)
		return;
	if (r->list == NULL)
		r->list = json_array();
	snprintf(hex, sizeof(hex), "%016" PRIx64, id);
	json_array_append_new(
		r->list, json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s}",
				 "sandbox", f->sandbox->name, "id", hex, "what",
				 what, "host", f->host, "port", (int)f->port,
				 "rule", by->rule, "source", by->source));
}

void
receipt_add_withdrawn(struct receipt *r, const struct flow *f, uint64_t id,
	const char *credential)
{
	char rule[96];
	struct policy_verdict by = {.rule = rule, .source = "withdrawn"};

	snprintf(rule, sizeof(rule), "credential %s", credential);
	receipt_add(r, f, "request", id, &by);
}

char *
receipt_text(const struct receipt *r)
{
	json_t *whole = json_pack("{s:I, s:O?}", "closed",
		(json_int_t)r->closed, "list", r->list);
	char *text = whole != NULL ? json_dumps(whole, JSON_COMPACT) : NULL;

	json_decref(whole);
	return text;
}

void
receipt_done(struct receipt *r)
{
	json_decref(r->list);
	*r = (struct receipt){0};
}
