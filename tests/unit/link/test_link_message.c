#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "array.h"
#include "buf.h"
#include "frame.h"
#include "link_message.h"

static const struct link_message setup = {
	.type = LINK_SETUP,
	.setup = {.index = 2,
		.workers = 3,
		.mark = 0x2,
		.gate_mark = 0x80000000,
		.queue = 15001,
		.limits = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		.servers = {"192.0.2.53", "[2001:db8::53]:5353"},
		.server_count = 2,
		.ranges = {"10.0.0.0/8"},
		.range_count = 1,
		.trust = {"PEM", 3},
		.tcp4 = 20,
		.tcp6 = -1,
		.udp4 = 21,
		.udp6 = -1,
		.log = 22},
};

static const struct link_message sandbox = {
	.type = LINK_SANDBOX,
	.sandbox = {.name = "build-1",
		.interface = "veth-b1",
		.policy = "agent",
		.labels = "{\"team\":\"search\"}",
		.source = "box.yaml:3",
		.overlay = "mode: open\n",
		.limit_source = "box.yaml:5",
		.limit = {{60, 60}, {0, 0}, {UINT64_C(1) << 53, 86400}},
		.ifindex = 7,
		.address_count = 2,
		.addresses = {{AF_INET, {10, 77, 1, 2}},
			{AF_INET6, {0xfd, 0x77, [15] = 2}}},
		.served = true,
		.authority = {"a\0b", 3},
		.stand_ins = "{\"github\":\"looks-like-it\"}"},
};

static size_t
encode(const struct link_message *m, struct buf *b, int fds[LINK_FDS])
{
	int r;

	buf_init(b, FRAME_MAX);
	r = link_message_encode(m, b, fds);
	assert_true(r >= 0);
	return (size_t)r;
}

static void
test_setup_comes_back(void **state)
{
	int fds[LINK_FDS];
	struct link_message m;
	struct buf b;

	(void)state;
	assert_int_equal(encode(&setup, &b, fds), 3);
	assert_int_equal(link_message_decode(buf_span(&b), fds, &m), 0);
	assert_int_equal(m.type, LINK_SETUP);
	assert_int_equal(m.setup.index, 2);
	assert_int_equal(m.setup.workers, 3);
	assert_int_equal(m.setup.mark, 0x2);
	assert_int_equal(m.setup.gate_mark, 0x80000000);
	assert_int_equal(m.setup.queue, 15001);
	assert_memory_equal(
		&m.setup.limits, &setup.setup.limits, sizeof(m.setup.limits));
	assert_int_equal(m.setup.server_count, 2);
	assert_string_equal(m.setup.servers[1], "[2001:db8::53]:5353");
	assert_int_equal(m.setup.range_count, 1);
	assert_string_equal(m.setup.ranges[0], "10.0.0.0/8");
	assert_true(span_equals(m.setup.trust, SPAN_LITERAL("PEM")));
	assert_int_equal(m.setup.tcp4, 20);
	assert_int_equal(m.setup.tcp6, -1);
	assert_int_equal(m.setup.udp4, 21);
	assert_int_equal(m.setup.udp6, -1);
	assert_int_equal(m.setup.log, 22);
	buf_done(&b);
}

static void
test_sandbox_comes_back(void **state)
{
	int fds[LINK_FDS];
	struct link_message m;
	struct buf b;

	(void)state;
	assert_int_equal(encode(&sandbox, &b, fds), 0);
	assert_int_equal(link_message_decode(buf_span(&b), fds, &m), 0);
	assert_string_equal(m.sandbox.name, "build-1");
	assert_string_equal(m.sandbox.interface, "veth-b1");
	assert_string_equal(m.sandbox.policy, "agent");
	assert_string_equal(m.sandbox.labels, "{\"team\":\"search\"}");
	assert_string_equal(m.sandbox.source, "box.yaml:3");
	assert_string_equal(m.sandbox.overlay, "mode: open\n");
	assert_string_equal(m.sandbox.limit_source, "box.yaml:5");
	assert_memory_equal(m.sandbox.limit, sandbox.sandbox.limit,
		sizeof(m.sandbox.limit));
	assert_int_equal(m.sandbox.ifindex, 7);
	assert_int_equal(m.sandbox.address_count, 2);
	assert_memory_equal(m.sandbox.addresses, sandbox.sandbox.addresses,
		2 * sizeof(struct link_address));
	assert_true(m.sandbox.served);
	assert_int_equal(m.sandbox.authority.len, 3);
	assert_memory_equal(m.sandbox.authority.ptr, "a\0b", 4);
	assert_string_equal(
		m.sandbox.stand_ins, "{\"github\":\"looks-like-it\"}");
	buf_done(&b);
}

/* What would be divided by, or be more than can be counted. */
static void
test_no_such_limit(void **state)
{
	static const struct link_amount bad[] = {
		{1, 0}, {(UINT64_C(1) << 53) + 1, 60}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct link_message m = sandbox;
		int fds[LINK_FDS];
		struct buf b;

		m.sandbox.limit[1] = bad[i];
		assert_int_equal(encode(&m, &b, fds), 0);
		assert_int_equal(
			link_message_decode(buf_span(&b), fds, &m), -EPROTO);
		buf_done(&b);
	}
}

/* Every other type: the whole struct is small and comes back as it was. */
static void
test_small_messages_come_back(void **state)
{
	static const struct link_message messages[] = {
		{.type = LINK_BEGIN, .generation = 1ULL << 40},
		{.type = LINK_DOCUMENT, .document = {"a.yaml", {"x: 1", 4}}},
		{.type = LINK_SANDBOX_GONE, .sandbox_gone = "build-1"},
		{.type = LINK_SECRET,
			.secret = {"github", true, {"s3", 2}, NULL}},
		{.type = LINK_SECRET,
			.secret = {"github", false, {NULL, 0}, "not set"}},
		{.type = LINK_COMMIT, .generation = 3},
		{.type = LINK_SELF, .self = {true, AF_INET, {192, 0, 2, 1}}},
		{.type = LINK_SELF, .self = {false, AF_INET6, {0xfe, 0x80}}},
		{.type = LINK_RSA_KEY, .rsa_key = {"der", 3}},
		{.type = LINK_LOG, .log_fd = 9},
		{.type = LINK_STATUS_ASK},
		{.type = LINK_NAME, .name = {"build-1", "db.test", 4095}},
		{.type = LINK_NAME,
			.name = {"build-1", "db.test", LINK_NO_NUMBER}},
		{.type = LINK_STOP},
		{.type = LINK_READY},
		{.type = LINK_COMMITTED, .generation = 3, .text = {"{}"}},
		{.type = LINK_REFUSED, .generation = 3, .text = {"a.yaml:1"}},
		{.type = LINK_STATUS, .text = {"{}"}},
		{.type = LINK_NAME_ASK,
			.name = {"build-1", "db.test", LINK_NO_NUMBER}},
		{.type = LINK_NAME_ASK, .name = {"build-1", "", 7}},
	};
	bool seen[LINK_TYPE_COUNT] = {
		[LINK_SETUP] = true, [LINK_SANDBOX] = true};
	int fds[LINK_FDS], fds_again[LINK_FDS];
	struct buf b, again;
	struct link_message m;
	size_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		const char *name = link_type_name(messages[i].type);

		count = encode(&messages[i], &b, fds);
		if (link_message_decode(buf_span(&b), fds, &m) != 0)
			fail_msg("%s is not taken", name);
		assert_int_equal(m.type, messages[i].type);
		assert_int_equal(m.generation, messages[i].generation);
		assert_int_equal(encode(&m, &again, fds_again), count);
		if (!span_equals(buf_span(&b), buf_span(&again)))
			fail_msg("%s changes on its way", name);
		seen[m.type] = true;
		buf_done(&b);
		buf_done(&again);
	}
	for (size_t i = 0; i < LINK_TYPE_COUNT; i++)
		if (!seen[i])
			fail_msg("no row for %s", link_type_name(i));
}

static void
test_each_cut_and_each_byte_more_is_refused(void **state)
{
	static const struct link_message *const messages[] = {
		&setup,
		&sandbox,
	};
	char bytes[1024];
	int fds[LINK_FDS];
	struct link_message m;
	uint32_t length;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		encode(messages[i], &b, fds);
		assert_in_range(b.len, FRAME_HEAD + 1, sizeof(bytes) - 1);
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, buf_span(&b).ptr, b.len);
		for (length = FRAME_HEAD; length <= b.len + 1; length++) {
			memcpy(bytes, &length, sizeof(length));
			assert_int_equal(
				link_message_decode(
					(struct span){bytes, length}, fds, &m),
				length == b.len ? 0 : -EPROTO);
		}
		buf_done(&b);
	}
}

static void
test_hostile_frames_are_refused(void **state)
{
	static const struct {
		struct link_message m;
		size_t at;
		uint8_t value;
		const char *reason;
	} cases[] = {
		{{.type = LINK_STOP}, 4, LINK_TYPE_COUNT, "no such type"},
		{{.type = LINK_STOP}, 5, 1, "type over a byte"},
		{{.type = LINK_STOP}, 8, 1, "a generation it has not"},
		{{.type = LINK_STOP}, 6, 1, "a descriptor it has not"},
		{{.type = LINK_LOG, .log_fd = 1}, 6, 0, "its descriptor kept"},
		{{.type = LINK_STATUS, .text = {"ab"}}, 21, 0, "NUL in a text"},
		{{.type = LINK_STATUS, .text = {"ab"}}, 22, 1, "no NUL at end"},
		{{.type = LINK_STATUS, .text = {"ab"}}, 19, 0xff,
			"length wrap"},
		{{.type = LINK_SELF, .self = {true, AF_INET, {0}}}, 20, 2,
			"a bool of 2"},
	};
	int fds[LINK_FDS] = {0};
	struct link_message m;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		encode(&cases[i].m, &b, fds);
		assert_int_equal(link_message_decode(buf_span(&b), fds, &m), 0);
		b.data[b.start + cases[i].at] = (char)cases[i].value;
		if (link_message_decode(buf_span(&b), fds, &m) != -EPROTO)
			fail_msg("taken: %s", cases[i].reason);
		buf_done(&b);
	}
}

static void
test_counts_have_bounds(void **state)
{
	struct link_message m = sandbox, got;
	int fds[LINK_FDS];
	struct span bytes;
	struct buf b;
	char *at;

	(void)state;
	m.sandbox.address_count = LINK_ADDRESSES;
	for (size_t i = 0; i < LINK_ADDRESSES; i++)
		m.sandbox.addresses[i].family = AF_INET;
	encode(&m, &b, fds);
	bytes = buf_span(&b);
	assert_int_equal(link_message_decode(bytes, fds, &got), 0);
	/* Seven texts (each with 5 bytes around it), the amounts of the limit
	 * and the ifindex before. */
	at = b.data + b.start + FRAME_HEAD + 35 + 9 * 9 + strlen("build-1") +
	     strlen("veth-b1") + strlen("agent") +
	     strlen("{\"team\":\"search\"}") + strlen("box.yaml:3") +
	     strlen("mode: open\n") + strlen("box.yaml:5") + 9 + 4;
	assert_int_equal(*at, LINK_ADDRESSES);
	*at = LINK_ADDRESSES + 1;
	assert_int_equal(link_message_decode(bytes, fds, &got), -EPROTO);
	buf_done(&b);
}

static void
test_a_frame_has_a_bound(void **state)
{
	struct link_message m = {.type = LINK_DOCUMENT,
		.document = {"big.yaml", {"", (size_t)FRAME_MAX}}};
	int fds[LINK_FDS];
	struct buf b;

	(void)state;
	buf_init(&b, FRAME_MAX);
	assert_int_equal(link_message_encode(&m, &b, fds), -EMSGSIZE);
	buf_done(&b);
}

static void
test_a_head_is_read_when_it_is_there(void **state)
{
	uint8_t bytes[FRAME_HEAD] = {FRAME_HEAD, [4] = LINK_STOP};
	struct span data = {(const char *)bytes, 0};
	struct frame_head head;

	(void)state;
	for (; data.len < FRAME_HEAD; data.len++)
		assert_int_equal(frame_read_head(data, &head), 0);
	assert_int_equal(frame_read_head(data, &head), 1);
	assert_int_equal(head.length, FRAME_HEAD);
	bytes[0]--;
	assert_int_equal(frame_read_head(data, &head), -EPROTO);
	bytes[0]++;
	bytes[3] = 2; /* 32 MiB */
	assert_int_equal(frame_read_head(data, &head), -EPROTO);
	bytes[3] = 0;
	bytes[6] = FRAME_FDS + 1;
	assert_int_equal(frame_read_head(data, &head), -EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup_comes_back),
		cmocka_unit_test(test_sandbox_comes_back),
		cmocka_unit_test(test_no_such_limit),
		cmocka_unit_test(test_small_messages_come_back),
		cmocka_unit_test(test_each_cut_and_each_byte_more_is_refused),
		cmocka_unit_test(test_hostile_frames_are_refused),
		cmocka_unit_test(test_counts_have_bounds),
		cmocka_unit_test(test_a_frame_has_a_bound),
		cmocka_unit_test(test_a_head_is_read_when_it_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
