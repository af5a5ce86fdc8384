/* One DNS question: what is answered, and that what is allowed is ended. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "daybook.h"
#include "lookup.h"
#include "loop_until.h"
#include "names.h"
#include "sandbox.h"
#include "session_lab.h"
#include "writer.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_UNSPEC},
	{.host = "db.test", AF_INET, {"127.0.0.1", "127.0.0.2"}},
	{.host = "silent.test", AF_INET, {"127.0.0.1"}, .after = -1},
	{.host = NULL},
};

static const struct resolver_row wild_rows[] = {
	{.host = "a1.wild.test", AF_INET, {"127.0.0.1"}},
	{.host = "a2.wild.test", AF_INET, {"127.0.0.1"}},
	{.host = "a3.wild.test", AF_INET, {"127.0.0.1"}},
	{.host = "a4.wild.test", AF_INET, {"127.0.0.1"}},
	{.host = "abcdefghijklmnopqrstuvwxyz.wild.test",
		AF_INET,
		{"127.0.0.1"}},
	{.host = NULL},
};

static const char policy[] =
	"version: 1\n"
	"policies:\n"
	"  p: {allow: [{host: [a.test, silent.test, no.test]},\n"
	"    {host: a.test, port: 443, dns: [TXT]},\n"
	"    {host: \"**.wild.test\"},\n"
	"    {host: abcdefghijklmnopqrstuvwxyz.wild.test},\n"
	"    {host: [db.test, gone.test], port: 5432}]}\n";

struct answer {
	bool came;
	enum dns_rcode rcode;
	size_t count;
	bool has_records;
	uint8_t first[16];
	uint32_t ttl;
};

static void
on_done(void *arg, enum dns_rcode rcode, const struct dns_content *content)
{
	struct answer *a = arg;

	assert_false(a->came);
	a->came = true;
	a->rcode = rcode;
	a->count = content != NULL ? content->count : 0;
	a->has_records = content != NULL && content->records_len > 0;
	if (a->count > 0) {
		memcpy(a->first, content->addresses[0], sizeof(a->first));
		a->ttl = content->ttl;
	}
}

static struct lookup *
ask(struct session_lab *lab, const char *name, uint16_t type, struct answer *a)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	struct lookup_from from = {
		.sandbox = lab->sandbox,
		.source = (const struct sockaddr *)&source,
		.server = (const struct sockaddr *)&source,
		.proto = "udp",
	};
	struct dns_query q = {.type = type, .class = DNS_CLASS_IN};
	struct lookup *l;

	memset(a, 0, sizeof(*a));
	snprintf(q.name, sizeof(q.name), "%s", name);
	l = lookup_new(&lab->services, &from, &q, on_done, a);
	assert_non_null(l);
	assert_false(a->came);
	return l;
}

/* The outcome is that of the decision, by its id; and there is one only. */
static void
assert_ended(struct session_lab *lab, const char *how)
{
	const char *first, *second, *log;

	session_lab_line(lab, "\"outcome\"", how);
	log = session_lab_log(lab);
	first = strstr(log, "\"id\":");
	assert_non_null(first);
	second = strstr(first + 1, "\"id\":");
	assert_non_null(second);
	assert_memory_equal(first, second, strlen("\"id\":\"0123456789abcdef"));
	assert_null(strstr(second + 1, "\"id\":"));
}

static void
test_answers_and_their_outcomes(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		enum dns_rcode rcode;
		size_t count;
		int asked;
		const char *ended, *reason;
	} cases[] = {
		{"a.test", DNS_TYPE_A, DNS_NOERROR, 1, 1, "complete",
			"an address"},
		{"a.test", DNS_TYPE_AAAA, DNS_NOERROR, 0, 0, "without asking",
			"a family that the sandbox does not speak"},
		{"a.test", 16, DNS_NOERROR, 1, 1, "complete", "a text"},
		{"no.test", 16, DNS_NOERROR, 0, 0, "without asking",
			"a text, of a name whose rule lists none"},
		{"a.test", 15, DNS_NOERROR, 0, 0, "without asking",
			"a type that is not listed"},
		{"a.test", 255, DNS_NOERROR, 0, 0, "without asking", "ANY"},
		{"no.test", DNS_TYPE_A, DNS_NXDOMAIN, 0, 1, "no such name",
			"it does not exist"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct session_lab lab;
		uint16_t type = cases[i].type;
		struct answer a;

		print_message("%s\n", cases[i].reason);
		session_lab_open(&lab, rows, policy);
		ask(&lab, cases[i].name, cases[i].type, &a);
		loop_until_set(lab.loop, &a.came, "an answer");
		assert_int_equal(a.rcode, cases[i].rcode);
		assert_int_equal(a.count, cases[i].count);
		assert_int_equal(a.has_records, a.count > 0 && type == 16);
		assert_int_equal(resolver_double_asked(lab.services.resolver),
			cases[i].asked);
		assert_int_equal(lab.sandbox->lookups, 0);
		assert_ended(&lab, cases[i].ended);
		if (type == 16)
			session_lab_line(&lab, "\"decision\"", "\"TXT\"");
		session_lab_close(&lab);
	}
}

static void
test_what_is_denied_has_no_outcome(void **state)
{
	struct session_lab lab;
	struct answer a;

	(void)state;
	session_lab_open(&lab, rows, policy);
	ask(&lab, "b.test", DNS_TYPE_A, &a);
	loop_until_set(lab.loop, &a.came, "an answer");
	assert_int_equal(a.rcode, DNS_NXDOMAIN);
	session_lab_line(&lab, "\"decision\"", "\"denied\"");
	loop_once(lab.loop);
	assert_null(strstr(session_lab_log(&lab), "outcome"));
	assert_int_equal(resolver_double_asked(lab.services.resolver), 0);
	session_lab_close(&lab);
}

/* The lab's bounds: 4 names a minute, labels of 20, 60 bits. */
static void
test_threat_15_names_that_carry_data(void **state)
{
	static const struct {
		const char *name;
		enum dns_rcode rcode;
		const char *said, *why;
	} asked[] = {
		{"a1.wild.test", DNS_NOERROR, "\"complete\"", "a name"},
		{"a1.wild.test", DNS_NOERROR, "\"complete\"", "the same"},
		{"a123456789b123456789c.wild.test", DNS_NXDOMAIN,
			"limits.dns_label_bytes", "a label of 21"},
		{"abcdefghijkl.mnopqrst.wild.test", DNS_NXDOMAIN,
			"limits.dns_name_bits", "more than 60 bits"},
		{"a2.wild.test", DNS_NOERROR, "\"complete\"", "the second"},
		{"a3.wild.test", DNS_NOERROR, "\"complete\"", "the third"},
		{"a4.wild.test", DNS_NOERROR, "\"complete\"", "the fourth"},
		{"a5.wild.test", DNS_NXDOMAIN, "limits.dns_names_per_minute",
			"the fifth"},
		{"a1.wild.test", DNS_NOERROR, "\"complete\"", "seen before"},
		{"abcdefghijklmnopqrstuvwxyz.wild.test", DNS_NOERROR,
			"\"complete\"", "written out in a rule"},
	};
	struct session_lab lab;
	struct answer a;
	int resolved = 0;

	(void)state;
	session_lab_open(&lab, wild_rows, policy);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		print_message("%s\n", asked[i].why);
		ask(&lab, asked[i].name, DNS_TYPE_A, &a);
		loop_until_set(lab.loop, &a.came, "an answer");
		assert_int_equal(a.rcode, asked[i].rcode);
		resolved += asked[i].rcode == DNS_NOERROR;
		assert_int_equal(
			resolver_double_asked(lab.services.resolver), resolved);
		session_lab_line(&lab, asked[i].name, asked[i].said);
	}
	session_lab_line(&lab, "\"limit\"", "a5.wild.test");
	/* What is not asked of anybody carries nothing. */
	ask(&lab, "a6.wild.test", DNS_TYPE_AAAA, &a);
	loop_until_set(lab.loop, &a.came, "an answer");
	assert_int_equal(a.rcode, DNS_NOERROR);
	session_lab_close(&lab);
}

/* Whoever asked is gone: at once, or while the resolver is waited for. */
static void
test_an_answer_that_nobody_waits_for(void **state)
{
	(void)state;
	for (int turns = 0; turns < 2; turns++) {
		struct session_lab lab;
		struct lookup *l;
		struct answer a;

		session_lab_open(&lab, rows, policy);
		l = ask(&lab, "silent.test", DNS_TYPE_A, &a);
		if (turns > 0)
			session_lab_line(&lab, "\"decision\"", "\"allowed\"");
		assert_int_equal(
			resolver_double_open(lab.services.resolver), turns);
		lookup_cancel(l);
		assert_ended(&lab, "client_gone");
		assert_false(a.came);
		assert_int_equal(lab.sandbox->lookups, 0);
		session_lab_close(&lab);
	}
}

static void
test_without_a_record_nobody_is_asked(void **state)
{
	struct session_lab lab;
	struct answer a;

	(void)state;
	session_lab_open(&lab, rows, policy);
	writer_reopen(daybook_writer(lab.services.daybook),
		open("/dev/full", O_WRONLY | O_CLOEXEC));
	ask(&lab, "a.test", DNS_TYPE_A, &a);
	loop_until_set(lab.loop, &a.came, "an answer");
	assert_int_equal(a.rcode, DNS_SERVFAIL);
	assert_int_equal(resolver_double_asked(lab.services.resolver), 0);
	session_lab_close(&lab);
}

/* ---- synthetic addresses ------------------------------------------------- */

static const uint8_t synthetic[4] = {198, 18, 0, 8}, own[4] = {127, 0, 0, 1};

static void
assert_answer(const struct answer *a, const uint8_t want[4], size_t count)
{
	assert_true(a->came);
	assert_int_equal(a->rcode, DNS_NOERROR);
	assert_int_equal(a->count, count);
	assert_memory_equal(a->first, want, 4);
}

/* Asks until the number is asked for. */
static struct lookup *
ask_for_number(struct session_lab *lab, struct answer *a)
{
	struct lookup *l = ask(lab, "db.test", DNS_TYPE_A, a);

	session_lab_line(lab, "\"decision\"", "\"allowed\"");
	loop_once(lab->loop);
	assert_false(a->came);
	assert_int_equal(lab->asks.count, 1);
	assert_string_equal(lab->asks.host, "db.test");
	return l;
}

static void
test_a_name_with_a_synthetic_address(void **state)
{
	struct session_lab lab;
	struct answer a, again;

	(void)state;
	session_lab_open(&lab, rows, policy);
	ask_for_number(&lab, &a);
	/* Who comes meanwhile waits for the same answer. */
	ask(&lab, "db.test", DNS_TYPE_A, &again);
	loop_once(lab.loop);
	assert_int_equal(lab.asks.count, 1);
	names_heard(lab.sandbox->told, "else.test", 3, true);
	assert_false(a.came);
	names_heard(lab.sandbox->told, "db.test", 7, true);
	assert_answer(&a, synthetic, 1);
	assert_answer(&again, synthetic, 1);
	assert_int_equal(a.ttl, 30);
	session_lab_line(&lab, "\"outcome\"", "198.18.0.8 stands for it");
	/* From now on it is known. */
	ask(&lab, "db.test", DNS_TYPE_A, &again);
	loop_until_set(lab.loop, &again.came, "an answer");
	assert_answer(&again, synthetic, 1);
	assert_int_equal(lab.asks.count, 1);
	assert_int_equal(lab.sandbox->lookups, 0);
	session_lab_close(&lab);
}

/* There is none left, or nobody left who could say: its own has to do. */
static void
test_a_name_that_gets_none(void **state)
{
	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct session_lab lab;
		struct answer a;

		session_lab_open(&lab, rows, policy);
		ask_for_number(&lab, &a);
		if (closed)
			names_close(lab.sandbox->told);
		else
			names_heard(lab.sandbox->told, "db.test", 0, false);
		assert_answer(&a, own, 2);
		assert_ended(&lab, "no synthetic address is left");
		session_lab_close(&lab);
	}
}

static void
test_a_name_that_is_not_there_gets_no_number(void **state)
{
	struct session_lab lab;
	struct answer a;

	(void)state;
	session_lab_open(&lab, rows, policy);
	ask(&lab, "gone.test", DNS_TYPE_A, &a);
	loop_until_set(lab.loop, &a.came, "an answer");
	assert_int_equal(a.rcode, DNS_NXDOMAIN);
	assert_int_equal(lab.asks.count, 0);
	session_lab_close(&lab);
}

static void
test_a_number_that_nobody_waits_for(void **state)
{
	struct session_lab lab;
	struct lookup *l;
	struct answer a;

	(void)state;
	session_lab_open(&lab, rows, policy);
	l = ask_for_number(&lab, &a);
	lookup_cancel(l);
	assert_ended(&lab, "client_gone");
	names_heard(lab.sandbox->told, "db.test", 7, true);
	assert_false(a.came);
	session_lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_and_their_outcomes),
		cmocka_unit_test(test_what_is_denied_has_no_outcome),
		cmocka_unit_test(test_threat_15_names_that_carry_data),
		cmocka_unit_test(test_an_answer_that_nobody_waits_for),
		cmocka_unit_test(test_without_a_record_nobody_is_asked),
		cmocka_unit_test(test_a_name_with_a_synthetic_address),
		cmocka_unit_test(test_a_name_that_gets_none),
		cmocka_unit_test(test_a_name_that_is_not_there_gets_no_number),
		cmocka_unit_test(test_a_number_that_nobody_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
