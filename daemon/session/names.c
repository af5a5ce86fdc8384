#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "name_table.h"

struct names {
	const char *sandbox;
	const struct name_giver *giver;
	struct name_table *table;
	TAILQ_HEAD(, name_wait) waiting;
};

struct names *
names_new(const char *sandbox, const struct name_giver *giver)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->sandbox = sandbox;
	n->giver = giver;
	TAILQ_INIT(&n->waiting);
	n->table = name_table_new();
	if (n->table == NULL) {
		free(n);
		return NULL;
	}
	return n;
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	name_table_free(n->table);
	free(n);
}

bool
names_number(const struct names *n, const char *host, uint32_t *ret)
{
	return name_table_number(n->table, host, ret) == 0;
}

const char *
names_host(const struct names *n, uint32_t number)
{
	return name_table_name(n->table, number);
}

/* Whether w waits for that; host NULL: for the number. */
static bool
wants(const struct name_wait *w, const char *host, uint32_t number)
{
	if (host == NULL || w->host == NULL)
		return host == NULL && w->host == NULL && w->number == number;
	return strcmp(w->host, host) == 0;
}

static struct name_wait *
first_who_wants(const struct names *n, const char *host, uint32_t number)
{
	struct name_wait *w;

	TAILQ_FOREACH(w, &n->waiting, link) {
		if (wants(w, host, number))
			return w;
	}
	return NULL;
}

void
names_wait(struct names *n, struct name_wait *w)
{
	bool asked = first_who_wants(n, w->host, w->number) != NULL;

	w->names = n;
	TAILQ_INSERT_TAIL(&n->waiting, w, link);
	if (!asked)
		n->giver->ask(n->giver->arg, n->sandbox, w->host, w->number);
}

void
names_cancel(struct name_wait *w)
{
	if (w->names != NULL)
		TAILQ_REMOVE(&w->names->waiting, w, link);
	w->names = NULL;
}

static void
tell(struct name_wait *w)
{
	names_cancel(w);
	w->heard(w);
}

/* Whoever is told may cancel others, so each is looked for anew. */
static void
tell_all(struct names *n, const char *host, uint32_t number)
{
	struct name_wait *w;

	while ((w = first_who_wants(n, host, number)) != NULL)
		tell(w);
}

void
names_heard(struct names *n, const char *host, uint32_t number, bool known)
{
	int r = known ? name_table_learn(n->table, host, number) : 0;

	if (r < 0)
		log_warning("sandbox %s: synthetic address %u for %s: %s",
			n->sandbox, number, host, strerror(-r));
	if (host != NULL)
		tell_all(n, host, number);
	if (known || host == NULL)
		tell_all(n, NULL, number);
}

void
names_close(struct names *n)
{
	struct name_wait *w;

	while (n != NULL && (w = TAILQ_FIRST(&n->waiting)) != NULL)
		tell(w);
}
