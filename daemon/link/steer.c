/*
 * steer.c - source address to worker
 *
 * Theory of operation
 *
 * The address as big-endian 32-bit words, xored into one, is multiplied by an
 * odd constant (Fibonacci hashing), so that neighbouring addresses, which is
 * what sandboxes have, spread; the low half, which mixes worst, is dropped,
 * and the rest is taken modulo the number of workers.  Every step is one
 * classic BPF instruction.  A program that cannot load its word returns 0 by
 * the rules of BPF; a v4 or v6 packet always has its source address.
 */
#include "steer.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#define FACTOR 0x9e3779b1u /* 2^32 over the golden ratio, odd */

enum {
	SHIFT = 16,
	SOURCE4 = 12, /* where the source address lies in each header */
	SOURCE6 = 8,
};

uint32_t
steer_index(int family, const uint8_t *address, uint32_t workers)
{
	size_t words = family == AF_INET6 ? 4 : 1;
	uint32_t hash = 0, word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, address + 4 * i, sizeof(word));
		hash ^= ntohl(word);
	}
	hash *= FACTOR;
	return (hash >> SHIFT) % workers;
}

/* Loads the four words of a v6 source and leaves their xor in A. */
static const struct sock_filter load6[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + SOURCE6),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + SOURCE6 + 4),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + SOURCE6 + 8),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	BPF_STMT(BPF_MISC | BPF_TAX, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + SOURCE6 + 12),
	BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
};

static const struct sock_filter load4[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + SOURCE4),
};

size_t
steer_program(
	int family, uint32_t workers, struct sock_filter *ret, size_t size)
{
	const struct sock_filter mix[] = {
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, FACTOR),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, SHIFT),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter *load = family == AF_INET6 ? load6 : load4;
	size_t bytes = family == AF_INET6 ? sizeof(load6) : sizeof(load4);

	if (bytes + sizeof(mix) > size * sizeof(*ret))
		return 0;
	memcpy(ret, load, bytes);
	memcpy((char *)ret + bytes, mix, sizeof(mix));
	return (bytes + sizeof(mix)) / sizeof(*ret);
}
