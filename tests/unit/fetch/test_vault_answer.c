#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secret.h"
#include "vault_answer.h"

#define ANSWER(fields, metadata) \
	"{\"data\": {\"data\": " fields ", \"metadata\": " metadata "}}"
#define FRESH "{\"version\": 1, \"deletion_time\": \"\", \"destroyed\": false}"
#define ONE(value) ANSWER("{\"a\": \"x\", \"token\": " value "}", FRESH)

static const struct row {
	long status;
	const char *body;
	const char *value; /* NULL: none */
	const char *why;   /* what the reason begins with */
	int64_t expires;
} rows[] = {
	{200, ONE("\"s3cret\""), "s3cret", "", 0},
	{200, ONE("\"s3\\u0063ret\\\\\""), "s3cret\\", "", 0},
	{200, ONE("\"s3cret\\n\""), "s3cret", "", 0},
	{200, ONE("\"s3\\ncret\""), NULL,
		"field \"token\" has a control character inside", 0},
	{200, ONE("\"s3\\u0000cret\""), NULL,
		"field \"token\" has a control character inside", 0},
	{200, ONE("\"\""), NULL, "field \"token\" is empty", 0},
	{200, ONE("5"), NULL, "field \"token\" is no text", 0},
	{200, ONE("null"), NULL, "field \"token\" is no text", 0},
	{200, ONE("{\"token\": \"s3cret\"}"), NULL,
		"field \"token\" is no text", 0},
	{200, ONE("\"s3cret\", \"token\": \"s3cret\""), NULL,
		"field \"token\" is there twice", 0},
	{200, ANSWER("{}", FRESH), NULL, "has no field \"token\"", 0},
	{200, ANSWER("{\"a\": \"s3cret\", \"b\\u0007\": 1}", FRESH), NULL,
		"has no field \"token\"; it has a, b\\u0007", 0},
	{200,
		ANSWER("{\"1\": 1, \"2\": 2, \"3\": 3, \"4\": 4, \"5\": 5}",
			FRESH),
		NULL, "has no field \"token\"; it has 1, 2, 3, 4, ...", 0},
	{200,
		ANSWER("{\"\xc3\xa9\x7f-"
		       "abcdefghijklmnopqrstuvwxyz\": \"s3cret\"}",
			FRESH),
		NULL,
		"has no field \"token\"; it has ?\?\?-abcdefghijklmnopqrst", 0},
	/* When a version ends. */
	{200,
		ANSWER("{\"token\": \"s3cret\"}",
			"{\"deletion_time\": "
			"\"2033-05-18T03:33:20.123456789Z\"}"),
		"s3cret", "", 2000000000},
	{200,
		ANSWER("{\"token\": \"s3cret\"}",
			"{\"deletion_time\": \"s3cret\"}"),
		"s3cret", "", 0},
	{200, ANSWER("{\"token\": \"s3cret\"}", "{}"), "s3cret", "", 0},
	/* Versions that are gone, by either status. */
	{404, ANSWER("null", "{\"destroyed\": true}"), NULL,
		"404: this version of the secret was destroyed", 0},
	{404, ANSWER("null", FRESH), NULL,
		"404: this version of the secret was deleted", 0},
	{200, ANSWER("null", FRESH), NULL,
		"404: this version of the secret was deleted", 0},
	/* What is no version 2. */
	{200, "{\"data\": {\"token\": \"s3cret\"}}", NULL,
		"no KV version 2: is the mount's engine version 1?", 0},
	{200, "{\"data\": {\"data\": \"s3cret\", \"metadata\": \"s3cret\"}}",
		NULL, "no KV version 2", 0},
	{200, "{\"data\": {\"metadata\": {}}}", NULL, "no KV version 2", 0},
	{200, "{\"data\": \"s3cret\"}", NULL, "no KV version 2", 0},
	{200, "{\"errors\": []}", NULL, "the answer is no JSON of a Vault", 0},
	{200, "s3cret", NULL, "the answer is no JSON of a Vault", 0},
	{200, "", NULL, "the answer is no JSON of a Vault", 0},
	/* Other statuses; nothing of what is said there is passed on. */
	{404, ONE("\"s3cret\""), NULL, "404: no such secret or version", 0},
	{404, "{\"errors\": [\"s3cret\"]}", NULL,
		"404: no such secret or version", 0},
	{404, "{\"data\": {\"token\": \"s3cret\"}}", NULL, "404: no such", 0},
	{403, "{\"errors\": [\"s3cret\"]}", NULL, "403: permission denied", 0},
	{400, "{\"errors\": [\"s3cret\"]}", NULL, "400: the question is", 0},
	{204, "", NULL, "204: not an answer that is expected", 0},
	{301, "s3cret", NULL, "301: a redirect, which is not followed", 0},
	{307, "s3cret", NULL, "307: a redirect, which is not followed", 0},
	{429, "", NULL, "429: too many requests, or a standby node", 0},
	{473, "", NULL, "473: a standby node", 0},
	{500, "s3cret", NULL, "500: the server failed", 0},
	{502, "s3cret", NULL, "502: a server behind it failed", 0},
	{503, "s3cret", NULL, "503: sealed", 0},
	{599, "s3cret", NULL, "599: not an answer that is expected", 0},
	{0, "s3cret", NULL, "0: not an answer that is expected", 0},
};

static void
check(size_t i, const struct row *row, struct secret *value, const char *why)
{
	struct span bytes = {"", 0};

	if (value != NULL)
		bytes = secret_bytes(value);
	if ((value != NULL) != (row->value != NULL) ||
		strncmp(why, row->why, strlen(row->why)) != 0 ||
		(value != NULL && !span_equals(bytes, span_of(row->value))))
		fail_msg("row %zu: \"%.*s\" (%s)", i, (int)bytes.len, bytes.ptr,
			why);
	assert_null(strstr(why, "s3"));
	secret_unref(value);
}

static void
test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vault_answer a = {
			rows[i].status, span_of(rows[i].body)};
		char why[128] = "";
		int64_t expires = -1;
		struct secret *value = vault_answer_field(
			&a, "token", &expires, why, sizeof(why));

		assert_int_equal(expires, value != NULL ? rows[i].expires : -1);
		check(i, &rows[i], value, why);
	}
}

static void
test_tokens(void **state)
{
	static const struct row logins[] = {
		{200, "{\"auth\": {\"client_token\": \"hvs.x\"}}", "hvs.x", "",
			0},
		{200, "{\"auth\": {\"client_token\": \"s3\\ncret\"}}", NULL,
			"login: the token has a control character inside", 0},
		{200, "{\"auth\": {\"client_token\": 5}}", NULL,
			"login: the token is no text", 0},
		{200, "{\"auth\": {}}", NULL, "login: the answer has no token",
			0},
		{200, "{\"auth\": null}", NULL,
			"login: the answer has no token", 0},
		{200, "s3cret", NULL, "login: the answer has no token", 0},
		{400, "{\"errors\": [\"s3cret\"]}", NULL,
			"login: 400: the role_id or the secret_id is wrong", 0},
		{403, "s3cret", NULL, "login: 403: this role may not", 0},
		{404, "s3cret", NULL, "login: 404: no AppRole is mounted", 0},
		{307, "s3cret", NULL, "login: 307: a redirect", 0},
		{503, "s3cret", NULL, "login: 503: sealed", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		const struct vault_answer a = {
			logins[i].status, span_of(logins[i].body)};
		char why[128] = "";
		struct secret *token = vault_answer_token(&a, why, sizeof(why));

		check(i, &logins[i], token, why);
	}
}

/* One byte more is no answer, whatever it says. */
static void
test_the_longest(void **state)
{
	static const char text[] = ONE("\"s3cret\"");
	char *body = malloc(VAULT_ANSWER_MAX + 1), why[128] = "";
	struct vault_answer a = {200, {body, VAULT_ANSWER_MAX}};
	struct secret *value;
	int64_t expires;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', VAULT_ANSWER_MAX + 1);
	memcpy(body, text, strlen(text));
	value = vault_answer_field(&a, "token", &expires, why, sizeof(why));
	assert_non_null(value);
	secret_unref(value);
	a.body.len++;
	assert_null(
		vault_answer_field(&a, "token", &expires, why, sizeof(why)));
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
