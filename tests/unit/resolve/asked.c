#include "asked.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	DEADLINE = 20, /* seconds; nothing here takes one */
};

void
bench_init(struct bench *b, name_server_reply *reply)
{
	const char *server;
	char err[128] = "";

	b->loop = ev_loop_new(EVFLAG_AUTO);
	assert_non_null(b->loop);
	b->ns = name_server_new(b->loop, reply);
	server = b->ns->address;
	if (resolver_new(b->loop, &server, 1, &b->r, err, sizeof(err)) < 0)
		fail_msg("%s", err);
}

void
bench_done(struct bench *b)
{
	resolver_free(b->r);
	name_server_free(b->ns);
	ev_loop_destroy(b->loop);
}

void
asked_done(void *arg, const struct resolver_answer *answer)
{
	struct asked *asked = arg;

	asked->answer = *answer;
	asked->calls++;
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("no answer in %d s", DEADLINE);
}

static bool
all_answered(const struct asked *asked, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (asked[i].calls == 0)
			return false;
	}
	return true;
}

void
asked_wait(struct bench *b, const struct asked *asked, unsigned count)
{
	struct ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE, 0.);
	ev_timer_start(b->loop, &deadline);
	while (!all_answered(asked, count))
		ev_run(b->loop, EVRUN_ONCE);
	ev_timer_stop(b->loop, &deadline);
}

struct resolver_answer
asked_answer(struct bench *b, const char *host, int family)
{
	struct asked asked = {0};

	resolver_ask(b->r, host, family, asked_done, &asked);
	asked_wait(b, &asked, 1);
	assert_int_equal(asked.calls, 1);
	assert_int_equal(asked.answer.family, family);
	return asked.answer;
}

const char *
asked_address(const struct resolver_answer *answer, size_t i)
{
	static char text[INET6_ADDRSTRLEN];

	assert_true(i < answer->count);
	inet_ntop(answer->family, answer->addresses[i], text, sizeof(text));
	return text;
}
