/*
 * What a record costs on the path of a request: to be formatted, and to be
 * appended in a batch of one loop turn.
 *
 *	bench_record [rounds]
 *
 * Prints nanoseconds a record; the log is in memory, so no disk is measured.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "record.h"
#include "writer.h"

enum {
	ROUNDS = 1000000,
	BATCH = 32,        /* decisions of one loop turn */
	TRUNCATE = 262144, /* records after which the log begins anew */
};

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
bench_format(const char *name, struct record r, long rounds)
{
	char line[RECORD_LINE_MAX];
	size_t len = 0;
	double start = now_ns();

	for (long i = 0; i < rounds; i++) {
		r.ts_us += 17; /* a new second now and then */
		r.id++;
		len = record_format(&r, line, sizeof(line));
	}
	printf("format %-10s %7.0f ns, %zu bytes\n", name,
		(now_ns() - start) / (double)rounds, len);
}

static void
bench_write(struct record r, long rounds)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct writer *w = writer_new(dup(fd));
	char line[RECORD_LINE_MAX];
	double start = now_ns();

	if (fd < 0 || w == NULL)
		exit(1);
	for (long i = 0; i < rounds; i++) {
		size_t len = record_format(&r, line, sizeof(line));

		if (writer_add(w, line, len) < 0)
			exit(1);
		if (i % BATCH == BATCH - 1 && writer_flush(w) < 0)
			exit(1);
		if (i % TRUNCATE == 0 &&
			(ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0))
			exit(1);
	}
	printf("format, add and a flush for %d: %.0f ns\n", BATCH,
		(now_ns() - start) / (double)rounds);
	writer_free(w);
	close(fd);
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
	struct sockaddr_in src = {.sin_family = AF_INET,
		.sin_port = htons(41234),
		.sin_addr.s_addr = htonl(0x0A4D0102)};
	struct record r = {
		.ts_us = 1763695501000042,
		.kind = RECORD_REQUEST,
		.sandbox = "build-1",
		.labels = "{\"team\":\"search\"}",
		.src = (const struct sockaddr *)&src,
		.dst = (const struct sockaddr *)&src,
		.dport = 443,
		.proto = "tls",
		.host = SPAN_LITERAL("api.example.org"),
		.method = SPAN_LITERAL("GET"),
		.path = SPAN_LITERAL("/repos/octo/hello/issues/1/comments"),
		.rule = "agent.allow[0]",
		.source = "agent.yaml:12",
		.policy = "agent",
		.generation = 3,
		.via = "inspect",
		.alpn = "http/1.1",
	};
	struct record outcome = {
		.ts_us = 1763695501000042,
		.event = RECORD_OUTCOME,
		.kind = RECORD_REQUEST,
		.reason = RECORD_COMPLETE,
		.sandbox = "build-1",
		.status = 200,
		.bytes_up = 310,
		.bytes_down = 14720,
		.dur_us = 12345,
		.ttfb_us = 9120,
		.upstream = (const struct sockaddr *)&src,
	};
	static char path[2000];
	struct record hostile = r;

	if (rounds <= 0) {
		fputs("usage: bench_record [rounds]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = (char)(i * 37);
	hostile.path = (struct span){path, sizeof(path)};
	bench_format("decision", r, rounds);
	bench_format("outcome", outcome, rounds);
	bench_format("hostile", hostile, rounds);
	bench_write(r, rounds);
	return 0;
}
