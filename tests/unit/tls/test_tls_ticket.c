/* When the ticket leaves: with the answer, or at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tls_pair.h"

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

static int last_fd, last_flags;

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	last_fd = fd;
	last_flags = flags;
	return __real_send(fd, data, len, flags);
}

/* Until the client has said its last, and the server has not read it. */
static void
shake_client(struct tls_pair *p)
{
	for (int i = 0; i < 20; i++) {
		tls_readable(p->client);
		if (tls_handshake(p->client) == 1)
			return;
		tls_readable(p->server);
		assert_int_equal(tls_handshake(p->server), 0);
	}
	fail_msg("the client's handshake has no end");
}

/* Whether the ticket was held back. */
static bool
ticket_waits(bool request_is_there)
{
	struct tls_pair p;
	bool waits;

	tls_pair_open(&p, "a.test");
	tls_pair_begin(&p, "a.test", NULL);
	shake_client(&p);
	if (request_is_there)
		assert_int_equal(tls_write(p.client, "GET /", 5), 5);
	tls_readable(p.server);
	assert_int_equal(tls_handshake(p.server), 1);
	assert_int_equal(last_fd, p.fds[0]);
	waits = last_flags & MSG_MORE;
	tls_pair_end(&p);
	tls_pair_close(&p);
	return waits;
}

static void
test_waits_for_the_answer_to_a_request(void **state)
{
	(void)state;
	assert_true(ticket_waits(true));
}

static void
test_goes_at_once_when_nothing_was_asked(void **state)
{
	(void)state;
	assert_false(ticket_waits(false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_the_answer_to_a_request),
		cmocka_unit_test(test_goes_at_once_when_nothing_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
