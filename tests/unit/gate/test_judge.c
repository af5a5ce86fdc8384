/* Which packet passes, which is refused, and in whose words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "gate_world.h"
#include "judge.h"
#include "packet.h"
#include "resident.h"

#define UDP_443 \
	"\x10\x00\x01\xbb\x00\x0c\x00\x00" \
	"abcd"
#define UDP_123 \
	"\x10\x00\x00\x7b\x00\x0c\x00\x00" \
	"abcd"
#define UDP_124 \
	"\x10\x00\x00\x7c\x00\x0c\x00\x00" \
	"abcd"
#define UDP_53 \
	"\x10\x00\x00\x35\x00\x0c\x00\x00" \
	"abcd"
#define PING "\x08\x00\x00\x00\x00\x01\x00\x01"
#define REDIRECT "\x05\x01\x00\x00\x01\x02\x03\x04"

static const char policies[] =
	"version: 1\npolicies:\n"
	"  one:\n"
	"    default: allow\n"
	"    deny:\n"
	"      - {address: 203.0.113.66}\n"
	"    allow:\n"
	"      - {address: 203.0.113.0/24, protocol: udp, port: 123}\n"
	"      - {address: 203.0.113.0/24, protocol: icmp}\n"
	"      - {address: 10.0.0.0/8, protocol: udp, port: 123}\n"
	"      - {address: 203.0.113.9, port: 124}\n"
	"  two: {allow: []}\n";

static const struct {
	const char *to;
	uint8_t protocol;
	const char *bytes;
	size_t len;
	uint32_t ifindex;
	enum judge_verdict verdict;
	enum record_reason reason;
	const char *why;
} cases[] = {
#define BYTES(text) text, sizeof(text) - 1
	{"203.0.113.1", 17, BYTES(UDP_123), WORLD_ONE, JUDGE_PASS,
		RECORD_RULE_ALLOW, "a rule with its protocol and port"},
	{"203.0.113.1", 17, BYTES(UDP_124), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "another port; `default: allow` is for names"},
	{"203.0.113.9", 17, BYTES(UDP_124), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "a rule without protocol means TCP"},
	{"203.0.113.66", 17, BYTES(UDP_123), WORLD_ONE, JUDGE_DROP,
		RECORD_RULE_DENY, "a deny rule without protocol means all"},
	{"203.0.113.1", 1, BYTES(PING), WORLD_ONE, JUDGE_PASS,
		RECORD_RULE_ALLOW, "an echo request"},
	{"203.0.113.66", 1, BYTES(PING), WORLD_ONE, JUDGE_DROP,
		RECORD_RULE_DENY, "of ICMP, too"},
	{"203.0.113.1", 1, BYTES(REDIRECT), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "ICMP that begins nothing"},
	{"203.0.113.1", 17, BYTES(UDP_443), WORLD_ONE, JUDGE_REFUSE,
		RECORD_QUIC, "QUIC that no rule allows"},
	{"203.0.113.66", 17, BYTES(UDP_443), WORLD_ONE, JUDGE_REFUSE,
		RECORD_RULE_DENY, "QUIC that a rule denies"},
	{"203.0.113.1", 17, BYTES(UDP_53), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "DNS is never let out"},
	{"203.0.113.1", 6,
		BYTES(UDP_123 "aaaaaaaa\x50"
			      "aaaaaaa"),
		WORLD_ONE, JUDGE_DROP, RECORD_PROTOCOL,
		"TCP that no listener took"},
	{"203.0.113.1", 132, BYTES(UDP_123), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "SCTP"},
	{"10.1.1.1", 17, BYTES(UDP_123), WORLD_ONE, JUDGE_DROP,
		RECORD_ADDRESS_REFUSED, "the guard, whatever the rule"},
	{"10.77.1.2", 17, BYTES(UDP_123), WORLD_ONE, JUDGE_DROP, RECORD_SELF,
		"a sandbox, whatever the rule"},
	{"203.0.113.1", 17, BYTES(UDP_123), WORLD_TWO, JUDGE_DROP,
		RECORD_PROTOCOL, "the same address on another interface"},
	{"203.0.113.1", 17, BYTES(UDP_123), 9, JUDGE_DROP,
		RECORD_UNKNOWN_SOURCE, "nobody's interface"},
	{"203.0.113.1", 17, BYTES("\x10"), WORLD_ONE, JUDGE_DROP,
		RECORD_PROTOCOL, "cut off"},
};

static void
test_verdicts(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, policies);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world_packet bytes = world_other(cases[i].to,
			cases[i].protocol, cases[i].bytes, cases[i].len);
		struct judgement j;
		struct packet p;

		packet_parse(bytes.bytes, bytes.len, &p);
		j = judge(w.rules.guard,
			residents_identify(w.rules.residents, cases[i].ifindex,
				p.family, p.source),
			&p, judge_is_quic(&p));
		if (j.verdict != cases[i].verdict ||
			j.reason != cases[i].reason)
			fail_msg("%s: verdict %d, reason %s", cases[i].why,
				j.verdict, record_reason_name(j.reason));
		assert_int_equal(j.said == RECORD_DENIED,
			cases[i].verdict != JUDGE_PASS);
	}
	world_close(&w);
}

static void
test_fragments_never_pass(void **state)
{
	static const char ping[] = PING;
	struct world_packet bytes = world_other("203.0.113.1", 1, BYTES(ping));
	struct judgement j;
	struct packet p;
	struct world w;

	(void)state;
	world_open(&w, policies);
	for (int offset = 0; offset < 2; offset++) {
		bytes.bytes[6] = 0x20; /* more of them follow */
		bytes.bytes[7] = (uint8_t)offset;
		packet_parse(bytes.bytes, bytes.len - 1, &p);
		j = judge(w.rules.guard, residents_at(w.rules.residents, 0), &p,
			false);
		assert_int_equal(j.verdict, JUDGE_DROP);
	}
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_fragments_never_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
