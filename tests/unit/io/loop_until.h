/*
 * For tests with a loop: turns of it until something has happened, or the test
 * fails with the name of what it waited for.
 */
#ifndef SBX_TEST_LOOP_UNTIL_H
#define SBX_TEST_LOOP_UNTIL_H

#include <stdbool.h>

struct ev_loop;

typedef bool loop_condition(void *arg);

void loop_until(struct ev_loop *loop, loop_condition *holds, void *arg,
	const char *what);

/* Until *flag. */
void loop_until_set(struct ev_loop *loop, const bool *flag, const char *what);

/* Until there is something to read from fd, to accept or the end of it. */
void loop_until_readable(struct ev_loop *loop, int fd, const char *what);

/* One turn that does not wait. */
void loop_once(struct ev_loop *loop);

/* How many descriptors this process has open. */
int open_descriptors(void);

#endif
