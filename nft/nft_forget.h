/*
 * Connection tracking forgets an address: what it knew of a sandbox that is
 * gone, or of an interface that is another now, is not the next one's.
 */
#ifndef SBX_NFT_FORGET_H
#define SBX_NFT_FORGET_H

#include <stddef.h>

struct nft;

/*
 * Deletes every entry that began from or to the address: 0, also when there
 * was none; -EINVAL no address; -errno in the kernel's words.
 */
int nft_forget(struct nft *nft, const char *address, char *reterr, size_t size);

#endif
