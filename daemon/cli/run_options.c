#include "run_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import_file.h"

#define POOL "100.127.0.0/16"

const struct usage_option run_usage[] = {
	{.name = "policy",
		.code = 'p',
		.value = "NAME|FILE",
		.takes = "POLICY|FILE",
		.help = "a loaded policy, or a file (FILE#NAME: one of it) for "
			"a daemon of one's own"},
	{.name = "kit",
		.code = 'k',
		.value = "FILE",
		.help = "a Docker kit as the policy of a daemon of one's own"},
	{.name = "name",
		.code = 'n',
		.value = "NAME",
		.help = "what the sandbox is called (run-PID)"},
	{.name = "config",
		.code = 'c',
		.value = "PATH",
		.help = "start a daemon of one's own with this configuration"},
	{.name = "allow-address",
		.code = 'a',
		.value = "RANGE",
		.help = "may be dialled although it is private; may be given "
			"again"},
	{.name = "log",
		.code = 'l',
		.value = "FILE",
		.help = "keep the decision log of a daemon of one's own"},
	{.name = "addresses",
		.code = 'r',
		.value = "RANGE",
		.help = "where the sandbox's addresses are drawn from "
			"(" POOL ")"},
	{.name = "quiet", .code = 'q', .help = "no summary"},
	{.name = NULL},
};

static int
complain(char *reterr, size_t size, const char *what, const char *which)
{
	snprintf(reterr, size, "%s%s", what, which);
	return -EINVAL;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* "dir/agent.yaml#agent": a file, and the policy in it. */
static int
read_policy(struct run_options *o, char *text, char *reterr, size_t size)
{
	char *hash = strrchr(text, '#');

	free(o->policy_file);
	free(o->policy);
	o->policy_file = o->policy = NULL;
	if (strchr(text, '/') == NULL && !ends_with(text, ".yaml") &&
		!ends_with(text, ".yml") && hash == NULL) {
		o->policy = strdup(text);
		return o->policy != NULL ? 0 : -ENOMEM;
	}
	o->policy_file = hash == NULL ? strdup(text)
				      : strndup(text, (size_t)(hash - text));
	if (hash != NULL)
		o->policy = strdup(hash + 1);
	if (o->policy_file == NULL || (hash != NULL && o->policy == NULL))
		return -ENOMEM;
	if (access(o->policy_file, R_OK) < 0) {
		snprintf(reterr, size, "cannot read the policy %s: %s",
			o->policy_file, strerror(errno));
		return -EINVAL;
	}
	return 0;
}

static int
read_kit(struct run_options *o, const char *path, char *reterr, size_t size)
{
	struct import *kit = NULL;
	char *text;
	int e = import_file_read(IMPORT_DOCKER_KIT, path, &kit, &text);

	if (e < 0) {
		snprintf(reterr, size, "the kit cannot be used:\n%s",
			text != NULL ? text : strerror(-e));
		free(text);
		return -EINVAL;
	}
	import_free(o->kit);
	o->kit = kit;
	return 0;
}

/* The daemon runs elsewhere: absolute. */
static int
read_log(struct run_options *o, const char *path)
{
	char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *log = NULL;

	if (path[0] == '/')
		log = strdup(path);
	else if (cwd == NULL || asprintf(&log, "%s/%s", cwd, path) < 0)
		log = NULL;
	free(cwd);
	free(o->log);
	o->log = log;
	return log != NULL ? 0 : -ENOMEM;
}

static bool
is_sandbox_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

	return strlen(name) < RUN_NAME_MAX && strspn(name, first) > 0 &&
	       strspn(name, rest) == strlen(name);
}

static int
read_option(struct run_options *o, int option, char *value, char *reterr,
	size_t size)
{
	switch (option) {
	case 'p':
		return read_policy(o, value, reterr, size);
	case 'k':
		return read_kit(o, value, reterr, size);
	case 'n':
		if (!is_sandbox_name(value))
			return complain(reterr, size,
				"a name is at most 63 of a-z 0-9 _ . -, with a "
				"letter or digit first, not ",
				value);
		snprintf(o->name, sizeof(o->name), "%s", value);
		return 0;
	case 'c':
		o->config = value;
		return 0;
	case 'a':
		if (o->allow_address_count == RUN_RANGES_MAX)
			return complain(reterr, size,
				"too many times --allow-address", "");
		o->allow_addresses[o->allow_address_count++] = value;
		return 0;
	case 'l':
		return read_log(o, value);
	case 'r':
		return wire_pool_parse(value, &o->pool, reterr, size);
	case 'q':
		o->quiet = true;
		return 0;
	case ':':
		return complain(
			reterr, size, "this option wants a value: ", value);
	default:
		return complain(reterr, size, "what is ", value);
	}
}

static int
check(const struct run_options *o, char *reterr, size_t size)
{
	if (o->command[0] == NULL)
		return complain(reterr, size, "no command to run", "");
	if (o->kit != NULL && (o->policy != NULL || o->policy_file != NULL))
		return complain(reterr, size,
			"--kit is the policy: --policy does not go with it",
			"");
	if (o->config != NULL && o->kit != NULL)
		return complain(reterr, size,
			"--config has its policies: --kit does not go with it",
			"");
	if (o->config != NULL && o->policy_file != NULL)
		return complain(reterr, size,
			"with --config, --policy is a name, not the file ",
			o->policy_file);
	if (o->config != NULL && (o->allow_address_count > 0 || o->log != NULL))
		return complain(reterr, size,
			"with --config, upstream.allow_addresses and log.file "
			"are set there",
			"");
	return 0;
}

int
run_options_parse(int argc, char **argv, struct run_options *ret, char *reterr,
	size_t size)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	struct run_options o = {0};
	int option;
	int e = wire_pool_parse(POOL, &o.pool, reterr, size);

	snprintf(o.name, sizeof(o.name), "run-%d", (int)getpid());
	usage_getopt(run_usage, options);
	optind = 0;
	/* '+': the command's own options are its own. */
	while (e == 0 &&
		(option = getopt_long(argc, argv, "+:", options, NULL)) != -1)
		e = read_option(&o, option,
			optarg != NULL ? optarg : argv[optind - 1], reterr,
			size);
	o.command = argv + optind;
	if (e == 0)
		e = check(&o, reterr, size);
	if (e < 0) {
		run_options_done(&o);
		return e;
	}
	*ret = o;
	return 0;
}

void
run_options_done(struct run_options *o)
{
	import_free(o->kit);
	o->kit = NULL;
	free(o->policy);
	free(o->policy_file);
	free(o->log);
	o->policy = o->policy_file = o->log = NULL;
}

bool
run_options_want_own(const struct run_options *o)
{
	return o->config != NULL || o->policy_file != NULL || o->kit != NULL ||
	       o->allow_address_count > 0 || o->log != NULL;
}
