#include "resolver_double.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

enum { TTL = 60 };

struct resolver {
	struct ev_loop *loop;
	const struct resolver_row *rows;
	int open, asked;
};

struct resolver_query {
	struct resolver *resolver;
	struct ev_timer timer;
	resolver_done *done;
	void *arg;
	struct resolver_answer answer;
};

struct resolver *
resolver_double_new(struct ev_loop *loop, const struct resolver_row *rows)
{
	struct resolver *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->loop = loop;
	r->rows = rows;
	return r;
}

void
resolver_free(struct resolver *r)
{
	free(r);
}

int
resolver_double_open(const struct resolver *r)
{
	return r->open;
}

int
resolver_double_asked(const struct resolver *r)
{
	return r->asked;
}

static void
make_answer(
	const struct resolver_row *row, int family, struct resolver_answer *ret)
{
	static const uint8_t text[] = {0, 3, 2, 'h', 'i'};

	*ret = (struct resolver_answer){.family = family, .ttl = TTL};
	if (row == NULL) {
		ret->status = -ENOENT;
		ret->text = "no such name";
		return;
	}
	if (family == AF_UNSPEC) {
		ret->count = 1;
		ret->records = text;
		ret->records_len = sizeof(text);
		return;
	}
	for (; row->addresses[ret->count] != NULL; ret->count++)
		assert_int_equal(inet_pton(family, row->addresses[ret->count],
					 ret->addresses[ret->count]),
			1);
	if (ret->count > 0)
		return;
	ret->status = row->status != 0 ? row->status : -ENODATA;
	ret->text = "no address of that family";
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct resolver_query *q = w->data;

	(void)loop, (void)revents;
	q->resolver->open--;
	q->done(q->arg, &q->answer);
	free(q);
}

struct resolver_query *
resolver_ask(struct resolver *r, const char *host, int family,
	resolver_done *done, void *arg)
{
	const struct resolver_question question = {
		.host = host, .type = family == AF_INET ? ns_t_a : ns_t_aaaa};

	return resolver_ask_for(r, &question, done, arg);
}

struct resolver_query *
resolver_ask_for(struct resolver *r, const struct resolver_question *question,
	resolver_done *done, void *arg)
{
	uint16_t type = question->type;
	int family = type == ns_t_a      ? AF_INET
		     : type == ns_t_aaaa ? AF_INET6
					 : AF_UNSPEC;
	const struct resolver_row *row = r->rows;
	struct resolver_answer answer;
	struct resolver_query *q;

	r->asked++;
	while (row->host != NULL &&
		(row->family != family ||
			strcmp(row->host, question->host) != 0))
		row++;
	if (row->host == NULL)
		row = NULL;
	make_answer(row, family, &answer);
	if (row == NULL || row->after == 0) {
		done(arg, &answer);
		return NULL;
	}
	q = calloc(1, sizeof(*q));
	assert_non_null(q);
	q->resolver = r;
	q->done = done;
	q->arg = arg;
	q->answer = answer;
	r->open++;
	ev_init(&q->timer, on_timer);
	q->timer.data = q;
	if (row->after > 0) {
		ev_timer_set(&q->timer, row->after, 0);
		ev_timer_start(r->loop, &q->timer);
	}
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	if (q == NULL)
		return;
	q->resolver->open--;
	ev_timer_stop(q->resolver->loop, &q->timer);
	free(q);
}
