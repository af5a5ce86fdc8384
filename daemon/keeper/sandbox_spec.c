#include "sandbox_spec.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "overlay.h"
#include "place_index.h"
#include "policy.h"
#include "registry.h"
#include "steer.h"

/* In the order in which they were written. */
static char *
labels_json(const struct policy_sandbox *declared)
{
	json_t *object = json_object();
	char *text = NULL;
	int bad = object == NULL;

	for (size_t i = 0; i < declared->label_count && !bad; i++)
		bad = json_object_set_new(object, declared->labels[i].key,
			json_string(declared->labels[i].value));
	if (!bad)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

struct sandbox_spec *
sandbox_spec_new(const struct policy_sandbox *declared)
{
	struct sandbox_spec *s = calloc(1, sizeof(*s));
	size_t count = declared->address_count;

	if (s == NULL)
		return NULL;
	s->interface = strdup(declared->interface);
	s->policy = strdup(policy_name(declared->set));
	s->source = strdup(declared->source);
	s->labels = labels_json(declared);
	if (declared->limit != NULL)
		s->limit_source = strdup(declared->limit_source);
	if (declared->overlay != NULL)
		s->overlay = overlay_print(declared->overlay);
	s->addresses = calloc(count > 0 ? count : 1, sizeof(*s->addresses));
	s->places = calloc(count > 0 ? count : 1, sizeof(*s->places));
	if (s->interface == NULL || s->policy == NULL || s->source == NULL ||
		s->labels == NULL || s->addresses == NULL ||
		s->places == NULL ||
		(s->limit_source == NULL && declared->limit != NULL) ||
		(s->overlay == NULL && declared->overlay != NULL)) {
		sandbox_spec_free(s);
		return NULL;
	}
	s->address_count = count;
	if (declared->limit != NULL)
		memcpy(s->limit.amounts, declared->limit->amounts,
			sizeof(s->limit.amounts));
	for (size_t i = 0; i < count; i++) {
		s->addresses[i].family = declared->addresses[i].family;
		memcpy(s->addresses[i].bytes, declared->addresses[i].bytes,
			sizeof(s->addresses[i].bytes));
	}
	return s;
}

void
sandbox_spec_free(struct sandbox_spec *s)
{
	if (s == NULL)
		return;
	free(s->interface);
	free(s->policy);
	free(s->source);
	free(s->labels);
	free(s->limit_source);
	free(s->overlay);
	free(s->addresses);
	free(s->places);
	free(s);
}

static bool
same_address(const struct sandbox_address *a, const struct sandbox_address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

bool
sandbox_spec_same_place(
	const struct sandbox_spec *a, const struct sandbox_spec *b)
{
	if (strcmp(a->interface, b->interface) != 0 ||
		a->address_count != b->address_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++)
		if (!same_address(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_limit(const struct sandbox_spec *a, const struct sandbox_spec *b)
{
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		const struct policy_amount *x = &a->limit.amounts[i];
		const struct policy_amount *y = &b->limit.amounts[i];

		if (x->amount != y->amount || x->seconds != y->seconds)
			return false;
	}
	return same_text(a->limit_source, b->limit_source);
}

bool
sandbox_spec_equal(const struct sandbox_spec *a, const struct sandbox_spec *b)
{
	return sandbox_spec_same_place(a, b) &&
	       strcmp(a->policy, b->policy) == 0 &&
	       strcmp(a->labels, b->labels) == 0 &&
	       strcmp(a->source, b->source) == 0 && same_limit(a, b) &&
	       same_text(a->overlay, b->overlay);
}

uint64_t
sandbox_spec_served(const struct sandbox_spec *s, uint32_t workers)
{
	uint64_t served = 0;

	for (size_t i = 0; i < s->address_count; i++)
		served |= UINT64_C(1) << steer_index(s->addresses[i].family,
				  s->addresses[i].bytes, workers);
	return served;
}
