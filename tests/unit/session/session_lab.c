#include "session_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "ca.h"
#include "compiled.h"
#include "context.h"
#include "daybook.h"
#include "guard.h"
#include "keyring.h"
#include "listener.h"
#include "loop_until.h"
#include "monotonic.h"
#include "sandbox.h"
#include "session.h"
#include "splice_pipe.h"
#include "turn.h"
#include "writer.h"

static const struct limits limits = {
	.hello_seconds = 10,
	.head_seconds = 10,
	.idle_seconds = 10,
	.connect_seconds = 10,
	.connections = 100,
	.connections_per_second = 1000,
	.mints_per_second = 100,
	.dns_per_second = 100,
	.names = {.names_per_minute = 4, .label_bytes = 20, .bits = 60},
};

static const uint8_t sandbox_address[4] = {10, 77, 0, 2};

static void
admit_sandbox(struct session_lab *lab, const char *policy)
{
	struct sandbox_address address = {.family = AF_INET};
	struct sandbox_spec spec = {
		.name = "box",
		.policy_name = "p",
		.labels = "{}",
		.ifindex = LAB_IFINDEX,
		.now = monotonic_now(),
		.addresses = &address,
		.address_count = 1,
	};
	uint8_t *authority;
	char why[256];

	memcpy(address.bytes, sandbox_address, 4);
	assert_int_equal(
		ca_export(lab->ca, &authority, &spec.authority_len), 0);
	spec.authority = authority;
	assert_int_equal(sandbox_new(&spec, &lab->services.limits,
				 &lab->services.upstream, &lab->sandbox, why,
				 sizeof(why)),
		0);
	free(authority);
	if (policy != NULL) {
		lab->policy = compiled(policy);
		sandbox_set_policy(lab->sandbox, lab->policy);
	}
	sandboxes_put(lab->services.sandboxes, lab->sandbox);
	assert_int_equal(
		guard_add_self(lab->services.guard, AF_INET, sandbox_address),
		0);
}

static void
note_ask(void *arg, const char *sandbox, const char *host, uint32_t number)
{
	struct lab_asks *asks = arg;

	assert_string_equal(sandbox, "box");
	asks->count++;
	asks->number = number;
	snprintf(
		asks->host, sizeof(asks->host), "%s", host != NULL ? host : "");
}

void
session_lab_open(struct session_lab *lab, const struct resolver_row *rows,
	const char *policy)
{
	struct services *s = &lab->services;
	char why[256];

	memset(lab, 0, sizeof(*lab));
	lab->loop = s->loop = ev_loop_new(0);
	s->limits = limits;
	s->turn = turn_new(lab->loop);
	s->guard = guard_new();
	s->sandboxes = sandboxes_new();
	s->keyring = keyring_new();
	s->pipes = splice_pipes_new();
	s->resolver = resolver_double_new(lab->loop, rows);
	s->generation = 1;
	s->names = (struct name_giver){note_ask, &lab->asks};
	budget_init(&s->strangers, 1, 1, monotonic_now());
	lab->log = memfd_create("log", MFD_CLOEXEC);
	assert_true(lab->log >= 0);
	assert_int_equal(fcntl(lab->log, F_SETFL, O_APPEND), 0);
	s->daybook = daybook_new(s->turn, writer_new(dup(lab->log)));
	assert_non_null(s->daybook);
	assert_int_equal(guard_allow(s->guard, "127.0.0.0/8"), 0);
	assert_int_equal(
		ca_new("box", time(NULL), &lab->ca, why, sizeof(why)), 0);
	s->upstream = (struct upstream){
		.loop = lab->loop,
		.turn = s->turn,
		.dialler = {lab->loop, s->resolver, s->guard, 10, NULL},
		.handshake_seconds = 10,
		.idle_seconds = 10,
	};
	assert_int_equal(context_connect(span_of(ca_pem(lab->ca)),
				 &s->upstream.context, why, sizeof(why)),
		0);
	upstream_init(&s->upstream);
	admit_sandbox(lab, policy);
}

void
session_lab_close(struct session_lab *lab)
{
	struct services *s = &lab->services;
	struct sandbox *sandbox = NULL;

	while ((sandbox = sandboxes_next(s->sandboxes, sandbox)) != NULL)
		session_close_all(sandbox);
	turn_reap(s->turn);
	sandboxes_free(s->sandboxes);
	policy_unref(lab->policy);
	daybook_free(s->daybook);
	turn_free(s->turn);
	assert_int_equal(resolver_double_open(s->resolver), 0);
	resolver_free(s->resolver);
	guard_free(s->guard);
	keyring_free(s->keyring);
	splice_pipes_free(s->pipes);
	SSL_CTX_free(s->upstream.context);
	ca_free(lab->ca);
	close(lab->log);
	ev_loop_destroy(lab->loop);
}

static void
set_address(struct sockaddr_storage *ret, const void *address, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, address, 4);
}

int
session_lab_dial(struct session_lab *lab, uint16_t port)
{
	return session_lab_dial_at(lab, "192.0.2.1", port);
}

int
session_lab_dial_at(struct session_lab *lab, const char *address, uint16_t port)
{
	uint8_t dialled[4];
	struct arrival a = {.ifindex = LAB_IFINDEX};
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0, fds),
		0);
	assert_int_equal(inet_pton(AF_INET, address, dialled), 1);
	a.fd = fds[0];
	set_address(&a.peer, sandbox_address, 40000);
	set_address(&a.original, dialled, port);
	ev_now_update(lab->loop);
	session_start(&lab->services, &a);
	return fds[1];
}

const char *
session_lab_log(const struct session_lab *lab)
{
	static char text[1 << 18];
	ssize_t n = pread(lab->log, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

struct search {
	struct session_lab *lab;
	const char *part, *also;
	char line[8192];
};

static bool
find_line(void *arg)
{
	struct search *s = arg;
	const char *at = session_lab_log(s->lab), *end;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		size_t len = (size_t)(end - at);

		assert_true(len < sizeof(s->line));
		memcpy(s->line, at, len);
		s->line[len] = '\0';
		if (strstr(s->line, s->part) != NULL &&
			(s->also == NULL || strstr(s->line, s->also) != NULL))
			return true;
	}
	return false;
}

const char *
session_lab_line(struct session_lab *lab, const char *part, const char *also)
{
	static struct search s;

	s.lab = lab;
	s.part = part;
	s.also = also;
	if (!find_line(&s))
		loop_until(lab->loop, find_line, &s, part);
	return s.line;
}

int
session_lab_accept(struct session_lab *lab, int listener)
{
	int fd;

	loop_until_readable(lab->loop, listener, "a connection");
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void
session_lab_read(struct session_lab *lab, int fd, const char *text, char *ret,
	size_t size)
{
	size_t len = 0;
	ssize_t n;

	ret[0] = '\0';
	while (text[0] == '\0' || strstr(ret, text) == NULL) {
		assert_true(len + 1 < size);
		n = recv(fd, ret + len, size - len - 1, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			break;
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			loop_until_readable(lab->loop, fd, text);
			continue;
		}
		len += (size_t)n;
		ret[len] = '\0';
	}
	if (text[0] != '\0' && strstr(ret, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, ret);
}

void
session_lab_send(int fd, const char *text)
{
	assert_int_equal(
		send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}
