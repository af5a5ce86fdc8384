/*
 * What it costs to learn the name of a QUIC flow: from a file of datagrams as
 * in tests/fuzz/corpus/quic, each behind its length.
 *
 *	bench_quic FILE [rounds]
 *
 * Prints microseconds an opening, memory for it included.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hello.h"
#include "quic_opening.h"

enum { WIRE_MAX = 65536, ROUNDS = 100000 };

static double
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
open_flow(const uint8_t *wire, size_t len, char *ret_name, size_t size)
{
	struct quic_opening *o = quic_opening_new();
	enum quic_result result = QUIC_MORE;

	if (o == NULL)
		exit(1);
	for (size_t at = 0; at + 2 < len && result == QUIC_MORE;) {
		size_t part = (size_t)wire[at] << 8 | wire[at + 1];

		at += 2;
		if (part > len - at)
			exit(1);
		result = quic_opening_feed(o, wire + at, part);
		at += part;
	}
	snprintf(ret_name, size, "%s",
		result == QUIC_NAME ? quic_opening_hello(o)->name : "no name");
	quic_opening_free(o);
}

int
main(int argc, char **argv)
{
	static uint8_t wire[WIRE_MAX];
	long rounds = argc > 2 ? atol(argv[2]) : ROUNDS;
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
	char name[HELLO_NAME_MAX + 1] = "";
	double start;
	size_t len;

	if (file == NULL || rounds < 1) {
		fprintf(stderr, "usage: bench_quic FILE [rounds]\n");
		return 2;
	}
	len = fread(wire, 1, sizeof(wire), file);
	fclose(file);
	start = now_us();
	for (long i = 0; i < rounds; i++)
		open_flow(wire, len, name, sizeof(name));
	printf("%s: %.1f us an opening\n", name,
		(now_us() - start) / (double)rounds);
	return 0;
}
