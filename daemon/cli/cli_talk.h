/*
 * A subcommand's talk with the daemon: connect, ask, print; errors go to
 * standard error, and what comes back is the exit status.
 */
#ifndef SBX_CLI_TALK_H
#define SBX_CLI_TALK_H

#include <jansson.h>

struct cli;
struct control_client;
struct control_question;

enum { CLI_CHANGE_SECONDS = 60 }; /* for what workers have to be told */

/* What is printed when no JSON is wanted. */
typedef void cli_print(const json_t *answer);

/* CLI_OK and *ret, which the caller closes; or how to exit. */
int cli_connect(const struct cli *cli, struct control_client **ret);

/* GETs JSON and prints it, as it is or for people. */
int cli_show(const struct cli *cli, const char *target, cli_print *print);

/* GETs text and prints it; with --json as {"text": ...}. */
int cli_show_text(const struct cli *cli, const char *target);

/*
 * PUT, POST or DELETE; body may be NULL.  done is printed when all went
 * well, and what the daemon has to say besides.
 */
int cli_change(const struct cli *cli, const char *method, const char *target,
	const char *body, const char *done);

/* The same, with conditions and all. */
int cli_submit(const struct cli *cli, const struct control_question *question,
	const char *done);

/* The end of a talk that came to e (0 or -errno), with why: closes it, and
 * returns how to exit. */
int cli_hang_up(struct control_client *client, int e, const char *why);

/* A change's answer: done, what the daemon has to say besides, and what was
 * closed for it. */
void cli_print_done(
	const struct cli *cli, const json_t *answer, const char *done);

/* Prints "sbx-netctl: text" and returns status. */
int cli_complain(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The target with name escaped in place of %s, in a static buffer. */
const char *cli_target(const char *format, const char *name);

/* A string of an object, or "" if it has none. */
const char *cli_text(const json_t *object, const char *key);

#endif
