/* What the keeper says of its workers: never what a dead one said of itself. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "keeper.h"
#include "keeper_lab.h"

static const char base[] =
	"version: 1\n"
	"workers: 1\n"
	"resolver: 192.0.2.53\n"
	"policies:\n"
	"  agent: {allow: [{host: api.example.org}]}\n"
	"sandboxes:\n"
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: agent}\n";

/* Of the only worker; own: the process that it says it is, 0 if nothing. */
static void
ask(struct lab *l, pid_t *ret_pid, pid_t *ret_own)
{
	json_t *status = keeper_status(l->keeper);
	const json_t *worker =
		json_array_get(json_object_get(status, "workers"), 0);

	*ret_pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
	*ret_own = (pid_t)json_integer_value(json_object_get(worker, "own"));
	json_decref(status);
}

/* Waits until another one than before tells of itself. */
static pid_t
wait_for_another(struct lab *l, pid_t before)
{
	pid_t pid, own = before;

	for (;;) {
		ask(l, &pid, &own);
		if (own != 0)
			assert_int_equal(own, pid);
		if (own != 0 && own != before)
			return pid;
		lab_turn(l, "a worker's status");
	}
}

static void
test_a_status_is_of_the_process_that_runs(void **state)
{
	struct lab l;
	pid_t pid;

	(void)state;
	lab_open(&l);
	lab_write(&l, "sbx-netd.yaml", base);
	lab_start(&l);
	pid = wait_for_another(&l, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(kill(pid, SIGABRT), 0);
		pid = wait_for_another(&l, pid);
	}
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_status_is_of_the_process_that_runs),
	};

	lab_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
