/*
 * Elements of our sets, as the kernel wants their keys: names padded to 16
 * bytes, addresses in network order, each part of a concatenation padded to a
 * multiple of four.  Pure.
 */
#ifndef SBX_ELEMENT_H
#define SBX_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum element_set {
	SET_IFACES,
	SET_SOURCE4,
	SET_SOURCE6,
	SET_CAGES,
	SET_EXEMPT4,
	SET_EXEMPT6,
	SET_RESOLVER4,
	SET_RESOLVER6,
	SET_COUNT
};

enum { ELEMENT_KEY_SIZE = 32, ELEMENT_NAME_SIZE = 16 };

/* Compared as bytes: always made with every byte of it set. */
struct element {
	uint8_t key[ELEMENT_KEY_SIZE];
	uint8_t key_len;
	uint8_t set; /* enum element_set */
	uint8_t end; /* of an interval: the first address behind it */
};

struct element_range {
	int family;
	uint8_t first[16];
	uint8_t last[16];
};

/* "source4"; and the length of its keys. */
const char *element_set_name(enum element_set set);
size_t element_set_key_len(enum element_set set);

/* 0, or -EINVAL: no interface can have that name. */
int element_of_interface(const char *name, struct element *ret);

/* An interface by its number, which no renaming changes. */
void element_of_index(uint32_t ifindex, struct element *ret);
uint32_t element_index(const struct element *e);

/* 0, or -EINVAL: a name as above; an address that one host cannot have. */
int element_of_source(
	const char *interface, const char *address, struct element *ret);

/* 0, or -EINVAL: an address as text; a port that is not 0. */
int element_of_resolver(
	const char *address, uint16_t port, struct element *ret);

/* "a.b.c.d", "a.b.c.d/len" or the same in IPv6; 0, or -EINVAL. */
int element_range_parse(const char *text, struct element_range *ret);

/*
 * Sorts the ranges and joins those that meet, v4 before v6; an interval set
 * takes no two that overlap.  Returns how many are left.
 */
size_t element_ranges_join(struct element_range *ranges, size_t count);

/* One or two elements for a range; returns how many. */
size_t element_of_range(
	const struct element_range *range, struct element ret[2]);

/* For qsort() and bsearch(): by set, then by key. */
int element_compare(const void *a, const void *b);

/* The name in an interface's or source's key, with its end. */
void element_interface(
	const struct element *e, char ret[static ELEMENT_NAME_SIZE]);

#endif
