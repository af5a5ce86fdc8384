#include "dns_tcp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* How long the message is with its prefix; just the prefix until that is
 * here. */
static size_t
whole(const struct dns_tcp *t)
{
	if (t->len < DNS_TCP_PREFIX)
		return DNS_TCP_PREFIX;
	return DNS_TCP_PREFIX + (size_t)(t->data[0] << 8 | t->data[1]);
}

static size_t
feed_to(struct dns_tcp *t, size_t end, const uint8_t *data, size_t len)
{
	size_t n = end - t->len;

	if (n > len)
		n = len;
	memcpy(t->data + t->len, data, n);
	t->len += n;
	return n;
}

size_t
dns_tcp_feed(struct dns_tcp *t, const uint8_t *data, size_t len)
{
	size_t taken = 0;

	if (len == 0)
		return 0;
	if (t->len < DNS_TCP_PREFIX)
		taken = feed_to(t, DNS_TCP_PREFIX, data, len);
	if (t->len < DNS_TCP_PREFIX || whole(t) > sizeof(t->data))
		return taken;
	return taken + feed_to(t, whole(t), data + taken, len - taken);
}

int
dns_tcp_next(const struct dns_tcp *t, const uint8_t **ret, size_t *ret_len)
{
	if (t->len < DNS_TCP_PREFIX)
		return 0;
	if (whole(t) > sizeof(t->data))
		return -EMSGSIZE;
	if (t->len < whole(t))
		return 0;
	*ret = t->data + DNS_TCP_PREFIX;
	*ret_len = t->len - DNS_TCP_PREFIX;
	return 1;
}

void
dns_tcp_pop(struct dns_tcp *t)
{
	t->len = 0;
}

void
dns_tcp_prefix(uint8_t ret[DNS_TCP_PREFIX], size_t len)
{
	assert(len <= UINT16_MAX);
	ret[0] = (uint8_t)(len >> 8);
	ret[1] = (uint8_t)len;
}
