/*
 * For tests with a network of their own: the machine's loopback, every call
 * checked.
 */
#ifndef SBX_TEST_LOOPBACK_H
#define SBX_TEST_LOOPBACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A listening socket, not blocking, at that address ("127.0.0.2", "::1"); port
 * 0: any. */
int loopback_listen(const char *address, uint16_t port, int backlog);

/* A port at which nobody listens on any of 127.0.0.0/8. */
uint16_t loopback_closed_port(void);

uint16_t loopback_port(int fd); /* its own */

/* Two ends of one TCP connection, not blocking. */
void loopback_pair(int fds[2]);

/* A connection to fd's address, blocking. */
int loopback_connect(int fd);

/* Full: whoever dials it from now on is kept waiting.  Closes nothing: the
 * descriptors in fill are the caller's. */
void loopback_fill(int listener, int fill[2]);

/* address as text, without the port. */
const char *loopback_text(const struct sockaddr *address, char *ret, size_t n);

#endif
