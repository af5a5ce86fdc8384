/*
 * After a change: which flows that were let pass end by it, on record and for
 * whoever made the change (as session/receipt.h, what: "flow").
 */
#ifndef SBX_GATE_RECEIPT_H
#define SBX_GATE_RECEIPT_H

#include <stdbool.h>

struct conntrack;
struct gate_rules;
struct packet_log;

/* Ends them; *ret_stay: others go on, or may.  The receipt, malloc'd; NULL: out
 * of memory, and they have ended all the same. */
char *gate_receipt(const struct gate_rules *rules, struct conntrack *conntrack,
	struct packet_log *log, bool *ret_stay);

#endif
