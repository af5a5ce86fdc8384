/*
 * For tests: a policy out of a text.  Knows nothing of files.
 */
#ifndef SBX_TEST_COMPILED_H
#define SBX_TEST_COMPILED_H

#include "policy.h"

/* Compiles text as the document "p.yaml"; fails the test on any error. */
struct policy *compiled(const char *text);

/* The report that text gives (malloc'd); fails the test when it compiles. */
char *refusal(const char *text);

#endif
