#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "secret.h"
#include "secret_format.h"

enum { NOW = 1000000000 }; /* 2001-09-09T01:46:40Z */

#define JSON(path) \
	{ \
		SECRET_FORMAT_JSON, (path) \
	}
#define GIT(field) \
	{ \
		SECRET_FORMAT_GIT, (field) \
	}
#define DOCKER(field) \
	{ \
		SECRET_FORMAT_DOCKER, (field) \
	}
#define AWS(field) \
	{ \
		SECRET_FORMAT_AWS, (field) \
	}

#define AWS_TEXT(more) \
	"{\"Version\": 1, \"AccessKeyId\": \"id\", \"SecretAccessKey\": " \
	"\"s3cret\", \"SessionToken\": \"session\"" more "}"

static const struct {
	struct secret_format format;
	const char *raw;
	const char *value; /* NULL: none */
	int64_t expires;
	const char *reason;
	const char *why;
} rows[] = {
	{{SECRET_FORMAT_RAW, NULL}, "s3cret\n", "s3cret", 0, "", "raw"},

	{JSON("a"), "{\"a\":\"s3cret\"}", "s3cret", 0, "", "a key"},
	{JSON("a"), " {\n\"b\" : 1 , \"a\" : \"s3cret\"\r\n}\t", "s3cret", 0,
		"", "space wherever it may be"},
	{JSON("a.b.c"), "{\"a\":{\"b\":{\"c\":\"s3cret\"}}}", "s3cret", 0, "",
		"objects inside of objects"},
	{JSON("k.1.v"), "{\"k\":[{\"v\":\"x\"},{\"v\":\"s3cret\"}]}", "s3cret",
		0, "", "a number where a list is"},
	{JSON("0"), "[\"s3cret\"]", "s3cret", 0, "", "a list is all"},
	{JSON("0"), "{\"0\":\"s3cret\"}", "s3cret", 0, "",
		"a number is a key where an object is"},
	{JSON("a"), "{\"\\u0061\":\"s\\u0033cret\"}", "s3cret", 0, "",
		"escapes, in keys too"},
	{JSON("a"), "{\"a\":\"\\\"\\\\\\/\\u00fc\\u20ac\\ud83d\\ude00\"}",
		"\"\\/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 0, "",
		"every length of UTF-8"},
	{JSON("a"), "{\"a\":\"s3cret\\n\"}", "s3cret", 0, "",
		"one newline off its end"},
	{JSON("b"), "{\"a\":\"s3cret\"}", NULL, 0, "has no \"b\"", "no key"},
	{JSON("a.b"), "{\"a\":\"s3cret\"}", NULL, 0, "has no \"b\"",
		"no object"},
	{JSON("1"), "[\"s3cret\"]", NULL, 0, "has no \"1\" in a list",
		"a list that is too short"},
	{JSON("00"), "[\"s3cret\"]", NULL, 0, "has no \"00\" in a list",
		"a number in one way only"},
	{JSON("x"), "[\"s3cret\"]", NULL, 0, "has no \"x\" in a list",
		"a key where a list is"},
	{JSON("0"), "[]", NULL, 0, "has no \"0\" in a list", "nothing in it"},
	{JSON("a"), "{}", NULL, 0, "has no \"a\"", "nothing in it"},
	{JSON("a"), "{\"a\":\"s3cret\",\"\\u0061\":\"s3cret2\"}", NULL, 0,
		"has the key \"a\" twice", "which of them is it?"},
	{JSON("a"), "{\"a\":7}", NULL, 0,
		"has something else than a text there", "a number"},
	{JSON("a"), "{\"a\":null}", NULL, 0,
		"has something else than a text there", "nothing"},
	{JSON("a"), "{\"a\":\"\"}", NULL, 0, "is empty", "an empty text"},
	{JSON("a"), "{\"a\":\"s3\\u0000cret\"}", NULL, 0,
		"has a control character inside", "NUL, escaped"},
	{JSON("a"), "{\"a\":\"s3\\ncret\"}", NULL, 0,
		"has a control character inside", "newline, escaped"},
	{JSON("a"), "{\"a\":\"s3\ncret\"}", NULL, 0, "is no JSON",
		"newline, as it is"},
	{JSON("a"), "", NULL, 0, "is no JSON", "nothing at all"},
	{JSON("a"), "s3cret", NULL, 0, "is no JSON", "a bare word"},
	{JSON("a"), "{\"a\":\"s3cret\"", NULL, 0, "is no JSON", "cut off"},
	{JSON("a"), "{\"a\":\"s3cret\"}}", NULL, 0, "is no JSON",
		"more behind it"},
	{JSON("a"), "{\"a\":\"s3cret\",}", NULL, 0, "is no JSON",
		"a comma too many"},
	{JSON("a"), "{\"a\":\"\\ud83d\"}", NULL, 0, "is no JSON",
		"half of a pair"},
	{JSON("a"), "{\"a\":\"\\ude00\\ud83d\"}", NULL, 0, "is no JSON",
		"a pair the wrong way round"},
	{JSON("a"), "{\"a\":\"\\x41\"}", NULL, 0, "is no JSON", "no escape"},
	{JSON("a"), "{\"a\":\"s3cret\",\"b\":01}", NULL, 0, "is no JSON",
		"no number"},

	{GIT("password"), "username=me\npassword=s3cret\n", "s3cret", 0, "",
		"lines"},
	{GIT("username"), "username=me\npassword=s3cret\n", "me", 0, "",
		"the other one"},
	{GIT(NULL), "password=s3=cret=", "s3=cret=", 0, "",
		"the first sign divides; no newline at the end"},
	{GIT("password"), "password=old\npassword=s3cret\n", "s3cret", 0, "",
		"the last one holds"},
	{GIT("password"), "password=s3cret\n\npassword=other\n", "s3cret", 0,
		"", "a blank line ends them"},
	{GIT("password"), "password=s3cret\npassword_expiry_utc=1000000001\n",
		"s3cret", 1000000001, "", "its end"},
	{GIT("password"), "password=s3cret\npassword_expiry_utc=1000000000\n",
		NULL, 0, "has expired", "over"},
	{GIT("password"), "password=s3cret\npassword_expiry_utc=0\n", NULL, 0,
		"has expired", "over for long"},
	{GIT("password"), "password=s3cret\npassword_expiry_utc=soon\n", NULL,
		0, "has a password_expiry_utc that is no time", "no time"},
	{GIT("password"),
		"password=s3cret\npassword_expiry_utc=9999999999999999999\n",
		NULL, 0, "has a password_expiry_utc that is no time",
		"more than fits"},
	{GIT("password"), "username=me\n", NULL, 0, "has no \"password\"",
		"none"},
	{GIT("password"), "s3cret\n", NULL, 0, "has a line without \"=\"",
		"no lines of that kind"},
	{GIT("password"), "password=s3cret\r\n", NULL, 0,
		"has a control character inside", "carriage return"},
	{GIT("password"), "password=\n", NULL, 0, "is empty", "empty"},

	{DOCKER(NULL),
		"{\"ServerURL\":\"u\",\"Username\":\"me\",\"Secret\":"
		"\"s3cret\"}"
		"\n",
		"s3cret", 0, "", "the usual field"},
	{DOCKER("Username"), "{\"Username\":\"me\",\"Secret\":\"s3cret\"}",
		"me", 0, "", "the other one"},
	{DOCKER("Secret"), "credentials not found in native keychain\n", NULL,
		0, "is no JSON", "what a helper prints that has none"},

	{AWS("SecretAccessKey"), AWS_TEXT(""), "s3cret", 0, "",
		"without an end"},
	{AWS("AccessKeyId"), AWS_TEXT(""), "id", 0, "", "its name"},
	{AWS("SessionToken"),
		AWS_TEXT(", \"Expiration\": \"2001-09-09T01:46:41Z\""),
		"session", 1000000001, "", "its end"},
	{AWS("SessionToken"),
		AWS_TEXT(", \"Expiration\": \"2001-09-09T03:46:41+02:00\""),
		"session", 1000000001, "", "its end, elsewhere"},
	{AWS("SessionToken"),
		AWS_TEXT(", \"Expiration\": \"2001-09-09T01:46:40Z\""), NULL, 0,
		"has expired", "over"},
	{AWS("SessionToken"), AWS_TEXT(", \"Expiration\": 1000000001"), NULL, 0,
		"has an Expiration that is no date", "a number"},
	{AWS("SessionToken"), AWS_TEXT(", \"Expiration\": \"s3cret\""), NULL, 0,
		"has an Expiration that is no date", "a word"},
	{AWS("SessionToken"),
		AWS_TEXT(", \"Expiration\": \"2001-09-09T01:46:41Z\", "
			 "\"Expiration\": \"2031-09-09T01:46:41Z\""),
		NULL, 0, "has the key \"Expiration\" twice", "two ends"},
	{AWS("SecretAccessKey"), "{\"Version\":2,\"SecretAccessKey\":\"x\"}",
		NULL, 0, "has a Version that is not 1", "of the future"},
	{AWS("SecretAccessKey"), "{\"SecretAccessKey\":\"s3cret\"}", NULL, 0,
		"has no \"Version\"", "of no version"},
};

static void
test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char reason[128] = "";
		int64_t expires = 0;
		struct secret *value = secret_format_read(&rows[i].format,
			span_of(rows[i].raw), NOW, &expires, reason,
			sizeof(reason));

		if ((value == NULL) != (rows[i].value == NULL) ||
			strcmp(reason, rows[i].reason) != 0 ||
			expires != rows[i].expires)
			fail_msg("%s: %s", rows[i].why, reason);
		if (value != NULL && !span_equals(secret_bytes(value),
					     span_of(rows[i].value)))
			fail_msg("%s: other bytes", rows[i].why);
		secret_unref(value);
	}
}

/* Lists inside of lists, as many as that and one more. */
static void
test_depth_is_bounded(void **state)
{
	enum { MOST = 32 };
	const struct secret_format format = JSON("1");
	char text[256], reason[128] = "";
	int64_t expires;

	(void)state;
	for (int depth = MOST; depth <= MOST + 1; depth++) {
		struct secret *value;
		int n = snprintf(text, sizeof(text), "[");

		for (int i = 1; i < depth; i++)
			text[n++] = '[';
		for (int i = 1; i < depth; i++)
			text[n++] = ']';
		snprintf(text + n, sizeof(text) - (size_t)n, ", \"value\"]");
		value = secret_format_read(&format, span_of(text), NOW,
			&expires, reason, sizeof(reason));
		assert_int_equal(value != NULL, depth == MOST);
		secret_unref(value);
	}
	assert_string_equal(reason, "is no JSON");
}

/* What is too long is not looked into: what is left of it could mislead. */
static void
test_length_is_bounded(void **state)
{
	const struct secret_format format = GIT("password");
	char *text = malloc(SECRET_MAX + 2), reason[128] = "";
	int64_t expires;

	(void)state;
	memset(text, 'a', SECRET_MAX + 2);
	memcpy(text, "password=s3cret\n\n", 17);
	assert_null(
		secret_format_read(&format, (struct span){text, SECRET_MAX + 2},
			NOW, &expires, reason, sizeof(reason)));
	assert_string_equal(reason, "is longer than 64 KiB");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_length_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
