#include "udp_questions.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "lookup.h"
#include "responder.h"
#include "sandbox.h"
#include "services.h"

struct question {
	struct dns_request *request;
	struct lookup *lookup;
};

struct udp_questions {
	struct services *services;
	struct dns_responder *responder;
};

static void
on_done(void *arg, enum dns_rcode rcode, const struct dns_content *content)
{
	struct question *q = arg;

	dns_request_answer(q->request, rcode, content);
	free(q);
}

static void
ask(void *arg, struct dns_request *request)
{
	struct udp_questions *all = arg;
	struct services *services = all->services;
	struct lookup_from from = {
		.sandbox = sandboxes_identify(services->sandboxes,
			request->ifindex,
			(const struct sockaddr *)&request->peer),
		.source = (const struct sockaddr *)&request->peer,
		.server = (const struct sockaddr *)&request->dst,
		.proto = "udp",
	};
	struct question *q;

	if (from.sandbox == NULL) {
		dns_request_drop(request);
		return;
	}
	if (!lookup_may_ask(services, from.sandbox)) {
		dns_request_answer(request, DNS_REFUSED, NULL);
		return;
	}
	q = calloc(1, sizeof(*q));
	if (q != NULL)
		q->lookup = lookup_new(
			services, &from, &request->query, on_done, q);
	if (q == NULL || q->lookup == NULL) {
		dns_request_answer(request, DNS_SERVFAIL, NULL);
		free(q);
		return;
	}
	q->request = request;
	request->data = q;
}

static void
gone(void *arg, struct dns_request *request)
{
	struct question *q = request->data;

	(void)arg;
	lookup_cancel(q->lookup);
	free(q);
}

struct udp_questions *
udp_questions_new(struct services *services)
{
	static const struct dns_responder_ops ops = {ask, gone};
	struct udp_questions *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->services = services;
	q->responder = dns_responder_new(services->loop, &ops, q);
	if (q->responder == NULL) {
		free(q);
		return NULL;
	}
	return q;
}

void
udp_questions_free(struct udp_questions *q)
{
	if (q == NULL)
		return;
	dns_responder_free(q->responder);
	free(q);
}

int
udp_questions_add(struct udp_questions *q, int fd)
{
	return dns_responder_add(q->responder, fd);
}
