#include "judge.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "guard.h"
#include "packet.h"
#include "policy_packet.h"
#include "resident.h"

enum {
	PORT_DNS = 53,
	PORT_QUIC = 443,
	ECHO_REQUEST = 8,
	ECHO_REQUEST_V6 = 128,
	QUIC_LONG = 0xc0,   /* long header, fixed bit */
	QUIC_INITIAL = 1200 /* no client's first datagram is shorter */
};

static void
fill(struct sockaddr_storage *ret, const struct packet *p,
	const uint8_t address[static 16], uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (p->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address, sizeof(in->sin_addr));
	} else if (p->family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, address, sizeof(in6->sin6_addr));
	}
}

void
judge_destination(const struct packet *p, struct sockaddr_storage *ret)
{
	fill(ret, p, p->destination, p->has_ports ? p->destination_port : 0);
}

void
judge_source(const struct packet *p, struct sockaddr_storage *ret)
{
	fill(ret, p, p->source, p->has_ports ? p->source_port : 0);
}

bool
judge_is_quic(const struct packet *p)
{
	if (p->protocol != PACKET_UDP || !p->has_ports)
		return false;
	return p->destination_port == PORT_QUIC ||
	       (p->payload_len >= QUIC_INITIAL &&
		       (p->payload[0] & QUIC_LONG) == QUIC_LONG);
}

static struct judgement
dropped(enum record_reason reason, const char *detail)
{
	return (struct judgement){.verdict = JUDGE_DROP,
		.said = RECORD_DENIED,
		.reason = reason,
		.detail = detail};
}

/* Only an echo request begins something; answers and errors of what was let
 * pass belong to its connection and do not come here. */
static bool
is_ping(const struct packet *p)
{
	if (!p->has_icmp)
		return false;
	return p->family == AF_INET ? p->protocol == PACKET_ICMP &&
					      p->icmp_type == ECHO_REQUEST
				    : p->protocol == PACKET_ICMPV6 &&
					      p->icmp_type == ECHO_REQUEST_V6;
}

/* What no rule can let pass: NULL, or why. */
static const char *
what_is_wrong(const struct packet *p)
{
	if (p->bad != NULL)
		return p->bad;
	if (p->is_fragment)
		return "a fragment";
	if (p->protocol == PACKET_ICMP || p->protocol == PACKET_ICMPV6)
		return is_ping(p) ? NULL : "ICMP that is no echo request";
	if (p->protocol == PACKET_TCP)
		return "TCP that no listener took";
	if (p->protocol != PACKET_UDP || !p->has_ports)
		return "a protocol that no rule can allow";
	return p->destination_port == PORT_DNS ? "DNS that no socket took"
					       : NULL;
}

/* In the policy's words, but for what its rules do not speak of. */
static struct judgement
denied_by(const struct policy_verdict *v, bool is_quic)
{
	struct judgement j = {
		.verdict = is_quic ? JUDGE_REFUSE : JUDGE_DROP,
		.said = RECORD_DENIED,
		.reason = (enum record_reason)v->reason,
		.rule = v->rule,
		.source = v->source,
	};

	if (v->reason == POLICY_NO_NAME || v->reason == POLICY_PORT)
		j.reason = is_quic ? RECORD_QUIC : RECORD_PROTOCOL;
	return j;
}

struct judgement
judge(const struct guard *guard, const struct resident *resident,
	const struct packet *p, bool is_quic)
{
	const char *wrong = what_is_wrong(p), *refused;
	struct sockaddr_storage to;
	const struct sockaddr *dst = (const struct sockaddr *)&to;
	struct policy_verdict v;

	judge_destination(p, &to);
	if (resident == NULL)
		return dropped(RECORD_UNKNOWN_SOURCE, NULL);
	if (p->family != AF_UNSPEC && guard_is_self(guard, dst))
		return dropped(RECORD_SELF, NULL);
	if (wrong != NULL || resident->set == NULL)
		return dropped(RECORD_PROTOCOL, wrong);
	v = policy_decide_packet(resident->set,
		p->protocol == PACKET_UDP ? POLICY_UDP : POLICY_ICMP, dst);
	if (!v.allowed)
		return denied_by(&v, is_quic);
	refused = guard_refuses(guard, dst);
	if (refused != NULL) {
		return (struct judgement){is_quic ? JUDGE_REFUSE : JUDGE_DROP,
			RECORD_DENIED, RECORD_ADDRESS_REFUSED, v.rule, v.source,
			refused};
	}
	return (struct judgement){JUDGE_PASS,
		v.audited ? RECORD_AUDITED : RECORD_ALLOWED,
		(enum record_reason)v.reason, v.rule, v.source, NULL};
}
