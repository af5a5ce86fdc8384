#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "secret.h"

static void
assert_bytes(const struct secret *s, const void *data, size_t len)
{
	struct span span = secret_bytes(s);

	assert_int_equal(span.len, len);
	if (len > 0)
		assert_memory_equal(span.ptr, data, len);
}

static void
test_holds_values_of_every_size(void **state)
{
	static const size_t sizes[] = {
		0, 1, 63, 64, 65, 256, 257, 1024, 1025, 4096, 4097, SECRET_MAX};
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct secret *secrets[COUNT];
	char *data = malloc(SECRET_MAX + 1);

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		memset(data, (int)('a' + i), sizes[i]);
		secrets[i] = secret_new(data, sizes[i]);
		assert_non_null(secrets[i]);
	}
	for (size_t i = 0; i < COUNT; i++) {
		memset(data, (int)('a' + i), sizes[i]);
		assert_bytes(secrets[i], data, sizes[i]);
		secret_unref(secrets[i]);
	}
	assert_null(secret_new(data, SECRET_MAX + 1));
	free(data);
}

/* Values come and go in an order that fills, empties and refills pages. */
static void
test_many_values_do_not_mix(void **state)
{
	enum { COUNT = 500 };
	struct secret *secrets[COUNT] = {NULL};
	char text[32];

	(void)state;
	for (int round = 0; round < 7; round++) {
		for (int i = 0; i < COUNT; i++) {
			if (i % (round + 2) == 0) {
				secret_unref(secrets[i]);
				secrets[i] = NULL;
			}
		}
		for (int i = 0; i < COUNT; i++) {
			snprintf(text, sizeof(text), "value %d", i);
			if (secrets[i] == NULL)
				secrets[i] = secret_new(text, strlen(text));
			assert_bytes(secrets[i], text, strlen(text));
		}
	}
	for (int i = 0; i < COUNT; i++)
		secret_unref(secrets[i]);
}

/* A neighbour keeps the page, so that one may look at what is left. */
static void
test_wiped_with_the_last_reference(void **state)
{
	static const char zeros[64];
	struct secret *neighbour = secret_new("neighbour", 9);
	struct secret *s = secret_new("s3cret", 6);
	const char *p = secret_bytes(s).ptr;

	(void)state;
	assert_in_range(llabs(p - secret_bytes(neighbour).ptr), 64, 4032);
	assert_ptr_equal(secret_ref(s), s);
	secret_unref(s);
	assert_memory_equal(p, "s3cret", 6);
	secret_unref(s);
	assert_memory_equal(p, zeros, sizeof(zeros));
	assert_bytes(neighbour, "neighbour", 9);
	secret_unref(neighbour);
	secret_unref(NULL);
}

/* The kernel's flags of the mapping that holds p. */
static void
mapping_flags(const void *p, char *ret, size_t size)
{
	uintptr_t from, to, at = (uintptr_t)p;
	FILE *file = fopen("/proc/self/smaps", "r");
	bool inside = false, found = false;
	char line[512];

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = at >= from && at < to;
		found = inside && strncmp(line, "VmFlags:", 8) == 0;
	}
	fclose(file);
	assert_true(found);
	snprintf(ret, size, "%s", line);
}

static void
test_locked_not_dumped_not_inherited(void **state)
{
	struct secret *s = secret_new("s3cret", 6);
	char flags[512];

	(void)state;
	mapping_flags(secret_bytes(s).ptr, flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo"));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " dc"));
	secret_unref(s);
}

/* … while no descriptor is to be had, so no new secret pages. */
static struct secret *
secret_without_descriptors(const void *data, size_t len)
{
	struct rlimit before;
	struct secret *s;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(prlimit(0, RLIMIT_NOFILE,
				 &(struct rlimit){0, before.rlim_max}, NULL),
		0);
	s = secret_new(data, len);
	assert_int_equal(prlimit(0, RLIMIT_NOFILE, &before, NULL), 0);
	assert_bytes(s, data, len);
	return s;
}

/* A size that needs new ones. */
static void
test_ordinary_pages_are_locked_too(void **state)
{
	char data[8192];
	char flags[512];
	struct secret *s;

	(void)state;
	memset(data, 'a', sizeof(data));
	s = secret_without_descriptors(data, sizeof(data));
	mapping_flags(secret_bytes(s).ptr, flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo"));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " dc"));
	assert_null(strstr(flags, " sh"));
	secret_unref(s);
}

static void
test_a_forked_child_does_not_have_it(void **state)
{
	struct secret *s = secret_new("s3cret", 6);
	uintptr_t page = (uintptr_t)secret_bytes(s).ptr & ~(uintptr_t)4095;
	unsigned char resident;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		int r = mincore((void *)page, 1, &resident);

		_exit(r < 0 && errno == ENOMEM ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(mincore((void *)page, 1, &resident), 0);
	secret_unref(s);
}

/* Secret pages are out of reach for some system calls, but not for these. */
static void
test_can_be_sent(void **state)
{
	struct secret *s = secret_new("s3cret", 6);
	char got[6];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], secret_bytes(s).ptr, 6), 6);
	assert_int_equal(read(fds[0], got, sizeof(got)), 6);
	assert_memory_equal(got, "s3cret", 6);
	close(fds[0]);
	close(fds[1]);
	secret_unref(s);
}

static void
test_equality(void **state)
{
	static const struct {
		const char *a, *b;
		bool expect;
		const char *why;
	} rows[] = {
		{"abc", "abc", true, "same bytes"},
		{"abc", "abd", false, "last byte"},
		{"abc", "bbc", false, "first byte"},
		{"abc", "abcd", false, "longer"},
		{"", "", true, "empty"},
		{"", "a", false, "empty and not"},
		{NULL, NULL, true, "none and none"},
		{NULL, "", false, "none is not empty"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *p = rows[i].a, *q = rows[i].b;
		struct secret *a = p != NULL ? secret_new(p, strlen(p)) : NULL;
		struct secret *b = q != NULL ? secret_new(q, strlen(q)) : NULL;

		if (secret_equals(a, b) != rows[i].expect ||
			secret_equals(b, a) != rows[i].expect)
			fail_msg("%s", rows[i].why);
		secret_unref(a);
		secret_unref(b);
	}
}

/* Whether it is in secret pages; locked it must be. */
static bool
is_secret(const struct secret *s)
{
	char flags[512];

	mapping_flags(secret_bytes(s).ptr, flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo"));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " dc"));
	return strstr(flags, " sh") != NULL;
}

/* Reserves, so what needs pages of its own has been before. */
static void
test_reserved_pages_are_used_again_until_there_are_no_more(void **state)
{
	enum { MOST = 4 * 1024 * 1024 / SECRET_MAX + 2, SOME = 3 };
	char *data = malloc(SECRET_MAX);
	struct secret *held[MOST] = {NULL};
	size_t count;

	(void)state;
	memset(data, 'a', SECRET_MAX);
	secret_reserve();
	for (count = 0; count < MOST; count++) {
		held[count] = secret_without_descriptors(data, SECRET_MAX);
		if (!is_secret(held[count]))
			break;
	}
	assert_in_range(count, SOME + 1, MOST - 1);
	secret_unref(held[SOME]);
	memset(data, 'b', SECRET_MAX);
	held[SOME] = secret_without_descriptors(data, SECRET_MAX);
	assert_true(is_secret(held[SOME]));
	for (size_t i = 0; i <= count; i++) {
		memset(data, i == SOME ? 'b' : 'a', SECRET_MAX);
		assert_bytes(held[i], data, SECRET_MAX);
		secret_unref(held[i]);
	}
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_values_of_every_size),
		cmocka_unit_test(test_many_values_do_not_mix),
		cmocka_unit_test(test_wiped_with_the_last_reference),
		cmocka_unit_test(test_locked_not_dumped_not_inherited),
		cmocka_unit_test(test_ordinary_pages_are_locked_too),
		cmocka_unit_test(test_a_forked_child_does_not_have_it),
		cmocka_unit_test(test_can_be_sent),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(
			test_reserved_pages_are_used_again_until_there_are_no_more),
		/* Again, in these. */
		cmocka_unit_test(test_holds_values_of_every_size),
		cmocka_unit_test(test_many_values_do_not_mix),
		cmocka_unit_test(test_a_forked_child_does_not_have_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
