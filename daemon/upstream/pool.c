#include "pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "monotonic.h"
#include "resume.h"

struct pool *
pool_new(const struct upstream *u, struct resolver_share *share)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->upstream = u;
	p->share = share;
	TAILQ_INIT(&p->carriers);
	p->resume = resume_new();
	p->protocols = protocols_new();
	if (p->resume == NULL || p->protocols == NULL) {
		pool_free(p);
		return NULL;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	struct carrier *c;

	if (p == NULL)
		return;
	while ((c = TAILQ_FIRST(&p->carriers)) != NULL) {
		assert(c->lease_count == 0);
		carrier_close(c);
	}
	resume_free(p->resume);
	protocols_free(p->protocols);
	free(p);
}

static struct carrier *
find(struct pool *p, const struct lease_want *want)
{
	enum spoken spoken = pool_spoken(p, want->key.host, want->key.port);
	double now = monotonic_now();
	struct carrier *c;

	TAILQ_FOREACH(c, &p->carriers, link) {
		if (carrier_suits(c, want, spoken, now))
			return c;
	}
	return NULL;
}

struct carrier *
pool_carrier(struct pool *p, const struct lease_want *want)
{
	const char *credentials = want->key.credentials;
	struct carrier *c = find(p, want);

	if (c == NULL)
		c = carrier_open(p, want);
	/* Unsettled it would be open to others with other credentials. */
	if (c != NULL && credentials != NULL && !carrier_bind(c, credentials))
		return NULL;
	return c;
}

struct lease *
pool_lease(struct pool *p, const struct lease_want *want,
	void (*changed)(void *arg), void *arg)
{
	struct lease *l = calloc(1, sizeof(*l));
	struct carrier *c;

	if (l == NULL)
		return NULL;
	c = pool_carrier(p, want);
	if (c == NULL) {
		free(l);
		return NULL;
	}
	l->want = *want;
	carrier_add(c, l);
	lease_own(l, changed, arg);
	return l;
}

static bool
names(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at != NULL;) {
		const char *end = strchr(at, ',');
		size_t n = end != NULL ? (size_t)(end - at) : strlen(at);

		if (n == len && memcmp(at, name, len) == 0)
			return true;
		at = end != NULL ? end + 1 : NULL;
	}
	return false;
}

void
pool_revoke(struct pool *p, const char *credential)
{
	struct carrier *c = TAILQ_FIRST(&p->carriers), *next;

	for (; c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!names(origin_key(c->origin)->credentials, credential))
			continue;
		c->retired = true;
		if (c->lease_count == 0)
			carrier_close(c);
	}
}

enum spoken
pool_spoken(struct pool *p, const char *host, uint16_t port)
{
	return protocols_get(p->protocols, host, port, monotonic_now());
}
