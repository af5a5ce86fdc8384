/*
 * A worker that only talks: says on standard error, a line a message, what the
 * keeper told it, and commits what it is told.  Words in a document make it
 * misbehave:
 *
 *	refuse N   worker N refuses the batch
 *	crash N    worker N dies of the batch
 *	lie N      worker N speaks as the keeper does
 *	deaf       nobody ends when told to stop
 *	ask N S H  worker N asks for the number of sandbox S's host H (a number:
 *	           for its host), as often as that is written
 *
 * With --mute it closes its link and waits for its end; with --gift it gives
 * the keeper a decision log.
 *
 * An overlay about the host refuse-N.test makes worker N refuse, too.
 */
#include <ev.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel.h"
#include "link_message.h"

struct twin {
	struct ev_loop *loop;
	struct link_channel *channel;
	unsigned index;
	int fds; /* how many were open at first */
	bool refuse, crash, lie, deaf;
	char asks[4096]; /* the document that says what to ask */
};

static void say(const struct twin *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
say(const struct twin *t, const char *format, ...)
{
	char line[4096];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "double %u: ", t->index);
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	va_end(ap);
	line[n] = '\n';
	(void)!write(STDERR_FILENO, line, (size_t)n + 1);
}

static void
answer(struct twin *t, enum link_type type, uint64_t generation)
{
	struct link_message m = {.type = type, .generation = generation};
	char numbers[64];

	snprintf(numbers, sizeof(numbers), "{\"n\":1,\"own\":%d}",
		(int)getpid());
	m.text.text = type == LINK_REFUSED ? "as it was told" : numbers;
	link_send(t->channel, &m);
}

static bool
commands(const struct twin *t, struct span text, const char *command)
{
	char words[32];

	snprintf(words, sizeof(words), "%s %u", command, t->index);
	return memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}

static void
ask_names(const struct twin *t, const char *text)
{
	char words[32], sandbox[64], what[64];

	snprintf(words, sizeof(words), "ask %u ", t->index);
	while ((text = strstr(text, words)) != NULL) {
		struct link_message m = {.type = LINK_NAME_ASK};

		text += strlen(words);
		if (sscanf(text, "%63s %63s", sandbox, what) != 2)
			return;
		m.name = (struct link_name){sandbox, what, LINK_NO_NUMBER};
		if (what[0] >= '0' && what[0] <= '9')
			m.name = (struct link_name){
				sandbox, "", (uint32_t)strtoul(what, NULL, 10)};
		link_send(t->channel, &m);
	}
}

static void
on_name(const struct twin *t, const struct link_name *n)
{
	say(t, "name of %s: %s %ld", n->sandbox,
		n->host[0] != '\0' ? n->host : "-",
		n->number == LINK_NO_NUMBER ? -1L : (long)n->number);
}

static void
on_document(struct twin *t, const struct link_document *d)
{
	const char *name = strrchr(d->name, '/');

	say(t, "document %s", name != NULL ? name + 1 : d->name);
	t->refuse |= commands(t, d->text, "refuse");
	t->crash |= commands(t, d->text, "crash");
	t->lie |= commands(t, d->text, "lie");
	if (memmem(d->text.ptr, d->text.len, "ask ", 4) != NULL)
		snprintf(t->asks, sizeof(t->asks), "%.*s", (int)d->text.len,
			d->text.ptr);
	t->deaf |= memmem(d->text.ptr, d->text.len, "deaf", 4) != NULL;
}

static void
on_sandbox(struct twin *t, const struct link_sandbox *s)
{
	char word[32];

	say(t, "sandbox %s %s ifindex %d served %d authority %d", s->name,
		s->policy, s->ifindex > 0, s->served, s->authority.len > 0);
	if (s->overlay[0] != '\0')
		say(t, "overlay of %zu bytes", strlen(s->overlay));
	if (s->stand_ins[0] != '\0')
		say(t, "stand-ins of %s: %s", s->name, s->stand_ins);
	snprintf(word, sizeof(word), "refuse-%u.test", t->index);
	t->refuse |= strstr(s->overlay, word) != NULL;
}

/* What a worker must not have: say it if it is there. */
static void
say_privileges(const struct twin *t)
{
	char text[4096] = "";
	const char *caps;
	ssize_t n;
	int fd;

	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	caps = strstr(text, "CapPrm:\t");
	say(t, "privileges caps %.16s newprivs %d environment %s fds %d",
		caps != NULL ? caps + 8 : "?",
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
		environ[0] == NULL ? "empty" : environ[0], t->fds);
}

static void
on_setup(struct twin *t, const struct link_setup *s)
{
	t->index = s->index;
	say(t, "setup of %u tcp4 %d log %d trust %d resolver %s", s->workers,
		s->tcp4 >= 0, s->log >= 0, s->trust.len > 0, s->servers[0]);
	answer(t, LINK_READY, 0);
}

static void
on_commit(struct twin *t, uint64_t generation)
{
	say(t, "commit %llu", (unsigned long long)generation);
	if (t->crash)
		abort();
	answer(t, t->refuse ? LINK_REFUSED : LINK_COMMITTED, generation);
	if (t->lie)
		answer(t, LINK_COMMIT, generation);
	t->refuse = false;
	ask_names(t, t->asks);
}

static void
on_stop(struct twin *t)
{
	say(t, "stop");
	if (!t->deaf)
		ev_break(t->loop, EVBREAK_ALL);
}

static void
on_message(void *arg, const struct link_message *m)
{
	struct twin *t = arg;

	switch (m->type) {
	case LINK_SETUP:
		say_privileges(t);
		on_setup(t, &m->setup);
		break;
	case LINK_BEGIN:
		t->crash = t->lie = false;
		say(t, "begin %llu", (unsigned long long)m->generation);
		break;
	case LINK_DOCUMENT:
		on_document(t, &m->document);
		break;
	case LINK_SANDBOX:
		on_sandbox(t, &m->sandbox);
		break;
	case LINK_SANDBOX_GONE:
		say(t, "gone %s", m->sandbox_gone);
		break;
	case LINK_SECRET:
		say(t, "secret %s %s", m->secret.name,
			m->secret.present ? m->secret.value.ptr
					  : m->secret.why);
		break;
	case LINK_COMMIT:
		on_commit(t, m->generation);
		break;
	case LINK_SELF:
		say(t, "self %d", m->self.added);
		break;
	case LINK_NAME:
		on_name(t, &m->name);
		break;
	case LINK_LOG:
		say(t, "log");
		close(m->log_fd);
		break;
	case LINK_STATUS_ASK:
		answer(t, LINK_STATUS, 0);
		break;
	case LINK_STOP:
		on_stop(t);
		break;
	default:
		break;
	}
}

static void
on_closed(void *arg, const char *why)
{
	struct twin *t = arg;

	(void)why;
	ev_break(t->loop, EVBREAK_ALL);
}

static void
give_a_log(const struct twin *t)
{
	struct link_message m = {.type = LINK_LOG, .log_fd = STDIN_FILENO};

	link_send(t->channel, &m);
}

int
main(int argc, char **argv)
{
	static const struct link_events events = {on_message, on_closed};
	struct twin t = {0};

	if (argc > 1 && strcmp(argv[1], "--mute") == 0) {
		close(3);
		pause();
	}
	for (int fd = 0; fd < 1024; fd++)
		t.fds += fcntl(fd, F_GETFD) >= 0;
	t.loop = ev_loop_new(EVFLAG_AUTO);
	if (link_channel_new(t.loop, 3, &events, &t, &t.channel) < 0)
		return 1;
	if (argc > 1 && strcmp(argv[1], "--gift") == 0)
		give_a_log(&t);
	ev_run(t.loop, 0);
	/* _exit: a leak check needs /proc, which is not ours any more. */
	_exit(0);
}
