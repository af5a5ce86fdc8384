/*
 * Canonical YAML of what is compiled.  Internal: see policy.h and overlay.h.
 */
#ifndef SBX_PRINT_H
#define SBX_PRINT_H

#include "rule.h"

/* One entry, a document by itself, malloc'd; NULL: out of memory. */
char *print_policy(const struct policy_set *set);
char *print_credential(const struct credential *c);

/* One rule, malloc'd: the caller frees it.  NULL: out of memory. */
char *print_rule(const struct rule *r);

/* An overlay, malloc'd; NULL: out of memory. */
char *print_overlay(const struct policy_set *set);

#endif
