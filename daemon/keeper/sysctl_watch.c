/*
 * sysctl_watch.c - what somebody wrote below /proc/sys
 *
 * A descriptor that is kept is read at offset 0 each time: one system call a
 * value.  One that is not there is looked for again: a module that is loaded
 * brings it.
 */
#include "sysctl_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

enum { PATH_SIZE = 256, VALUE_SIZE = 32 };

static const char *const paths[] = {
	"net/ipv4/conf/all/src_valid_mark",
	"net/ipv4/conf/all/route_localnet",
	"net/ipv4/conf/default/route_localnet",
	"net/ipv4/conf/all/rp_filter",
	"net/ipv4/conf/all/accept_local",
	"net/ipv4/ip_forward",
	"net/ipv6/conf/all/forwarding",
	"net/ipv6/conf/all/disable_ipv6",
	"net/ipv6/conf/lo/disable_ipv6",
	"net/ipv4/tcp_migrate_req",
	"net/bridge/bridge-nf-call-iptables",
	"net/bridge/bridge-nf-call-ip6tables",
};

struct sysctl_watch {
	char *root;
	int fd[ARRAY_LEN(paths)];
	long value[ARRAY_LEN(paths)];
};

static long
read_value(struct sysctl_watch *w, size_t i)
{
	char path[PATH_SIZE], text[VALUE_SIZE];
	ssize_t n;

	if (w->fd[i] < 0) {
		snprintf(path, sizeof(path), "%s/%s", w->root, paths[i]);
		w->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (w->fd[i] < 0)
		return -1;
	n = pread(w->fd[i], text, sizeof(text) - 1, 0);
	if (n <= 0) {
		close(w->fd[i]);
		w->fd[i] = -1;
		return -1;
	}
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

struct sysctl_watch *
sysctl_watch_new(const char *root)
{
	struct sysctl_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		w->fd[i] = -1;
	w->root = strdup(root);
	if (w->root == NULL) {
		sysctl_watch_free(w);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		w->value[i] = read_value(w, i);
	return w;
}

void
sysctl_watch_free(struct sysctl_watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	}
	free(w->root);
	free(w);
}

void
sysctl_watch_look(struct sysctl_watch *w, sysctl_changed *changed, void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		long was = w->value[i], now = read_value(w, i);

		if (now == was)
			continue;
		w->value[i] = now;
		changed(arg, paths[i], was, now);
	}
}
