/*
 * Canonical YAML of what is compiled.  Internal: see policy.h and overlay.h.
 */
#ifndef SBX_PRINT_H
#define SBX_PRINT_H

#include "rule.h"

/* An overlay with that word for its mode, malloc'd; NULL: out of memory. */
char *print_overlay(const struct policy_set *set, const char *mode);

#endif
