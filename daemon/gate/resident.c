#include "resident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link_message.h"
#include "overlay.h"
#include "policy.h"

static const double records_per_second = 5, records_at_once = 50;

static int
read_overlay(
	struct resident *s, const char *text, char *reterr, size_t reterr_size)
{
	char *why = NULL;
	int r = overlay_read(s->name, text, &s->overlay, &why);

	if (r == -EINVAL)
		snprintf(reterr, reterr_size, "%s",
			why != NULL ? why : "the overlay is bad");
	free(why);
	return r;
}

int
resident_new(const struct link_sandbox *from, double now, struct resident **ret,
	char *reterr, size_t reterr_size)
{
	struct resident *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	snprintf(reterr, reterr_size, "out of memory");
	if (r == NULL)
		return -ENOMEM;
	r->references = 1;
	r->name = strdup(from->name);
	r->policy_name = strdup(from->policy);
	r->labels = strdup(from->labels);
	if (r->name == NULL || r->policy_name == NULL || r->labels == NULL)
		goto fail;
	e = -EINVAL;
	if (from->address_count > RESIDENT_ADDRESSES)
		goto fail;
	r->ifindex = from->ifindex;
	for (; r->address_count < from->address_count; r->address_count++) {
		const struct link_address *a =
			&from->addresses[r->address_count];
		struct resident_address *to = &r->addresses[r->address_count];

		to->family = a->family;
		memcpy(to->bytes, a->bytes, a->family == AF_INET6 ? 16 : 4);
	}
	budget_init(&r->records, records_per_second, records_at_once, now);
	if (from->overlay[0] != '\0') {
		e = read_overlay(r, from->overlay, reterr, reterr_size);
		if (e < 0)
			goto fail;
	}
	*ret = r;
	return 0;
fail:
	resident_unref(r);
	return e;
}

struct resident *
resident_ref(struct resident *r)
{
	r->references++;
	return r;
}

void
resident_unref(struct resident *r)
{
	if (r == NULL || --r->references > 0)
		return;
	overlay_unref(r->overlay);
	free(r->name);
	free(r->policy_name);
	free(r->labels);
	free(r);
}

void
resident_set_policy(struct resident *r, const struct policy *policy)
{
	const struct policy_set *base =
		policy != NULL ? policy_find(policy, r->policy_name) : NULL;

	r->set = base != NULL && r->overlay != NULL
			 ? overlay_over(r->overlay, base)
			 : base;
}
