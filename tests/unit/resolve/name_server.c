#include "name_server.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	HEADER_SIZE = 12,
	TRIES_FOR_A_PORT = 50, /* free for UDP and for TCP */
};

static void
put16(struct message *m, unsigned value)
{
	assert_true(m->len + 2 <= sizeof(m->data));
	m->data[m->len++] = (uint8_t)(value >> 8);
	m->data[m->len++] = (uint8_t)value;
}

static void
put(struct message *m, const void *data, size_t len)
{
	assert_true(m->len + len <= sizeof(m->data));
	memcpy(m->data + m->len, data, len);
	m->len += len;
}

static void
put_name(struct message *m, const char *name)
{
	size_t len;
	uint8_t byte;

	for (; *name != '\0'; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		byte = (uint8_t)len;
		put(m, &byte, 1);
		put(m, name, len);
	}
	put(m, "", 1);
}

void
message_begin(struct message *m, const struct question *q, unsigned flags)
{
	size_t end = HEADER_SIZE;

	*m = (struct message){0};
	put(m, q->data, 2);
	put16(m, flags);
	put16(m, 1);
	put16(m, 0);
	put16(m, 0);
	put16(m, 0);
	while (q->data[end] != 0)
		end += 1u + q->data[end];
	put(m, q->data + HEADER_SIZE, end + 5 - HEADER_SIZE);
}

void
message_record(struct message *m, const char *owner, unsigned type,
	uint32_t ttl, const void *data, size_t len)
{
	if (owner == NULL)
		put16(m, 0xc000 | HEADER_SIZE);
	else
		put_name(m, owner);
	put16(m, type);
	put16(m, ns_c_in);
	put16(m, ttl >> 16);
	put16(m, ttl & 0xffff);
	put16(m, (unsigned)len);
	put(m, data, len);
	m->data[7]++; /* ANCOUNT */
}

void
message_a(
	struct message *m, const char *owner, uint32_t ttl, const char *address)
{
	uint8_t bytes[4];

	assert_int_equal(inet_pton(AF_INET, address, bytes), 1);
	message_record(m, owner, ns_t_a, ttl, bytes, sizeof(bytes));
}

void
message_aaaa(
	struct message *m, const char *owner, uint32_t ttl, const char *address)
{
	uint8_t bytes[16];

	assert_int_equal(inet_pton(AF_INET6, address, bytes), 1);
	message_record(m, owner, ns_t_aaaa, ttl, bytes, sizeof(bytes));
}

void
message_cname(
	struct message *m, const char *owner, uint32_t ttl, const char *target)
{
	struct message name = {0};

	put_name(&name, target);
	message_record(m, owner, ns_t_cname, ttl, name.data, name.len);
}

void
message_send(const struct message *m, const struct question *q)
{
	struct message framed = {0};
	struct name_server *ns = q->server;

	if (!q->tcp) {
		assert_int_equal(sendto(ns->udp.fd, m->data, m->len, 0,
					 (const struct sockaddr *)&q->peer,
					 sizeof(q->peer)),
			m->len);
		return;
	}
	put16(&framed, (unsigned)m->len);
	put(&framed, m->data, m->len);
	assert_int_equal(
		write(ns->stream.fd, framed.data, framed.len), framed.len);
}

static void
answer(struct name_server *ns, struct question *q)
{
	size_t at = HEADER_SIZE, len = 0;

	assert_true(q->len > HEADER_SIZE + 5);
	while (q->data[at] != 0) {
		len += (size_t)sprintf(q->name + len, "%s%.*s",
			len > 0 ? "." : "", q->data[at], q->data + at + 1);
		at += 1u + q->data[at];
	}
	for (char *c = q->name; *c != '\0'; c++)
		*c = (char)tolower(*c);
	q->type = (unsigned)(q->data[at + 1] << 8 | q->data[at + 2]);
	q->server = ns;
	ns->questions++;
	ns->tcp_questions += q->tcp;
	ns->reply(q);
}

static void
on_udp(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct question q = {0};
	socklen_t size = sizeof(q.peer);
	uint8_t data[1024];
	ssize_t n;

	(void)loop, (void)revents;
	n = recvfrom(w->fd, data, sizeof(data), 0, (struct sockaddr *)&q.peer,
		&size);
	assert_true(n > 0);
	q.data = data;
	q.len = (size_t)n;
	answer(w->data, &q);
}

/* A question is written in one piece, and loopback keeps it so. */
static void
on_stream(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct question q = {.tcp = true};
	uint8_t data[1024];
	ssize_t n;

	(void)revents;
	n = read(w->fd, data, sizeof(data));
	if (n <= 0) {
		ev_io_stop(loop, w);
		close(w->fd);
		w->fd = -1;
		return;
	}
	assert_int_equal(n, 2 + (data[0] << 8 | data[1]));
	q.data = data + 2;
	q.len = (size_t)n - 2;
	answer(w->data, &q);
}

static void
on_listener(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct name_server *ns = w->data;
	int fd = accept(w->fd, NULL, NULL);

	(void)revents;
	assert_true(fd >= 0);
	assert_int_equal(ns->stream.fd, -1);
	ev_io_set(&ns->stream, fd, EV_READ);
	ev_io_start(loop, &ns->stream);
}

/* Two sockets on one port, for UDP and TCP. */
static bool
bind_both(int udp, int tcp, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);

	address->sin_port = 0;
	if (bind(udp, (struct sockaddr *)address, size) < 0)
		return false;
	getsockname(udp, (struct sockaddr *)address, &size);
	return bind(tcp, (struct sockaddr *)address, size) == 0;
}

struct name_server *
name_server_new(struct ev_loop *loop, name_server_reply *reply)
{
	struct name_server *ns = calloc(1, sizeof(*ns));
	struct sockaddr_in address = {.sin_family = AF_INET};
	int udp = -1, tcp = -1;

	assert_non_null(ns);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < TRIES_FOR_A_PORT; i++) {
		close(udp);
		close(tcp);
		udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind_both(udp, tcp, &address))
			break;
	}
	assert_int_equal(listen(tcp, 8), 0);
	snprintf(ns->address, sizeof(ns->address), "127.0.0.1:%d",
		ntohs(address.sin_port));
	ns->loop = loop;
	ns->reply = reply;
	ev_io_init(&ns->udp, on_udp, udp, EV_READ);
	ev_io_init(&ns->listener, on_listener, tcp, EV_READ);
	ev_io_init(&ns->stream, on_stream, -1, EV_READ);
	ns->udp.data = ns->listener.data = ns->stream.data = ns;
	ev_io_start(loop, &ns->udp);
	ev_io_start(loop, &ns->listener);
	return ns;
}

void
name_server_free(struct name_server *ns)
{
	ev_io_stop(ns->loop, &ns->udp);
	ev_io_stop(ns->loop, &ns->listener);
	ev_io_stop(ns->loop, &ns->stream);
	close(ns->udp.fd);
	close(ns->listener.fd);
	if (ns->stream.fd >= 0)
		close(ns->stream.fd);
	free(ns);
}
