/*
 * Runs sbx-net-setup, a program beside us, on the loop and tells how it ended.
 */
#ifndef SBX_SETUP_RUN_H
#define SBX_SETUP_RUN_H

#include <stdbool.h>

struct setup_run;
struct ev_loop;

/* status: 0 ended with 0; > 0 its exit status; < 0 killed by that signal. */
typedef void setup_run_done(void *arg, int status);

struct setup_run_events {
	setup_run_done *done;
	void *arg;
	bool capture; /* what it prints, for setup_run_text() */
};

/*
 * argv[0] is the path; output goes to our standard error; it has a deadline
 * after which it is killed.  events: copied.  0 and *ret, or -errno.
 */
int setup_run_start(struct ev_loop *loop, const char *const *argv,
	const struct setup_run_events *events, struct setup_run **ret);

/* What it printed, when it is done: malloc'd, the caller's; NULL: it was not
 * captured, or is too long, or no memory. */
char *setup_run_text(struct setup_run *c);

/* Kills it if it still runs and calls nobody.  Accepts NULL.  Not in done. */
void setup_run_free(struct setup_run *c);

#endif
