/*
 * One end of the socketpair between keeper and worker, on the event loop:
 * whole messages in and out, descriptors with them.  Never blocks; what the
 * peer does not read is queued up to a bound.  Whatever carried a secret is
 * wiped.  A peer that breaks the protocol kills its own channel, no more.
 */
#ifndef SBX_CHANNEL_H
#define SBX_CHANNEL_H

#include <stdbool.h>

struct ev_loop;
struct link_channel;
struct link_message;

struct link_events {
	/*
	 * Texts and spans are borrowed for the call (and terminated); fds
	 * become the receiver's.  Never frees the channel.
	 */
	void (*message)(void *arg, const struct link_message *m);
	/* Once: the channel is dead.  Free it later, not in the call. */
	void (*closed)(void *arg, const char *why);
};

/*
 * Takes fd (made non-blocking), also when it fails.  events is borrowed for
 * the channel's life.  0 and *ret, or -ENOMEM.
 */
int link_channel_new(struct ev_loop *loop, int fd,
	const struct link_events *events, void *arg, struct link_channel **ret);

/*
 * For an end that is given none: a peer that sends a descriptor breaks the
 * protocol, and the kernel drops it.
 */
void link_refuse_fds(struct link_channel *c);

/* Accepts NULL; closes the fd and calls nobody. */
void link_channel_free(struct link_channel *c);

/*
 * Queues; fds are duplicated (the caller keeps its own).  0; -EPIPE on a dead
 * channel, -ENOBUFS over the bound, -EMSGSIZE, -EMFILE, -ENOMEM.
 */
int link_send(struct link_channel *c, const struct link_message *m);

/* Whether everything sent has been handed to the kernel. */
bool link_drained(const struct link_channel *c);

#endif
