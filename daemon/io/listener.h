/*
 * A listening TPROXY socket: hands out each accepted connection with whom it
 * came from, where it was going and through which interface it came in.
 *
 * The socket is opened elsewhere (IP_TRANSPARENT needs a privilege), with
 * IP_PKTINFO or IPV6_RECVPKTINFO set so that an accepted socket still knows its
 * ingress interface.  When descriptors or memory run out, accepting pauses and
 * resumes by itself; the kernel's queue holds the connections meanwhile.
 */
#ifndef SBX_LISTENER_H
#define SBX_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct listener;

struct arrival {
	int fd;                           /* non-blocking, close-on-exec */
	struct sockaddr_storage peer;     /* the sandbox */
	struct sockaddr_storage original; /* where it was dialling */
	uint32_t ifindex;                 /* 0: not known, so nobody */
};

/* The receiver owns a->fd from then on. */
typedef void listener_arrived(void *arg, const struct arrival *a);

/* Takes fd.  NULL: out of memory. */
struct listener *listener_new(
	struct ev_loop *loop, int fd, listener_arrived *arrived, void *arg);

void listener_free(struct listener *l); /* accepts NULL; closes the socket */

/* Stops accepting for good; what waits in the kernel waits for another. */
void listener_stop(struct listener *l);

#endif
