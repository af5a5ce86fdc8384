#include "failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

static struct memory_plan plan = {.at = -1};
static long asked[MEMORY_KINDS];
static bool armed, failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static bool
fails(enum memory_kind kind)
{
	if (!armed)
		return false;
	if (plan.goes_on && failed)
		return true;
	if (asked[kind]++ != plan.at || kind != plan.kind)
		return false;
	failed = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails(MEMORY_OURS) ? NULL
				  : __real_reallocarray(old, count, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails(MEMORY_OURS) ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails(MEMORY_OURS) ? NULL : __real_strndup(s, n);
}

/* ---- OpenSSL's ----------------------------------------------------------- */

static void *
take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return fails(MEMORY_OPENSSL) ? NULL : __real_malloc(size);
}

static void *
resize(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	/* To nothing: that is its way to free. */
	if (size > 0 && fails(MEMORY_OPENSSL))
		return NULL;
	return __real_realloc(old, size);
}

static void
give(void *block, const char *file, int line)
{
	(void)file, (void)line;
	free(block);
}

void
failing_memory_hook(void)
{
	assert_int_equal(CRYPTO_set_mem_functions(take, resize, give), 1);
}

void
failing_memory_plan(const struct memory_plan *next)
{
	plan = *next;
	failed = false;
	for (int i = 0; i < MEMORY_KINDS; i++)
		asked[i] = 0;
}

void
failing_memory_arm(bool on)
{
	armed = on;
}

long
failing_memory_asked(enum memory_kind kind)
{
	return asked[kind];
}

bool
failing_memory_has_failed(void)
{
	return failed;
}
