/*
 * For tests: a life, led again and again, in which memory runs out each time at
 * another place.
 *
 * In round k the k-th request for memory fails, or all from the k-th on, of one
 * kind; then the rest of the life is led, and everything has to come to an end:
 * no descriptor stays open, no decision without its outcome, the credential is
 * in no log.  The leak check of the build finds the rest.
 */
#ifndef SBX_TEST_TORTURE_H
#define SBX_TEST_TORTURE_H

#include <stdbool.h>

#include "failing_memory.h"
#include "torture_world.h"

/* Leads it in a world that is open: with w->scarce set for as long as memory
 * may fail, then without. */
typedef void torture_life(struct world *w);

/* How much of that kind is asked for in a life in which nothing fails. */
long torture_count(torture_life *life, enum memory_kind kind);

/* In so many rounds, or fewer where there are not as many requests. */
void torture(
	torture_life *life, enum memory_kind kind, bool goes_on, long rounds);

#endif
