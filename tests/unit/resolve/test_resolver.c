/* What whoever asks may rely on: caching, joining, cancelling, limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "array.h"
#include "asked.h"
#include "resolver_share.h"

static void
reply_plain(const struct question *q)
{
	struct message m;

	message_begin(&m, q, 0x8180);
	if (q->type == ns_t_a)
		message_a(&m, NULL, 60, "192.0.2.7");
	else
		message_aaaa(&m, NULL, 70, "2001:db8::7");
	message_send(&m, q);
}

static void
reply_never(const struct question *q)
{
	(void)q;
}

static void
test_both_families(void **state)
{
	struct resolver_answer answer;
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	answer = asked_answer(&b, "x.test", AF_INET);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.ttl, 60);
	assert_string_equal(asked_address(&answer, 0), "192.0.2.7");
	answer = asked_answer(&b, "x.test", AF_INET6);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.ttl, 70);
	assert_string_equal(asked_address(&answer, 0), "2001:db8::7");
	assert_int_equal(b.ns->questions, 2);
	bench_done(&b);
}

static void
test_cached_answer_comes_at_once(void **state)
{
	struct asked asked = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	asked_answer(&b, "x.test", AF_INET);
	assert_null(resolver_ask(b.r, "x.test", AF_INET, asked_done, &asked));
	assert_int_equal(asked.calls, 1);
	assert_int_equal(asked.answer.status, 0);
	assert_in_range(asked.answer.ttl, 5, 60);
	assert_string_equal(asked_address(&asked.answer, 0), "192.0.2.7");
	assert_int_equal(b.ns->questions, 1);
	bench_done(&b);
}

static void
test_same_questions_are_joined(void **state)
{
	struct asked asked[4] = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(resolver_ask(
			b.r, "x.test", AF_INET, asked_done, &asked[i]));
	assert_non_null(
		resolver_ask(b.r, "x.test", AF_INET6, asked_done, &asked[3]));
	asked_wait(&b, asked, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(asked[i].calls, 1);
	assert_int_equal(asked[0].answer.family, AF_INET);
	assert_int_equal(asked[3].answer.family, AF_INET6);
	assert_int_equal(b.ns->questions, 2);
	bench_done(&b);
}

/* Of two who wait, one goes; the answer of a question that nobody waits for
 * any more is cached all the same. */
static void
test_cancel(void **state)
{
	struct asked asked[3] = {0};
	struct resolver_query *gone;
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	resolver_cancel(NULL);
	gone = resolver_ask(b.r, "x.test", AF_INET, asked_done, &asked[0]);
	assert_non_null(
		resolver_ask(b.r, "x.test", AF_INET, asked_done, &asked[1]));
	resolver_cancel(gone);
	gone = resolver_ask(b.r, "x.test", AF_INET6, asked_done, &asked[2]);
	resolver_cancel(gone);
	asked_wait(&b, &asked[1], 1);
	while (b.ns->questions < 2)
		ev_run(b.loop, EVRUN_ONCE);
	assert_int_equal(asked[0].calls, 0);
	assert_int_equal(asked[1].calls, 1);
	asked_answer(&b, "x.test", AF_INET6);
	assert_int_equal(asked[2].calls, 0);
	assert_int_equal(b.ns->questions, 2);
	bench_done(&b);
}

struct chain {
	struct bench *b;
	struct resolver_query *victims[2];
	struct asked next;
	unsigned calls;
};

/* Cancels one of the same lookup and one of another, and asks anew. */
static void
chain_done(void *arg, const struct resolver_answer *answer)
{
	struct chain *chain = arg;

	assert_int_equal(answer->status, 0);
	if (chain->calls++ > 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(chain->victims); i++)
		resolver_cancel(chain->victims[i]);
	assert_non_null(resolver_ask(
		chain->b->r, "next.test", AF_INET, asked_done, &chain->next));
}

static void
test_ask_and_cancel_inside_done(void **state)
{
	struct asked victims[2] = {0};
	struct chain chain = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	chain.b = &b;
	assert_non_null(
		resolver_ask(b.r, "x.test", AF_INET, chain_done, &chain));
	chain.victims[0] =
		resolver_ask(b.r, "x.test", AF_INET, asked_done, &victims[0]);
	chain.victims[1] =
		resolver_ask(b.r, "y.test", AF_INET, asked_done, &victims[1]);
	asked_wait(&b, &chain.next, 1);
	asked_answer(&b, "y.test", AF_INET);
	assert_int_equal(chain.calls, 1);
	assert_int_equal(victims[0].calls + victims[1].calls, 0);
	bench_done(&b);
}

static const struct {
	const char *host, *why;
} not_hosts[] = {
	{"", "nothing"},
	{".", "the root"},
	{"x.test.", "not normalised: a dot at the end"},
	{"X.test", "not normalised: upper case"},
	{"x\\.test", "an escaped dot"},
	{"x\\046test", "an escaped dot in decimal"},
	{"x test", "a space"},
	{"x/test", "a slash"},
	{"b\xc3\xbc.test", "not an A-label"},
	{"[::1]", "an address"},
	{"a..test", "an empty label"},
	{"a123456789b123456789c123456789d123456789e123456789f123456789g123.t",
		"a label of 64"},
};

static void
test_what_is_no_host_is_never_asked(void **state)
{
	struct asked asked;
	struct bench b;

	(void)state;
	bench_init(&b, reply_plain);
	for (size_t i = 0; i < ARRAY_LEN(not_hosts); i++) {
		asked = (struct asked){0};
		if (resolver_ask(b.r, not_hosts[i].host, AF_INET, asked_done,
			    &asked) != NULL ||
			asked.calls != 1 || asked.answer.status != -ENOENT ||
			asked.answer.text == NULL)
			fail_msg("%s: %s", not_hosts[i].host, not_hosts[i].why);
	}
	asked_answer(&b, "x.test", AF_INET);
	assert_int_equal(b.ns->questions, 1);
	bench_done(&b);
}

static void
test_longest_name(void **state)
{
	struct resolver_answer answer;
	struct asked asked = {0};
	struct bench b;
	char name[300];

	(void)state;
	bench_init(&b, reply_plain);
	for (size_t i = 0; i < 254; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[253] = '\0';
	answer = asked_answer(&b, name, AF_INET);
	assert_int_equal(answer.status, 0);
	name[253] = 'a';
	name[254] = '\0';
	assert_null(resolver_ask(b.r, name, AF_INET, asked_done, &asked));
	assert_int_equal(asked.answer.status, -ENOENT);
	bench_done(&b);
}

/* More than 1,024 names on the wire: refused at once, and there is room again
 * once those are over. */
static void
test_questions_are_bounded(void **state)
{
	enum { MOST = 1024 };
	static struct asked asked[MOST];
	struct asked over = {0};
	struct bench b;
	char name[32];
	struct rlimit files;

	(void)state;
	/* each question has a socket */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	memset(asked, 0, sizeof(asked));
	bench_init(&b, reply_never);
	assert_int_equal(resolver_set_patience(b.r, 50, 1), 0);
	for (int i = 0; i < MOST; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		assert_non_null(resolver_ask(
			b.r, name, AF_INET, asked_done, &asked[i]));
	}
	assert_null(resolver_ask(b.r, "over.test", AF_INET, asked_done, &over));
	assert_int_equal(over.calls, 1);
	assert_int_equal(over.answer.status, -EIO);
	assert_string_equal(over.answer.text, "too many questions out");
	asked_wait(&b, asked, MOST);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(asked[i].answer.status, -ETIMEDOUT);
	/* The server has not read all of those yet. */
	assert_int_equal(resolver_set_patience(b.r, 200, 6), 0);
	b.ns->reply = reply_plain;
	assert_int_equal(asked_answer(&b, "over.test", AF_INET).status, 0);
	bench_done(&b);
}

static struct resolver_query *
ask_of(struct bench *b, struct resolver_share *share, int n,
	struct asked *asked)
{
	char name[32];
	const struct resolver_question question = {name, RESOLVER_A, share};

	snprintf(name, sizeof(name), "n%d.test", n);
	return resolver_ask_for(b->r, &question, asked_done, asked);
}

/* What one has out is its own, cancelled or not, and is over when it lands;
 * whoever asked may be gone by then. */
static void
test_one_asker_has_a_share(void **state)
{
	enum { SHARE = 128 };
	struct resolver_share *mine = resolver_share_new();
	struct resolver_share *other = resolver_share_new();
	struct asked gone = {0}, over = {0}, asked[4] = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_never);
	assert_int_equal(resolver_set_patience(b.r, 50, 1), 0);
	assert_non_null(ask_of(&b, mine, 0, &asked[0]));
	for (int i = 1; i < SHARE; i++)
		resolver_cancel(ask_of(&b, mine, i, &gone));
	assert_null(ask_of(&b, mine, SHARE, &over));
	assert_int_equal(over.answer.status, -EIO);
	assert_string_equal(
		over.answer.text, "too many questions of this sandbox out");
	/* One that is out already is joined, and others have their own. */
	assert_non_null(ask_of(&b, mine, 1, &asked[1]));
	assert_non_null(ask_of(&b, other, SHARE, &asked[2]));
	assert_non_null(ask_of(&b, NULL, SHARE + 1, &asked[3]));
	resolver_share_free(other);
	asked_wait(&b, asked, 4);
	for (int i = 0; i < SHARE; i++)
		assert_non_null(ask_of(&b, mine, 2 * SHARE + i, &gone));
	over.calls = 0;
	assert_null(ask_of(&b, mine, 0, &over));
	resolver_share_free(mine);
	bench_done(&b);
	assert_int_equal(gone.calls, 0);
}

static void
test_those_who_wait_are_bounded(void **state)
{
	enum { MOST = 16384 };
	struct asked asked = {0}, over = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_never);
	for (int i = 0; i < MOST; i++)
		assert_non_null(resolver_ask(
			b.r, "x.test", AF_INET, asked_done, &asked));
	assert_null(resolver_ask(b.r, "x.test", AF_INET, asked_done, &over));
	assert_int_equal(over.answer.status, -EIO);
	bench_done(&b);
	assert_int_equal(asked.calls, 0);
}

static void
test_free_calls_nobody_back(void **state)
{
	struct asked asked = {0};
	struct bench b;

	(void)state;
	bench_init(&b, reply_never);
	assert_non_null(
		resolver_ask(b.r, "x.test", AF_INET, asked_done, &asked));
	while (b.ns->questions == 0)
		ev_run(b.loop, EVRUN_ONCE);
	bench_done(&b);
	assert_int_equal(asked.calls, 0);
	resolver_free(NULL);
}

/* A question that the old server never answers is answered by the new one. */
static void
test_other_servers(void **state)
{
	struct name_server *better;
	struct asked asked = {0};
	const char *server;
	struct bench b;
	char err[128] = "";

	(void)state;
	bench_init(&b, reply_plain);
	better = name_server_new(b.loop, reply_plain);
	asked_answer(&b, "cached.test", AF_INET);
	b.ns->reply = reply_never;
	assert_non_null(
		resolver_ask(b.r, "x.test", AF_INET, asked_done, &asked));
	while (b.ns->questions < 2)
		ev_run(b.loop, EVRUN_ONCE);
	server = "not an address";
	assert_int_equal(
		resolver_set_servers(b.r, &server, 1, err, sizeof(err)),
		-EINVAL);
	assert_non_null(strstr(err, "not an address"));
	server = better->address;
	assert_int_equal(
		resolver_set_servers(b.r, &server, 1, err, sizeof(err)), 0);
	asked_wait(&b, &asked, 1);
	assert_int_equal(asked.answer.status, 0);
	assert_int_equal(better->questions, 1);
	asked_answer(&b, "cached.test", AF_INET);
	assert_int_equal(better->questions, 2);
	assert_int_equal(b.ns->questions, 2);
	name_server_free(better);
	bench_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_cached_answer_comes_at_once),
		cmocka_unit_test(test_same_questions_are_joined),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_ask_and_cancel_inside_done),
		cmocka_unit_test(test_what_is_no_host_is_never_asked),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_questions_are_bounded),
		cmocka_unit_test(test_one_asker_has_a_share),
		cmocka_unit_test(test_those_who_wait_are_bounded),
		cmocka_unit_test(test_free_calls_nobody_back),
		cmocka_unit_test(test_other_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
