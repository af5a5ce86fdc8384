/*
 * The way to the gate: one rule in the chain `gate` of our table, which queues
 * packets (NFQUEUE) for the process that judges them.  Which rule a kernel
 * understands is tried out: the native expression, or else the target of
 * xtables.  Neither of them lets packets pass when nobody reads the queue.
 */
#ifndef SBX_NFT_GATE_H
#define SBX_NFT_GATE_H

#include <stddef.h>
#include <stdint.h>

struct nft;

enum { NFT_DEFAULT_QUEUE = 15001 };

enum nft_queue {
	NFT_QUEUE_NONE,   /* not asked for, or this kernel has neither */
	NFT_QUEUE_NATIVE, /* the expression of nf_tables */
	NFT_QUEUE_TARGET, /* NFQUEUE of xtables, through nft_compat */
};

/* "native", for people. */
const char *nft_queue_name(enum nft_queue kind);

/*
 * From now on there has to be the rule: nft_check() misses it and nft_sync()
 * puts it there; so does this.  0; -ENOENT there is no table yet; -EOPNOTSUPP
 * the kernel has no queue of either kind, and then no rule is missed;
 * -errno.  A line in reterr for each.
 */
int nft_open_gate(
	struct nft *nft, uint16_t queue, char *reterr, size_t reterr_size);

/* Which kind stands, or stood last. */
enum nft_queue nft_gate_kind(const struct nft *nft);

#endif
