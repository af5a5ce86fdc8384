/*
 * bench_policy.c - decisions per second, as the number of rules grows
 *
 *	bench_policy [SECONDS]
 *
 * For 10, 1,000 and 100,000 host rules of mixed kinds: how long they take to
 * load, and how many flows and requests are decided a second for names that a
 * rule allows, names that no rule knows, and long names of many labels.  Prints
 * a table; judges nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy.h"
#include "report.h"
#include "tree.h"

enum { NAMES = 4096, NAME_BYTES = 64, CLOCK_EVERY = 1024 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *
document(unsigned rules, size_t *ret_len)
{
	static const char *const fronts[] = {"", "*.", "**.", "."};
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (out == NULL)
		abort();
	fputs("version: 1\npolicies:\n  p:\n    allow:\n", out);
	for (unsigned i = 0; i < rules; i++) {
		fprintf(out, "      - {host: \"%shost%u.zone%u.example\"",
			fronts[i % 4], i, i % 977);
		fputs(i % 3 == 0 ? ", path: /v1/**}\n" : "}\n", out);
	}
	fclose(out);
	return text;
}

static struct policy *
load(unsigned rules)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	char *text;
	size_t len;

	text = document(rules, &len);
	if (tree_parse("bench", text, len, &tree, report) < 0 ||
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) < 0) {
		fputs(report_text(report), stderr);
		exit(1);
	}
	tree_free(tree);
	report_free(report);
	free(text);
	return policy;
}

enum kind { ALLOWED, UNKNOWN, DEEP, KINDS };

static const char *const kind_names[] = {"allowed", "unknown", "deep"};

/* Names in no order that a cache could foresee. */
static void
fill_names(char (*names)[NAME_BYTES], unsigned rules, enum kind kind)
{
	uint32_t seed = 1;

	for (int i = 0; i < NAMES; i++) {
		unsigned n;

		seed = seed * 1664525 + 1013904223;
		n = (seed >> 4) % rules;
		if (kind == ALLOWED)
			snprintf(names[i], NAME_BYTES,
				"%shost%u.zone%u.example",
				n % 4 == 0 || n % 4 == 3 ? "" : "www.", n,
				n % 977);
		else if (kind == UNKNOWN)
			snprintf(names[i], NAME_BYTES, "n%u.zone%u.example",
				seed, n % 977);
		else
			snprintf(names[i], NAME_BYTES,
				"a.b.c.d.e.f.g.h.i.j.k.l.host%u.zone%u.example",
				n, n % 977);
	}
}

static double
measure(const struct policy_set *set, char (*names)[NAME_BYTES], double seconds,
	bool request)
{
	double start = now(), spent = 0;
	unsigned long done = 0, allowed = 0;

	do {
		for (int i = 0; i < CLOCK_EVERY; i++, done++) {
			const char *host = names[done % NAMES];
			const struct policy_request asked = {.host = host,
				.port = 443,
				.method = "GET",
				.path = "/v1/x"};

			allowed += request ? policy_decide_request(set, &asked)
						     .allowed
					   : policy_decide_flow(set, host, 443)
						     .allowed;
		}
		spent = now() - start;
	} while (spent < seconds);
	/* The verdicts must be used, or there is nothing to measure. */
	if (allowed > done)
		abort();
	return (double)done / spent;
}

int
main(int argc, char **argv)
{
	static const unsigned sizes[] = {10, 1000, 100000};
	static char names[NAMES][NAME_BYTES];
	double seconds = argc > 1 ? atof(argv[1]) : 0.5;

	printf("%8s %8s %10s %14s %14s %10s\n", "rules", "names", "load ms",
		"flows/s", "requests/s", "ns/flow");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double start = now(), loaded;
		struct policy *policy = load(sizes[i]);
		const struct policy_set *set = policy_find(policy, "p");

		loaded = (now() - start) * 1e3;
		for (int kind = 0; kind < KINDS; kind++) {
			double flows, requests;

			fill_names(names, sizes[i], (enum kind)kind);
			flows = measure(set, names, seconds, false);
			requests = measure(set, names, seconds, true);
			printf("%8u %8s %10.1f %14.0f %14.0f %10.0f\n",
				sizes[i], kind_names[kind], loaded, flows,
				requests, 1e9 / flows);
		}
		policy_unref(policy);
	}
	return 0;
}
