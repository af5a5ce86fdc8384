/*
 * What an entry of somebody else's host list means in our grammar.  Pure.
 *
 * The same characters mean different things: "*.example.org" is one label in a
 * Docker kit and any depth for Cloudflare.  Where our grammar cannot say what
 * an entry says, the narrower is taken to allow and the wider to deny, and a
 * note tells.  docs/import.md has the table.
 */
#ifndef SBX_FOREIGN_HOST_H
#define SBX_FOREIGN_HOST_H

#include "host_pattern.h"
#include "ports.h"

#include <stdbool.h>
#include <stddef.h>

struct region;

enum foreign_style {
	FOREIGN_KIT_V1,
	FOREIGN_KIT_V2,
	FOREIGN_PROXY_CONFIG,
	FOREIGN_CLOUDFLARE,
};

enum foreign_side {
	FOREIGN_ALLOW,
	FOREIGN_DENY,
	FOREIGN_BIND, /* where a credential may go */
};

enum { FOREIGN_PATTERNS = 2, FOREIGN_PORTS = 2, FOREIGN_ERROR = 160 };

struct foreign_entry {
	struct region *region; /* for what comes out */
	enum foreign_style style;
	enum foreign_side side;
	const char *text;
};

struct foreign_host {
	struct host_pattern patterns[FOREIGN_PATTERNS];
	size_t pattern_count;
	const char *address; /* an address or range instead; or NULL */
	struct port_range ports[FOREIGN_PORTS];
	size_t port_count; /* 0: what goes without saying in our place */
	bool broad;        /* our rule needs it */
	const char *note;  /* how the meaning differs, or NULL */
};

/* Whether there is anything that we can say. */
bool foreign_host_is_said(const struct foreign_host *h);

/*
 * Reads an entry.  Returns 0 and *ret; -EINVAL with what was expected in
 * reterr; or -ENOMEM.
 */
int foreign_host_read(const struct foreign_entry *e, struct foreign_host *ret,
	char reterr[FOREIGN_ERROR]);

#endif
