/*
 * Which flows were put on record lately, so that each is once.  Bounded: what
 * has no room left makes another forgotten, and then that is recorded again.
 * Pure; time is a parameter.
 */
#ifndef SBX_FLOW_TABLE_H
#define SBX_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct packet;
struct quic_opening;

enum {
	FLOW_TABLE_SIZE = 4096,
	FLOW_SILENCE = 60,   /* seconds: a packet after that is another flow */
	FLOW_OPENINGS = 128, /* QUIC flows whose name is still looked for */
};

/* Compared as bytes: no padding. */
struct flow_key {
	uint8_t source[16], destination[16];
	uint32_t ifindex;
	uint16_t source_port, destination_port;
	uint8_t protocol, family, icmp_type, later;
	uint8_t verdict; /* whether it passed: an allowed one is another */
	uint8_t rest[3];
};

struct flow_entry {
	struct flow_key key;
	double seen; /* 0: empty */
	uint32_t packets;
	bool recorded;
	struct quic_opening *opening; /* NULL: the name is known or given up */
};

struct flow_table;

struct flow_table *flow_table_new(void);    /* NULL: out of memory */
void flow_table_free(struct flow_table *t); /* accepts NULL */

/* All of them: what was decided before may be another thing now. */
void flow_table_forget(struct flow_table *t);

void flow_key_of(const struct packet *p, uint32_t ifindex, bool passes,
	struct flow_key *ret);

/* What a key tells of its packets: enough to judge UDP once more. */
void flow_key_packet(const struct flow_key *key, struct packet *ret);

/*
 * The entry of that flow, a new one (packets is 0) if there is none or it was
 * silent for too long.  Counts the packet.  Valid until the next call.
 */
struct flow_entry *flow_table_see(
	struct flow_table *t, const struct flow_key *key, double now);

/* Whether the last call of flow_table_see() made one with an opening forgotten,
 * and which.  Says it once. */
bool flow_table_gave_up(struct flow_table *t, struct flow_key *ret);

/* Takes an opening for the entry, within FLOW_OPENINGS; NULL: none is left. */
struct quic_opening *flow_table_open(
	struct flow_table *t, struct flow_entry *e);
void flow_table_close(struct flow_table *t, struct flow_entry *e);

/* One that still has an opening, and was not seen for so many seconds: its name
 * will not come.  NULL: there is none. */
struct flow_entry *flow_table_stale(
	struct flow_table *t, double now, double seconds);

#endif
