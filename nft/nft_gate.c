/*
 * nft_gate.c - the queue rule, put where it belongs
 *
 * The chain is emptied and filled in one transaction, so that there is never
 * more than one rule and never a moment with another verdict than "queue" or,
 * behind the chain, "drop".  A kind that the kernel has refused is not tried
 * again: kernels do not learn.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "nft_gate.h"
#include "nft_state.h"

static const char *const names[] = {
	[NFT_QUEUE_NONE] = "none",
	[NFT_QUEUE_NATIVE] = "native",
	[NFT_QUEUE_TARGET] = "target",
};

const char *
nft_queue_name(enum nft_queue kind)
{
	return names[kind];
}

static int
put(struct nft *nft, enum nft_queue kind, char *reterr, size_t size)
{
	struct batch *b = nft_begin(nft);
	int r = b == NULL ? -ENOMEM
			  : batch_queue_rule(b, kind, nft->gate.queue);

	if (r == 0)
		return nft_commit(nft, b, reterr, size);
	batch_free(b);
	snprintf(reterr, size, "%s", strerror(-r));
	return r;
}

/* ENOENT is also what a kernel says that has not the expression: the table
 * tells the two apart. */
static bool
is_missing(struct nft *nft, int r)
{
	int rules;

	return (r == -ENOENT || r == -EOPNOTSUPP) &&
	       nft_gate_rules(nft, &rules) == 0;
}

int
nft_put_gate(struct nft *nft, char *reterr, size_t size)
{
	enum nft_queue kind = nft->gate.kind;
	int r;

	if (kind != NFT_QUEUE_NONE)
		return put(nft, kind, reterr, size);
	for (kind = NFT_QUEUE_NATIVE; kind <= NFT_QUEUE_TARGET; kind++) {
		r = put(nft, kind, reterr, size);
		if (r == 0) {
			nft->gate.kind = kind;
			return 0;
		}
		if (!is_missing(nft, r))
			return r;
	}
	nft->gate.wanted = false;
	snprintf(reterr, size, "the kernel has neither queue nor NFQUEUE");
	return -EOPNOTSUPP;
}

int
nft_open_gate(struct nft *nft, uint16_t queue, char *reterr, size_t reterr_size)
{
	nft->gate.wanted = true;
	nft->gate.queue = queue;
	return nft_put_gate(nft, reterr, reterr_size);
}

enum nft_queue
nft_gate_kind(const struct nft *nft)
{
	return nft->gate.kind;
}
