#include "keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "secret.h"

enum {
	KEY_MAX = 160, /* of two names, and more */
};

/* Few names, each looked up once a request: a list is enough. */
struct entry {
	SLIST_ENTRY(entry) link;
	struct secret *value;
	char name[];
};

struct keyring {
	SLIST_HEAD(, entry) entries;
};

struct keyring *
keyring_new(void)
{
	return calloc(1, sizeof(struct keyring));
}

void
keyring_free(struct keyring *v)
{
	struct entry *e;

	if (v == NULL)
		return;
	while ((e = SLIST_FIRST(&v->entries)) != NULL) {
		SLIST_REMOVE_HEAD(&v->entries, link);
		secret_unref(e->value);
		free(e);
	}
	free(v);
}

static struct entry *
find(const struct keyring *v, const char *name)
{
	struct entry *e;

	SLIST_FOREACH(e, &v->entries, link) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static struct entry *
find_or_add(struct keyring *v, const char *name)
{
	struct entry *e = find(v, name);
	size_t len = strlen(name) + 1;

	if (e != NULL)
		return e;
	e = calloc(1, sizeof(*e) + len);
	if (e == NULL)
		return NULL;
	memcpy(e->name, name, len);
	SLIST_INSERT_HEAD(&v->entries, e, link);
	return e;
}

int
keyring_reserve(struct keyring *v, const char *name)
{
	return find_or_add(v, name) != NULL ? 0 : -ENOMEM;
}

int
keyring_set(struct keyring *v, const char *name, struct secret *value)
{
	struct entry *e = find_or_add(v, name);

	if (e == NULL) {
		secret_unref(value);
		return -ENOMEM;
	}
	secret_unref(e->value);
	e->value = value;
	return 0;
}

struct secret *
keyring_get(const struct keyring *v, const char *name)
{
	const struct entry *e = find(v, name);

	return e != NULL ? e->value : NULL;
}

/* A sandbox's own value has its name behind the credential's; in neither name
 * there can be a slash. */
struct secret *
keyring_value(
	const struct keyring *v, const char *credential, const char *sandbox)
{
	char key[KEY_MAX];

	if (sandbox == NULL)
		return keyring_get(v, credential);
	if (snprintf(key, sizeof(key), "%s/%s", credential, sandbox) >=
		(int)sizeof(key))
		return NULL;
	return keyring_get(v, key);
}
