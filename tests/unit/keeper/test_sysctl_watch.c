#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysctl_watch.h"

static char root[] = "/tmp/sysctl-watch-XXXXXX";

struct news {
	unsigned count;
	char name[64];
	long was, now;
};

static void
write_value(const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
changed(void *arg, const char *name, long was, long now)
{
	struct news *n = arg;

	n->count++;
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->was = was;
	n->now = now;
}

static struct news
look(struct sysctl_watch *w)
{
	struct news n = {0};

	sysctl_watch_look(w, changed, &n);
	return n;
}

static void
test_each_change_is_told_once(void **state)
{
	struct sysctl_watch *w;
	struct news n;
	char command[128];
	(void)state;

	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p %s/net/ipv4 %s/net/bridge",
		root, root);
	/* NOLINTNEXTLINE(cert-env33-c): a fixed command of a test */
	assert_int_equal(system(command), 0);
	write_value("net/ipv4/ip_forward", "1\n");
	write_value("net/ipv4/nobody_looks_here", "1\n");
	w = sysctl_watch_new(root);
	assert_non_null(w);
	assert_int_equal(look(w).count, 0);

	write_value("net/ipv4/ip_forward", "0\n");
	write_value("net/ipv4/nobody_looks_here", "0\n");
	n = look(w);
	assert_int_equal(n.count, 1);
	assert_string_equal(n.name, "net/ipv4/ip_forward");
	assert_int_equal(n.was, 1);
	assert_int_equal(n.now, 0);
	assert_int_equal(look(w).count, 0);

	/* A module is loaded. */
	write_value("net/bridge/bridge-nf-call-iptables", "1\n");
	n = look(w);
	assert_int_equal(n.count, 1);
	assert_string_equal(n.name, "net/bridge/bridge-nf-call-iptables");
	assert_int_equal(n.was, -1);
	assert_int_equal(n.now, 1);
	sysctl_watch_free(w);
	snprintf(command, sizeof(command), "rm -r %s", root);
	/* NOLINTNEXTLINE(cert-env33-c): a fixed command of a test */
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_change_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
