#include "netlog_options.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "logtime.h"
#include "netlog_usage.h"

#ifndef SBX_VERSION
#error "the build defines SBX_VERSION"
#endif

const char *argp_program_version = "sbx-netlog " SBX_VERSION;

static const char log_name[] = "decisions.log";

/* Where a daemon writes unless told otherwise; the first that is there. */
static const char *const default_dirs[] = {"/var/log/sbx-net", "/run/sbx-net"};

static const char about[] =
	"Shows what the sandboxes of this host were allowed and denied, one "
	"line a decision.\v"
	"A GLOB is * ? [abc]; a LIST has commas, and an option given again "
	"adds to it.\n\n"
	"Exit status: 0, 1 when --explain finds no such decision, 2 for wrong "
	"usage, 3 when the log cannot be read.\n\n"
	"See sbx-netlog(1), and docs/record.md for every key and reason.";

struct asked { /* what parse_option() gathers besides the result */
	struct netlog_options *ret;
	const char *file, *dir;
	int modes; /* how many of them were asked for */
	bool last;
};

static uint64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
set_mode(struct asked *asked, enum netlog_mode mode)
{
	asked->ret->mode = mode;
	asked->modes++;
}

static void
set_last(struct asked *asked, const char *arg, struct argp_state *state)
{
	char *end;
	long n;

	asked->last = true;
	if (strcmp(arg, "all") == 0) {
		asked->ret->last = NETLOG_ALL;
		return;
	}
	errno = 0;
	n = strtol(arg, &end, 10);
	if (errno != 0 || end == arg || *end != '\0' || n < 0 ||
		n > NETLOG_LAST_MAX)
		argp_error(state, "-n %s: want \"all\" or a number up to %d",
			arg, NETLOG_LAST_MAX);
	asked->ret->last = (int)n;
}

static void
set_id(struct asked *asked, const char *arg, struct argp_state *state)
{
	size_t len = strlen(arg);

	if (len == 0 || len > 16 ||
		strspn(arg, "0123456789abcdefABCDEF") != len)
		argp_error(state,
			"--explain %s: an id is up to 16 hex digits, "
			"the last word of each line",
			arg);
	asked->ret->id = strtoull(arg, NULL, 16);
	set_mode(asked, NETLOG_EXPLAIN);
}

static void
set_colour(struct asked *asked, const char *arg, struct argp_state *state)
{
	if (arg == NULL || strcmp(arg, "always") == 0)
		asked->ret->colour = true;
	else if (strcmp(arg, "never") == 0)
		asked->ret->colour = false;
	else if (strcmp(arg, "auto") != 0)
		argp_error(state, "--color=%s: always, never or auto", arg);
}

static void
bad_word(struct argp_state *state, enum logfilter_key key, const char *word)
{
	const char *choice;
	char list[1024] = "";

	for (int i = 0; (choice = logfilter_choice(key, i)) != NULL; i++) {
		strncat(list, i > 0 ? ", " : "",
			sizeof(list) - strlen(list) - 1);
		strncat(list, choice, sizeof(list) - strlen(list) - 1);
	}
	argp_error(state, "--%s %s: no such %s.  There are: %s",
		logfilter_key_name(key), word, logfilter_key_name(key), list);
}

/* arg is argv's own, and lives as long: the commas in it become ends. */
static void
add_words(struct asked *asked, enum logfilter_key key, char *arg,
	struct argp_state *state)
{
	struct logfilter *filter = &asked->ret->filter;
	char *word;
	int r;

	while ((word = strsep(&arg, ",")) != NULL) {
		r = logfilter_add(filter, key, word);
		if (r == -EINVAL)
			bad_word(state, key, word);
		if (r == -E2BIG)
			argp_error(state, "--%s: at most %d words",
				logfilter_key_name(key), LOGFILTER_WORDS);
	}
}

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct asked *asked = state->input;

	if (key >= NETLOG_KEY_FILTER &&
		key < NETLOG_KEY_FILTER + LOGFILTER_KEY_COUNT) {
		add_words(asked, (enum logfilter_key)(key - NETLOG_KEY_FILTER),
			arg, state);
		return 0;
	}
	switch (key) {
	case 'f':
		asked->ret->follow = true;
		return 0;
	case 'n':
		set_last(asked, arg, state);
		return 0;
	case NETLOG_KEY_SUMMARY:
		set_mode(asked, NETLOG_SUMMARY);
		return 0;
	case NETLOG_KEY_SUGGEST:
		set_mode(asked, NETLOG_SUGGEST);
		return 0;
	case NETLOG_KEY_JSON:
		set_mode(asked, NETLOG_JSON);
		return 0;
	case NETLOG_KEY_EXPLAIN:
		set_id(asked, arg, state);
		return 0;
	case NETLOG_KEY_SINCE:
		if (logtime_since(arg, now_us(), &asked->ret->filter.since_us) <
			0)
			argp_error(state,
				"--since %s: want how long ago (90s, "
				"10m, 2h30m, 1d) or a time like "
				"2025-11-21T03:25:01Z",
				arg);
		return 0;
	case NETLOG_KEY_COLOUR:
		set_colour(asked, arg, state);
		return 0;
	case NETLOG_KEY_FILE:
		asked->file = arg;
		return 0;
	case NETLOG_KEY_RUNTIME_DIR:
		asked->dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: no arguments are wanted", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void
set_path(struct asked *asked)
{
	char *path = asked->ret->path;
	const char *dir = asked->dir;

	if (dir == NULL)
		dir = getenv("SBX_NET_RUNTIME_DIR");
	if (asked->file != NULL) {
		snprintf(path, PATH_MAX, "%s", asked->file);
		return;
	}
	if (dir != NULL && dir[0] != '\0') {
		snprintf(path, PATH_MAX, "%s/%s", dir, log_name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(default_dirs); i++) {
		snprintf(path, PATH_MAX, "%s/%s", default_dirs[i], log_name);
		if (access(path, F_OK) == 0)
			return;
	}
	/* None is there: the message shall name the usual one. */
	snprintf(path, PATH_MAX, "%s/%s", default_dirs[0], log_name);
}

static bool
colour_is_welcome(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

/* A heading begins a group; argp sorts what is in it. */
static const struct argp_option *
argp_rows(void)
{
	static struct argp_option rows[USAGE_OPTIONS_MAX + 1];
	size_t n = 0;
	int group = 0;

	for (const struct usage_option *o = netlog_usage; o->name != NULL;
		o++) {
		assert(n < USAGE_OPTIONS_MAX);
		group += *o->name == '\0';
		rows[n++] = (struct argp_option){
			.name = *o->name != '\0' ? o->name : NULL,
			.key = o->code,
			.arg = o->value,
			.flags = o->optional ? OPTION_ARG_OPTIONAL : 0,
			.doc = o->help,
			.group = group};
	}
	return rows;
}

void
netlog_options_parse(int argc, char **argv, struct netlog_options *ret)
{
	const struct argp argp = {
		.options = argp_rows(), .parser = parse_option, .doc = about};
	struct asked asked = {.ret = ret};

	*ret = (struct netlog_options){
		.last = NETLOG_LAST, .colour = colour_is_welcome()};
	argp_err_exit_status = NETLOG_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &asked);
	if (asked.modes > 1 || (ret->follow && ret->mode != NETLOG_LINES &&
				       ret->mode != NETLOG_JSON)) {
		fprintf(stderr, "sbx-netlog: --summary, --json, --explain and "
				"--suggest exclude each other; --follow is for "
				"lines and --json\n");
		exit(NETLOG_USAGE);
	}
	if (!asked.last && ret->mode != NETLOG_LINES && !ret->follow)
		ret->last = NETLOG_ALL;
	set_path(&asked);
}
