/*
 * Reads commands from standard input and does them through nft.h, for the
 * system tests: one line in, lines out, then "= STATUS TEXT".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft.h"
#include "nft_gate.h"
#include "nft_watch.h"

enum { WORDS_MAX = 80, LINE_SIZE = 8192 };

struct driver {
	struct nft *nft;
	struct nft_watch *watch;
	const char *words[WORDS_MAX];
	size_t count;
	char text[256];
};

static int
do_add(struct driver *d)
{
	struct nft_sandbox s = {d->words[1], &d->words[2], d->count - 2};

	return nft_add_sandbox(d->nft, &s, d->text, sizeof(d->text));
}

static int
do_remove(struct driver *d)
{
	struct nft_sandbox s = {d->words[1], &d->words[2], d->count - 2};

	return nft_remove_sandbox(d->nft, &s, d->text, sizeof(d->text));
}

static int
do_release(struct driver *d)
{
	return nft_release(d->nft, d->words[1], d->text, sizeof(d->text));
}

static int
do_sync(struct driver *d)
{
	return nft_sync(d->nft, d->text, sizeof(d->text));
}

static int
do_check(struct driver *d)
{
	return nft_check(d->nft, d->text, sizeof(d->text));
}

/* exempt RANGE... [@ADDRESS PORT]: one resolver at the end, or none. */
static int
do_exempt(struct driver *d)
{
	struct nft_resolver r = {NULL, 0};
	struct nft_exempt x = {&d->words[1], d->count - 1, &r, 0};

	if (d->count > 2 && d->words[d->count - 2][0] == '@') {
		r.address = d->words[d->count - 2] + 1;
		r.port = (uint16_t)strtoul(d->words[d->count - 1], NULL, 10);
		x.range_count -= 2;
		x.resolver_count = 1;
	}
	return nft_exempt(d->nft, &x, d->text, sizeof(d->text));
}

static int
do_sources(struct driver *d)
{
	struct nft_source *sources;
	size_t count;
	int r = nft_dump_sources(
		d->nft, &sources, &count, d->text, sizeof(d->text));

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		printf("%s %s\n", sources[i].interface, sources[i].address);
	free(sources);
	return 0;
}

static int
do_gate(struct driver *d)
{
	int r = nft_open_gate(
		d->nft, NFT_DEFAULT_QUEUE, d->text, sizeof(d->text));

	if (r == 0)
		printf("%s\n", nft_queue_name(nft_gate_kind(d->nft)));
	return r;
}

/* What is there to read now. */
static int
do_watch(struct driver *d)
{
	return nft_watch_read(d->watch);
}

static int
do_skip(struct driver *d)
{
	return nft_watch_skip(d->watch);
}

/* Waits up to ten seconds for the first event. */
static int
do_await(struct driver *d)
{
	struct pollfd p = {.fd = nft_watch_fd(d->watch), .events = POLLIN};

	if (poll(&p, 1, 10000) != 1)
		return -ETIMEDOUT;
	return nft_watch_read(d->watch);
}

static const struct command {
	const char *name;
	size_t words;
	int (*run)(struct driver *d);
} commands[] = {
	{"add", 2, do_add},
	{"remove", 2, do_remove},
	{"release", 2, do_release},
	{"sync", 1, do_sync},
	{"check", 1, do_check},
	{"exempt", 1, do_exempt},
	{"sources", 1, do_sources},
	{"gate", 1, do_gate},
	{"watch", 1, do_watch},
	{"skip", 1, do_skip},
	{"await", 1, do_await},
};

static int
run_line(struct driver *d, char *line)
{
	d->count = 0;
	d->text[0] = '\0';
	for (char *word = strtok(line, " \n");
		word != NULL && d->count < WORDS_MAX;
		word = strtok(NULL, " \n"))
		d->words[d->count++] = word;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (d->count >= commands[i].words &&
			strcmp(d->words[0], commands[i].name) == 0)
			return commands[i].run(d);
	}
	snprintf(d->text, sizeof(d->text), "no such command");
	return -ENOSYS;
}

int
main(void)
{
	struct nft_names names = {0};
	struct driver d = {0};
	char line[LINE_SIZE];
	int r;

	if (nft_open(&names, &d.nft, d.text, sizeof(d.text)) < 0 ||
		nft_watch_open(d.nft, &d.watch, d.text, sizeof(d.text)) < 0) {
		fprintf(stderr, "%s\n", d.text);
		nft_close(d.nft);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		r = run_line(&d, line);
		printf("= %d %s\n", r, r < 0 ? d.text : "");
		fflush(stdout);
	}
	nft_watch_close(d.watch);
	nft_close(d.nft);
	return 0;
}
