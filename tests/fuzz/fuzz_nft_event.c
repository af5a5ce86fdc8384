/* What the kernel's multicast groups tell; first byte: which of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nft_event.h"
#include "nft_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct nft_event_filter filter = {.own_nfnl = 1,
		.own_rtnl = 1,
		.names = {.mark = 2,
			.mask = 2,
			.gate_mark = 4,
			.route_table = 15001}};
	void *bytes;
	int flags;

	if (size < 2)
		return 0;
	/* Exactly as long as it is: an overrun is seen. */
	bytes = malloc(size - 1);
	if (bytes == NULL)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	flags = nft_event_judge(&filter, data[0] & 1, bytes, size - 1);
	if (flags & ~(NFT_WATCH_TABLE | NFT_WATCH_RULES))
		abort();
	free(bytes);
	return 0;
}
