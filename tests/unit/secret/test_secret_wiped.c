/*
 * What is freed holds no byte of a value: neither of one that was taken, nor of
 * what stood beside it, nor when memory runs out on the way.  The link line
 * puts malloc() and its kin behind --wrap.
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "secret.h"
#include "source_ear.h"

#define CANARY "s3cret-canary"
#define BESIDE "an0ther-canary"

static struct source_ear ear;
static long asked, fails_at = -1; /* counted while this is not negative */
static size_t freed, dirty;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *block);

static bool
fails(void)
{
	return fails_at >= 0 && asked++ == fails_at;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void
__wrap_free(void *block)
{
	size_t size = block != NULL ? malloc_usable_size(block) : 0;

	freed++;
	if (size > 0 &&
		(memmem(block, size, CANARY, strlen(CANARY)) != NULL ||
			memmem(block, size, BESIDE, strlen(BESIDE)) != NULL))
		dirty++;
	__real_free(block);
}

static int
set_up(void **state)
{
	(void)state;
	source_ear_open(&ear);
	freed = dirty = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fails_at = -1;
	source_ear_close(&ear);
	return 0;
}

static const struct {
	struct secret_format format;
	const char *text;
	bool good;
	const char *why;
} rows[] = {
	{{SECRET_FORMAT_RAW, NULL}, CANARY "\n", true, "raw"},
	{{SECRET_FORMAT_RAW, NULL}, CANARY "\n\n", false, "raw, and bad"},
	{{SECRET_FORMAT_JSON, "a"},
		"{\"b\":\"" BESIDE "\",\"a\":\"" CANARY "\"}", true, "JSON"},
	{{SECRET_FORMAT_JSON, "a"}, "{\"a\":\"" CANARY "\\u0000" BESIDE "\"}",
		false, "JSON, bad once it is read"},
	{{SECRET_FORMAT_JSON, "a"}, "{\"a\":\"" CANARY "\"", false,
		"JSON, and cut"},
	{{SECRET_FORMAT_GIT, "password"},
		"username=" BESIDE "\npassword=" CANARY "\n", true, "lines"},
	{{SECRET_FORMAT_AWS, "SessionToken"},
		"{\"Version\":1,\"SessionToken\":\"" CANARY
		"\",\"Expiration\":\"2001-01-01T00:00:00Z\"}",
		false, "expired"},
};

static struct secret_source_spec
spec_of(size_t row, enum secret_source_kind kind, const char *const *words,
	size_t count)
{
	return (struct secret_source_spec){.kind = (int)kind,
		.words = words,
		.word_count = count,
		.format = rows[row].format,
		.ttl_seconds = 300,
		.timeout_seconds = 20};
}

static void
test_threat_36_wiped_when_freed(void **state)
{
	const char *path = source_ear_path(&ear, "token");

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t row = i / 2;
		const char *words[] = {i % 2 == 0 ? path : "/bin/cat", path};
		struct secret_source_spec spec = spec_of(row,
			i % 2 == 0 ? SECRET_SOURCE_FILE : SECRET_SOURCE_COMMAND,
			words, 1 + i % 2);

		source_ear_write(&ear, "token", rows[row].text, 0600);
		ear.reports = 0;
		source_ear_listen(&ear, &spec, 1);
		source_ear_wait(&ear, rows[row].good ? CANARY : "");
		/* Another value in its place. */
		source_ear_write(&ear, "token", "next", 0600);
		secret_source_refresh(ear.source);
		secret_source_free(ear.source);
		ear.source = NULL;
		if (dirty > 0)
			fail_msg("%s: freed as it was", rows[row].why);
	}
	assert_true(freed > ARRAY_LEN(rows));
}

static void
ignore(void *arg, const char *name, struct secret *value, const char *why)
{
	struct span span = {"", 0};

	(void)arg, (void)name;
	if (value != NULL)
		span = secret_bytes(value);
	assert_true(span.len == 0 || span_equals(span, span_of(CANARY)));
	assert_null(strstr(why, "canary"));
}

/* Whatever fails: no value or the whole one, and nothing left behind. */
static void
test_threat_36_wiped_when_memory_runs_out(void **state)
{
	static const struct secret_events events = {.changed = ignore};
	const char *path = source_ear_path(&ear, "token");
	char err[128];

	(void)state;
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		struct secret_source_spec spec =
			spec_of(row, SECRET_SOURCE_FILE, &path, 1);
		bool done = false;

		source_ear_write(&ear, "token", rows[row].text, 0600);
		for (long at = 0; !done; at++) {
			struct secret_source *source = NULL;
			int r;

			asked = 0;
			fails_at = at;
			r = secret_source_new(ear.loop, "token", &spec, 1,
				&events, NULL, &source, err, sizeof(err));
			done = asked <= at;
			fails_at = -1;
			assert_true(r == 0 || (r == -ENOMEM && source == NULL));
			secret_source_free(source);
			if (dirty > 0)
				fail_msg("%s, without the %ldth", rows[row].why,
					at);
		}
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_threat_36_wiped_when_freed),
		TEST(test_threat_36_wiped_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
