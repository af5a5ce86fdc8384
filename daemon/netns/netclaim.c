/*
 * netclaim.c - one daemon in a network namespace
 *
 * A TCP socket that is bound, and neither shares its port nor listens: only one
 * can be, the kernel lets go of it however the process ends, and nothing can
 * be sent to it.  The port is below 1024, so that no user can have it first
 * and keep the daemon from starting; it is assigned to nobody, and below 600,
 * where bindresvport(3) begins to take any.  A socket bound to all addresses
 * would be in the way, so port 53 will not do.
 */
#include "netclaim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patience.h"

/* What a killed daemon has just forked holds it until it is another program. */
enum { CLAIM_MS = 2000 };

static const char claim_address[] = "127.8.0.53"; /* the daemon's own */
static const uint16_t claim_port = 301;

static int
try_claim(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(claim_port),
		.sin_addr.s_addr = inet_addr(claim_address),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;
	int r;

	/* It is nobody's address while lo is down. */
	if (fd >= 0 &&
		setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof(one)) == 0 &&
		bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

int
netclaim_open(char *reterr, size_t reterr_size)
{
	struct patience patience = {CLAIM_MS};
	int r;

	do
		r = try_claim();
	while (r == -EADDRINUSE && patience_wait(&patience));
	if (r >= 0)
		return r;
	if (r == -EADDRINUSE) {
		snprintf(reterr, reterr_size,
			"another sbx-netd runs in this network namespace: "
			"%s, TCP port %u, is taken; stop it, or use it with "
			"sbx-netctl --runtime-dir DIR",
			claim_address, claim_port);
		return -EBUSY;
	}
	snprintf(reterr, reterr_size, "%s, TCP port %u: %s%s", claim_address,
		claim_port, strerror(-r),
		r == -EACCES ? " (CAP_NET_BIND_SERVICE is needed)" : "");
	return r;
}
