#include "protocols.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	ENTRIES = 256,
};

/* An origin may be given HTTP/2, or lose it, while a sandbox lives. */
static const double age_seconds = 600;

struct entry {
	TAILQ_ENTRY(entry) link;
	enum spoken spoken;
	double since;
	uint16_t port;
	char host[];
};

struct protocols {
	TAILQ_HEAD(protocol_entries, entry) entries; /* newest first */
	size_t count;
};

struct protocols *
protocols_new(void)
{
	struct protocols *p = calloc(1, sizeof(*p));

	if (p != NULL)
		TAILQ_INIT(&p->entries);
	return p;
}

static void
drop(struct protocols *p, struct entry *e)
{
	TAILQ_REMOVE(&p->entries, e, link);
	p->count--;
	free(e);
}

void
protocols_free(struct protocols *p)
{
	struct entry *e, *next;

	if (p == NULL)
		return;
	for (e = TAILQ_FIRST(&p->entries); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		drop(p, e);
	}
	free(p);
}

static struct entry *
find(struct protocols *p, const char *host, uint16_t port)
{
	struct entry *e;

	TAILQ_FOREACH(e, &p->entries, link) {
		if (e->port == port && strcmp(e->host, host) == 0)
			return e;
	}
	return NULL;
}

enum spoken
protocols_get(struct protocols *p, const char *host, uint16_t port, double now)
{
	struct entry *e = find(p, host, port);

	if (e == NULL)
		return SPOKEN_UNKNOWN;
	if (now - e->since < age_seconds)
		return e->spoken;
	drop(p, e);
	return SPOKEN_UNKNOWN;
}

void
protocols_put(struct protocols *p, const char *host, uint16_t port,
	enum spoken spoken, double now)
{
	struct entry *e = find(p, host, port);
	size_t len = strlen(host) + 1;

	if (e != NULL)
		drop(p, e);
	e = malloc(sizeof(*e) + len);
	if (e == NULL)
		return;
	e->spoken = spoken;
	e->since = now;
	e->port = port;
	memcpy(e->host, host, len);
	TAILQ_INSERT_HEAD(&p->entries, e, link);
	if (++p->count > ENTRIES)
		drop(p, TAILQ_LAST(&p->entries, protocol_entries));
}
