/*
 * What kernel_side.c and kernel_places.c share.  Everybody else sees
 * kernel_side.h.
 */
#ifndef SBX_KERNEL_SIDE_PART_H
#define SBX_KERNEL_SIDE_PART_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel_exempt.h"
#include "kernel_side.h"

enum {
	KERNEL_TEXT = 256,
	KERNEL_NUMBER = 16,
};

enum kernel_state { UNKNOWN, GOOD, INSTALLING, BROKEN };

struct kernel_side {
	struct ev_loop *loop;
	const struct kernel_side_events *events;
	void *arg;
	enum kernel_state state;
	bool settled;
	bool has_gate;
	uint16_t queue;
	struct nft *nft;
	struct nft_watch *watch;
	ev_io touched;
	ev_timer next_look;
	double patience; /* seconds until the next, if installing fails */
	struct setup_run *setup;
	ev_timer reap; /* frees setup after its own callback */
	char *program; /* NULL: there is none */
	bool may_install;
	bool reused; /* a sandbox went: its address may be another's */
	unsigned repairs;
	char mark[KERNEL_NUMBER], mask[KERNEL_NUMBER], gate_mark[KERNEL_NUMBER],
		table[KERNEL_NUMBER], port[KERNEL_NUMBER], user[KERNEL_NUMBER];
	struct kernel_exempt exempt;
	char text[KERNEL_TEXT];
};

#endif
