/* The resolver against a name server that is not ours. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
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
};

static pid_t dnsmasq = -1;
static struct bench bench;

static int
free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(
		getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* It says so on its standard error when it listens. */
static void
wait_until_started(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[4096] = "";
	size_t len = 0;
	ssize_t n;

	while (strstr(text, "started") == NULL) {
		if (poll(&p, 1, START_MS) != 1)
			fail_msg("dnsmasq did not start: %s", text);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			fail_msg("dnsmasq: %s", text);
		len += (size_t)n;
		text[len] = '\0';
	}
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

static void
spawn_dnsmasq(int port)
{
	char name[] = "dnsmasq", file[] = "--conf-file=/dev/stdin";
	char *const argv[] = {name, file, NULL};
	posix_spawn_file_actions_t actions;
	int in[2], err[2];

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
	wait_until_started(err[0]);
	close(err[0]);
}

static int
start(void **state)
{
	int port = free_port();
	const char *server;
	char err[128], address[32];

	(void)state;
	spawn_dnsmasq(port);
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
	kill(dnsmasq, SIGTERM);
	return waitpid(dnsmasq, NULL, 0) == dnsmasq ? 0 : -1;
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
