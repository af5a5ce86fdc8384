/* A policy, two sandboxes and a decision log for the tests of this folder. */
#ifndef SBX_GATE_WORLD_H
#define SBX_GATE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "gate_batch.h"

enum { WORLD_ONE = 7, WORLD_TWO = 8 }; /* interfaces */

struct world {
	struct gate_rules rules;
	struct packet_log *log;
	int log_fd;
};

/*
 * One on interface 7 with 10.77.1.2 and fd77:1::2, under `one`; two on 8 with
 * 10.77.1.2 as well, under `two`, which allows nothing.
 */
void world_open(struct world *w, const char *policies);
void world_close(struct world *w);

/* Another document in place of the first. */
void world_change(struct world *w, const char *policies);

/* How many lines of the log have that text in them, of those written. */
int world_count(struct world *w, const char *text);

struct world_packet {
	uint8_t bytes[2048];
	size_t len;
};

/* UDP of IPv4 from 10.77.1.2: to "203.0.113.1". */
struct world_packet world_udp(const char *to, uint16_t from_port,
	uint16_t to_port, const void *payload, size_t len);

/* Any protocol of IPv4, with these bytes behind the head. */
struct world_packet world_other(
	const char *to, uint8_t protocol, const void *bytes, size_t len);

#endif
