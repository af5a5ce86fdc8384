/*
 * Flows to a name that never show it: what is neither TLS nor HTTP, to an
 * address that the sandbox was given for that name.
 *
 * Such bytes are carried where a rule names the host and the port, for a port
 * other than 80 and 443, and looks at nothing that only requests have; or says
 * `protocol: tcp`, for whichever port.  What denies the host and port denies
 * them, and what denies some of its requests does, too: nobody would see which
 * these are.  No default ever allows them.
 */
#ifndef SBX_POLICY_RAW_H
#define SBX_POLICY_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

/*
 * May they be carried to this name and port?  at_once: the rule says so
 * outright, and nothing has to be read before.  host: from host_normalise().
 */
struct policy_verdict policy_decide_raw(
	const struct policy_set *set, const char *host, uint16_t port);

/*
 * Whether they may be on some port, as far as single rules tell: for who has
 * to give the name an address.  Never false where policy_decide_raw() would
 * allow by a rule.
 */
bool policy_name_may_be_raw(const struct policy_set *set, const char *host);

#endif
