/*
 * stream.c - a socket as two bounded queues of bytes
 *
 * Theory of operation
 *
 * Interest is a function of what is held: READ while the owner wants it,
 * WRITE while `out` could not be written.  The watcher is only touched when
 * that changes, because each change is a system call.
 *
 * TLS may have to answer by itself before it reads on (a KeyUpdate), to a peer
 * that takes nothing: then reading waits for WRITE, and READ would spin.
 *
 * What is still to be written once all was added goes out with MSG_MORE: the
 * end that follows takes it along, as one segment.
 *
 * Nothing is ever reported from inside a call of the owner: a write that fails
 * is remembered in `error`, and ready() follows from the flush at the end of
 * the turn or from the watcher.  With hears_out it is the read side that will
 * tell, for it goes on until the peer's last word.
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"
#include "splice_pipe.h"
#include "tls.h"

enum {
	FIRST_READ = 2048,
	ROOM = 1024, /* with less, somebody may be waiting for more */
};

static void
set_events(struct stream *s, int events)
{
	if ((s->io.events & (EV_READ | EV_WRITE)) == events &&
		(ev_is_active(&s->io) || events == 0))
		return;
	ev_io_stop(s->loop, &s->io);
	ev_io_set(&s->io, s->fd, events);
	if (events != 0)
		ev_io_start(s->loop, &s->io);
}

static int
wanted(const struct stream *s)
{
	return s->io.events & (EV_READ | EV_WRITE);
}

static void
on_io(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct stream *s = w->data;

	(void)loop;
	if ((revents & EV_WRITE) && s->read_waits) {
		s->read_waits = false;
		set_events(s, wanted(s) | EV_READ);
		revents |= EV_READ;
	}
	if (revents & EV_READ) {
		s->drained = false;
		if (s->tls != NULL)
			tls_readable(s->tls);
	}
	if (revents & EV_WRITE) {
		set_events(s, wanted(s) & ~EV_WRITE);
		stream_flush_now(s);
	}
	s->ready(s->arg);
}

static void
run_flush(struct turn_task *task)
{
	struct stream *s = container_of(task, struct stream, flush);
	bool had_room = buf_room(&s->out) >= ROOM, was_shut = s->shut;

	stream_flush_now(s);
	/* Tell of breaking, of room where there was none, and of the end. */
	if (s->error != 0 || !had_room || s->shut != was_shut)
		s->ready(s->arg);
}

void
stream_init(struct stream *s, struct ev_loop *loop, struct turn *turn, int fd)
{
	*s = (struct stream){.fd = fd, .loop = loop, .turn = turn};
	buf_init(&s->in, STREAM_BUFFER);
	buf_init(&s->out, STREAM_OUT);
	ev_init(&s->io, on_io);
	ev_io_set(&s->io, fd, 0);
	s->io.data = s;
	s->flush.run = run_flush;
	s->read_size = FIRST_READ;
}

void
stream_own(struct stream *s, void (*ready)(void *arg), void *arg)
{
	s->ready = ready;
	s->arg = arg;
}

void
stream_set_reset(struct stream *s)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void
stream_done(struct stream *s)
{
	if (s->fd < 0)
		return;
	stream_silence(s);
	tls_free(s->tls);
	s->tls = NULL;
	close(s->fd);
	s->fd = -1;
	buf_done(&s->in);
	buf_done(&s->out);
}

void
stream_silence(struct stream *s)
{
	if (s->fd < 0)
		return;
	ev_io_stop(s->loop, &s->io);
	turn_cancel(s->turn, TURN_FLUSH, &s->flush);
}

void
stream_secure(struct stream *s, struct tls *t)
{
	s->tls = t;
}

void
stream_watch_handshake(struct stream *s)
{
	set_events(s, tls_wants_write(s->tls) ? EV_WRITE : EV_READ);
}

static void
broke(struct stream *s, int error)
{
	if (s->error == 0)
		s->error = error;
	s->read_done = true;
	s->write_done = true;
}

static ssize_t
read_some(struct stream *s, char *data, size_t len)
{
	ssize_t n;

	if (s->tls != NULL) {
		n = tls_read(s->tls, data, len);
		s->read_waits = n == -EAGAIN && tls_wants_write(s->tls);
		return n;
	}
	if (s->drained)
		return -EAGAIN;
	do {
		n = recv(s->fd, data, len, 0);
	} while (n < 0 && errno == EINTR);
	s->drained = n < (ssize_t)len;
	return n < 0 ? -errno : n;
}

size_t
stream_fill(struct stream *s)
{
	size_t want = s->read_size, room;
	ssize_t n;
	char *tail;

	if (s->read_done || s->error != 0 || buf_room(&s->in) == 0 ||
		!stream_has_pending(s))
		return 0;
	if (want > buf_room(&s->in))
		want = buf_room(&s->in);
	tail = buf_reserve(&s->in, want, &room);
	if (tail == NULL) {
		broke(s, -ENOMEM);
		return 0;
	}
	n = read_some(s, tail, room);
	if (n > 0) {
		buf_commit(&s->in, (size_t)n);
		s->bytes_in += (uint64_t)n;
		if ((size_t)n == room && s->read_size < STREAM_BUFFER)
			s->read_size *= 2;
		return (size_t)n;
	}
	buf_shrink(&s->in);
	if (n == 0)
		s->read_done = true;
	else if (n != -EAGAIN)
		broke(s, (int)n);
	return 0;
}

size_t
stream_fill_pipe(struct stream *s, struct splice_pipe *pipe)
{
	ssize_t n;

	if (s->error != 0 || !stream_has_pending(s))
		return 0;
	assert(s->tls == NULL && s->in.len == 0);
	n = splice_pipe_fill(pipe, s->fd);
	if (n > 0) {
		s->bytes_in += (uint64_t)n;
		s->drained = n < SPLICE_MOST;
		return (size_t)n;
	}
	if (n == 0)
		s->read_done = true;
	else if (n != -EAGAIN)
		broke(s, (int)n);
	return 0;
}

void
stream_shrink(struct stream *s)
{
	buf_shrink(&s->in);
	buf_shrink(&s->out);
	s->read_size = FIRST_READ;
}

bool
stream_has_pending(const struct stream *s)
{
	if (s->read_done)
		return false;
	return s->tls != NULL ? tls_has_pending(s->tls) : !s->drained;
}

static ssize_t
write_some(struct stream *s, struct span data)
{
	ssize_t n;

	if (s->tls != NULL)
		return tls_write(s->tls, data.ptr, data.len);
	do {
		n = send(s->fd, data.ptr, data.len,
			MSG_NOSIGNAL | (s->write_done ? MSG_MORE : 0));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static void
say_finished(struct stream *s)
{
	if (s->shut)
		return;
	if (s->tls != NULL && tls_shutdown(s->tls) == -EAGAIN) {
		set_events(s, wanted(s) | EV_WRITE);
		return;
	}
	shutdown(s->fd, SHUT_WR);
	s->shut = true;
}

static void
stop_writing(struct stream *s)
{
	buf_wipe(&s->out);
	s->write_done = true;
	s->shut = true;
}

void
stream_flush_now(struct stream *s)
{
	ssize_t n = 0;

	if (s->fd < 0 || s->error != 0)
		return;
	while (s->out.len > 0) {
		n = write_some(s, buf_span(&s->out));
		if (n <= 0)
			break;
		buf_consume(&s->out, (size_t)n);
		s->bytes_out += (uint64_t)n;
	}
	if (n < 0 && n != -EAGAIN) {
		if (s->hears_out)
			stop_writing(s);
		else
			broke(s, (int)n);
		return;
	}
	if (s->out.len > 0) {
		set_events(s, wanted(s) | EV_WRITE);
		return;
	}
	if (s->out.secret)
		buf_done(&s->out);
	if (s->write_done)
		say_finished(s);
}

size_t
stream_drain_pipe(struct stream *s, struct splice_pipe *pipe)
{
	size_t written = 0;
	ssize_t n = 0;

	if (s->error != 0 || (wanted(s) & EV_WRITE))
		return 0;
	assert(s->tls == NULL && s->out.len == 0 && !s->write_done);
	while (pipe->held > 0) {
		n = splice_pipe_drain(pipe, s->fd);
		if (n <= 0)
			break;
		written += (size_t)n;
	}
	s->bytes_out += written;
	if (n < 0 && n != -EAGAIN)
		broke(s, (int)n);
	else if (pipe->held > 0)
		set_events(s, wanted(s) | EV_WRITE);
	return written;
}

void
stream_flush(struct stream *s)
{
	if (s->error == 0 && !(wanted(s) & EV_WRITE))
		turn_queue(s->turn, TURN_FLUSH, &s->flush);
}

void
stream_finish(struct stream *s)
{
	if (s->write_done)
		return;
	s->write_done = true;
	if (s->tls != NULL)
		tls_set_last(s->tls);
	stream_flush(s);
}

void
stream_watch(struct stream *s, bool read)
{
	int events = wanted(s) & EV_WRITE;

	if (s->fd < 0)
		return;
	if (read && !s->read_done)
		events |= s->read_waits ? EV_WRITE : EV_READ;
	set_events(s, events);
}

bool
stream_is_broken(const struct stream *s)
{
	return s->error != 0;
}

bool
stream_is_drained(const struct stream *s)
{
	return s->out.len == 0 && (!s->write_done || s->shut);
}
