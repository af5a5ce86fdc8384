/*
 * What is asked about packets that are neither TCP nor DNS: rules with
 * `address` and `protocol` decide about them, and nothing else.  Pure.
 */
#ifndef SBX_POLICY_PACKET_H
#define SBX_POLICY_PACKET_H

#include <sys/socket.h>

#include "policy.h"

enum policy_protocol { POLICY_TCP, POLICY_UDP, POLICY_ICMP };

/*
 * May packets of that protocol be sent to this address (and port, of UDP)?
 * Neither `default: allow` nor `audit: true` of a whole policy lets any pass
 * that no allow rule speaks of: nobody would see what is in them.
 */
struct policy_verdict policy_decide_packet(const struct policy_set *set,
	enum policy_protocol protocol, const struct sockaddr *dst);

#endif
