/*
 * Dials on loopback, with a resolver that answers from a table and a guard
 * that lets 127.0.0.0/8 and ::1 pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "dial.h"
#include "guard.h"
#include "loop_until.h"
#include "loopback.h"
#include "resolver_double.h"

static const struct resolver_row rows[] = {
	{.host = "one.test", AF_INET, {"127.0.0.1"}},
	{.host = "one.test", AF_INET6, {NULL}},
	{.host = "later.test", AF_INET, {"127.0.0.1"}, .after = 0.01},
	{.host = "later.test", AF_INET6, {NULL}, .after = 0.02},
	{.host = "two.test", AF_INET, {"127.0.0.1", "127.0.0.2"}},
	{.host = "both.test", AF_INET, {"127.0.0.1"}},
	{.host = "both.test", AF_INET6, {"::1"}},
	{.host = "private.test", AF_INET, {"10.0.0.1", "192.168.0.1"}},
	{.host = "private.test", AF_INET6, {"fd00::1"}},
	{.host = "mixed.test", AF_INET, {"10.0.0.1", "127.0.0.1"}},
	{.host = "none.test", AF_INET, {NULL}},
	{.host = "none.test", AF_INET6, {NULL}},
	{.host = "half.test", AF_INET, {"127.0.0.1"}, .after = 0.01},
	{.host = "half.test", AF_INET6, {NULL}, .after = -1},
	{.host = "mute.test", AF_INET, {NULL}, .after = -1},
	{.host = "mute.test", AF_INET6, {NULL}, .after = -1},
	{.host = "fails.test", AF_INET, {NULL}, .status = -ETIMEDOUT},
	{.host = "fails.test", AF_INET6, {NULL}, .status = -ETIMEDOUT},
	{.host = "inside.test", AF_INET, {"10.0.0.1"}, .after = 0.001},
	{.host = "inside.test", AF_INET6, {NULL}, .after = -1},
	/* One family is quick and leads nowhere. */
	{.host = "slow4.test", AF_INET, {"127.0.0.1"}, .after = 0.15},
	{.host = "slow4.test", AF_INET6, {"fd00::1"}, .after = 0.001},
	{.host = "slow6.test", AF_INET, {"127.0.0.2"}, .after = 0.001},
	{.host = "slow6.test", AF_INET6, {"::1"}, .after = 0.15},
	{.host = "slow-none.test", AF_INET, {"127.0.0.2"}, .after = 0.001},
	{.host = "slow-none.test", AF_INET6, {NULL}, .after = 0.15},
	{.host = NULL},
};

struct scene {
	struct ev_loop *loop;
	struct guard *guard;
	struct dialler with;
	int calls;
	bool done, inside;
	struct dial_result result;
	struct sockaddr_storage address;
	char why[256];
};

static void
on_done(void *arg, const struct dial_result *result)
{
	struct scene *s = arg;

	assert_false(s->inside);
	s->calls++;
	s->done = true;
	s->result = *result;
	s->address = (struct sockaddr_storage){0};
	if (result->address != NULL)
		memcpy(&s->address, result->address,
			result->address->sa_family == AF_INET
				? sizeof(struct sockaddr_in)
				: sizeof(struct sockaddr_in6));
	s->why[0] = '\0';
	if (result->why != NULL)
		strncat(s->why, result->why, sizeof(s->why) - 1);
}

static int
set_up(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = ev_loop_new(0);
	s.guard = guard_new();
	assert_non_null(s.loop);
	assert_non_null(s.guard);
	assert_int_equal(guard_allow(s.guard, "127.0.0.0/8"), 0);
	assert_int_equal(guard_allow(s.guard, "::1"), 0);
	s.with = (struct dialler){
		s.loop, resolver_double_new(s.loop, rows), s.guard, 10, NULL};
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	assert_int_equal(resolver_double_open(s->with.resolver), 0);
	resolver_free(s->with.resolver);
	guard_free(s->guard);
	ev_loop_destroy(s->loop);
	return 0;
}

static struct dial *
begin(struct scene *s, const char *host, uint16_t port)
{
	struct dial *d;

	s->done = false;
	s->calls = 0;
	s->inside = true;
	ev_now_update(s->loop);
	d = dial_name(&s->with, host, port, on_done, s);
	s->inside = false;
	assert_non_null(d);
	return d;
}

static void
dial(struct scene *s, const char *host, uint16_t port)
{
	begin(s, host, port);
	loop_until_set(s->loop, &s->done, host);
	ev_run(s->loop, 0); /* nothing is left running */
	assert_int_equal(s->calls, 1);
}

static void
assert_connected(struct scene *s, const char *to, uint16_t port)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	char text[64];

	if (s->result.failure != DIAL_OK)
		fail_msg("%d: %s", s->result.failure, s->why);
	assert_string_equal(loopback_text((const struct sockaddr *)&s->address,
				    text, sizeof(text)),
		to);
	assert_int_equal(
		getpeername(s->result.fd, (struct sockaddr *)&peer, &len), 0);
	/* The very address that passed the guard. */
	assert_memory_equal(&peer, &s->address, len);
	assert_int_equal(
		ntohs(((struct sockaddr_in *)&s->address)->sin_port), port);
	assert_true(fcntl(s->result.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(s->result.fd, F_GETFD) & FD_CLOEXEC);
	close(s->result.fd);
}

static void
assert_failed(struct scene *s, enum dial_failure want, const char *why)
{
	assert_int_equal(s->result.failure, want);
	assert_int_equal(s->result.fd, -1);
	if (strstr(s->why, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, s->why);
}

static void
test_names_that_connect(void **state)
{
	static const struct {
		const char *host, *listen, *reason;
	} cases[] = {
		{"one.test", "127.0.0.1", "cached: not from inside the call"},
		{"later.test", "127.0.0.1", "answered later"},
		{"two.test", "127.0.0.1", "the first works"},
		{"two.test", "127.0.0.2", "the first is dead, the second not"},
		{"both.test", "::1", "IPv6 first"},
		{"both.test", "127.0.0.1", "IPv6 dead"},
		{"mixed.test", "127.0.0.1", "one is refused, the other not"},
		{"half.test", "127.0.0.1", "the other family never answers"},
		{"slow4.test", "127.0.0.1", "IPv6 refused, IPv4 late"},
		{"slow6.test", "::1", "IPv4 dead, IPv6 late"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = loopback_listen(cases[i].listen, 0, 8);
		uint16_t port = loopback_port(fd);

		print_message("%s: %s\n", cases[i].host, cases[i].reason);
		dial(s, cases[i].host, port);
		assert_connected(s, cases[i].listen, port);
		close(fd);
	}
}

static void
test_names_that_do_not(void **state)
{
	static const struct {
		const char *host;
		enum dial_failure want;
		const char *why, *reason;
	} cases[] = {
		{"private.test", DIAL_REFUSED, "refused: private",
			"the guard refuses each"},
		{"none.test", DIAL_NO_ADDRESS, "no address of that family",
			"there is none"},
		{"nowhere.test", DIAL_NO_ADDRESS, "no such name", "no name"},
		{"fails.test", DIAL_NO_ADDRESS, "does not resolve",
			"the servers are silent"},
		{"one.test", DIAL_FAILED, "Connection refused",
			"nobody listens"},
		{"two.test", DIAL_FAILED, "Connection refused",
			"nor at the second"},
		{"slow6.test", DIAL_FAILED, "Connection refused",
			"nor at the late one"},
		{"slow-none.test", DIAL_FAILED, "Connection refused",
			"a late no does not hide what went wrong"},
	};
	struct scene *s = *state;
	uint16_t port = loopback_closed_port();
	int before = open_descriptors();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s: %s\n", cases[i].host, cases[i].reason);
		dial(s, cases[i].host, port);
		assert_failed(s, cases[i].want, cases[i].why);
		assert_int_equal(s->result.address != NULL,
			cases[i].want == DIAL_FAILED);
		assert_int_equal(open_descriptors(), before);
	}
}

/* A peer that does not answer holds up only itself. */
static void
test_the_next_is_tried_beside_a_silent_one(void **state)
{
	int silent = loopback_listen("127.0.0.1", 0, 0), fill[2];
	uint16_t port = loopback_port(silent);
	int fd = loopback_listen("127.0.0.2", port, 8);
	struct scene *s = *state;

	loopback_fill(silent, fill);
	dial(s, "two.test", port);
	assert_connected(s, "127.0.0.2", port);
	close(fill[0]);
	close(fill[1]);
	close(fd);
	close(silent);
}

static void
test_time_is_up(void **state)
{
	static const struct {
		const char *host;
		bool has_address;
		const char *reason;
	} cases[] = {
		{"one.test", true, "nobody accepts"},
		{"mute.test", false, "no name server answers"},
	};
	int silent = loopback_listen("127.0.0.1", 0, 0), fill[2];
	uint16_t port = loopback_port(silent);
	int before = open_descriptors() + 2; /* with fill */
	struct scene *s = *state;

	loopback_fill(silent, fill);
	s->with.timeout = 0.1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		dial(s, cases[i].host, port);
		assert_failed(s, DIAL_TIMEOUT, "no answer within 0.1 s");
		if ((s->result.address != NULL) != cases[i].has_address)
			fail_msg("%s", cases[i].reason);
		assert_int_equal(open_descriptors(), before);
	}
	close(fill[0]);
	close(fill[1]);
	close(silent);
}

/* What is known by then is said, not that a name server was silent. */
static void
test_time_is_up_after_a_refusal(void **state)
{
	struct scene *s = *state;

	s->with.timeout = 0.1;
	dial(s, "inside.test", 80);
	assert_failed(s, DIAL_REFUSED, "refused: private");
}

static void
test_cancelled_it_leaves_nothing(void **state)
{
	static const struct {
		const char *host;
		int turns;
		const char *reason;
	} cases[] = {
		{"mute.test", 0, "while resolving"},
		{"half.test", 0, "before the first answer"},
		{"one.test", 0, "just begun, the name was cached"},
		{"two.test", 1, "while connecting"},
		{"nowhere.test", 0, "ended, but not yet told"},
	};
	int silent = loopback_listen("127.0.0.1", 0, 0), fill[2];
	uint16_t port = loopback_port(silent);
	struct scene *s = *state;
	int before;

	loopback_fill(silent, fill);
	before = open_descriptors();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dial *d = begin(s, cases[i].host, port);

		for (int k = 0; k < cases[i].turns; k++)
			loop_once(s->loop);
		dial_cancel(d);
		ev_run(s->loop, 0);
		assert_int_equal(s->calls, 0);
		if (open_descriptors() != before ||
			resolver_double_open(s->with.resolver) != 0)
			fail_msg("%s", cases[i].reason);
	}
	dial_cancel(NULL);
	close(fill[0]);
	close(fill[1]);
	close(silent);
}

/* Connected in the kernel, but nobody was told: the socket is ours to close. */
static void
test_cancelled_when_connected(void **state)
{
	int fd = loopback_listen("127.0.0.1", 0, 8), before, accepted;
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	struct scene *s = *state;
	struct dial *d;
	char byte;

	before = open_descriptors();
	d = begin(s, "one.test", loopback_port(fd));
	assert_int_equal(poll(&waiting, 1, 10000), 1);
	/* The dial sees it in this turn and tells of it in the next. */
	loop_once(s->loop);
	assert_int_equal(s->calls, 0);
	dial_cancel(d);
	assert_int_equal(open_descriptors(), before);
	accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	close(accepted);
	close(fd);
}

static void
test_addresses(void **state)
{
	int fd = loopback_listen("127.0.0.1", 0, 8);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(loopback_port(fd)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct scene *s = *state;

	s->inside = true;
	assert_non_null(
		dial_address(&s->with, (struct sockaddr *)&to, on_done, s));
	s->inside = false;
	loop_until_set(s->loop, &s->done, "127.0.0.1");
	assert_connected(s, "127.0.0.1", loopback_port(fd));
	/* No way around the guard. */
	to.sin_addr.s_addr = htonl(0xa9fea9fe);
	s->done = false;
	s->inside = true;
	assert_non_null(
		dial_address(&s->with, (struct sockaddr *)&to, on_done, s));
	s->inside = false;
	loop_until_set(s->loop, &s->done, "169.254.169.254");
	assert_failed(s, DIAL_REFUSED, "cloud metadata");
	/* Nobody there: no name could still bring another address. */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(loopback_closed_port());
	s->done = false;
	assert_non_null(
		dial_address(&s->with, (struct sockaddr *)&to, on_done, s));
	loop_until_set(s->loop, &s->done, "a closed port");
	assert_failed(s, DIAL_FAILED, "Connection refused");
	assert_int_equal(resolver_double_asked(s->with.resolver), 0);
	close(fd);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names_that_connect),
		TEST(test_names_that_do_not),
		TEST(test_the_next_is_tried_beside_a_silent_one),
		TEST(test_time_is_up),
		TEST(test_time_is_up_after_a_refusal),
		TEST(test_cancelled_it_leaves_nothing),
		TEST(test_cancelled_when_connected),
		TEST(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
