/*
 * One run of a program that prints a value.
 */
#ifndef SBX_SOURCE_COMMAND_H
#define SBX_SOURCE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret_format.h"

struct ev_loop;
struct secret;
struct source_command;

enum {
	SOURCE_INPUT_MAX = 4096, /* bytes; any pipe has room for them */
};

/* value is borrowed; NULL: reason says what went wrong.  expires as of
 * secret_format_read(). */
typedef void source_command_done(
	void *arg, struct secret *value, int64_t expires, const char *reason);

struct source_command_order { /* borrowed while it runs */
	const char *name;     /* the credential, for the log */
	char *const *argv;
	/*
	 * argv[0] is this very program: nobody asks who could have changed it,
	 * and the line that it leaves on standard error when it fails is the
	 * reason.
	 */
	bool is_ours;
	const char *input; /* to its standard input; NULL: nothing */
	struct secret_format format;
	unsigned timeout_seconds;
	source_command_done *done; /* called once, never before the return */
	void *arg;
};

/*
 * Starts it.  It frees itself right before it calls done.  Returns 0 and *ret,
 * or -errno with what is wrong in reterr.
 */
int source_command_start(struct ev_loop *loop,
	const struct source_command_order *order, struct source_command **ret,
	char *reterr, size_t reterr_size);

/* Kills it and frees it; done is not called.  Accepts NULL. */
void source_command_cancel(struct source_command *c);

#endif
