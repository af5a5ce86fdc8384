/*
 * What one leaf is for: a host name or an address, checked once and held by
 * value, so that the bytes that were checked are the bytes that are signed.
 */
#ifndef SBX_LEAF_NAME_H
#define SBX_LEAF_NAME_H

#include <stdint.h>

enum {
	LEAF_NAME_MAX = 253,
};

enum leaf_name_kind { LEAF_NAME_DNS, LEAF_NAME_ADDRESS };

struct leaf_name {
	enum leaf_name_kind kind;
	uint8_t len;
	uint8_t bytes[LEAF_NAME_MAX + 1]; /* a DNS name is terminated too */
};

/*
 * Lower case letters, digits, '-', '_' in labels of 1..63, at most 253 bytes,
 * and no spelling of an IPv4 address.  Else -EINVAL, ret untouched.
 */
int leaf_name_host(const char *host, struct leaf_name *ret);

/* family: AF_INET or AF_INET6; else -EINVAL, ret untouched. */
int leaf_name_address(
	int family, const uint8_t *address, struct leaf_name *ret);

/* A total order; 0 only when every byte is the same. */
int leaf_name_compare(const struct leaf_name *a, const struct leaf_name *b);

#endif
