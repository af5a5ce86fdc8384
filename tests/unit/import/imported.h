/*
 * For tests: what comes of a text of somebody else's.
 */
#ifndef SBX_TEST_IMPORTED_H
#define SBX_TEST_IMPORTED_H

#include "import.h"
#include "policy.h"

/* Imports text as the file "in"; fails the test on any error. */
struct import *imported(enum import_dialect dialect, const char *text);

/* The report that text gives (malloc'd); fails the test when it is imported. */
char *import_refusal(enum import_dialect dialect, const char *text);

/* The document, loaded; fails the test when it does not load. */
struct policy *import_loaded(const struct import *import);

#endif
