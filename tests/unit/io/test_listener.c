/*
 * Listeners on loopback.  What accept4() refuses is counted, because how often
 * it is called while there are no descriptors is the thing to see.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "listener.h"
#include "log.h"
#include "loop_until.h"
#include "loopback.h"

enum { MOST = 200 };

struct scene {
	struct ev_loop *loop;
	struct listener *listener;
	struct arrival arrivals[MOST];
	int count, expected;
	int stop_after; /* arrivals; 0: never */
};

static int refused; /* calls, for want of a descriptor */

int __real_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
	int r = __real_accept4(fd, a, len, flags);

	if (r < 0 && errno == EMFILE)
		refused++;
	return r;
}

static void
on_arrived(void *arg, const struct arrival *a)
{
	struct scene *s = arg;

	assert_in_range(s->count, 0, MOST - 1);
	s->arrivals[s->count++] = *a;
	if (s->count == s->stop_after)
		listener_stop(s->listener);
}

static bool
all_arrived(void *arg)
{
	struct scene *s = arg;

	return s->count >= s->expected;
}

static void
open_scene(struct scene *s, int fd)
{
	memset(s, 0, sizeof(*s));
	refused = 0;
	s->loop = ev_loop_new(0);
	assert_non_null(s->loop);
	s->listener = listener_new(s->loop, fd, on_arrived, s);
	assert_non_null(s->listener);
}

static void
close_scene(struct scene *s)
{
	for (int i = 0; i < s->count; i++)
		close(s->arrivals[i].fd);
	listener_free(s->listener);
	ev_loop_destroy(s->loop);
}

static void
assert_same_address(const struct sockaddr_storage *a, int fd,
	int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage b = {0};
	socklen_t len = sizeof(b);

	assert_int_equal(name(fd, (struct sockaddr *)&b, &len), 0);
	assert_memory_equal(a, &b, len);
}

static void
test_an_arrival_knows_whence_and_whither(void **state)
{
	static const struct {
		const char *address;
		int level, option; /* 0: the interface is not asked for */
		const char *reason;
	} cases[] = {
		{"127.0.0.1", IPPROTO_IP, IP_PKTINFO, "IPv4"},
		{"::1", IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPv6"},
		{"127.0.0.1", 0, 0, "nobody knows the interface"},
		{"::1", 0, 0, "nor there"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = loopback_listen(cases[i].address, 0, 8), on = 1;
		unsigned want = cases[i].option ? if_nametoindex("lo") : 0;
		const struct arrival *a;
		struct scene s;
		int client;

		if (cases[i].option != 0)
			assert_int_equal(
				setsockopt(fd, cases[i].level, cases[i].option,
					&on, sizeof(on)),
				0);
		open_scene(&s, fd);
		client = loopback_connect(fd);
		s.expected = 1;
		loop_until(s.loop, all_arrived, &s, cases[i].reason);
		a = &s.arrivals[0];
		assert_same_address(&a->peer, client, getsockname);
		assert_same_address(&a->original, client, getpeername);
		if (a->ifindex != want)
			fail_msg("%s: interface %u", cases[i].reason,
				a->ifindex);
		assert_true(fcntl(a->fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(a->fd, F_GETFD) & FD_CLOEXEC);
		close(client);
		close_scene(&s);
	}
}

static void
test_many_at_once_all_arrive(void **state)
{
	int fd = loopback_listen("127.0.0.1", 0, MOST), clients[150];
	struct scene s;

	(void)state;
	open_scene(&s, fd);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = loopback_connect(fd);
	s.expected = ARRAY_LEN(clients);
	/* Others get a turn in between. */
	loop_once(s.loop);
	assert_in_range(s.count, 1, ARRAY_LEN(clients) - 1);
	loop_until(s.loop, all_arrived, &s, "150 connections");
	assert_int_equal(s.count, ARRAY_LEN(clients));
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
	close_scene(&s);
}

static bool
was_refused(void *arg)
{
	return refused >= *(const int *)arg;
}

/* Though the connection is still there to be accepted: shown for as long as
 * the pause surely lasts. */
static void
assert_pauses(struct scene *s)
{
	int first = 1;
	ev_tstamp begin;

	loop_until(s->loop, was_refused, &first, "a first attempt");
	begin = ev_now(s->loop);
	for (int i = 0; i < 5; i++) {
		loop_once(s->loop);
		if (ev_now(s->loop) - begin < 0.1)
			assert_int_equal(refused, 1);
	}
}

static rlim_t
limit_descriptors(rlim_t limit)
{
	struct rlimit r;
	rlim_t before;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	before = r.rlim_cur;
	r.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	return before;
}

static int
count_lines(int fd, const char *part)
{
	static char text[16384];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int count = 0;

	assert_true(n >= 0);
	text[n] = '\0';
	for (char *at = text; (at = strstr(at, part)) != NULL; at++)
		count++;
	return count;
}

/* What the log says goes into the file that is returned; *ret_own: what
 * standard error was. */
static int
divert_log(int *ret_own)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	log_open("test", LOG_LEVEL_NOTICE);
	*ret_own = dup(STDERR_FILENO);
	assert_true(*ret_own >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	return fd;
}

static void
run_out_of_descriptors(struct scene *s, const char *what)
{
	int spare = dup(STDIN_FILENO); /* the lowest that is free */
	int second = 2;
	rlim_t before;

	assert_true(spare >= 0);
	close(spare);
	refused = 0;
	before = limit_descriptors((rlim_t)spare);
	s->expected++;
	assert_pauses(s);
	/* It tries again by itself. */
	loop_until(s->loop, was_refused, &second, "a second attempt");
	assert_int_equal(s->count, s->expected - 1);
	limit_descriptors(before);
	loop_until(s->loop, all_arrived, s, what);
}

static void
test_threat_50_without_descriptors_it_pauses(void **state)
{
	int fd = loopback_listen("127.0.0.1", 0, 8), own, log;
	int clients[2];
	struct scene s;

	(void)state;
	log = divert_log(&own);
	open_scene(&s, fd);
	clients[0] = loopback_connect(fd);
	run_out_of_descriptors(&s, "the connection that had to wait");
	/* One warning a shortage, not one an attempt. */
	assert_int_equal(count_lines(log, "accepting pauses"), 1);
	clients[1] = loopback_connect(fd);
	run_out_of_descriptors(&s, "the second that had to wait");
	assert_int_equal(count_lines(log, "accepting pauses"), 2);
	assert_int_equal(dup2(own, STDERR_FILENO), STDERR_FILENO);
	close(own);
	close(log);
	close(clients[0]);
	close(clients[1]);
	close_scene(&s);
}

static void
test_stopped_it_leaves_them_to_others(void **state)
{
	int fd = loopback_listen("127.0.0.1", 0, 8), copy, other;
	int clients[3];
	struct scene s;

	(void)state;
	open_scene(&s, fd);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = loopback_connect(fd);
	s.expected = s.stop_after = 1;
	loop_until(s.loop, all_arrived, &s, "the first");
	loop_once(s.loop);
	loop_once(s.loop);
	assert_int_equal(s.count, 1);
	copy = dup(fd); /* as another process holds it */
	other = accept4(copy, NULL, NULL, SOCK_CLOEXEC);
	assert_true(other >= 0);
	close(other);
	close_scene(&s);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* the listener's own */
	close(copy);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
	listener_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_arrival_knows_whence_and_whither),
		cmocka_unit_test(test_many_at_once_all_arrive),
		cmocka_unit_test(test_threat_50_without_descriptors_it_pauses),
		cmocka_unit_test(test_stopped_it_leaves_them_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
