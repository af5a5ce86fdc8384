#include "name_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "keyed_hash.h"
#include "resolver.h"

/* One allocation: the records of another type and the name stand behind the
 * addresses. */
struct entry {
	TAILQ_ENTRY(entry) used; /* the least recently used is first */
	LIST_ENTRY(entry) chain;
	uint64_t expires_ms;
	int family;
	uint16_t type;
	int status;
	const char *text;
	const char *name;
	const uint8_t *records;
	size_t records_len;
	size_t count;
	uint8_t addresses[][16];
};

LIST_HEAD(entry_chain, entry);

struct name_cache {
	struct keyed_hash hash;
	TAILQ_HEAD(, entry) used;
	size_t count;
	size_t capacity;
	size_t bucket_count; /* a power of two */
	struct entry_chain buckets[];
};

struct name_cache *
name_cache_new(size_t capacity)
{
	struct name_cache *c;
	size_t buckets = 1;

	while (buckets < capacity)
		buckets *= 2;
	c = calloc(1, sizeof(*c) + buckets * sizeof(struct entry_chain));
	if (c == NULL)
		return NULL;
	if (keyed_hash_init(&c->hash) < 0) {
		free(c);
		return NULL;
	}
	TAILQ_INIT(&c->used);
	c->capacity = capacity;
	c->bucket_count = buckets;
	return c;
}

static void
forget(struct name_cache *c, struct entry *e)
{
	TAILQ_REMOVE(&c->used, e, used);
	LIST_REMOVE(e, chain);
	c->count--;
	free(e);
}

void
name_cache_clear(struct name_cache *c)
{
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&c->used); e != NULL; e = next) {
		next = TAILQ_NEXT(e, used);
		forget(c, e);
	}
}

void
name_cache_free(struct name_cache *c)
{
	if (c == NULL)
		return;
	name_cache_clear(c);
	free(c);
}

static struct entry_chain *
bucket_of(struct name_cache *c, const char *name)
{
	uint64_t hash = keyed_hash_of(&c->hash, name, strlen(name));

	return &c->buckets[hash & (c->bucket_count - 1)];
}

static struct entry *
find(struct name_cache *c, const char *name, uint16_t type)
{
	struct entry *e;

	LIST_FOREACH(e, bucket_of(c, name), chain) {
		if (e->type == type && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static size_t
address_bytes(const struct resolver_answer *answer)
{
	return answer->family == AF_UNSPEC ? 0 : answer->count * 16;
}

bool
name_cache_find(struct name_cache *c, const char *name, uint16_t type,
	uint64_t now_ms, struct resolver_answer *ret)
{
	struct entry *e = find(c, name, type);

	if (e == NULL)
		return false;
	if (e->expires_ms <= now_ms) {
		forget(c, e);
		return false;
	}
	TAILQ_REMOVE(&c->used, e, used);
	TAILQ_INSERT_TAIL(&c->used, e, used);
	*ret = (struct resolver_answer){
		.status = e->status,
		.family = e->family,
		.type = type,
		.count = e->count,
		.records = e->records,
		.records_len = e->records_len,
		.ttl = (unsigned)((e->expires_ms - now_ms + 999) / 1000),
		.text = e->text,
	};
	memcpy(ret->addresses, e->addresses, address_bytes(ret));
	return true;
}

void
name_cache_put(struct name_cache *c, const char *name, uint64_t now_ms,
	const struct resolver_answer *answer)
{
	size_t name_size = strlen(name) + 1;
	size_t addresses = address_bytes(answer);
	struct entry *e = find(c, name, answer->type);
	uint8_t *behind;

	if (e != NULL)
		forget(c, e);
	e = calloc(1, sizeof(*e) + addresses + answer->records_len + name_size);
	if (e == NULL)
		return;
	if (c->count == c->capacity)
		forget(c, TAILQ_FIRST(&c->used));
	e->family = answer->family;
	e->type = answer->type;
	e->status = answer->status;
	e->text = answer->text;
	e->expires_ms = now_ms + (uint64_t)answer->ttl * 1000;
	e->count = answer->count;
	behind = (uint8_t *)e->addresses + addresses;
	memcpy(e->addresses, answer->addresses, addresses);
	if (answer->records_len > 0) {
		e->records =
			memcpy(behind, answer->records, answer->records_len);
		e->records_len = answer->records_len;
	}
	e->name = memcpy(behind + answer->records_len, name, name_size);
	LIST_INSERT_HEAD(bucket_of(c, name), e, chain);
	TAILQ_INSERT_TAIL(&c->used, e, used);
	c->count++;
}
