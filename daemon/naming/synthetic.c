#include "synthetic.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { PREFIX6 = 8 }; /* bytes: a /64 */

static const uint8_t prefix6[PREFIX6] = {
	0xfd, 0x73, 0x62, 0x78, 0x00, 0x6e, 0x00, 0x01};

bool
synthetic_covers(int family, const uint8_t *bytes)
{
	if (family == AF_INET) /* 198.18.0.0/15 */
		return bytes[0] == 198 && (bytes[1] & 0xfe) == 18;
	return family == AF_INET6 && memcmp(bytes, prefix6, PREFIX6) == 0;
}

void
synthetic_address(int family, uint32_t number, uint8_t ret[16])
{
	uint32_t host = number + 1; /* the first one is the network's own */

	assert(number < SYNTHETIC_NUMBERS);
	memset(ret, 0, 16);
	if (family == AF_INET) {
		ret[0] = 198;
		ret[1] = (uint8_t)(18 + (host >> 16));
		ret[2] = (uint8_t)(host >> 8);
		ret[3] = (uint8_t)host;
		return;
	}
	assert(family == AF_INET6);
	memcpy(ret, prefix6, PREFIX6);
	ret[13] = (uint8_t)(host >> 16);
	ret[14] = (uint8_t)(host >> 8);
	ret[15] = (uint8_t)host;
}

int
synthetic_number(const struct sockaddr *address, uint32_t *ret)
{
	const void *any = address;
	const uint8_t *bytes;
	uint8_t again[16];
	uint32_t host;
	size_t len;

	if (address->sa_family == AF_INET) {
		bytes = (const uint8_t *)&((const struct sockaddr_in *)any)
				->sin_addr;
		len = 4;
	} else if (address->sa_family == AF_INET6) {
		bytes = ((const struct sockaddr_in6 *)any)->sin6_addr.s6_addr;
		len = 16;
	} else {
		return -EADDRNOTAVAIL;
	}
	if (!synthetic_covers(address->sa_family, bytes))
		return -EADDRNOTAVAIL;
	host = (uint32_t)bytes[len - 2] << 8 | bytes[len - 1];
	host |= (uint32_t)(len == 4 ? bytes[1] - 18 : bytes[13]) << 16;
	if (host == 0 || host > SYNTHETIC_NUMBERS)
		return -ENOENT;
	/* In a /64 there is much more that no number leads to. */
	synthetic_address(address->sa_family, host - 1, again);
	if (memcmp(again, bytes, len) != 0)
		return -ENOENT;
	*ret = host - 1;
	return 0;
}
