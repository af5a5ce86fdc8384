/* The name servers of a configuration, as c-ares wants them.  Pure. */
#ifndef SBX_SERVER_LIST_H
#define SBX_SERVER_LIST_H

#include <ares.h>
#include <stddef.h>

#include "resolver.h"

struct server_list {
	struct ares_addr_port_node nodes[RESOLVER_SERVERS]; /* linked */
	size_t count;
};

/* 0; -EINVAL with text in reterr and *ret untouched. */
int server_list_parse(const char *const *servers, size_t count,
	struct server_list *ret, char *reterr, size_t reterr_size);

#endif
