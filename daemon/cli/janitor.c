/*
 * janitor.c - cleans up after its parent
 *
 * Theory of operation
 *
 * Cleaning is never done by the one who may be killed.  The parent talks to
 * the janitor over a socket pair; at its end the janitor knows that the parent
 * is through, by will or by SIGKILL, and undoes.  There is no other clean-up,
 * so that each run tests it.
 *
 *	start	 the daemon, if it is to be ours		-> '+' or '-'
 *text wait	 a document: register the sandbox	-> '+' or '-' text end
 *unregister, cut the wire, stop the daemon
 *
 * What needs an owner is made by the janitor itself, so that it is never in
 * doubt whether it is there: a registration that the parent does not live to
 * see is over before the end is noticed.  The wire is made by the parent, with
 * names that were drawn beforehand; since drawing does not make a thing ours,
 * an interface is deleted only if it has our hardware address.
 *
 * A session of its own and blocked signals keep it out of reach of what the
 * terminal does to its parent.
 */
#include "janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli_ask.h"
#include "control_client.h"
#include "nss_place.h"
#include "own_daemon.h"
#include "rtnl.h"

enum { REGISTER_SECONDS = 30, MESSAGE_MAX = 8192 };

struct janitor {
	pid_t pid;
	int talk;    /* our end */
	int life[2]; /* read end, write end */
};

static void
tell(int talk, int status, const char *text)
{
	char message[MESSAGE_MAX];
	int n = snprintf(message, sizeof(message), "%c%s",
		status == 0 ? '+' : '-',
		status < 0 && text[0] == '\0' ? strerror(-status) : text);

	if (n >= (int)sizeof(message))
		n = (int)sizeof(message) - 1;
	(void)!send(talk, message, (size_t)n, MSG_NOSIGNAL);
}

/* 1 and what was said; 0 at the end. */
static int
hear(int talk, char message[MESSAGE_MAX])
{
	ssize_t n;

	do {
		n = recv(talk, message, MESSAGE_MAX - 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	message[n] = '\0';
	return 1;
}

/* PUT with a document, DELETE without. */
static int
change_sandbox(const struct janitor_plan *plan, const char *document,
	char *reterr, size_t size)
{
	struct control_question question = {
		.method = document != NULL ? "PUT" : "DELETE",
		.body = document,
		.body_len = document != NULL ? strlen(document) : 0,
		/* What others have added is not ours to replace. */
		.if_none_match = document != NULL ? "*" : NULL,
		.seconds = REGISTER_SECONDS,
	};
	struct control_client *client;
	char *name = control_escape(plan->sandbox);
	char target[512];
	int e;

	if (name == NULL)
		return -ENOMEM;
	snprintf(target, sizeof(target), "/v1/sandboxes/%s", name);
	free(name);
	question.target = target;
	e = control_client_open(plan->socket_path, &client, reterr, size);
	if (e < 0)
		return e;
	e = cli_ask_done(client, &question, reterr, size);
	control_client_close(client);
	return e;
}

static void
cut(const struct wire *wire)
{
	struct rtnl *r;
	int e = rtnl_open(&r);

	if (e == 0) {
		e = wire_cut(wire, r);
		rtnl_close(r);
	}
	if (e < 0)
		fprintf(stderr, "sbx-netctl: cannot delete %s: %s\n",
			wire->host.name, strerror(-e));
}

/* The janitor's life: never returns. */
static void
live(const struct janitor_plan *plan, int life_fd, int talk)
{
	struct own_daemon *daemon = NULL;
	char text[MESSAGE_MAX] = "";
	char message[MESSAGE_MAX];
	bool registered = false;
	int place = -1, e = 0;

	if (plan->own != NULL)
		e = own_daemon_start(
			plan->own, life_fd, &daemon, text, sizeof(text));
	if (e == 0 && plan->home != NULL)
		place = nss_place_enter(plan->home, plan->user);
	tell(talk, e, text);
	while (e == 0 && hear(talk, message)) {
		e = change_sandbox(plan, message, text, sizeof(text));
		registered = e == 0;
		tell(talk, e, text);
	}
	if (registered && change_sandbox(plan, NULL, text, sizeof(text)) < 0 &&
		daemon == NULL)
		fprintf(stderr,
			"sbx-netctl: the sandbox %s is still there: %s\n",
			plan->sandbox, text);
	nss_place_leave(place, plan->home, plan->user);
	cut(plan->wire);
	own_daemon_stop(daemon);
	_exit(0);
}

/* In the new process. */
static void
begin_life(const struct janitor_plan *plan, struct janitor *j, int talk)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "sbx-janitor");
	close(j->life[1]);
	close(j->talk);
	live(plan, j->life[0], talk);
}

/* The janitor's word on what it was asked to do. */
static int
answer(struct janitor *j, char *reterr, size_t size)
{
	char message[MESSAGE_MAX];

	if (!hear(j->talk, message)) {
		snprintf(reterr, size, "the process that cleans up has died");
		return -EPIPE;
	}
	if (message[0] == '+')
		return 0;
	snprintf(reterr, size, "%s", message + 1);
	return -ECHILD;
}

static void
free_janitor(struct janitor *j)
{
	if (j->talk >= 0)
		close(j->talk);
	if (j->life[0] >= 0)
		close(j->life[0]);
	if (j->life[1] >= 0)
		close(j->life[1]);
	free(j);
}

int
janitor_start(const struct janitor_plan *plan, struct janitor **ret,
	char *reterr, size_t size)
{
	struct janitor *j = calloc(1, sizeof(*j));
	int talk[2] = {-1, -1};
	int e;

	if (j == NULL)
		return -ENOMEM;
	*j = (struct janitor){.pid = -1, .talk = -1, .life = {-1, -1}};
	if (pipe2(j->life, O_CLOEXEC) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk) < 0)
		goto fail;
	j->talk = talk[0];
	j->pid = fork();
	if (j->pid == 0)
		begin_life(plan, j, talk[1]);
	if (j->pid < 0)
		goto fail;
	close(talk[1]);
	e = answer(j, reterr, size);
	if (e < 0) {
		(void)janitor_dismiss(j);
		return e;
	}
	*ret = j;
	return 0;
fail:
	e = -errno;
	snprintf(reterr, size, "cannot start a process: %s", strerror(-e));
	if (talk[1] >= 0)
		close(talk[1]);
	free_janitor(j);
	return e;
}

int
janitor_register(
	struct janitor *j, const char *document, char *reterr, size_t size)
{
	if (send(j->talk, document, strlen(document), MSG_NOSIGNAL) < 0) {
		snprintf(reterr, size, "the process that cleans up has died");
		return -EPIPE;
	}
	return answer(j, reterr, size);
}

int
janitor_life_fd(const struct janitor *j)
{
	return j->life[0];
}

int
janitor_dismiss(struct janitor *j)
{
	int status = 0;

	if (j == NULL)
		return 0;
	close(j->talk);
	j->talk = -1;
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	free_janitor(j);
	return status == 0 ? 0 : -EIO;
}
