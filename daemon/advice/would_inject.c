#include "would_inject.h"

#include <assert.h>
#include <stdio.h>

#include "message.h"
#include "policy.h"

/* An earlier one that goes whatever the request holds, for the same field. */
static const struct would_inject *
taken_by(const struct would_inject *rows, size_t count, const char *header)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].goes && rows[i].why[0] == '\0' &&
			http_names_alike(
				span_of(rows[i].header), span_of(header)))
			return &rows[i];
	}
	return NULL;
}

static void
say_condition(const struct policy_injection *in, char why[WOULD_INJECT_WHY])
{
	if (in->mode == POLICY_INJECT_IF_ABSENT)
		snprintf(why, WOULD_INJECT_WHY,
			"if the request has no %s of its own", in->header);
	if (in->mode == POLICY_INJECT_IF_PLACEHOLDER)
		snprintf(why, WOULD_INJECT_WHY,
			"if the request's %s holds the placeholder",
			in->header);
}

/* ret->goes is set when nothing stands in the way. */
static void
judge(const struct would_inject_question *q, const struct policy_injection *in,
	const struct would_inject *taken, struct would_inject *ret)
{
	const char *missing =
		q->missing == NULL ? NULL : q->missing(q->arg, in->credential);

	if (taken != NULL)
		snprintf(ret->why, sizeof(ret->why),
			"%s comes first and sets the same header", taken->name);
	else if (!q->tls && !in->plaintext)
		snprintf(ret->why, sizeof(ret->why),
			"it does not go over plain HTTP (%s)", in->source);
	else if (missing != NULL)
		snprintf(ret->why, sizeof(ret->why), "it has no value: %s",
			missing);
	else
		ret->goes = true;
	if (ret->goes)
		say_condition(in, ret->why);
}

size_t
would_inject(const struct would_inject_question *q,
	struct would_inject ret[WOULD_INJECT_MAX])
{
	const struct policy_injection *found[WOULD_INJECT_MAX];
	size_t n, certain = 0;

	n = policy_injections(
		q->set, q->host, q->port, found, WOULD_INJECT_MAX);
	assert(n <= WOULD_INJECT_MAX);
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct would_inject){.name = found[i]->credential,
			.header = found[i]->header};
		if (certain == WOULD_INJECT_GO)
			snprintf(ret[i].why, sizeof(ret[i].why),
				"%d others come first", WOULD_INJECT_GO);
		else
			judge(q, found[i], taken_by(ret, i, found[i]->header),
				&ret[i]);
		certain += ret[i].goes && ret[i].why[0] == '\0';
	}
	return n;
}
