#include "dns_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "array.h"

/* family AF_UNSPEC: for both. */
static const struct option {
	int family;
	int level;
	int name;
	const char *text;
} options[] = {
	{AF_UNSPEC, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"},
	{AF_INET, IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT"},
	{AF_INET, IPPROTO_IP, IP_RECVORIGDSTADDR, "IP_RECVORIGDSTADDR"},
	{AF_INET, IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"},
	{AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"},
	{AF_INET6, IPPROTO_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT"},
	{AF_INET6, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, "IPV6_RECVORIGDSTADDR"},
	{AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"},
};

static int
fail(const char *what, char *reterr, size_t reterr_size)
{
	int r = -errno;

	snprintf(reterr, reterr_size, "%s: %s", what, strerror(-r));
	return r;
}

static int
set_options(int fd, int family, char *reterr, size_t reterr_size)
{
	const struct option *o;
	int on = 1;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		o = &options[i];
		if (o->family != AF_UNSPEC && o->family != family)
			continue;
		if (setsockopt(fd, o->level, o->name, &on, sizeof(on)) < 0)
			return fail(o->text, reterr, reterr_size);
	}
	return 0;
}

static int
parse_address(int family, const char *text, uint16_t port,
	struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	*ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
	if (family == AF_INET) {
		v4->sin_port = htons(port);
		return inet_pton(family, text, &v4->sin_addr);
	}
	v6->sin6_port = htons(port);
	return inet_pton(family, text, &v6->sin6_addr);
}

int
dns_socket_open(int family, const char *address, uint16_t port, char *reterr,
	size_t reterr_size)
{
	struct sockaddr_storage bound;
	char what[128];
	int fd, r;

	if (parse_address(family, address, port, &bound) != 1) {
		snprintf(reterr, reterr_size, "\"%.64s\" is no address",
			address);
		return -EINVAL;
	}
	fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket", reterr, reterr_size);
	r = set_options(fd, family, reterr, reterr_size);
	if (r == 0 && bind(fd, (struct sockaddr *)&bound, sizeof(bound)) < 0) {
		snprintf(what, sizeof(what), "bind %.64s port %u", address,
			(unsigned)port);
		r = fail(what, reterr, reterr_size);
	}
	if (r == 0)
		return fd;
	close(fd);
	return r;
}
