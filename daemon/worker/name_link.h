/*
 * Questions about synthetic addresses to the keeper, and its answers.
 */
#ifndef SBX_NAME_LINK_H
#define SBX_NAME_LINK_H

#include "names.h"

struct link_channel;
struct link_name;
struct services;

/* Asks over the channel, which is borrowed. */
struct name_giver name_link_giver(struct link_channel *channel);

/* An answer; its sandbox may be gone meanwhile. */
void name_link_heard(struct services *services, const struct link_name *name);

#endif
