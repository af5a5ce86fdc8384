/*
 * The UDP socket on which a worker answers DNS as whatever server a sandbox
 * asked.  Opened by the keeper, because IP_TRANSPARENT needs CAP_NET_ADMIN;
 * using it needs no capability.
 */
#ifndef SBX_DNS_SOCKET_H
#define SBX_DNS_SOCKET_H

#include <stddef.h>
#include <stdint.h>

/*
 * A socket bound to address (of that family, which need not be configured) and
 * port, transparent, non-blocking, close-on-exec; it tells the original
 * destination and the interface of each datagram.  Many may share one address
 * (SO_REUSEPORT).  The fd, which the caller closes; or -errno with one line of
 * text in reterr.
 */
int dns_socket_open(int family, const char *address, uint16_t port,
	char *reterr, size_t reterr_size);

#endif
