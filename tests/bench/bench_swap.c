/*
 * bench_swap.c - what it costs to look for stand-ins in a body
 *
 *	bench_swap [MEGABYTES]
 *
 * Eight of 40 letters in pieces of 16 KiB: in a text of letters that has none,
 * and in one that is the longest beginning of one over and over.  Prints bytes
 * per CPU second, and for scale those of memcpy() over the same pieces.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "swap.h"

enum { PIECE = 16 * 1024, WORDS = 8, WORD = 40, DEFAULT_MEGABYTES = 1024 };

static char text[PIECE], out[PIECE], words[WORDS][WORD];
static struct swap s;

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char
some_letter(void)
{
	static unsigned seed = 1;

	seed = seed * 1664525 + 1013904223;
	return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		[(seed >> 16) % 62];
}

static void
look(void)
{
	swap_look(&s, (struct span){text, PIECE});
}

static void
pass(void)
{
	struct span in = {text, PIECE};

	while (swap_run(&s, &in, out, PIECE) == PIECE)
		;
}

static void
copy(void)
{
	memcpy(out, text, PIECE);
	__asm__ volatile("" : : "r"(out) : "memory");
}

static void
run(const char *what, void (*piece)(void), long megabytes)
{
	double began = cpu_seconds();

	for (long i = 0; i < megabytes * (1024 * 1024 / PIECE); i++)
		piece();
	printf("%-22s %8.0f MB/s\n", what,
		(double)megabytes * 1.048576 / (cpu_seconds() - began));
}

int
main(int argc, char **argv)
{
	long megabytes = argc > 1 ? atol(argv[1]) : DEFAULT_MEGABYTES;
	struct span spans[WORDS];
	struct swap_set *set;

	for (size_t i = 0; i < sizeof(words); i++)
		words[i / WORD][i % WORD] = some_letter();
	for (size_t i = 0; i < WORDS; i++)
		spans[i] = (struct span){words[i], WORD};
	for (size_t i = 0; i < PIECE; i++)
		text[i] = some_letter();
	if (swap_set_new(spans, WORDS, &set) < 0)
		return 1;
	swap_init(&s, set, SWAP_JSON);
	run("memcpy", copy, megabytes);
	run("look, none there", look, megabytes);
	run("swap, none there", pass, megabytes);
	for (size_t i = 0; i < PIECE; i++)
		text[i] = words[0][i % (WORD - 1)];
	run("look, only beginnings", look, megabytes);
	run("swap, only beginnings", pass, megabytes);
	swap_done(&s);
	swap_set_unref(set);
	return 0;
}
