/* Text to sockaddr for the guard's tests: "10.0.0.1", "::1". */
#ifndef SBX_TEST_GUARD_DST_H
#define SBX_TEST_GUARD_DST_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static inline struct sockaddr_storage
guard_dst(const char *text)
{
	struct sockaddr_storage dst = {.ss_family = AF_INET};
	void *bytes = &((struct sockaddr_in *)(void *)&dst)->sin_addr;

	if (strchr(text, ':') != NULL) {
		dst.ss_family = AF_INET6;
		bytes = &((struct sockaddr_in6 *)(void *)&dst)->sin6_addr;
	}
	if (inet_pton(dst.ss_family, text, bytes) != 1)
		dst.ss_family = AF_UNSPEC;
	return dst;
}

#endif
