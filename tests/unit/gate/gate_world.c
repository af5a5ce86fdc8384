#include "gate_world.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"
#include "link_message.h"
#include "packet_log.h"
#include "policy.h"
#include "resident.h"

enum { LOG_MAX = 1 << 22 };

static void
add_sandbox(struct gate_batch *b, const char *name, uint32_t ifindex)
{
	struct link_sandbox s = {.name = name,
		.interface = "v",
		.policy = name,
		.labels = "{}",
		.source = "box.yaml:1",
		.overlay = "",
		.limit_source = "",
		.ifindex = ifindex,
		.address_count = 1,
		.addresses = {{AF_INET, {10, 77, 1, 2}}}};

	if (ifindex == WORLD_ONE) {
		s.address_count = 2;
		s.addresses[1].family = AF_INET6;
		inet_pton(AF_INET6, "fd77:1::2", s.addresses[1].bytes);
	}
	assert_int_equal(gate_batch_sandbox(b, &s), 0);
}

static void
apply(struct world *w, const char *policies, bool sandboxes)
{
	struct gate_batch *b = gate_batch_new(1);
	struct link_document d = {"policy.yaml", {policies, strlen(policies)}};
	char why[256];

	assert_non_null(b);
	assert_int_equal(gate_batch_document(b, &d), 0);
	if (sandboxes) {
		add_sandbox(b, "one", WORLD_ONE);
		add_sandbox(b, "two", WORLD_TWO);
	}
	if (gate_batch_apply(b, &w->rules, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	gate_batch_free(b);
}

void
world_open(struct world *w, const char *policies)
{
	*w = (struct world){.log_fd = memfd_create("log", MFD_CLOEXEC)};
	w->rules.flows_per_second = 100;
	w->rules.guard = guard_new();
	assert_non_null(w->rules.guard);
	assert_int_equal(guard_allow(w->rules.guard, "203.0.113.0/24"), 0);
	w->log = packet_log_new(dup(w->log_fd));
	assert_non_null(w->log);
	apply(w, policies, true);
}

void
world_change(struct world *w, const char *policies)
{
	apply(w, policies, false);
}

void
world_close(struct world *w)
{
	packet_log_free(w->log);
	residents_free(w->rules.residents);
	policy_unref(w->rules.policy);
	guard_free(w->rules.guard);
	close(w->log_fd);
}

int
world_count(struct world *w, const char *text)
{
	char *all = calloc(1, LOG_MAX);
	int count = 0;

	assert_non_null(all);
	assert_int_equal(packet_log_write(w->log), 0);
	assert_in_range(pread(w->log_fd, all, LOG_MAX - 1, 0), 0, LOG_MAX - 2);
	for (char *line = strtok(all, "\n"); line != NULL;
		line = strtok(NULL, "\n"))
		count += strstr(line, text) != NULL;
	free(all);
	return count;
}

struct world_packet
world_other(const char *to, uint8_t protocol, const void *bytes, size_t len)
{
	struct world_packet p = {.len = 20 + len};
	uint8_t head[20] = {0x45, 0, (uint8_t)(p.len >> 8), (uint8_t)p.len, 0,
		0, 0, 0, 64, protocol, 0, 0, 10, 77, 1, 2};

	assert_in_range(p.len, 20, sizeof(p.bytes));
	assert_int_equal(inet_pton(AF_INET, to, head + 16), 1);
	memcpy(p.bytes, head, sizeof(head));
	memcpy(p.bytes + sizeof(head), bytes, len);
	return p;
}

struct world_packet
world_udp(const char *to, uint16_t from_port, uint16_t to_port,
	const void *payload, size_t len)
{
	uint8_t bytes[2048] = {(uint8_t)(from_port >> 8), (uint8_t)from_port,
		(uint8_t)(to_port >> 8), (uint8_t)to_port,
		(uint8_t)((8 + len) >> 8), (uint8_t)(8 + len)};

	assert_in_range(len, 0, sizeof(bytes) - 8);
	memcpy(bytes + 8, payload, len);
	return world_other(to, 17, bytes, 8 + len);
}
