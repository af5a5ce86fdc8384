/* Pipes between sockets: what goes through, what ends, and the pool. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop_until.h"
#include "loopback.h"
#include "splice_pipe.h"

enum {
	BOUND = 32, /* pipes of a pool */
	KEPT = 4,   /* … which it keeps open */
};

static struct {
	bool no_descriptors; /* pipe2() */
	long size_refused;   /* F_SETPIPE_SZ; and then F_GETPIPE_SZ says so */
} kernel;

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
int __real_fcntl(int fd, int op, ...);
int __wrap_fcntl(int fd, int op, ...);

int
__wrap_pipe2(int ends[2], int flags)
{
	if (kernel.no_descriptors) {
		errno = EMFILE;
		return -1;
	}
	return __real_pipe2(ends, flags);
}

int
__wrap_fcntl(int fd, int op, ...)
{
	va_list args;
	long arg;

	va_start(args, op);
	arg = va_arg(args, long);
	va_end(args);
	if (op == F_SETPIPE_SZ && kernel.size_refused > 0) {
		errno = EPERM;
		return -1;
	}
	if (op == F_GETPIPE_SZ && kernel.size_refused > 0)
		return (int)kernel.size_refused;
	return __real_fcntl(fd, op, arg);
}

struct scene {
	int before; /* descriptors */
	struct splice_pipes *pool;
	int from[2], to[2]; /* ours, the peer's; over TCP */
};

static int
setup(void **state)
{
	static struct scene s;

	memset(&kernel, 0, sizeof(kernel));
	s.before = open_descriptors();
	s.pool = splice_pipes_new();
	assert_non_null(s.pool);
	loopback_pair(s.from);
	loopback_pair(s.to);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	splice_pipes_free(s->pool);
	for (int i = 0; i < 2; i++) {
		close(s->from[i]);
		close(s->to[i]);
	}
	assert_int_equal(open_descriptors(), s->before);
	return 0;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static void
hear(int fd, const char *want)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, strlen(want));
}

static void
end_with_a_reset(int *fd)
{
	struct linger now = {.l_onoff = 1};

	assert_int_equal(
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(*fd);
	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
test_bytes_go_through(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);

	assert_non_null(p);
	say(s->from[1], "hello");
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 5);
	assert_int_equal(p->held, 5);
	assert_int_equal(splice_pipe_drain(p, s->to[0]), 5);
	assert_int_equal(p->held, 0);
	hear(s->to[1], "hello");
	splice_pipe_give(s->pool, p);
}

static void
test_nothing_now_at_either_end(void **state)
{
	static const char block[1 << 16];
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);

	assert_non_null(p);
	assert_int_equal(splice_pipe_fill(p, s->from[0]), -EAGAIN);
	assert_int_equal(p->held, 0);
	say(s->from[1], "late");
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 4);
	while (send(s->to[0], block, sizeof(block), 0) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(splice_pipe_drain(p, s->to[0]), -EAGAIN);
	assert_int_equal(p->held, 4); /* and is lost with it */
	splice_pipe_give(s->pool, p);
}

static void
test_the_peer_finishes_or_breaks(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);

	assert_non_null(p);
	say(s->from[1], "last");
	shutdown(s->from[1], SHUT_WR);
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 4);
	end_with_a_reset(&s->to[1]);
	assert_int_equal(splice_pipe_drain(p, s->to[0]), -ECONNRESET);
	assert_int_equal(splice_pipe_drain(p, s->to[0]), -EPIPE);
	assert_int_equal(p->held, 4);
	splice_pipe_give(s->pool, p);

	p = splice_pipe_take(s->pool);
	assert_non_null(p);
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 0);
	splice_pipe_give(s->pool, p);
}

static void
test_a_reset_is_not_an_end(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);

	assert_non_null(p);
	end_with_a_reset(&s->from[1]);
	assert_int_equal(splice_pipe_fill(p, s->from[0]), -ECONNRESET);
	splice_pipe_give(s->pool, p);
}

static void
test_an_empty_pipe_is_used_again(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);
	int descriptors = open_descriptors(), end;

	assert_non_null(p);
	end = p->read_end;
	say(s->from[1], "one");
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 3);
	assert_int_equal(splice_pipe_drain(p, s->to[0]), 3);
	splice_pipe_give(s->pool, p);
	assert_int_equal(open_descriptors(), descriptors);
	p = splice_pipe_take(s->pool);
	assert_non_null(p);
	assert_int_equal(p->read_end, end);
	splice_pipe_give(s->pool, p);
}

/* What one connection left behind, no other one may see. */
static void
test_one_with_bytes_in_it_is_closed(void **state)
{
	struct scene *s = *state;
	int descriptors = open_descriptors();
	struct splice_pipe *p = splice_pipe_take(s->pool);
	char byte;

	assert_non_null(p);
	say(s->from[1], "secret");
	assert_int_equal(splice_pipe_fill(p, s->from[0]), 6);
	splice_pipe_give(s->pool, p);
	assert_int_equal(open_descriptors(), descriptors);
	p = splice_pipe_take(s->pool);
	assert_non_null(p);
	assert_int_equal(p->held, 0);
	assert_int_equal(read(p->read_end, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	splice_pipe_give(s->pool, p);
}

static void
test_there_are_few(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *taken[BOUND];
	int descriptors = open_descriptors();

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < BOUND; i++) {
			taken[i] = splice_pipe_take(s->pool);
			assert_non_null(taken[i]);
		}
		assert_null(splice_pipe_take(s->pool));
		assert_int_equal(open_descriptors(), descriptors + 2 * BOUND);
		for (int i = 0; i < BOUND; i++)
			splice_pipe_give(s->pool, taken[i]);
		assert_int_equal(open_descriptors(), descriptors + 2 * KEPT);
	}
	splice_pipe_give(s->pool, NULL);
}

static void
test_none_to_be_had(void **state)
{
	struct scene *s = *state;
	int descriptors = open_descriptors();
	struct splice_pipe *p;

	kernel.no_descriptors = true;
	assert_null(splice_pipe_take(s->pool));
	kernel.no_descriptors = false;
	kernel.size_refused = 8192; /* its user has too many */
	assert_null(splice_pipe_take(s->pool));
	assert_int_equal(open_descriptors(), descriptors);
	kernel.size_refused = 65536; /* it may not be made larger */
	p = splice_pipe_take(s->pool);
	assert_non_null(p);
	splice_pipe_give(s->pool, p);
}

static void
test_larger_than_usual(void **state)
{
	struct scene *s = *state;
	struct splice_pipe *p = splice_pipe_take(s->pool);

	assert_non_null(p);
	assert_int_equal(fcntl(p->read_end, F_GETPIPE_SZ), SPLICE_MOST);
	assert_int_equal(fcntl(p->read_end, F_GETFD), FD_CLOEXEC);
	splice_pipe_give(s->pool, p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_bytes_go_through, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_nothing_now_at_either_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_peer_finishes_or_breaks, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_reset_is_not_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_an_empty_pipe_is_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_one_with_bytes_in_it_is_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_there_are_few, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_none_to_be_had, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_larger_than_usual, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
