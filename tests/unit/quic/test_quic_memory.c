/* Memory that runs out while an Initial is opened: no name then, ever, that
 * was not said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing_memory.h"
#include "hello.h"
#include "quic_opening.h"
#include "quic_sealer.h"

static struct datagram d;

static void
seal_hello(void)
{
	static uint8_t hello[1000];
	static struct frames f;
	struct initial i = initial_usual();
	size_t len = make_hello("a.example.org", 100, hello);

	frames_crypto(&f, 0, hello, len);
	datagram_add(&d, &i, &f);
}

static enum quic_result
try(const struct memory_plan *plan)
{
	enum quic_result result = QUIC_BAD;
	struct quic_opening *o;

	failing_memory_plan(plan);
	failing_memory_arm(true);
	o = quic_opening_new();
	if (o != NULL)
		result = quic_opening_feed(o, d.bytes, d.len);
	failing_memory_arm(false);
	if (result == QUIC_NAME)
		assert_string_equal(
			quic_opening_hello(o)->name, "a.example.org");
	else if (o != NULL)
		assert_non_null(quic_opening_why(o));
	quic_opening_free(o);
	return result;
}

static void
an_opening_without_memory(void **state)
{
	struct memory_plan plan = {.at = -1};

	(void)state;
	seal_hello();
	for (int kind = 0; kind < MEMORY_KINDS; kind++) {
		long asked, refused = 0;

		plan.kind = (enum memory_kind)kind;
		plan.at = -1;
		assert_int_equal(try(&plan), QUIC_NAME);
		assert_int_equal(try(&plan), QUIC_NAME);
		asked = failing_memory_asked(plan.kind);
		assert_in_range(asked, 1, 200);
		for (plan.at = 0; plan.at < asked; plan.at++) {
			enum quic_result result = try(&plan);

			refused += result == QUIC_BAD;
			/* OpenSSL can do without some of it. */
			if (result != QUIC_BAD && result != QUIC_NAME)
				fail_msg("request %ld: %d", plan.at, result);
		}
		assert_in_range(refused, 1, asked);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_opening_without_memory),
	};

	failing_memory_hook();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
