/*
 * One netlink transaction on our table, as bytes: all of it or nothing.
 * Pure: whoever sends it has the socket (nlsock.h).
 */
#ifndef SBX_BATCH_H
#define SBX_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "element.h"
#include "nft_gate.h"

#define NFT_TABLE "sbx_net"

struct batch;

enum batch_op { BATCH_ADD, BATCH_DELETE };

/* seq: of its first message.  NULL: out of memory. */
struct batch *batch_new(uint32_t seq);
void batch_free(struct batch *b); /* accepts NULL */

/*
 * Adds or deletes elements, those of one set side by side, as many as fit one
 * message in one message.  An element to add may be there; one to delete must
 * be.  0; -ENOBUFS when it gets too long, -ENOMEM.
 */
int batch_elements(struct batch *b, enum batch_op op, const struct element *e,
	size_t count);

/* Empties a set.  Returns as batch_elements(). */
int batch_flush(struct batch *b, enum element_set set);

/* Empties the chain `gate` and puts the rule with the queue there.  Returns as
 * batch_elements(). */
int batch_queue_rule(struct batch *b, enum nft_queue kind, uint16_t queue);

/* Closes it: nothing can be added.  The bytes stay the batch's own. */
const void *batch_bytes(struct batch *b, size_t *ret_len);

/* How many answers the kernel owes, and what the message seq was about. */
unsigned batch_answers(const struct batch *b);
const char *batch_subject(const struct batch *b, uint32_t seq);

/* The first seq behind it, for the next one. */
uint32_t batch_seq_next(const struct batch *b);

#endif
