/*
 * The law over generated streams of frames, from a fixed seed: requests and
 * responses that are mixed and cut, some of them with a byte changed.
 * h2_law.c aborts where the law does not hold; here it is counted that
 * messages come through, and that as many come out as went in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h2_law.h"
#include "h2_wire.h"

enum {
	RUNS = 400,
	STREAMS = 6,
};

static struct wire wire; /* its `in` is where frames are built */
static uint32_t seed;

static uint32_t
roll(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % sides;
}

static const char *const requests[] = {GET_FIELDS,
	POST_FIELDS "cookie=a=1\ncookie=b=2\n",
	GET_FIELDS "te=trailers\nx_forwarded_for=1\n!authorization=x\n",
	":method=PUT\n:scheme=http\n:path=/a?b\nhost=a.test:81\nx=\n"};

static const char *const responses[] = {":status=200\nserver=x\n",
	":status=404\nalt-svc=h3\ngrpc-status=1\n", ":status=599\n"};

/* All of one message but its head. */
static void
say_rest(int32_t id)
{
	for (uint32_t i = roll(4); i > 0; i--)
		wire_data(&wire, 0, id, roll(300));
	if (roll(2))
		wire_headers(&wire, END, id, "x-sum=1\n");
	else
		wire_data(&wire, END, id, roll(10));
}

static void
say_requests(void)
{
	wire_frame(&wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
	for (int32_t i = 0; i < STREAMS; i++) {
		const char *fields = requests[roll(ARRAY_LEN(requests))];

		if (roll(2)) {
			wire_headers(&wire, END, 2 * i + 1, fields);
			continue;
		}
		wire_headers(&wire, 0, 2 * i + 1, fields);
		say_rest(2 * i + 1);
	}
}

static void
say_responses(void)
{
	wire_frame(&wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
	for (int32_t i = 2; i >= 0; i--) {
		if (roll(2))
			wire_headers(&wire, 0, 2 * i + 1, ":status=103\n");
		wire_headers(&wire, i == 1 ? END : 0, 2 * i + 1,
			responses[roll(ARRAY_LEN(responses))]);
		if (i != 1)
			say_rest(2 * i + 1);
	}
}

static size_t
run(bool server, bool spoilt)
{
	struct span in;
	size_t done;

	buf_init(&wire.in, 1024 * 1024);
	if (server)
		say_requests();
	else
		say_responses();
	in = buf_span(&wire.in);
	if (spoilt)
		wire.in.data[roll((uint32_t)in.len)] = (char)roll(256);
	done = server ? h2_law_server((const uint8_t *)in.ptr, in.len)
		      : h2_law_client((const uint8_t *)in.ptr, in.len);
	buf_done(&wire.in);
	return done;
}

static void
test_every_message_once(void **state)
{
	(void)state;
	seed = 20240229;
	for (int i = 0; i < RUNS; i++) {
		assert_int_equal(run(true, false), STREAMS);
		assert_int_equal(run(false, false), 3);
	}
}

static void
test_spoilt(void **state)
{
	size_t requests_seen = 0, responses_seen = 0;

	(void)state;
	seed = 19700101;
	for (int i = 0; i < RUNS; i++) {
		requests_seen += run(true, true);
		responses_seen += run(false, true);
	}
	/* Some are lost and some are not, or nothing was tried. */
	assert_in_range(
		requests_seen, RUNS * STREAMS / 10, RUNS * STREAMS * 95 / 100);
	assert_in_range(responses_seen, RUNS * 3 / 10, RUNS * 3 * 95 / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_once),
		cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
