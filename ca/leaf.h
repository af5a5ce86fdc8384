/*
 * One leaf: a certificate and the key that goes with it, by reference count.
 * For the files of this folder; others see struct ca_leaf through ca.h.
 */
#ifndef SBX_LEAF_H
#define SBX_LEAF_H

struct ca_leaf;

struct ca_leaf *leaf_ref(struct ca_leaf *leaf);

#endif
