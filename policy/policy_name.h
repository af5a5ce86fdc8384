/*
 * What a policy says about a name beyond whether it may be resolved: for who
 * answers DNS.  Pure, as policy.h.
 */
#ifndef SBX_POLICY_NAME_H
#define SBX_POLICY_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

/*
 * May records of that type be asked for?  Allowed by an allow rule about host
 * that lists the type in `dns` and is not closed by a deny rule; else not
 * allowed, and nothing else of the verdict is set.  For names that
 * policy_decide_name() allows.
 */
struct policy_verdict policy_name_records(
	const struct policy_set *set, const char *host, uint16_t type);

/* Whether an allow rule has that very name written out, not a pattern. */
bool policy_name_is_written(const struct policy_set *set, const char *host);

/*
 * The part of host that somebody registered ("example.co.uk" of
 * "a.example.co.uk"), inside host; host itself if that cannot be told.
 */
const char *policy_name_registered(const char *host);

#endif
