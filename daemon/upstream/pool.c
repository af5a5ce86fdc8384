#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conn.h"
#include "deadline.h"
#include "monotonic.h"
#include "resume.h"
#include "stream.h"

enum {
	POOL_IDLE = 128, /* connections kept */
};

static const double fresh_seconds = 2;

struct idle {
	TAILQ_ENTRY(idle) link;
	struct pool *pool;
	struct origin *origin;
	struct deadline deadline;
	double since;
};

struct pool {
	const struct upstream *upstream;
	struct resume *resume;
	TAILQ_HEAD(idle_list, idle) idle; /* newest first */
	size_t count;
};

/* Takes the origin out of its place; the origin is the caller's. */
static struct origin *
take_out(struct idle *i)
{
	struct origin *o = i->origin;

	TAILQ_REMOVE(&i->pool->idle, i, link);
	i->pool->count--;
	deadline_done(&i->deadline);
	free(i);
	return o;
}

static void
on_passed(void *arg)
{
	origin_close(take_out(arg));
}

/*
 * An idle connection has nothing to say but TLS's own messages (a session
 * ticket, say): anything else, and it goes.
 */
static void
on_changed(void *arg)
{
	struct idle *i = arg;
	struct stream *s = origin_stream(i->origin);

	if (stream_fill(s) > 0 || s->read_done || stream_is_broken(s))
		origin_close(take_out(i));
}

struct pool *
pool_new(const struct upstream *u)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->upstream = u;
	TAILQ_INIT(&p->idle);
	p->resume = resume_new();
	if (p->resume == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	struct idle *i, *next;

	if (p == NULL)
		return;
	for (i = TAILQ_FIRST(&p->idle); i != NULL; i = next) {
		next = TAILQ_NEXT(i, link);
		origin_close(take_out(i));
	}
	resume_free(p->resume);
	free(p);
}

static bool
same_key(const struct origin_key *a, const struct origin_key *b)
{
	return a->port == b->port && a->secure == b->secure &&
	       strcmp(a->host, b->host) == 0 &&
	       strcmp(a->credentials, b->credentials) == 0;
}

struct origin *
pool_take(struct pool *p, const struct origin_key *key, bool fresh)
{
	double now = monotonic_now();
	struct idle *i;

	TAILQ_FOREACH(i, &p->idle, link) {
		if (fresh && now - i->since > fresh_seconds)
			return NULL; /* the rest is older still */
		if (same_key(origin_key(i->origin), key))
			return take_out(i);
	}
	return NULL;
}

static bool
is_reusable(struct origin *o)
{
	struct stream *s;

	if (origin_state(o) != ORIGIN_READY)
		return false;
	s = origin_stream(o);
	return !stream_is_broken(s) && !s->read_done && !s->write_done &&
	       s->in.len == 0 && s->out.len == 0 &&
	       http_conn_is_idle(origin_http(o)) &&
	       !http_conn_must_close(origin_http(o));
}

void
pool_give(struct pool *p, struct origin *o)
{
	struct idle *i = NULL;

	if (is_reusable(o))
		i = calloc(1, sizeof(*i));
	if (i == NULL) {
		origin_close(o);
		return;
	}
	i->pool = p;
	i->origin = o;
	i->since = monotonic_now();
	deadline_init(&i->deadline, p->upstream->loop, on_passed, i);
	deadline_set(&i->deadline, p->upstream->idle_seconds);
	origin_set_used(o);
	origin_own(o, on_changed, i);
	stream_watch(origin_stream(o), true);
	http_conn_shrink(origin_http(o));
	stream_shrink(origin_stream(o));
	TAILQ_INSERT_HEAD(&p->idle, i, link);
	if (++p->count > POOL_IDLE)
		origin_close(take_out(TAILQ_LAST(&p->idle, idle_list)));
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
	struct idle *i = TAILQ_FIRST(&p->idle), *next;

	for (; i != NULL; i = next) {
		next = TAILQ_NEXT(i, link);
		if (names(origin_key(i->origin)->credentials, credential))
			origin_close(take_out(i));
	}
}

struct resume *
pool_resume(struct pool *p)
{
	return p->resume;
}
