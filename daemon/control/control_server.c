/*
 * control_server.c - the control socket
 *
 * Theory of operation
 *
 * A client is a socket, a session (control_session.h) and a deadline.  Every
 * event does the same: read what fits, run the session, write what there is,
 * then ask the loop for what the new state needs.
 *
 * The deadline runs from one change of state to the next and is not moved by
 * single bytes: a request must be complete, and an answer taken, in 30 seconds.
 * Only while the keeper works there is none; it has its own.
 *
 * Bounds: so many clients in all, so many of one user, and some places that
 * only root gets, so that the operator can always see what is going on.
 */
#include "control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "buf.h"
#include "control_peer.h"
#include "control_session.h"
#include "log.h"

enum {
	CLIENTS_MAX = 64,
	CLIENTS_ROOT = 8, /* of these: for root only */
	CLIENTS_USER = 16,
	BACKLOG = 64,
	IDLE_SECONDS = 30,
	ACCEPT_PAUSE = 1, /* second, when there are no descriptors */
};

struct client {
	struct control_server *server;
	struct client *next, *prev;
	uid_t uid;
	struct ev_io io;
	struct ev_timer deadline;
	struct control_session *session;
	enum control_phase phase;
	bool eof;
};

struct control_server {
	struct ev_loop *loop;
	struct keeper *keeper;
	struct control_access access;
	char *path;
	struct ev_io io;
	struct ev_timer pause;
	struct client *clients;
	size_t client_count;
};

static void
client_free(struct client *c)
{
	struct control_server *s = c->server;

	ev_io_stop(s->loop, &c->io);
	ev_timer_stop(s->loop, &c->deadline);
	control_session_free(c->session);
	if (c->io.fd >= 0)
		close(c->io.fd);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->client_count--;
	free(c);
}

/* False when the peer is gone. */
static bool
fill(struct client *c)
{
	struct buf *in = control_session_in(c->session);
	size_t room;
	char *tail;
	ssize_t n;

	if (c->eof || buf_room(in) == 0)
		return true;
	tail = buf_reserve(in, 1, &room);
	if (tail == NULL)
		return false;
	n = recv(c->io.fd, tail, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->eof = n == 0;
	buf_commit(in, (size_t)n);
	return true;
}

static bool
empty(struct client *c)
{
	struct buf *out = control_session_out(c->session);
	struct span bytes = buf_span(out);
	ssize_t n;

	if (bytes.len == 0)
		return true;
	n = send(c->io.fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(out, (size_t)n);
	return true;
}

/* What a client waits for, from its state and nothing else. */
static int
events_for(const struct client *c)
{
	int events = 0;

	if (c->phase == CONTROL_READING && !c->eof &&
		buf_room(control_session_in(c->session)) > 0)
		events |= EV_READ;
	if (control_session_out(c->session)->len > 0)
		events |= EV_WRITE;
	return events;
}

static void
watch(struct client *c)
{
	struct ev_loop *loop = c->server->loop;
	int events = events_for(c);

	if (events == (c->io.events & (EV_READ | EV_WRITE)) &&
		ev_is_active(&c->io) == (events != 0))
		return;
	ev_io_stop(loop, &c->io);
	ev_io_modify(&c->io, events);
	if (events != 0)
		ev_io_start(loop, &c->io);
}

static void
set_phase(struct client *c, enum control_phase phase)
{
	if (phase == c->phase)
		return;
	c->phase = phase;
	if (phase == CONTROL_WAITING)
		ev_timer_stop(c->server->loop, &c->deadline);
	else
		ev_timer_again(c->server->loop, &c->deadline);
}

/* Goes as far as it can; the client may be gone afterwards. */
static void
client_run(struct client *c)
{
	size_t before;

	do {
		set_phase(c, control_session_run(c->session, c->eof));
		before = control_session_out(c->session)->len;
		if (!empty(c)) {
			client_free(c);
			return;
		}
		/* Room in `out` may let an answer go on. */
	} while (c->phase == CONTROL_ANSWERING &&
		 control_session_out(c->session)->len < before);
	if (c->phase == CONTROL_OVER &&
		control_session_out(c->session)->len == 0)
		client_free(c);
	else
		watch(c);
}

static void
on_client(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct client *c = w->data;

	(void)loop;
	if ((revents & EV_READ) != 0 && !fill(c))
		client_free(c);
	else
		client_run(c);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	client_free(w->data);
}

static void
on_wake(void *arg)
{
	client_run(arg);
}

/* Whether one more of that user finds a place. */
static bool
has_place(const struct control_server *s, uid_t uid)
{
	size_t same = 0;

	if (uid == 0)
		return s->client_count < CLIENTS_MAX;
	for (const struct client *c = s->clients; c != NULL; c = c->next)
		same += c->uid == uid;
	return s->client_count < CLIENTS_MAX - CLIENTS_ROOT &&
	       same < CLIENTS_USER;
}

/* Takes the fd. */
static void
add_client(struct control_server *s, int fd)
{
	struct control_peer peer;
	struct client *c;

	if (control_peer_get(fd, &peer) < 0 || !has_place(s, peer.uid)) {
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->server = s;
	c->uid = peer.uid;
	c->phase = CONTROL_READING;
	c->next = s->clients;
	if (c->next != NULL)
		c->next->prev = c;
	s->clients = c;
	s->client_count++;
	ev_io_init(&c->io, on_client, fd, EV_READ);
	ev_timer_init(&c->deadline, on_deadline, IDLE_SECONDS, IDLE_SECONDS);
	c->io.data = c->deadline.data = c;
	c->session = control_session_new(
		s->keeper, control_peer_right(&peer, &s->access), on_wake, c);
	if (c->session == NULL) {
		client_free(c);
		return;
	}
	ev_timer_again(s->loop, &c->deadline);
	watch(c);
}

static void
on_accept(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct control_server *s = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)revents;
	if (fd >= 0) {
		add_client(s, fd);
		return;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM &&
		errno != ENOBUFS)
		return;
	/* The caller would be announced again and again. */
	log_warning("control: cannot accept: %s", strerror(errno));
	ev_io_stop(loop, w);
	ev_timer_again(loop, &s->pause);
}

static void
on_pause(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct control_server *s = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &s->io);
}

/*
 * The file's mode lets in whoever may read.  A socket has one group: with
 * two, the kernel lets everybody connect, and we tell the others no.
 */
static int
set_mode(const struct control_server *s)
{
	const struct control_access *a = &s->access;
	gid_t group = a->readers != (gid_t)-1 ? a->readers : a->writers;
	mode_t mode = 0600;

	if (group != (gid_t)-1)
		mode = 0660;
	if (a->writers != (gid_t)-1 && a->writers != group)
		mode = 0666;
	if (group != (gid_t)-1 && chown(s->path, (uid_t)-1, group) < 0)
		return -errno;
	return chmod(s->path, mode) < 0 ? -errno : 0;
}

/* Bound under a strict umask: nobody connects before the mode is right. */
static int
listen_at(struct control_server *s)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	mode_t mask;
	int e, fd;

	if (strlen(s->path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, s->path, strlen(s->path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ev_io_set(&s->io, fd, EV_READ);
	if (unlink(s->path) < 0 && errno != ENOENT)
		return -errno;
	mask = umask(0177);
	e = bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;
	umask(mask);
	if (e < 0)
		return e;
	e = set_mode(s);
	if (e < 0)
		return e;
	return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

int
control_server_new(struct ev_loop *loop, struct keeper *keeper,
	const struct control_server_options *options,
	struct control_server **ret, char *reterr, size_t reterr_size)
{
	struct control_server *s = calloc(1, sizeof(*s));
	int e;

	if (s == NULL) {
		snprintf(reterr, reterr_size, "control: out of memory");
		return -ENOMEM;
	}
	s->loop = loop;
	s->keeper = keeper;
	ev_io_init(&s->io, on_accept, -1, EV_READ);
	ev_timer_init(&s->pause, on_pause, 0, ACCEPT_PAUSE);
	s->io.data = s->pause.data = s;
	e = control_access_find(options->group, options->admin_group,
		&s->access, reterr, reterr_size);
	if (e < 0)
		goto fail;
	e = -ENOMEM;
	s->path = strdup(options->socket_path);
	if (s->path != NULL)
		e = listen_at(s);
	if (e < 0) {
		snprintf(reterr, reterr_size,
			"control: cannot listen at %s: %s",
			options->socket_path, strerror(-e));
		goto fail;
	}
	ev_io_start(loop, &s->io);
	*ret = s;
	return 0;
fail:
	control_server_free(s);
	return e;
}

void
control_server_free(struct control_server *s)
{
	struct client *next;

	if (s == NULL)
		return;
	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		client_free(c);
	}
	ev_io_stop(s->loop, &s->io);
	ev_timer_stop(s->loop, &s->pause);
	if (s->io.fd >= 0) {
		close(s->io.fd);
		unlink(s->path);
	}
	free(s->path);
	free(s);
}
