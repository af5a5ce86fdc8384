/* Types by name and number, and that the schema knows the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns_type.h"
#include "parse.h"

static const struct {
	const char *name;
	uint16_t number;
	bool known;
} cases[] = {
	{"TXT", 16, true},
	{"MX", 15, true},
	{"HTTPS", 65, true},
	{"CAA", 257, true},
	{"A", 0, true},
	{"AAAA", 0, true},
	{"ANY", 0, true},
	{"NULL", 0, true},
	{"AXFR", 0, true},
	{"RRSIG", 0, true},
	{"OPT", 0, true},
	{"txt", 0, false},
	{"TX", 0, false},
	{"", 0, false},
	{"TYPE16", 0, false},
};

static void
test_names(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (dns_type_parse(cases[i].name, &why) != cases[i].number)
			fail_msg("%s", cases[i].name);
		if ((why != NULL) != (cases[i].known && cases[i].number == 0))
			fail_msg("%s: why", cases[i].name);
	}
}

/* Both ways, and each of them in the schema, and nothing else there. */
static void
test_numbers_and_schema(void **state)
{
	size_t count = 0, commas = 0;
	char quoted[32];
	const char *name, *why;

	(void)state;
	assert_null(dns_type_name(0));
	for (uint32_t type = 1; type <= UINT16_MAX; type++) {
		name = dns_type_name((uint16_t)type);
		if (name == NULL)
			continue;
		count++;
		assert_int_equal(dns_type_parse(name, &why), type);
		snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		if (strstr(parse_types_shape.one, quoted) == NULL)
			fail_msg("%s is not in the schema", name);
	}
	for (const char *c = parse_types_shape.one; *c != '\0'; c++)
		commas += *c == ',';
	assert_int_equal(count, commas + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_numbers_and_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
