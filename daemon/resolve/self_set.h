/*
 * A counted set of addresses: the host's own and every sandbox's.  IPv4 stands
 * in it as ::ffff:a.b.c.d, so that each address has one spelling.  Looking one
 * up costs the same with ten thousand sandboxes as with one.  Pure.
 */
#ifndef SBX_SELF_SET_H
#define SBX_SELF_SET_H

#include <stdbool.h>
#include <stdint.h>

struct self_set;

/* NULL: out of memory. */
struct self_set *self_set_new(void);
void self_set_free(struct self_set *s); /* accepts NULL */

/* Counts the address once more.  0 or -ENOMEM. */
int self_set_add(struct self_set *s, const uint8_t address[16]);

/* Counts it once less; nothing if it is not there. */
void self_set_remove(struct self_set *s, const uint8_t address[16]);

bool self_set_has(const struct self_set *s, const uint8_t address[16]);

#endif
