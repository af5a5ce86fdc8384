/*
 * fetch.c - a process for one question
 *
 * Theory of operation
 *
 * TLS, HTTP and JSON of a foreign server are read here, and not in the keeper,
 * which has every other secret, and must not wait.  A process of its own also
 * serves as a command does: its time, its output and its end are looked after
 *by source_command.c, and so all of ttl, refresh and failure_ttl is the same.
 *It is this very program, run again as workers are, so that no other version of
 *it can be met, and nothing has to be found.
 *
 *	with the keeper's rights	the question is read, then the files of
 *					token, secret_id and authorities, and
 *the sockets of an agent are connected as sbx-net-fetch		no
 *capability, nothing that can be written or executed; only now is libcurl
 *loaded and is somebody asked
 *
 * It has no environment but an empty one, its words are on no command line, and
 * tokens are in secret pages (secret.h) or in memory that ends with the
 *process: it is not dumpable and leaves by _exit().
 */
#include "fetch.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fetch_errand.h"
#include "identity.h"
#include "isolate.h"
#include "secret.h"
#include "source_command.h"

enum { WHY = 160, TAIL = 64 };

static int
read_question(char text[SOURCE_INPUT_MAX + 1], struct source_vault *ret)
{
	size_t len = 0;
	ssize_t n;

	while (len < SOURCE_INPUT_MAX &&
		(n = read(STDIN_FILENO, text + len, SOURCE_INPUT_MAX - len)) !=
			0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	text[len] = '\0';
	return source_vault_read(text, ret);
}

static int
become_less(bool is_socket, char *reterr, size_t reterr_size)
{
	struct identity who;
	int r = identity_find_fetcher(&who, reterr, reterr_size);

	if (r < 0)
		return r;
	if (!is_socket && who.change &&
		(setgroups(0, NULL) < 0 ||
			setresgid(who.gid, who.gid, who.gid) < 0 ||
			setresuid(who.uid, who.uid, who.uid) < 0)) {
		r = -errno;
		snprintf(reterr, reterr_size, "user: %s", strerror(-r));
		return r;
	}
	r = isolate_early(reterr, reterr_size);
	if (r == 0)
		r = isolate_reader(reterr, reterr_size);
	return r;
}

static int
write_all(struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes.ptr, bytes.len);

		if (n < 0)
			return -errno;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return 0;
}

/* A value has no line end inside (source_value.h). */
static int
print(const struct secret *value, int64_t expires)
{
	char tail[TAIL] = "\n";
	int r;

	if (expires != 0)
		snprintf(tail, sizeof(tail),
			"\npassword_expiry_utc=%" PRId64 "\n", expires);
	r = write_all(SPAN_LITERAL("password="));
	if (r == 0)
		r = write_all(secret_bytes(value));
	return r == 0 ? write_all(span_of(tail)) : r;
}

static int
run(struct fetch_errand *e, char *reterr, size_t reterr_size)
{
	char text[SOURCE_INPUT_MAX + 1];
	struct secret *value = NULL;
	int64_t expires = 0;
	int r = read_question(text, &e->question);

	if (r < 0)
		snprintf(reterr, reterr_size, "no question came");
	else
		r = fetch_errand_prepare(e, reterr, reterr_size);
	if (r == 0)
		r = become_less(e->place.socket != NULL, reterr, reterr_size);
	if (r < 0)
		return r;
	value = fetch_errand_run(e, &expires, reterr, reterr_size);
	if (value == NULL)
		return -EIO;
	r = print(value, expires);
	if (r < 0)
		snprintf(reterr, reterr_size, "%s", strerror(-r));
	secret_unref(value);
	return r;
}

int
fetch_main(void)
{
	struct fetch_errand e = {.token = NULL};
	char why[WHY] = "";
	int r;

	clearenv();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	r = run(&e, why, sizeof(why));
	fetch_errand_done(&e);
	if (r < 0)
		fprintf(stderr, "%s\n", why);
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
