/* The resolver against a name server that is not ours. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "asked.h"

extern char **environ;

enum {
	MANY = 120, /* addresses of one name: too much for a datagram */
	START_MS = 20000,
	TRIES = 8,
};

static pid_t dnsmasq = -1;
static struct bench bench;

static int
bound(int type, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	if (bind(fd, (struct sockaddr *)address, size) != 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &size), 0);
	return fd;
}

/* Free for datagrams and for TCP.  Whoever runs beside this test may have taken
 * it when it is used: see start(). */
static int
free_port(void)
{
	struct sockaddr_in address;
	int datagrams, streams;

	do {
		address = (struct sockaddr_in){.sin_family = AF_INET};
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		datagrams = bound(SOCK_DGRAM, &address);
		assert_int_not_equal(datagrams, -1);
		streams = bound(SOCK_STREAM, &address);
		close(datagrams);
	} while (streams == -1);
	close(streams);
	return ntohs(address.sin_port);
}

/* It says so on its standard error when it listens, and ends, with the reason,
 * when it cannot. */
static bool
has_started(int fd, char *text, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n;

	text[0] = '\0';
	while (strstr(text, "started") == NULL) {
		if (poll(&p, 1, START_MS) != 1)
			return false;
		n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
	}
	return true;
}

/* Its whole configuration, down a pipe. */
static void
write_configuration(int fd, int port)
{
	assert_true(dprintf(fd,
			    "port=%d\n"
			    "listen-address=127.0.0.1\n"
			    "bind-interfaces\n"
			    "no-resolv\n"
			    "no-hosts\n"
			    "pid-file=\n"
			    "user=root\n"
			    "keep-in-foreground\n"
			    "log-facility=-\n"
			    "local=/test/\n"
			    "edns-packet-max=1232\n"
			    "host-record=x.test,192.0.2.1,2001:db8::1,120\n"
			    "host-record=four.test,192.0.2.4,33\n"
			    "cname=alias.test,x.test,40\n",
			    port) > 0);
	for (int i = 0; i < MANY; i++)
		assert_true(dprintf(fd, "host-record=many.test,192.0.2.%d\n",
				    i + 1) > 0);
}

static bool
spawn_dnsmasq(int port, char *text, size_t size)
{
	char name[] = "dnsmasq", file[] = "--conf-file=/dev/stdin";
	char *const argv[] = {name, file, NULL};
	posix_spawn_file_actions_t actions;
	int in[2], err[2];
	bool started;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	write_configuration(in[1], port);
	close(in[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&dnsmasq, "/usr/sbin/dnsmasq", &actions,
				 NULL, argv, environ),
		0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(err[1]);
	started = has_started(err[0], text, size);
	close(err[0]);
	return started;
}

static int
end_dnsmasq(void)
{
	kill(dnsmasq, SIGTERM);
	return waitpid(dnsmasq, NULL, 0) == dnsmasq ? 0 : -1;
}

static int
start(void **state)
{
	const char *server;
	char said[4096], err[128], address[32];
	int port, tries = 0;

	(void)state;
	while (port = free_port(), !spawn_dnsmasq(port, said, sizeof(said))) {
		assert_int_equal(end_dnsmasq(), 0);
		if (++tries == TRIES)
			fail_msg("dnsmasq did not start: %s", said);
	}
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	server = address;
	bench.loop = ev_loop_new(EVFLAG_AUTO);
	return resolver_new(bench.loop, &server, 1, &bench.r, err, sizeof(err));
}

static int
stop(void **state)
{
	(void)state;
	resolver_free(bench.r);
	ev_loop_destroy(bench.loop);
	return end_dnsmasq();
}

static const struct {
	const char *host;
	int family, status;
	size_t count;
	const char *address;
	unsigned ttl;
	const char *why;
} cases[] = {
	{"x.test", AF_INET, 0, 1, "192.0.2.1", 120, "an address"},
	{"x.test", AF_INET6, 0, 1, "2001:db8::1", 120, "the other family"},
	{"alias.test", AF_INET, 0, 1, "192.0.2.1", 40, "the alias has less"},
	{"alias.test", AF_INET6, 0, 1, "2001:db8::1", 40, "as before"},
	{"four.test", AF_INET, 0, 1, "192.0.2.4", 33, "IPv4 only"},
	{"four.test", AF_INET6, -ENODATA, 0, NULL, 0, "IPv4 only"},
	{"none.test", AF_INET, -ENOENT, 0, NULL, 0, "no such name"},
	{"many.test", AF_INET, 0, 16, NULL, 5, "by TCP, and cut"},
	{"localhost", AF_INET, -ECONNREFUSED, 0, NULL, 0, "no hosts file"},
};

static void
test_answers(void **state)
{
	struct resolver_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer = asked_answer(&bench, cases[i].host, cases[i].family);
		if (answer.status != cases[i].status ||
			answer.count != cases[i].count)
			fail_msg("%s (%s): status %d (%s), %zu addresses",
				cases[i].host, cases[i].why, answer.status,
				answer.text != NULL ? answer.text : "",
				answer.count);
		if (answer.status == 0 && answer.ttl != cases[i].ttl)
			fail_msg("%s (%s): TTL %u", cases[i].host, cases[i].why,
				answer.ttl);
		if (cases[i].address != NULL)
			assert_string_equal(
				asked_address(&answer, 0), cases[i].address);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
