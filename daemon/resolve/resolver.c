/*
 * resolver.c - one question on the wire, many who wait for it
 *
 * Theory of operation
 *
 * A *lookup* is a (name, type) on the wire, in a table so that others can join.
 * Those who asked for it are queries, in a list at the lookup.
 *
 * When the asker has replied, the lookup is taken out of the table and its
 * answer cached; then each query is freed before its done() is called, and the
 * list is looked at afresh after it, so done() may ask and cancel as it likes.
 * Only resolver_free() must not be called from there.
 *
 * A lookup whose queries were all cancelled goes on: its answer is worth
 * caching.  It counts to the share of the query that started it for as long.
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
#include "resolver_share.h"

enum {
	RESOLVER_CACHE = 4096,
	RESOLVER_LOOKUPS = 1024,
	RESOLVER_QUERIES = 16384, /* who wait, for all names together */
	RESOLVER_BUCKETS = 1024,  /* a power of two */
	RESOLVER_NAME = 253,
	RESOLVER_LABEL = 63,
};

struct resolver_query {
	TAILQ_ENTRY(resolver_query) link;
	struct lookup *lookup;
	resolver_done *done;
	void *arg;
};

TAILQ_HEAD(lookups, lookup);

struct lookup {
	TAILQ_ENTRY(lookup) link; /* these two while it is in flight */
	LIST_ENTRY(lookup) chain;
	struct resolver *resolver;
	struct resolver_share *share; /* given back when it lands */
	struct asker_question question;
	TAILQ_HEAD(, resolver_query) queries;
	char name[RESOLVER_NAME + 1];
};

struct resolver {
	struct asker *asker;
	struct name_cache *cache;
	struct keyed_hash hash;
	struct lookups in_flight;
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
lookup_find(struct resolver *r, const char *name, uint16_t type)
{
	struct lookup *l;

	LIST_FOREACH(l, chain_of(r, name), chain) {
		if (l->question.type == type && strcmp(l->name, name) == 0)
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
	asker_ask(r->asker, &l->question);
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
	resolver_share_give(l->share);
	free(l);
}

static bool
is_worth_caching(const struct resolver_answer *answer)
{
	return answer->status == 0 || answer->status == -ENOENT ||
	       answer->status == -ENODATA;
}

static void
tell_all(struct lookup *l, const struct resolver_answer *answer)
{
	struct resolver_query *q;
	resolver_done *done;
	void *arg;

	while ((q = TAILQ_FIRST(&l->queries)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): off the list */
		done = q->done;
		arg = q->arg;
		query_free(q);
		done(arg, answer);
	}
}

static void
on_replied(void *arg, struct asker_question *q,
	const struct resolver_answer *answer)
{
	struct lookup *l = container_of(q, struct lookup, question);
	struct resolver *r = arg;

	if (is_worth_caching(answer))
		name_cache_put(r->cache, l->name, now_ms(), answer);
	lookup_land(l);
	resolver_share_give(l->share);
	l->share = NULL;
	r->delivering = true;
	tell_all(l, answer);
	r->delivering = false;
	lookup_free(l);
}

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
	r->asker = asker_new(loop, on_replied, r);
	if (r->asker == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		e = -ENOMEM;
		goto fail;
	}
	e = asker_set_servers(r->asker, servers, count, reterr, reterr_size);
	if (e < 0)
		goto fail;
	*ret = r;
	return 0;
fail:
	resolver_free(r);
	return e;
}

void
resolver_set_tls(struct resolver *r, SSL_CTX *context)
{
	asker_set_tls(r->asker, context);
}

int
resolver_set_servers(struct resolver *r, const char *const *servers,
	size_t count, char *reterr, size_t reterr_size)
{
	struct lookups again = TAILQ_HEAD_INITIALIZER(again);
	struct lookup *l;
	int e;

	e = asker_set_servers(r->asker, servers, count, reterr, reterr_size);
	if (e < 0)
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
	return 0;
}

int
resolver_set_patience(struct resolver *r, unsigned timeout_ms, unsigned tries)
{
	if (r->lookup_count > 0)
		return -EBUSY;
	asker_set_patience(r->asker, timeout_ms, tries);
	return 0;
}

static bool
is_host_name(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t label;

	if (strlen(host) > RESOLVER_NAME)
		return false;
	for (;; host += label + 1) {
		label = strspn(host, letters);
		if (label < 1 || label > RESOLVER_LABEL)
			return false;
		if (host[label] == '\0')
			return true;
		if (host[label] != '.')
			return false;
	}
}

/* One that is not asked yet; NULL: *retwhy says why not. */
static struct lookup *
lookup_new(struct resolver *r, const struct resolver_question *question,
	const char **retwhy)
{
	struct lookup *l = NULL;

	if (r->lookup_count == RESOLVER_LOOKUPS)
		*retwhy = "too many questions out";
	else if (!resolver_share_take(question->share))
		*retwhy = "too many questions of this sandbox out";
	else if ((l = calloc(1, sizeof(*l))) == NULL) {
		resolver_share_give(question->share);
		*retwhy = "out of memory";
	}
	if (l == NULL)
		return NULL;
	l->resolver = r;
	l->share = question->share;
	memcpy(l->name, question->host, strlen(question->host) + 1);
	l->question.type = question->type;
	l->question.name = l->name;
	TAILQ_INIT(&l->queries);
	return l;
}

/* The lookup to join, started if there is none; NULL: why, in *ret. */
static struct lookup *
lookup_join(struct resolver *r, const struct resolver_question *question,
	struct resolver_answer *ret)
{
	struct lookup *l = lookup_find(r, question->host, question->type);
	const char *why;

	if (l != NULL)
		return l;
	l = lookup_new(r, question, &why);
	if (l != NULL)
		lookup_start(l);
	else
		resolver_answer_fail(question->type, -EIO, why, ret);
	return l;
}

/* A query that waits for the answer; NULL: the answer is in *ret. */
static struct resolver_query *
query_new(struct resolver *r, const struct resolver_question *question,
	struct resolver_answer *ret)
{
	uint16_t type = question->type;
	struct resolver_query *q;
	struct lookup *l;

	if (!is_host_name(question->host)) {
		resolver_answer_fail(type, -ENOENT, "not a host name", ret);
		return NULL;
	}
	if (name_cache_find(r->cache, question->host, type, now_ms(), ret))
		return NULL;
	if (r->query_count == RESOLVER_QUERIES) {
		resolver_answer_fail(type, -EIO, "too many wait", ret);
		return NULL;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		resolver_answer_fail(type, -EIO, "out of memory", ret);
		return NULL;
	}
	l = lookup_join(r, question, ret);
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
resolver_ask_for(struct resolver *r, const struct resolver_question *question,
	resolver_done *done, void *arg)
{
	struct resolver_query *q;
	struct resolver_answer answer;

	q = query_new(r, question, &answer);
	if (q == NULL) {
		done(arg, &answer);
		return NULL;
	}
	q->done = done;
	q->arg = arg;
	return q;
}

struct resolver_query *
resolver_ask(struct resolver *r, const char *host, int family,
	resolver_done *done, void *arg)
{
	const struct resolver_question question = {.host = host,
		.type = family == AF_INET ? RESOLVER_A : RESOLVER_AAAA};

	assert(family == AF_INET || family == AF_INET6);
	return resolver_ask_for(r, &question, done, arg);
}

void
resolver_cancel(struct resolver_query *q)
{
	if (q != NULL)
		query_free(q);
}
