/* What sbx-net.nft looks like from outside: its chains, for the self-check. */
#ifndef SBX_NFT_SHAPE_H
#define SBX_NFT_SHAPE_H

#include <stdint.h>

enum { NFT_CHAINS = 11 };

#define NFT_NO_HOOK UINT32_MAX

/* Empty in the file; the daemon's queue rule is put there (nft_gate.h). */
#define NFT_GATE_CHAIN "gate"

struct nft_chain {
	const char *name;
	uint32_t hook;
	int32_t priority;
	int rules;
};

/* Ends with a NULL name. */
extern const struct nft_chain nft_shape[NFT_CHAINS + 1];

#endif
