#include "stream_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "turn.h"

static void
on_ready(void *arg)
{
	struct stream_scene *s = arg;

	s->readies++;
	if (s->inside)
		s->reported = true;
	if (!s->echo)
		return;
	while (stream_fill(&s->stream) > 0) {
		s->dropped += s->stream.in.len;
		buf_consume(&s->stream.in, s->stream.in.len);
	}
}

void
stream_scene_open_on(struct stream_scene *s, int fds[2])
{
	memset(s, 0, sizeof(*s));
	s->loop = ev_loop_new(0);
	assert_non_null(s->loop);
	s->turn = turn_new(s->loop);
	assert_non_null(s->turn);
	s->peer = fds[1];
	stream_init(&s->stream, s->loop, s->turn, fds[0]);
	stream_own(&s->stream, on_ready, s);
}

void
stream_scene_open(struct stream_scene *s, int type)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX,
				 type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
		0);
	stream_scene_open_on(s, fds);
}

void
stream_scene_close(struct stream_scene *s)
{
	stream_done(&s->stream);
	stream_done(&s->stream); /* may be called twice */
	if (s->peer >= 0)
		close(s->peer);
	turn_free(s->turn);
	ev_loop_destroy(s->loop);
}

void
stream_scene_receives(struct stream_scene *s, char letter, size_t len)
{
	char block[1024];

	memset(block, letter, sizeof(block));
	while (len > 0) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		assert_int_equal(send(s->peer, block, n, 0), n);
		len -= n;
	}
}

void
stream_scene_adds(struct stream_scene *s, const char *text)
{
	assert_int_equal(buf_add(&s->stream.out, text, strlen(text)), 0);
}

void
stream_scene_peer_gets(struct stream_scene *s, const char *want)
{
	char text[256];
	ssize_t n = recv(s->peer, text, sizeof(text) - 1, 0);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, strlen(want));
}

void
stream_scene_peer_gets_nothing(struct stream_scene *s)
{
	char byte;

	assert_int_equal(recv(s->peer, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

bool
stream_scene_was_told(void *arg)
{
	struct stream_scene *s = arg;

	return s->readies > 0;
}
