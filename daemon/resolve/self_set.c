#include "self_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyed_hash.h"

enum {
	SELF_FIRST_BUCKETS = 64, /* a power of two; doubles when it is full */
};

struct self {
	struct self *next;
	uint8_t address[16];
	unsigned count;
};

/* The bound on members is the caller's: one for each registered address. */
struct self_set {
	struct keyed_hash hash;
	struct self **buckets;
	size_t bucket_count;
	size_t member_count;
};

struct self_set *
self_set_new(void)
{
	struct self_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->buckets = calloc(SELF_FIRST_BUCKETS, sizeof(struct self *));
	if (s->buckets == NULL || keyed_hash_init(&s->hash) < 0) {
		free(s->buckets);
		free(s);
		return NULL;
	}
	s->bucket_count = SELF_FIRST_BUCKETS;
	return s;
}

void
self_set_free(struct self_set *s)
{
	struct self *self, *next;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->bucket_count; i++) {
		for (self = s->buckets[i]; self != NULL; self = next) {
			next = self->next;
			free(self);
		}
	}
	free(s->buckets);
	free(s);
}

static size_t
bucket_of(const struct self_set *s, const uint8_t *address)
{
	return keyed_hash_of(&s->hash, address, 16) & (s->bucket_count - 1);
}

/* The link that points at the member, or at NULL where it would stand. */
static struct self **
find(const struct self_set *s, const uint8_t *address)
{
	struct self **link = &s->buckets[bucket_of(s, address)];

	while (*link != NULL && memcmp((*link)->address, address, 16) != 0)
		link = &(*link)->next;
	return link;
}

/* Failing to grow costs speed, nothing else. */
static void
grow(struct self_set *s)
{
	struct self **old = s->buckets, *self, *next;
	size_t old_count = s->bucket_count;

	s->buckets = calloc(2 * old_count, sizeof(struct self *));
	if (s->buckets == NULL) {
		s->buckets = old;
		return;
	}
	s->bucket_count = 2 * old_count;
	for (size_t i = 0; i < old_count; i++) {
		for (self = old[i]; self != NULL; self = next) {
			size_t bucket = bucket_of(s, self->address);

			next = self->next;
			self->next = s->buckets[bucket];
			s->buckets[bucket] = self;
		}
	}
	free(old);
}

int
self_set_add(struct self_set *s, const uint8_t address[16])
{
	struct self **link = find(s, address);
	struct self *self = *link;

	if (self == NULL) {
		self = calloc(1, sizeof(*self));
		if (self == NULL)
			return -ENOMEM;
		memcpy(self->address, address, sizeof(self->address));
		*link = self;
		s->member_count++;
	}
	self->count++;
	if (s->member_count > s->bucket_count)
		grow(s);
	return 0;
}

void
self_set_remove(struct self_set *s, const uint8_t address[16])
{
	struct self **link = find(s, address);
	struct self *self = *link;

	if (self == NULL || --self->count > 0)
		return;
	*link = self->next;
	s->member_count--;
	free(self);
}

bool
self_set_has(const struct self_set *s, const uint8_t address[16])
{
	return *find(s, address) != NULL;
}
