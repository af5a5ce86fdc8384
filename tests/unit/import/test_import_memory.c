/*
 * test_import_memory.c - every allocation fails once
 *
 * As policy's test_memory.c: the n-th call of the allocator fails, for n from
 * one up, and each time the answer is -ENOMEM with nothing given out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import.h"
#include "report.h"

static long calls_left = -1; /* negative: never fail */

static bool
fails(void)
{
	return calls_left >= 0 && calls_left-- == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, count, size);
}

static char text[1 << 20];

/* Enough that the intake needs many blocks, with notes of every kind. */
static const char *const hosts[][2] = {{"h", ".example.com"},
	{"*.h", ".example.com"}, {"a.*.h", ".example.com"},
	{"h", ".example.com:22"}, {"192.0.2.", ""}};

static void
put_hosts(FILE *out, const char *end)
{
	for (int i = 0; i < 100; i++) {
		fprintf(out, "'%s%d%s%s", hosts[i % 5][0], i, hosts[i % 5][1],
			end);
	}
}

static void
kit(FILE *out)
{
	fputs("{schemaVersion: '1', name: k, sandbox: {}, network: "
	      "{allowedDomains: [",
		out);
	put_hosts(out, "', ");
	fputs("], serviceDomains: {", out);
	put_hosts(out, "': s, ");
	fputs("}, serviceAuth: {s: {headerName: X-Key, valueFormat: '%s'}}}, "
	      "credentials: {sources: {s: {env: [A]}, t: {env: [B]}}}}",
		out);
}

static void
proxy_config(FILE *out)
{
	fputs("{policy: {default: allow}, credentials: [", out);
	for (int i = 0; i < 120; i++)
		fprintf(out,
			"{domain: '%sh%d.example.com', envVar: A%d, header: "
			"X-%d, format: '${value}'}, ",
			i % 3 == 0 ? "*." : "", i % 20, i % 7, i % 2);
	fputs("]}", out);
}

static const struct {
	enum import_dialect dialect;
	void (*write)(FILE *out);
} cases[] = {
	{IMPORT_DOCKER_KIT, kit},
	{IMPORT_DOCKER_PROXY_CONFIG, proxy_config},
};

static void
check(enum import_dialect dialect, size_t len)
{
	struct import_text source = {"in", text, len};
	struct report *report = report_new();
	struct import *import = NULL;
	long n = 0;
	int r;

	do {
		calls_left = n++;
		r = import_run(dialect, &source, &import, report);
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_null(import);
		}
	} while (r < 0);
	/* The last round had calls to spare: so all others were tried. */
	assert_true(calls_left >= 0);
	calls_left = -1;
	assert_in_range(n, 20, 1000);
	assert_int_equal(report_count(report), 0);
	assert_string_not_equal(import_notes(import), "");
	import_free(import);
	report_free(report);
}

static void
test_every_allocation_fails_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *out = fmemopen(text, sizeof(text), "w");
		long len;

		cases[i].write(out);
		len = ftell(out);
		assert_true(len > 0 && (size_t)len < sizeof(text));
		fclose(out);
		check(cases[i].dialect, (size_t)len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
