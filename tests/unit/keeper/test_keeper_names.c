/* Synthetic addresses as the keeper gives them out: one for a name, whoever
 * asks, and to each sandbox its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "keeper.h"
#include "keeper_lab.h"

/* What the workers ask at each commit stands in comments. */
static const char base[] =
	"version: 1\n"
	"workers: 2\n"
	"resolver: 192.0.2.53\n"
	"limits: {names: 2}\n"
	"policies:\n"
	"  agent: {allow: [{host: api.example.org}]}\n"
	"sandboxes:\n"
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: agent}\n"
	"  two: {interface: sbx-t1, address: 10.77.1.3, policy: agent}\n";

static void
open_with(struct lab *l, const char *asks)
{
	char document[4096];

	snprintf(document, sizeof(document), "%s%s", base, asks);
	lab_open(l);
	lab_write(l, "sbx-netd.yaml", document);
	lab_start(l);
}

static void
test_a_name_has_one_number(void **state)
{
	struct lab l;

	(void)state;
	open_with(&l, "# ask 0 one db.test\n# ask 0 one git.test\n"
		      "# ask 0 one 0\n# ask 0 one 1\n# ask 0 one 2\n"
		      "# ask 0 one no.test\n# ask 0 one db.test\n"
		      "# ask 0 two git.test\n# ask 0 two 1\n"
		      "# ask 0 three db.test\n# ask 0 three 0\n");
	lab_wait_said(&l, 0, "name of three: - 0", 1);
	lab_expect_order(&l, 0,
		(const char *const[]){"name of one: db.test 0",
			"name of one: git.test 1", "name of one: db.test 0",
			"name of one: git.test 1", "name of one: - 2",
			/* there are two, and that is the limit */
			"name of one: no.test -1", "name of one: db.test 0",
			/* another sandbox has others */
			"name of two: git.test 0", "name of two: - 1",
			/* and who is not there has none */
			"name of three: db.test -1", "name of three: - 0",
			NULL});
	lab_close(&l);
}

static void
reload(struct lab *l, const char *document, const char *asks)
{
	int count = l->done + 1;
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", document, asks);
	lab_write(l, "sbx-netd.yaml", text);
	keeper_reload(l->keeper, lab_done, l);
	lab_wait_done(l, count);
	if (l->status != 0)
		fail_msg("%d: %s", l->status, l->text);
}

/* What one worker was told is so for the other, over a reload too; and ends
 * with the sandbox. */
static void
test_names_live_as_long_as_their_sandbox(void **state)
{
	static const char without[] = "version: 1\n"
				      "workers: 2\n"
				      "resolver: 192.0.2.53\n"
				      "limits: {names: 2}\n"
				      "policies: {agent: {}}\n";
	struct lab l;

	(void)state;
	open_with(&l, "# ask 0 one a.test\n# ask 0 one b.test\n");
	lab_wait_said(&l, 0, "double 0: name of one: b.test 1", 1);
	reload(&l, base, "# ask 1 one b.test\n# ask 1 one 0\n");
	lab_wait_said(&l, 0, "double 1: name of one: b.test 1", 1);
	lab_wait_said(&l, 0, "double 1: name of one: a.test 0", 1);
	reload(&l, without, "");
	reload(&l, base, "# ask 1 one b.test\n");
	lab_wait_said(&l, 0, "double 1: name of one: b.test 0", 1);
	lab_close(&l);
}

/* It did not get that name from where it should have. */
static void
test_a_worker_that_asks_for_no_name(void **state)
{
	static const char *const asks[] = {"# ask 1 one DB.test\n",
		"# ask 1 one a..test\n", "# ask 1 one -x.test\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct lab l;

		open_with(&l, asks[i]);
		lab_wait_said(
			&l, 0, "worker 1: it asked for a name that is none", 1);
		assert_int_equal(lab_count_said(&l, 0, "name of one"), 0);
		lab_close(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_has_one_number),
		cmocka_unit_test(test_names_live_as_long_as_their_sandbox),
		cmocka_unit_test(test_a_worker_that_asks_for_no_name),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
