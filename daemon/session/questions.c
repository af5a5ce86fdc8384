#include "questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns_tcp.h"
#include "flow.h"
#include "lookup.h"
#include "sandbox.h"
#include "services.h"

enum {
	ANSWER_MAX = 5376, /* what a resolver_answer holds, and a name */
};

struct questions {
	struct flow *flow;
	void (*wake)(void *arg);
	void *arg;
	struct dns_tcp tcp;
	struct dns_query query; /* the one being answered */
	struct lookup *lookup;
	size_t answer_len; /* waiting for room; 0: none */
	uint8_t answer[DNS_TCP_PREFIX + ANSWER_MAX];
};

struct questions *
questions_new(struct flow *f, void (*wake)(void *arg), void *arg)
{
	struct questions *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->flow = f;
	q->wake = wake;
	q->arg = arg;
	return q;
}

void
questions_free(struct questions *q)
{
	if (q == NULL)
		return;
	lookup_cancel(q->lookup);
	free(q);
}

static void
set_answer(struct questions *q, size_t len)
{
	dns_tcp_prefix(q->answer, len);
	q->answer_len = DNS_TCP_PREFIX + len;
}

static void
refuse(struct questions *q, enum dns_rcode rcode)
{
	set_answer(q, dns_answer(&q->query, rcode, NULL,
			      q->answer + DNS_TCP_PREFIX, ANSWER_MAX));
}

static void
on_done(void *arg, enum dns_rcode rcode, const struct dns_content *content)
{
	struct questions *q = arg;

	q->lookup = NULL;
	set_answer(q, dns_answer(&q->query, rcode, content,
			      q->answer + DNS_TCP_PREFIX, ANSWER_MAX));
	q->wake(q->arg);
}

static bool
ask(struct questions *q, const uint8_t *data, size_t len)
{
	struct services *services = q->flow->services;
	struct lookup_from from = {
		.sandbox = q->flow->sandbox,
		.source = (const struct sockaddr *)&q->flow->source,
		.server = (const struct sockaddr *)&q->flow->original,
		.proto = "tcp",
	};
	int r = dns_query_parse(data, len, &q->query);

	if (r == -EPROTO) {
		refuse(q, q->query.refusal);
		return true;
	}
	if (r < 0)
		return false;
	if (!lookup_may_ask(services, q->flow->sandbox)) {
		refuse(q, DNS_REFUSED);
		return true;
	}
	q->lookup = lookup_new(services, &from, &q->query, on_done, q);
	if (q->lookup == NULL)
		refuse(q, DNS_SERVFAIL);
	return true;
}

/* The next whole question, if there is one and no other is open. */
static bool
take_question(struct questions *q, struct buf *in)
{
	struct span data = buf_span(in);
	const uint8_t *message;
	size_t len;
	bool ok;
	int r;

	buf_consume(
		in, dns_tcp_feed(&q->tcp, (const uint8_t *)data.ptr, data.len));
	r = dns_tcp_next(&q->tcp, &message, &len);
	if (r <= 0)
		return r == 0;
	ok = ask(q, message, len);
	dns_tcp_pop(&q->tcp);
	return ok;
}

bool
questions_run(struct questions *q, struct buf *in, struct buf *out)
{
	int r;

	do {
		if (q->answer_len > 0) {
			r = buf_add(out, q->answer, q->answer_len);
			if (r < 0)
				return r == -ENOBUFS; /* when there is room */
			q->answer_len = 0;
		}
		if (q->lookup != NULL)
			return true;
		if (!take_question(q, in))
			return false;
	} while (q->answer_len > 0);
	return true;
}

bool
questions_are_answered(const struct questions *q)
{
	return q->lookup == NULL && q->answer_len == 0;
}
