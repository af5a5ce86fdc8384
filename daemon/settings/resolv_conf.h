/*
 * The nameservers of a resolv.conf(5), for when the settings name none.  Pure:
 * takes the text.
 */
#ifndef SBX_RESOLV_CONF_H
#define SBX_RESOLV_CONF_H

#include <stddef.h>

enum { RESOLV_CONF_SERVER = 64 }; /* a server's text with its NUL */

/* At most max servers; those that are no plain address (a zone behind '%') are
 * left out.  Returns how many. */
size_t resolv_conf_servers(
	const char *text, char ret[][RESOLV_CONF_SERVER], size_t max);

#endif
