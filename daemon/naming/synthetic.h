/*
 * Synthetic addresses: what a sandbox is told when it asks for a name whose
 * protocols show none.  Number n of a sandbox is n addresses behind
 * 198.18.0.1, and n behind fd73:6278:6e:1::1; which name it stands for is the
 * business of that sandbox alone.  Nobody outside this host is ever there.
 * Pure.
 */
#ifndef SBX_SYNTHETIC_H
#define SBX_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

enum { SYNTHETIC_NUMBERS = 65536 }; /* 0 to one less */

/* Whether it is in one of the ranges, somebody's or not: AF_INET or AF_INET6,
 * with 4 or 16 bytes. */
bool synthetic_covers(int family, const uint8_t *bytes);

/* The address of that number, 4 or 16 bytes. */
void synthetic_address(int family, uint32_t number, uint8_t ret[16]);

/*
 * 0 and the number; -ENOENT: in a range, but without a number;
 * -EADDRNOTAVAIL: any other address.
 */
int synthetic_number(const struct sockaddr *address, uint32_t *ret);

#endif
