#include "resume.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	RESUME_ENTRIES = 64, /* at 6.6 KB each */
};

struct entry {
	TAILQ_ENTRY(entry) link;
	SSL_SESSION *session;
	uint16_t port;
	char host[];
};

struct resume {
	TAILQ_HEAD(resume_entries, entry) entries; /* newest first */
	size_t count;
};

struct resume *
resume_new(void)
{
	struct resume *r = calloc(1, sizeof(*r));

	if (r != NULL)
		TAILQ_INIT(&r->entries);
	return r;
}

static SSL_SESSION *
drop(struct resume *r, struct entry *e)
{
	SSL_SESSION *session = e->session;

	TAILQ_REMOVE(&r->entries, e, link);
	r->count--;
	free(e);
	return session;
}

void
resume_free(struct resume *r)
{
	struct entry *e, *next;

	if (r == NULL)
		return;
	for (e = TAILQ_FIRST(&r->entries); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		SSL_SESSION_free(drop(r, e));
	}
	free(r);
}

void
resume_put(
	struct resume *r, const char *host, uint16_t port, SSL_SESSION *session)
{
	size_t len = strlen(host) + 1;
	struct entry *e = malloc(sizeof(*e) + len);

	if (e == NULL) {
		SSL_SESSION_free(session);
		return;
	}
	e->session = session;
	e->port = port;
	memcpy(e->host, host, len);
	TAILQ_INSERT_HEAD(&r->entries, e, link);
	if (++r->count > RESUME_ENTRIES)
		SSL_SESSION_free(
			drop(r, TAILQ_LAST(&r->entries, resume_entries)));
}

SSL_SESSION *
resume_take(struct resume *r, const char *host, uint16_t port)
{
	struct entry *e;

	TAILQ_FOREACH(e, &r->entries, link) {
		if (e->port != port || strcmp(e->host, host) != 0)
			continue;
		/* A resumed TLS 1.2 handshake brings no new session. */
		if (SSL_SESSION_get_protocol_version(e->session) <
				TLS1_3_VERSION &&
			SSL_SESSION_up_ref(e->session))
			return e->session;
		return drop(r, e);
	}
	return NULL;
}
