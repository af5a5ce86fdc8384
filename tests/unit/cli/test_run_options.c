#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "run_options.h"
#include "run_user.h"

#define FILE_THAT_IS_THERE "/proc/self/status"
#define KIT "golden/import/docker-kit/v2.yaml"

static const struct {
	const char *argv[10];
	const char *policy, *file, *command;
	const char *why;
	int expect;
	bool own;
} command_lines_cases[] = {
	{{"run", "true"}, NULL, NULL, "true", "least", 0, false},
	{{"run", "--", "-x"}, NULL, NULL, "-x", "after --", 0, false},
	{{"run", "ls", "--policy", "x"}, NULL, NULL, "ls",
		"options behind the command are its own", 0, false},
	{{"run", "--policy", "agent", "ls"}, "agent", NULL, "ls", "a name", 0,
		false},
	{{"run", "--policy", FILE_THAT_IS_THERE, "ls"}, NULL,
		FILE_THAT_IS_THERE, "ls", "a file", 0, true},
	{{"run", "--policy", FILE_THAT_IS_THERE "#agent", "ls"}, "agent",
		FILE_THAT_IS_THERE, "ls", "one policy of a file", 0, true},
	{{"run", "--policy", "/none.yaml", "ls"}, NULL, NULL, NULL,
		"a file that is not there", -EINVAL, false},
	{{"run", "--policy", "a", "--policy", "b", "ls"}, "b", NULL, "ls",
		"the last one", 0, false},
	{{"run", "--config", "c.yaml", "ls"}, NULL, NULL, "ls",
		"a configuration", 0, true},
	{{"run", "--config", "c", "--policy", FILE_THAT_IS_THERE, "ls"}, NULL,
		NULL, NULL, "both", -EINVAL, false},
	{{"run", "--config", "c", "--log", "x", "ls"}, NULL, NULL, NULL,
		"the configuration has it", -EINVAL, false},
	{{"run", "--kit", KIT, "ls"}, NULL, NULL, "ls", "a kit", 0, true},
	{{"run", "--kit", "/none", "ls"}, NULL, NULL, NULL,
		"a kit that is not there", -EINVAL, false},
	{{"run", "--kit", FILE_THAT_IS_THERE, "ls"}, NULL, NULL, NULL, "no kit",
		-EINVAL, false},
	{{"run", "--kit", KIT, "--kit", KIT, "ls"}, NULL, NULL, "ls",
		"the last one", 0, true},
	{{"run", "--kit", KIT, "--policy", "agent", "ls"}, NULL, NULL, NULL,
		"a kit is a policy", -EINVAL, false},
	{{"run", "--policy", FILE_THAT_IS_THERE, "--kit", KIT, "ls"}, NULL,
		NULL, NULL, "a kit is a policy", -EINVAL, false},
	{{"run", "--config", "c", "--kit", KIT, "ls"}, NULL, NULL, NULL,
		"the configuration has policies", -EINVAL, false},
	{{"run", "--allow-address", "10.0.0.0/8", "ls"}, NULL, NULL, "ls",
		"settings want an own daemon", 0, true},
	{{"run", "--log", "x", "ls"}, NULL, NULL, "ls",
		"settings want an own daemon", 0, true},
	{{"run", "--name", "a.b_c-9", "ls"}, NULL, NULL, "ls", "name", 0,
		false},
	{{"run", "--name", "A", "ls"}, NULL, NULL, NULL, "capital", -EINVAL,
		false},
	{{"run", "--name", "-a", "ls"}, NULL, NULL, NULL, "first character",
		-EINVAL, false},
	{{"run", "--name", "", "ls"}, NULL, NULL, NULL, "empty", -EINVAL,
		false},
	{{"run", "--name", "a/b", "ls"}, NULL, NULL, NULL, "a path", -EINVAL,
		false},
	{{"run"}, NULL, NULL, NULL, "no command", -EINVAL, false},
	{{"run", "--"}, NULL, NULL, NULL, "no command", -EINVAL, false},
	{{"run", "--policy"}, NULL, NULL, NULL, "no value", -EINVAL, false},
	{{"run", "--what", "ls"}, NULL, NULL, NULL, "unknown", -EINVAL, false},
	{{"run", "--addresses", "10.0.0.0", "ls"}, NULL, NULL, NULL, "no range",
		-EINVAL, false},
};

static void
test_command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(command_lines_cases); i++) {
		struct run_options o = {0};
		char *argv[11] = {NULL};
		char text[512] = "";
		int argc = 0;

		for (; command_lines_cases[i].argv[argc] != NULL; argc++)
			argv[argc] = strdup(command_lines_cases[i].argv[argc]);
		if (run_options_parse(argc, argv, &o, text, sizeof(text)) !=
			command_lines_cases[i].expect)
			fail_msg("%s: %s", command_lines_cases[i].why, text);
		if (command_lines_cases[i].expect == 0) {
			assert_string_equal(
				o.command[0], command_lines_cases[i].command);
			assert_string_equal(o.policy != NULL ? o.policy : "",
				command_lines_cases[i].policy != NULL
					? command_lines_cases[i].policy
					: "");
			assert_string_equal(
				o.policy_file != NULL ? o.policy_file : "",
				command_lines_cases[i].file != NULL
					? command_lines_cases[i].file
					: "");
			if (run_options_want_own(&o) !=
				command_lines_cases[i].own)
				fail_msg("%s", command_lines_cases[i].why);
			run_options_done(&o);
		} else {
			assert_string_not_equal(text, "");
		}
		while (argc > 0)
			free(argv[--argc]);
	}
}

/* The entry for name, or NULL. */
static const char *
get(char **environment, const char *name)
{
	size_t len = strlen(name);

	for (char **p = environment; *p != NULL; p++) {
		if (strncmp(*p, name, len) == 0 && (*p)[len] == '=')
			return *p + len + 1;
	}
	return NULL;
}

static void
test_environment(void **state)
{
	static const char *const withheld[] = {"TOKEN_A", "TOKEN_B"};
	static const char *const stand_ins[] = {
		"TOKEN_B", "NEW", "http_proxy", "SSL_CERT_FILE", "HOME"};
	json_t *real = json_pack("{s:s, s:s, s:s, s:s}", "TOKEN_A",
		"looks-like-it", "NEW", "looks-like-it", "https_proxy", "x",
		"HOME", "x");
	struct run_variables variables = {"box", withheld, 2, stand_ins,
		ARRAY_LEN(stand_ins), "nothing", real};
	struct run_user user = {
		.name = "somebody", .home = "/srv/s", .shell = "/bin/sh"};
	char **e;

	(void)state;
	setenv("TOKEN_A", "secret", 1);
	setenv("TOKEN_B", "secret", 1);
	setenv("TOKEN_AB", "stays", 1);
	setenv("https_proxy", "http://127.0.0.1:3128", 1);
	setenv("SSL_CERT_FILE", "/elsewhere", 1);
	setenv("JAVA_TOOL_OPTIONS", "-Dx=y", 1);
	setenv("HOME", "/root", 1);
	setenv("EMPTY", "", 1);
	e = run_environment(&user, &variables);
	assert_non_null(e);
	assert_string_equal(get(e, "TOKEN_A"), "looks-like-it");
	assert_null(get(e, "https_proxy"));
	assert_string_equal(get(e, "TOKEN_AB"), "stays");
	assert_string_equal(get(e, "EMPTY"), "");
	assert_string_equal(get(e, "TOKEN_B"), "nothing");
	assert_string_equal(get(e, "NEW"), "looks-like-it");
	assert_null(get(e, "http_proxy"));
	assert_string_equal(get(e, "HOME"), "/srv/s");
	assert_string_equal(get(e, "USER"), "somebody");
	assert_string_equal(get(e, "SBX_NET_SANDBOX"), "box");
	assert_string_equal(
		get(e, "SSL_CERT_FILE"), "/run/sbx-net-ca/bundle.pem");
	assert_string_equal(get(e, "JAVA_TOOL_OPTIONS"),
		"-Dx=y -Djavax.net.ssl.trustStore="
		"/run/sbx-net-ca/truststore.jks");
	run_environment_free(e);
	json_decref(real);

	user.name[0] = '\0';
	variables = (struct run_variables){.sandbox = "box"};
	e = run_environment(&user, &variables);
	assert_string_equal(get(e, "HOME"), "/root");
	assert_string_equal(get(e, "TOKEN_A"), "secret");
	run_environment_free(e);
}

static void
test_who_calls(void **state)
{
	static const struct {
		const char *uid;
		int expect;
		bool other;
		const char *why;
	} cases[] = {
		{"65534", 0, true, "the user behind sudo"},
		{"0", 0, false, "root behind sudo is root"},
		{"", 0, false, "empty"},
		{"-1", 0, false, "no number"},
		{"1x", 0, false, "rubbish"},
		{"4294967295", 0, false, "nobody at all"},
		{"4294967000", -EINVAL, false, "no such user"},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run_user user = {0};
		int expect = getuid() == 0 ? cases[i].expect : 0;

		setenv("SUDO_UID", cases[i].uid, 1);
		if (run_user_find(&user, text, sizeof(text)) != expect)
			fail_msg("%s", cases[i].why);
		if (expect < 0)
			continue;
		if ((user.who.uid != getuid()) !=
			(cases[i].other && getuid() == 0))
			fail_msg("%s", cases[i].why);
		if ((user.who.name != NULL) !=
			(cases[i].other && getuid() == 0))
			fail_msg("%s", cases[i].why);
	}
	unsetenv("SUDO_UID");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_who_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
