/*
 * The C function against the program, run once by a small interpreter (all
 * families, all numbers of workers) and once by the kernel on listeners.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "steer.h"

/* Only what the program may use; anything else fails the test. */
static uint32_t
interpret(const struct sock_filter *program, size_t len, const uint8_t *packet)
{
	uint32_t a = 0, x = 0, word;

	for (size_t i = 0; i < len; i++) {
		const struct sock_filter *f = &program[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&word, packet + (f->k - (uint32_t)SKF_NET_OFF),
				sizeof(word));
			a = ntohl(word);
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_XOR | BPF_X:
			a ^= x;
			break;
		case BPF_ALU | BPF_MUL | BPF_K:
			a *= f->k;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			a >>= f->k;
			break;
		case BPF_ALU | BPF_MOD | BPF_K:
			a %= f->k;
			break;
		case BPF_RET | BPF_A:
			return a;
		default:
			fail_msg("instruction %zu: code %#x", i, f->code);
		}
	}
	fail_msg("the program does not return");
	return 0;
}

static void
test_program_and_function_agree(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct sock_filter program[STEER_PROGRAM_MAX];
	uint8_t packet[40];
	uint32_t seed = 1;

	(void)state;
	for (uint32_t round = 0; round < 4096; round++) {
		int family = families[round % 2];
		size_t at = family == AF_INET6 ? 8 : 12;
		uint32_t workers = round % 64 + 1;
		size_t len = steer_program(
			family, workers, program, ARRAY_LEN(program));

		assert_int_not_equal(len, 0);
		for (size_t i = 0; i < sizeof(packet); i++) {
			seed = seed * 1664525 + 1013904223;
			packet[i] = (uint8_t)(seed >> 24);
		}
		assert_int_equal(interpret(program, len, packet),
			steer_index(family, packet + at, workers));
	}
}

static void
test_neighbours_are_spread(void **state)
{
	enum { WORKERS = 4, SANDBOXES = 256 };
	int served4[WORKERS] = {0}, served6[WORKERS] = {0};

	(void)state;
	for (int i = 0; i < SANDBOXES; i++) {
		uint8_t v4[4] = {10, 77, (uint8_t)i, 2};
		uint8_t v6[16] = {0xfd, 0x77, [3] = (uint8_t)i, [15] = 2};

		served4[steer_index(AF_INET, v4, WORKERS)]++;
		served6[steer_index(AF_INET6, v6, WORKERS)]++;
	}
	for (int i = 0; i < WORKERS; i++) {
		assert_in_range(served4[i], SANDBOXES / 8, SANDBOXES / 2);
		assert_in_range(served6[i], SANDBOXES / 8, SANDBOXES / 2);
	}
}

static void
test_a_program_fits_or_is_none(void **state)
{
	struct sock_filter program[STEER_PROGRAM_MAX];
	size_t len;

	(void)state;
	len = steer_program(AF_INET6, 2, program, ARRAY_LEN(program));
	assert_in_range(len, 1, STEER_PROGRAM_MAX);
	assert_int_equal(steer_program(AF_INET6, 2, program, len - 1), 0);
}

static int
listen_steered(struct sockaddr_in *address, uint32_t workers, bool first)
{
	struct sock_filter code[STEER_PROGRAM_MAX];
	struct sock_fprog program = {(unsigned short)steer_program(AF_INET,
					     workers, code, ARRAY_LEN(code)),
		code};
	socklen_t len = sizeof(*address);
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
	if (first)
		assert_int_equal(
			setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
				&program, sizeof(program)),
			0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static void
test_the_kernel_steers_alike(void **state)
{
	enum { WORKERS = 3, SOURCES = 60, DEADLINE_MS = 5000 };
	struct pollfd ready = {.events = POLLIN};
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listeners[WORKERS], seen[WORKERS] = {0};

	(void)state;
	for (int i = 0; i < WORKERS; i++)
		listeners[i] = listen_steered(&to, WORKERS, i == 0);
	for (int i = 0; i < SOURCES; i++) {
		uint8_t source[4] = {127, 9, (uint8_t)i, 1};
		struct sockaddr_in from = {.sin_family = AF_INET};
		uint32_t want = steer_index(AF_INET, source, WORKERS);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), got;

		memcpy(&from.sin_addr, source, sizeof(source));
		assert_int_equal(
			bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
		assert_int_equal(
			connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
		ready.fd = listeners[want];
		poll(&ready, 1, DEADLINE_MS);
		got = accept(listeners[want], NULL, NULL);
		if (got < 0)
			fail_msg("127.9.%d.1 is not at worker %u", i, want);
		seen[want]++;
		close(got);
		close(fd);
	}
	for (int i = 0; i < WORKERS; i++) {
		assert_int_not_equal(seen[i], 0);
		close(listeners[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_and_function_agree),
		cmocka_unit_test(test_neighbours_are_spread),
		cmocka_unit_test(test_a_program_fits_or_is_none),
		cmocka_unit_test(test_the_kernel_steers_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
