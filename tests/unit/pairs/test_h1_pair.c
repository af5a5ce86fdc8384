/*
 * A client conn and a server conn back to back: every framing of both bodies,
 * trailers, interim heads, early answers, half-closed connections and
 * tunnels, through buffers so small that each side has to wait for the other
 * all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "codec_pair.h"

/* Each is the last exchange of its connection. */
static const struct plan tunnels[] = {
	{"GET", {HTTP_TUNNEL, 0, false}, {HTTP_TUNNEL, 0, false}, 101, 0, true,
		false, "a tunnel of nothing"},
	{"GET", {HTTP_TUNNEL, PAIR_LARGE, false},
		{HTTP_TUNNEL, PAIR_LARGE, false}, 101, 0, true, false,
		"a tunnel both ways"},
	{"GET", {HTTP_TUNNEL, PAIR_LARGE, false}, {HTTP_TUNNEL, 3, false}, 101,
		2, true, false, "a tunnel up, interim heads before it"},
	{"GET", {HTTP_TUNNEL, 3, false}, {HTTP_TUNNEL, PAIR_LARGE, false}, 101,
		0, true, false, "a tunnel down"},
};

static const struct bounds all_bounds[] = {
	{16384, 16384, 16384},
	{1024, 1024, 1024},
	{1, 128, 1},
	{7, 128, 5},
	{1024, 128, 3},
	{3, 1024, 1024},
};

/* All plans on one connection: it must stay good for the next. */
static void
test_exchanges_on_one_connection(void **state)
{
	(void)state;
	for (size_t b = 0; b < ARRAY_LEN(all_bounds); b++) {
		struct pair *p = pair_new(HTTP_1, all_bounds[b]);

		for (size_t i = 0; i < plan_count; i++) {
			pair_run(p, &plans[i]);
			if (!pair_is_idle(p))
				fail_msg("%s, bounds %zu: not idle",
					plans[i].reason, b);
		}
		pair_free(p);
	}
}

static void
test_half_close(void **state)
{
	(void)state;
	for (size_t b = 0; b < ARRAY_LEN(all_bounds); b++) {
		for (size_t i = 0; i < plan_count; i++) {
			struct pair *p = pair_new(HTTP_1, all_bounds[b]);
			struct plan plan = plans[i];

			plan.half_close = true;
			pair_run(p, &plan);
			assert_false(pair_is_idle(p));
			pair_free(p);
		}
	}
}

static void
test_tunnels(void **state)
{
	(void)state;
	for (size_t b = 0; b < ARRAY_LEN(all_bounds); b++) {
		for (size_t i = 0; i < ARRAY_LEN(tunnels); i++) {
			struct pair *p = pair_new(HTTP_1, all_bounds[b]);

			pair_run(p, &plans[0]);
			pair_run(p, &tunnels[i]);
			assert_false(pair_is_idle(p));
			pair_free(p);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges_on_one_connection),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
