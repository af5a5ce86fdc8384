/*
 * resolver.c - one question on the wire, many who wait for it
 *
 * Theory of operation
 *
 * A *lookup* is a (name, family) on the wire.  Those who asked for it are
 * queries, in a list at the lookup.  A lookup is in one of two places:
 *
 *	in flight  in the table, so that others can join; at asker
 *	finished   in a queue, out of the table, its answer known and cached
 *
 * The asker's reply moves it from the first to the second and does nothing
 * else, because c-ares is on the stack then.  Once it is not, deliver() empties
 * the queue: each query is freed before its done() is called, and the lists are
 * looked at afresh after it, so done() may ask and cancel as it likes.  Only
 * resolver_free() must not be called from there.
 *
 * A lookup that finishes while resolver_ask() is still starting it is answered
 * by resolver_ask() itself.  A lookup whose queries were all cancelled goes on,
 * since c-ares cannot cancel a single one; its answer is worth caching.
 */
#include "resolver.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "array.h"
#include "asker.h"
#include "keyed_hash.h"
#include "name_cache.h"
#include "resolver_answer.h"

enum {
	RESOLVER_CACHE = 4096,
	RESOLVER_LOOKUPS = 1024,
	RESOLVER_QUERIES = 16384, /* who wait, for all names together */
	RESOLVER_BUCKETS = 1024,  /* a power of two */
	RESOLVER_NAME = 253,
};

struct resolver_query {
	TAILQ_ENTRY(resolver_query) link;
	struct lookup *lookup;
	resolver_done *done;
	void *arg;
};

TAILQ_HEAD(lookups, lookup);

struct lookup {
	TAILQ_ENTRY(lookup) link; /* in_flight or finished */
	LIST_ENTRY(lookup) chain; /* while in flight */
	struct resolver *resolver;
	struct asker_question question;
	TAILQ_HEAD(, resolver_query) queries;
	bool is_finished;
	struct resolver_answer answer; /* once finished */
	char name[RESOLVER_NAME + 1];
};

struct resolver {
	struct asker *asker;
	struct name_cache *cache;
	struct keyed_hash hash;
	struct lookups in_flight;
	struct lookups finished;
	size_t lookup_count; /* in flight */
	size_t query_count;
	bool delivering;
	LIST_HEAD(lookup_chain, lookup) table[RESOLVER_BUCKETS];
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct lookup_chain *
chain_of(struct resolver *r, const char *name)
{
	uint64_t hash = keyed_hash_of(&r->hash, name, strlen(name));

	return &r->table[hash & (RESOLVER_BUCKETS - 1)];
}

static struct lookup *
lookup_find(struct resolver *r, const char *name, int family)
{
	struct lookup *l;

	LIST_FOREACH(l, chain_of(r, name), chain) {
		if (l->question.family == family && strcmp(l->name, name) == 0)
			return l;
	}
	return NULL;
}

static void
lookup_start(struct lookup *l)
{
	struct resolver *r = l->resolver;

	LIST_INSERT_HEAD(chain_of(r, l->name), l, chain);
	TAILQ_INSERT_TAIL(&r->in_flight, l, link);
	r->lookup_count++;
	asker_ask(r->asker, &l->question, l->name);
}

/* Takes it off the wire's books; where it goes is the caller's business. */
static void
lookup_land(struct lookup *l)
{
	LIST_REMOVE(l, chain);
	TAILQ_REMOVE(&l->resolver->in_flight, l, link);
	l->resolver->lookup_count--;
}

static void
query_free(struct resolver_query *q)
{
	TAILQ_REMOVE(&q->lookup->queries, q, link);
	q->lookup->resolver->query_count--;
	free(q);
}

static void
lookup_free(struct lookup *l)
{
	struct resolver_query *q, *next;

	for (q = TAILQ_FIRST(&l->queries); q != NULL; q = next) {
		next = TAILQ_NEXT(q, link);
		query_free(q);
	}
	free(l);
}

static bool
is_worth_caching(const struct resolver_answer *answer)
{
	return answer->status == 0 || answer->status == -ENOENT ||
	       answer->status == -ENODATA;
}

static void
on_replied(void *arg, struct asker_question *q,
	const struct resolver_answer *answer)
{
	struct lookup *l = container_of(q, struct lookup, question);
	struct resolver *r = arg;

	/* Whoever cancels all has the list of what is in flight. */
	if (answer->status == -ECANCELED)
		return;
	if (is_worth_caching(answer))
		name_cache_put(r->cache, l->name, now_ms(), answer);
	lookup_land(l);
	l->answer = *answer;
	l->is_finished = true;
	TAILQ_INSERT_TAIL(&r->finished, l, link);
}

static void
tell_all(struct lookup *l)
{
	struct resolver_query *q;
	resolver_done *done;
	void *arg;

	while ((q = TAILQ_FIRST(&l->queries)) != NULL) {
		done = q->done;
		arg = q->arg;
		query_free(q);
		done(arg, &l->answer);
	}
}

static void
deliver(void *arg)
{
	struct resolver *r = arg;
	struct lookup *l;

	r->delivering = true;
	while ((l = TAILQ_FIRST(&r->finished)) != NULL) {
		tell_all(l);
		TAILQ_REMOVE(&r->finished, l, link);
		lookup_free(l);
	}
	r->delivering = false;
}

static const struct asker_ops asker_ops = {on_replied, deliver};

static void
lookups_free(struct lookups *list)
{
	struct lookup *l;

	while ((l = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, l, link);
		lookup_free(l);
	}
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	assert(!r->delivering);
	asker_free(r->asker);
	lookups_free(&r->in_flight);
	lookups_free(&r->finished);
	name_cache_free(r->cache);
	free(r);
}

/* A resolver that can only be freed. */
static struct resolver *
resolver_empty(void)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	TAILQ_INIT(&r->in_flight);
	TAILQ_INIT(&r->finished);
	r->cache = name_cache_new(RESOLVER_CACHE);
	if (r->cache == NULL || keyed_hash_init(&r->hash) < 0) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

int
resolver_new(struct ev_loop *loop, const char *const *servers, size_t count,
	struct resolver **ret, char *reterr, size_t reterr_size)
{
	struct resolver *r = resolver_empty();
	int e;

	if (r == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		return -ENOMEM;
	}
	e = asker_new(loop, &asker_ops, r, &r->asker, reterr, reterr_size);
	if (e < 0)
		goto fail;
	e = asker_set_servers(r->asker, servers, count, reterr, reterr_size);
	if (e < 0)
		goto fail;
	*ret = r;
	return 0;
fail:
	resolver_free(r);
	return e;
}

int
resolver_set_servers(struct resolver *r, const char *const *servers,
	size_t count, char *reterr, size_t reterr_size)
{
	struct lookups again = TAILQ_HEAD_INITIALIZER(again);
	struct lookup *l;
	int e;

	e = asker_set_servers(r->asker, servers, count, reterr, reterr_size);
	if (e == -EINVAL)
		return e;
	name_cache_clear(r->cache);
	while ((l = TAILQ_FIRST(&r->in_flight)) != NULL) {
		lookup_land(l);
		TAILQ_INSERT_TAIL(&again, l, link);
	}
	while ((l = TAILQ_FIRST(&again)) != NULL) {
		TAILQ_REMOVE(&again, l, link);
		lookup_start(l);
	}
	return e;
}

int
resolver_set_patience(struct resolver *r, unsigned timeout_ms, unsigned tries)
{
	if (r->lookup_count > 0)
		return -EBUSY;
	return asker_set_patience(r->asker, timeout_ms, tries);
}

/* c-ares takes escapes in names: nothing but host names may reach it. */
static bool
is_host_name(const char *host)
{
	size_t len = strlen(host);

	return len > 0 && len <= RESOLVER_NAME && host[len - 1] != '.' &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

/* The lookup to join, started if there is none; NULL: why, in *ret. */
static struct lookup *
lookup_join(struct resolver *r, const char *host, int family,
	struct resolver_answer *ret)
{
	struct lookup *l = lookup_find(r, host, family);

	if (l != NULL)
		return l;
	if (r->lookup_count == RESOLVER_LOOKUPS) {
		resolver_answer_fail(
			family, -EIO, "too many questions out", ret);
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL) {
		resolver_answer_fail(family, -EIO, "out of memory", ret);
		return NULL;
	}
	l->resolver = r;
	l->question.family = family;
	memcpy(l->name, host, strlen(host) + 1);
	TAILQ_INIT(&l->queries);
	lookup_start(l);
	if (!l->is_finished)
		return l;
	*ret = l->answer;
	TAILQ_REMOVE(&r->finished, l, link);
	lookup_free(l);
	return NULL;
}

/* A query that waits for the answer; NULL: the answer is in *ret. */
static struct resolver_query *
query_new(struct resolver *r, const char *host, int family,
	struct resolver_answer *ret)
{
	struct resolver_query *q;
	struct lookup *l;

	if (!is_host_name(host)) {
		resolver_answer_fail(family, -ENOENT, "not a host name", ret);
		return NULL;
	}
	if (name_cache_find(r->cache, host, family, now_ms(), ret))
		return NULL;
	if (r->query_count == RESOLVER_QUERIES) {
		resolver_answer_fail(family, -EIO, "too many wait", ret);
		return NULL;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		resolver_answer_fail(family, -EIO, "out of memory", ret);
		return NULL;
	}
	l = lookup_join(r, host, family, ret);
	if (l == NULL) {
		free(q);
		return NULL;
	}
	q->lookup = l;
	TAILQ_INSERT_TAIL(&l->queries, q, link);
	r->query_count++;
	return q;
}

struct resolver_query *
resolver_ask(struct resolver *r, const char *host, int family,
	resolver_done *done, void *arg)
{
	struct resolver_query *q;
	struct resolver_answer answer;

	assert(family == AF_INET || family == AF_INET6);
	q = query_new(r, host, family, &answer);
	if (q == NULL) {
		done(arg, &answer);
		return NULL;
	}
	q->done = done;
	q->arg = arg;
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	if (q != NULL)
		query_free(q);
}
