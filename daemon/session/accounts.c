/*
 * accounts.c - accounts that fill by themselves
 *
 * Each budget is a token bucket: full at first, with as much as the rule names,
 * and filled evenly by as much in the time that it names.  One request, or one
 * piece of a body, is let through while anything is left, and may overdraw it.
 *
 * An account whose time is over is full, and so is a new one: what nobody uses
 * is forgotten as soon as it is full, and the oldest before that when there are
 * too many.  The keys are the operator's: nobody else can make accounts.
 */
#include "accounts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct bucket {
	double size, rate; /* size 0: no limit */
	double left, at;
};

struct account {
	TAILQ_ENTRY(account) link;
	struct accounts *owner;
	char *key;
	unsigned users;
	struct bucket buckets[POLICY_BUDGETS];
};

TAILQ_HEAD(account_list, account);

struct accounts {
	struct account_list used, idle; /* the longest idle first */
	size_t idle_count;
};

struct accounts *
accounts_new(void)
{
	struct accounts *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	TAILQ_INIT(&l->used);
	TAILQ_INIT(&l->idle);
	return l;
}

static void
account_free(struct account *a)
{
	free(a->key);
	free(a);
}

static void
forget(struct account *a)
{
	TAILQ_REMOVE(&a->owner->idle, a, link);
	a->owner->idle_count--;
	account_free(a);
}

void
accounts_free(struct accounts *l)
{
	struct account *a, *next;

	if (l == NULL)
		return;
	assert(TAILQ_EMPTY(&l->used));
	for (a = TAILQ_FIRST(&l->idle); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		account_free(a);
	}
	free(l);
}

static void
fill(struct bucket *b, double now)
{
	if (now <= b->at)
		return;
	b->left = fmin(b->size, b->left + (now - b->at) * b->rate);
	b->at = now;
}

static bool
is_full(struct account *a, double now)
{
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		fill(&a->buckets[i], now);
		if (a->buckets[i].left < a->buckets[i].size)
			return false;
	}
	return true;
}

static struct account *
find(struct account_list *list, const char *key)
{
	struct account *a;

	TAILQ_FOREACH(a, list, link) {
		if (strcmp(a->key, key) == 0)
			break;
	}
	return a;
}

static void
forget_full(struct accounts *l, double now)
{
	struct account *a = TAILQ_FIRST(&l->idle), *next;

	for (; a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (is_full(a, now))
			forget(a);
	}
}

static struct account *
account_new(struct accounts *l, const struct policy_limit *limit, double now)
{
	struct account *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->key = strdup(limit->key);
	if (a->key == NULL) {
		free(a);
		return NULL;
	}
	a->owner = l;
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		const struct policy_amount *amount = &limit->amounts[i];

		if (amount->amount == 0)
			continue;
		a->buckets[i] = (struct bucket){
			.size = (double)amount->amount,
			.rate = (double)amount->amount / amount->seconds,
			.left = (double)amount->amount,
			.at = now,
		};
	}
	return a;
}

struct account *
account_open(struct accounts *l, const struct policy_limit *limit, double now)
{
	struct account *a = find(&l->used, limit->key);

	if (a != NULL) {
		a->users++;
		return a;
	}
	a = find(&l->idle, limit->key);
	if (a != NULL) {
		TAILQ_REMOVE(&l->idle, a, link);
		l->idle_count--;
	} else {
		forget_full(l, now);
		a = account_new(l, limit, now);
	}
	if (a == NULL)
		return NULL;
	a->users = 1;
	TAILQ_INSERT_HEAD(&l->used, a, link);
	return a;
}

void
account_close(struct account *a)
{
	struct accounts *l;

	if (a == NULL || --a->users > 0)
		return;
	l = a->owner;
	TAILQ_REMOVE(&l->used, a, link);
	TAILQ_INSERT_TAIL(&l->idle, a, link);
	if (++l->idle_count > ACCOUNTS_IDLE_MAX)
		forget(TAILQ_FIRST(&l->idle));
}

bool
account_has(struct account *a, enum policy_budget budget, double now,
	double *ret_seconds)
{
	/* What was waited for to the second is there, however it rounds. */
	static const double whole = 1 - 1e-6;
	struct bucket *b = &a->buckets[budget];

	fill(b, now);
	if (b->size == 0 || b->left >= whole)
		return true;
	*ret_seconds = (1 - b->left) / b->rate;
	return false;
}

void
account_charge(
	struct account *a, enum policy_budget budget, uint64_t n, double now)
{
	struct bucket *b = &a->buckets[budget];

	if (b->size == 0)
		return;
	fill(b, now);
	b->left -= (double)n;
}
