#include "would_swap.h"

#include <assert.h>
#include <stdio.h>

#include "policy_swap.h"

static void
judge(const struct would_inject_question *q, const struct policy_swap *swap,
	struct would_swap *ret)
{
	const char *missing = q->missing == NULL
				      ? NULL
				      : q->missing(q->arg, swap->credential);

	*ret = (struct would_swap){.name = swap->credential};
	if (!q->tls && !swap->plaintext)
		snprintf(ret->why, sizeof(ret->why),
			"its stand-in is not swapped over plain HTTP (%s)",
			swap->source);
	else if (missing != NULL)
		snprintf(ret->why, sizeof(ret->why), "it has no value: %s",
			missing);
	else
		ret->places = swap->places;
}

size_t
would_swap(const struct would_inject_question *q,
	struct would_swap ret[WOULD_INJECT_MAX])
{
	const struct policy_swap *found[WOULD_INJECT_MAX];
	size_t n;

	n = policy_swaps(q->set, q->host, q->port, found, WOULD_INJECT_MAX);
	assert(n <= WOULD_INJECT_MAX);
	for (size_t i = 0; i < n; i++)
		judge(q, found[i], &ret[i]);
	return n;
}

const char *
would_swap_places(unsigned places, char ret[WOULD_SWAP_PLACES])
{
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < POLICY_PLACES; i++) {
		if ((places >> i & 1) != 0)
			len += (size_t)snprintf(ret + len,
				WOULD_SWAP_PLACES - len, "%s%s",
				len > 0 ? ", " : "", policy_place_name(i));
	}
	return ret;
}
