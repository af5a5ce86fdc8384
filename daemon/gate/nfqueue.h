/*
 * One NFQUEUE of the kernel: packets that wait for a verdict, and the verdicts.
 *
 * Never waits, knows nothing of what is in a packet.  The kernel holds a
 * bounded number of packets and drops what comes beyond; it drops all of them
 * when this is closed.
 */
#ifndef SBX_NFQUEUE_H
#define SBX_NFQUEUE_H

#include <stddef.h>
#include <stdint.h>

enum {
	NFQUEUE_LENGTH = 1024, /* packets that the kernel holds for us */
	NFQUEUE_BATCH = 64,    /* packets of one nfqueue_read() */
};

struct nfqueue;

struct nfqueue_packet { /* borrowed for the call */
	uint32_t id;
	uint32_t mark;
	uint32_t ifindex; /* where it came in; 0: not said */
	const uint8_t *data;
	size_t len;
};

enum nfqueue_verdict {
	NFQUEUE_DROP,
	NFQUEUE_REPEAT, /* through the same hook once more, with the mark */
};

typedef void nfqueue_each(void *arg, const struct nfqueue_packet *p);

/*
 * A socket, in the namespace of the caller, and no queue yet: 0 and *ret, which
 * the caller closes; or -errno.
 */
int nfqueue_open(uint16_t number, struct nfqueue **ret);

/*
 * Takes the queue: 0; -EBUSY or -EPERM, somebody else has it or we may not;
 * -errno.  May be tried again.
 */
int nfqueue_bind(struct nfqueue *q);
void nfqueue_close(struct nfqueue *q); /* accepts NULL */

int nfqueue_fd(const struct nfqueue *q); /* borrowed; readable */

/*
 * Reads up to NFQUEUE_BATCH packets and calls each for every one.  How many
 * there were, or -errno.  Each of them has to get its verdict before the next
 * call.
 */
int nfqueue_read(struct nfqueue *q, nfqueue_each *each, void *arg);

/* Remembers a verdict; nfqueue_answer() sends all of them: 0 or -errno. */
void nfqueue_decide(struct nfqueue *q, uint32_t id,
	enum nfqueue_verdict verdict, uint32_t mark);
int nfqueue_answer(struct nfqueue *q);

/* How often the kernel had packets for us and no room to put them. */
uint64_t nfqueue_overruns(const struct nfqueue *q);

#endif
