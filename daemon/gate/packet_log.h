/*
 * The decision log of the gate: records of packets, and of flows that ended.
 * Lines are gathered and written at once; what may pass, passes only then.
 */
#ifndef SBX_PACKET_LOG_H
#define SBX_PACKET_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

struct judgement;
struct packet;
struct packet_log;
struct resident;

/* Takes the descriptor, also when it fails.  NULL: out of memory. */
struct packet_log *packet_log_new(int fd);
void packet_log_free(struct packet_log *log);           /* accepts NULL */
void packet_log_reopen(struct packet_log *log, int fd); /* takes it */

/* Of this generation from now on. */
void packet_log_generation(struct packet_log *log, uint64_t generation);

struct packet_note {
	const struct resident *resident; /* NULL: nobody's */
	const struct packet *packet;
	const struct judgement *judgement;
	bool is_quic;
	struct span host;   /* the name that QUIC shows, or nothing */
	uint32_t count;     /* > 1: for so many flows */
	const char *detail; /* instead of the judgement's, or NULL */
};

/* Returns the record's id. */
uint64_t packet_log_add(struct packet_log *log, const struct packet_note *note);

/* 0; or -errno, and nothing since the last call is on record. */
int packet_log_write(struct packet_log *log);

#endif
