#include "torture.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loop_until.h"
#include "torture_law.h"

/* Whether memory failed. */
static bool
run_round(torture_life *life, const struct memory_plan *plan)
{
	int descriptors = open_descriptors();
	struct world w;

	world_open(&w);
	failing_memory_plan(plan);
	w.at = plan->at;
	life(&w);
	law_hold_outcomes(&w.lab);
	/* What OpenSSL makes of it does not say why. */
	if (plan->kind == MEMORY_OURS && !plan->goes_on)
		law_hold_blame(&w.lab);
	law_hold_clean(span_of(session_lab_log(&w.lab)));
	world_close(&w);
	assert_int_equal(open_descriptors(), descriptors);
	return failing_memory_has_failed();
}

long
torture_count(torture_life *life, enum memory_kind kind)
{
	struct memory_plan none = {.kind = kind, .at = LONG_MAX};

	assert_false(run_round(life, &none));
	return failing_memory_asked(kind);
}

void
torture(torture_life *life, enum memory_kind kind, bool goes_on, long rounds)
{
	struct memory_plan plan = {.kind = kind, .goes_on = goes_on};
	long asked = torture_count(life, kind);
	long step = (asked + rounds - 1) / rounds;

	print_message("%ld requests, each %ld. fails\n", asked, step);
	if (getenv("AT")) {
		plan.at = atol(getenv("AT"));
		run_round(life, &plan);
		return;
	}
	for (plan.at = goes_on ? step / 2 : 0; plan.at < asked;
		plan.at += step) {
		/* Near the end a round may get by with a few less. */
		if (!run_round(life, &plan) && plan.at < asked / 2)
			fail_msg("request %ld did not fail", plan.at);
	}
}
