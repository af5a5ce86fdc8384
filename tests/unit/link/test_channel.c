#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "channel.h"
#include "frame.h"
#include "link_message.h"

enum {
	DEADLINE = 20, /* seconds until a test gives up */
	TWO_HEADS = 2 * FRAME_HEAD,
};

/* One end that remembers what it was told. */
struct end {
	struct link_channel *channel;
	int messages, closed;
	enum link_type last;
	size_t text_len;
	int log_fd;
	char why[64];
};

struct pair {
	struct ev_loop *loop;
	ev_timer deadline;
	struct end end[2];
	int raw; /* the other end's fd, where a test plays a hostile peer */
};

static void
on_message(void *arg, const struct link_message *m)
{
	struct end *e = arg;

	e->messages++;
	e->last = m->type;
	if (m->type == LINK_LOG)
		e->log_fd = m->log_fd;
	if (m->type == LINK_DOCUMENT)
		e->text_len = strlen(m->document.text.ptr);
}

static void
on_closed(void *arg, const char *why)
{
	struct end *e = arg;

	e->closed++;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

static const struct link_events events = {on_message, on_closed};

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("nothing came in %d seconds", DEADLINE);
}

static void
open_pair(struct pair *p, int ends)
{
	int fds[2];

	*p = (struct pair){.raw = -1};
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	p->loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&p->deadline, on_deadline, DEADLINE, 0);
	ev_timer_start(p->loop, &p->deadline);
	for (int i = 0; i < ends; i++) {
		p->end[i].log_fd = -1;
		assert_int_equal(link_channel_new(p->loop, fds[i], &events,
					 &p->end[i], &p->end[i].channel),
			0);
	}
	if (ends == 1)
		p->raw = fds[1];
}

static void
close_pair(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		link_channel_free(p->end[i].channel);
	if (p->raw >= 0)
		close(p->raw);
	ev_timer_stop(p->loop, &p->deadline);
	ev_loop_destroy(p->loop);
}

static int
open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void
test_messages_go_both_ways(void **state)
{
	struct link_message stop = {.type = LINK_STOP};
	struct link_message ready = {.type = LINK_READY};
	struct pair p;

	(void)state;
	open_pair(&p, 2);
	assert_int_equal(link_send(p.end[0].channel, &stop), 0);
	assert_int_equal(link_send(p.end[1].channel, &ready), 0);
	assert_false(link_drained(p.end[0].channel));
	while (p.end[0].messages + p.end[1].messages < 2)
		ev_run(p.loop, EVRUN_ONCE);
	assert_int_equal(p.end[1].last, LINK_STOP);
	assert_int_equal(p.end[0].last, LINK_READY);
	assert_true(link_drained(p.end[0].channel));
	close_pair(&p);
}

static void
test_descriptors_stay_with_their_message(void **state)
{
	enum { ROUNDS = 40 };
	struct link_message log = {.type = LINK_LOG};
	struct link_message stop = {.type = LINK_STOP};
	struct stat want, got;
	int before = open_fds(), fds[2];
	struct pair p;

	(void)state;
	open_pair(&p, 2);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	log.log_fd = fds[1];
	assert_int_equal(fstat(fds[1], &want), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(link_send(p.end[0].channel, &stop), 0);
		assert_int_equal(link_send(p.end[0].channel, &log), 0);
		assert_int_equal(link_send(p.end[0].channel, &log), 0);
	}
	for (int seen = 0; seen < 3 * ROUNDS; seen = p.end[1].messages) {
		ev_run(p.loop, EVRUN_ONCE);
		if (p.end[1].log_fd < 0)
			continue;
		assert_int_equal(fstat(p.end[1].log_fd, &got), 0);
		assert_int_equal(got.st_ino, want.st_ino);
		assert_int_equal(fcntl(p.end[1].log_fd, F_GETFD), FD_CLOEXEC);
		p.end[1].log_fd = -1;
	}
	/* The test keeps them by not closing; count, then close. */
	assert_true(open_fds() > before + 2);
	for (int fd = 3; fd < 256; fd++)
		if (fstat(fd, &got) == 0 && got.st_ino == want.st_ino)
			close(fd);
	close_pair(&p);
	assert_int_equal(open_fds(), before);
}

static void
test_a_large_document_goes_through(void **state)
{
	enum { SIZE = 5 * 1000 * 1000 };
	char *text = malloc(SIZE);
	struct link_message m = {
		.type = LINK_DOCUMENT, .document = {"big.yaml", {text, SIZE}}};
	struct pair p;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', SIZE);
	open_pair(&p, 2);
	assert_int_equal(link_send(p.end[0].channel, &m), 0);
	assert_int_equal(link_send(p.end[0].channel, &m), 0);
	while (p.end[1].messages < 2)
		ev_run(p.loop, EVRUN_ONCE);
	assert_int_equal(p.end[1].text_len, SIZE);
	close_pair(&p);
	free(text);
}

static void
test_the_queue_is_bounded(void **state)
{
	enum { SIZE = 10 * 1000 * 1000, FIT = 6 };
	char *text = calloc(1, SIZE);
	struct link_message m = {
		.type = LINK_DOCUMENT, .document = {"big.yaml", {text, SIZE}}};
	struct pair p;

	(void)state;
	assert_non_null(text);
	open_pair(&p, 1);
	for (int i = 0; i < FIT; i++)
		assert_int_equal(link_send(p.end[0].channel, &m), 0);
	assert_int_equal(link_send(p.end[0].channel, &m), -ENOBUFS);
	close_pair(&p);
	free(text);
}

static void
test_the_end_is_told_once(void **state)
{
	struct link_message stop = {.type = LINK_STOP};
	struct pair p;

	(void)state;
	open_pair(&p, 2);
	link_channel_free(p.end[1].channel);
	p.end[1].channel = NULL;
	while (p.end[0].closed == 0)
		ev_run(p.loop, EVRUN_ONCE);
	assert_string_equal(p.end[0].why, "the peer is gone");
	assert_int_equal(link_send(p.end[0].channel, &stop), -EPIPE);
	ev_run(p.loop, EVRUN_NOWAIT);
	assert_int_equal(p.end[0].closed, 1);
	close_pair(&p);
}

/* Sends raw bytes with that many copies of a descriptor. */
static void
send_raw(int to, const void *data, size_t len, int fd_count)
{
	union {
		char space[CMSG_SPACE(32 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t size = (size_t)fd_count * sizeof(int);
	int fds[32];

	for (int i = 0; i < fd_count; i++)
		fds[i] = STDERR_FILENO;
	if (fd_count > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(size);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(cmsg), fds, size);
	}
	assert_int_equal(sendmsg(to, &msg, MSG_NOSIGNAL), len);
}

static void
test_a_hostile_peer_kills_its_own_channel(void **state)
{
	static const struct {
		uint8_t bytes[TWO_HEADS];
		size_t len;
		int fds, messages;
		const char *reason;
	} cases[] = {
		{{1}, FRAME_HEAD, 0, 0, "a frame shorter than its head"},
		{{0, 0, 0, 0xff}, FRAME_HEAD, 0, 0, "a frame of 4 GiB"},
		{{16, [4] = LINK_LOG, [6] = 1}, FRAME_HEAD, 0, 0,
			"a descriptor claimed, none sent"},
		{{16, [4] = LINK_READY}, FRAME_HEAD, 1, 1,
			"a descriptor nobody claims"},
		{{16, [4] = LINK_READY}, FRAME_HEAD, 32, 0,
			"more descriptors than a frame may have"},
		{{16, [4] = LINK_READY, [16] = 16, [20] = 99}, TWO_HEADS, 0, 1,
			"an unknown type second"},
	};
	int before = open_fds();
	struct pair p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_pair(&p, 1);
		send_raw(p.raw, cases[i].bytes, cases[i].len, cases[i].fds);
		while (p.end[0].closed == 0)
			ev_run(p.loop, EVRUN_ONCE);
		if (strcmp(p.end[0].why, "the peer broke the protocol") != 0 ||
			p.end[0].messages != cases[i].messages)
			fail_msg("%s: %s, %d messages", cases[i].reason,
				p.end[0].why, p.end[0].messages);
		close_pair(&p);
		assert_int_equal(open_fds(), before);
	}
}

static void
test_descriptors_cannot_be_hoarded(void **state)
{
	static const uint8_t head[FRAME_HEAD] = {0xff, [4] = LINK_STATUS};
	int before = open_fds();
	struct pair p;

	(void)state;
	open_pair(&p, 1);
	/* One frame that never ends, a descriptor with every byte. */
	for (size_t i = 0; i < sizeof(head); i++)
		send_raw(p.raw, head + i, 1, 1);
	while (p.end[0].closed == 0)
		ev_run(p.loop, EVRUN_ONCE);
	assert_string_equal(p.end[0].why, "the peer broke the protocol");
	close_pair(&p);
	assert_int_equal(open_fds(), before);
}

static void
test_a_frame_may_come_byte_by_byte(void **state)
{
	static const uint8_t head[FRAME_HEAD] = {16, [4] = LINK_READY};
	struct pair p;

	(void)state;
	open_pair(&p, 1);
	for (size_t i = 0; i < sizeof(head); i++) {
		assert_int_equal(p.end[0].messages, 0);
		send_raw(p.raw, head + i, 1, 0);
		ev_run(p.loop, EVRUN_ONCE);
	}
	assert_int_equal(p.end[0].messages, 1);
	assert_int_equal(p.end[0].closed, 0);
	close_pair(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_go_both_ways),
		cmocka_unit_test(test_descriptors_stay_with_their_message),
		cmocka_unit_test(test_a_large_document_goes_through),
		cmocka_unit_test(test_the_queue_is_bounded),
		cmocka_unit_test(test_the_end_is_told_once),
		cmocka_unit_test(test_a_hostile_peer_kills_its_own_channel),
		cmocka_unit_test(test_descriptors_cannot_be_hoarded),
		cmocka_unit_test(test_a_frame_may_come_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
