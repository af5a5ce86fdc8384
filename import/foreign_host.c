/*
 * foreign_host.c - the host lists of others, in our grammar
 *
 * Theory of operation
 *
 * An entry goes through three doors.  split() takes the port off; what
 * remains is an address or range, which is a rule of another kind with us; or
 * it is a name with stars, which the table of styles turns into a pattern of
 * ours that means the same.  What has no such pattern is unspeakable(): left
 * out where it allows, and replaced by the next wider one where it denies.
 *
 * Whatever comes out has been compiled by host_pattern.c: the document that
 * holds it will load.
 */
#include "foreign_host.h"

#include "addr.h"
#include "host.h"
#include "region.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	TEXT_MAX = 512, /* bytes of an entry: a host, brackets, a port */
	PLAIN_HTTP = 80,
	HTTPS = 443,
	PORT_LAST = 65535,
};

#define EXPECTED_HOST \
	"a host such as \"example.org\" or \"*.example.org\", without " \
	"scheme and path"

static const struct style {
	bool ports;      /* "host:443" means that port */
	bool deep;       /* "*.x" is any depth below x, not one label */
	bool all;        /* "*" is every name, not every name of one label */
	bool glob;       /* a star stands anywhere, and for dots too */
	bool cased;      /* capitals match nothing */
	bool only_https; /* what names no port is about 443 alone */
} styles[] = {
	[FOREIGN_KIT_V1] = {.ports = true},
	[FOREIGN_KIT_V2] = {.ports = true, .only_https = true},
	[FOREIGN_PROXY_CONFIG] = {.ports = true, .deep = true, .all = true},
	[FOREIGN_CLOUDFLARE] = {.deep = true,
		.all = true,
		.glob = true,
		.cased = true},
};

/* Names by which Docker's sandboxes reach the host that they are on. */
static const char *const host_itself[] = {"localhost", "host.docker.internal",
	"gateway.docker.internal", "kubernetes.docker.internal"};

struct reading { /* one entry on its way */
	const struct foreign_entry *e;
	const struct style *style;
	struct foreign_host *ret;
	char *reterr;
	char host[TEXT_MAX]; /* without its port */
	bool port_named;
	bool dead; /* it matches nothing there */
};

static int
expect(struct reading *r, const char *what)
{
	snprintf(r->reterr, FOREIGN_ERROR, "%s", what);
	return -EINVAL;
}

/* Several may come together. */
static int
note(struct reading *r, const char *text)
{
	struct foreign_host *h = r->ret;

	h->note =
		h->note == NULL
			? region_copy(r->e->region, text, strlen(text))
			: region_format(r->e->region, "%s; %s", h->note, text);
	return h->note != NULL ? 0 : -ENOMEM;
}

/* What matches nothing there is not allowed here, and denied all the same. */
static int
die(struct reading *r, const char *why)
{
	int e = note(r, why);

	r->dead = true;
	if (e < 0)
		return e;
	return note(r, r->e->side == FOREIGN_DENY ? "denied here all the same"
						  : "left out");
}

bool
foreign_host_is_said(const struct foreign_host *h)
{
	return h->pattern_count > 0 || h->address != NULL;
}

/* ---- ports -------------------------------------------------------------- */

static void
add_ports(struct reading *r, unsigned first, unsigned last)
{
	struct foreign_host *h = r->ret;

	if (first <= last)
		h->ports[h->port_count++] =
			(struct port_range){(uint16_t)first, (uint16_t)last};
}

static int
read_ports(struct reading *r, const char *text)
{
	struct port_range range = {1, PORT_LAST};

	if (strcmp(text, "*") != 0 && !port_range_parse(text, &range))
		return expect(r,
			"a port from 1 to 65535, a range such as 80-443, or * "
			"behind the colon");
	if (!r->style->ports)
		return die(
			r, "matches nothing there, where no host has a port");
	r->port_named = true;
	if (r->e->side != FOREIGN_BIND || range.first > PLAIN_HTTP ||
		range.last < PLAIN_HTTP) {
		add_ports(r, range.first, range.last);
		return 0;
	}
	/* A credential goes over plain HTTP only where somebody says so. */
	add_ports(r, range.first, PLAIN_HTTP - 1);
	add_ports(r, PLAIN_HTTP + 1, range.last);
	return note(r,
		"not on port 80: a credential goes over plain HTTP only where "
		"\"plaintext: true\" is written");
}

/* ---- taking the port off ------------------------------------------------ */

static int
copy_host(struct reading *r, const char *text, size_t len)
{
	memcpy(r->host, text, len);
	r->host[len] = '\0';
	return 0;
}

static int
check_bytes(struct reading *r)
{
	const char *text = r->e->text;

	if (strstr(text, "${{") != NULL)
		return expect(r,
			"a host itself: arguments of a kit (${{ ... }}) are "
			"not filled in here");
	for (const char *s = text; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return expect(r, EXPECTED_HOST);
	}
	if (*text == '\0' || strlen(text) >= TEXT_MAX ||
		strstr(text, "://") != NULL)
		return expect(r, EXPECTED_HOST);
	return 0;
}

static int
split(struct reading *r)
{
	const char *text = r->e->text, *colon = strchr(text, ':');
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	int e = check_bytes(r);

	if (e < 0)
		return e;
	if (end != NULL && (end[1] == '\0' || end[1] == ':')) {
		copy_host(r, text + 1, (size_t)(end - text) - 1);
		return end[1] == '\0' ? 0 : read_ports(r, end + 2);
	}
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return copy_host(r, text, strlen(text)); /* IPv6, or no port */
	copy_host(r, text, (size_t)(colon - text));
	return read_ports(r, colon + 1);
}

/* ---- addresses ---------------------------------------------------------- */

static int
allow_address(struct reading *r)
{
	/* Our rule has to name them. */
	if (!r->port_named && !r->style->only_https)
		add_ports(r, PLAIN_HTTP, PLAIN_HTTP);
	if (!r->port_named)
		add_ports(r, HTTPS, HTTPS);
	return note(r,
		"flows to an address are carried unread, and to a private one "
		"only with upstream.allow_addresses");
}

static int
read_address(struct reading *r, const struct addr_range *range)
{
	bool one = range->prefix == (range->family == AF_INET ? 32U : 128U);
	char text[ADDR_TEXT];
	int e = 0;

	if (r->e->side == FOREIGN_BIND)
		return note(r,
			"a credential is bound to a name, never to an address: "
			"left out");
	if (r->style->glob && !one)
		e = die(r, "matches nothing there, where a range is no host");
	if (e < 0 || (r->dead && r->e->side == FOREIGN_ALLOW))
		return e;
	addr_text(range, text);
	r->ret->address = region_copy(r->e->region, text, strlen(text));
	if (r->ret->address == NULL)
		return -ENOMEM;
	if (r->e->side == FOREIGN_ALLOW)
		return allow_address(r);
	return note(r,
		"denies flows to the address that show no name; a name that "
		"leads there is not denied by it");
}

/* ---- names -------------------------------------------------------------- */

/* Takes text, which is in our grammar, as what the entry means. */
static int
take(struct reading *r, const char *text)
{
	struct host_pattern *p = &r->ret->patterns[r->ret->pattern_count];
	struct region *region = r->e->region;
	char why[HOST_PATTERN_ERROR];
	int e = host_pattern_compile(region, text, false, p, why);

	if (e == -EPERM && r->e->side == FOREIGN_BIND) {
		*p = (struct host_pattern){0};
		return note(
			r, "a credential is never bound that widely: left out");
	}
	if (e == -EPERM && r->e->side == FOREIGN_ALLOW) {
		r->ret->broad = true;
		e = note(r, why);
		if (e == 0)
			e = note(r, "therefore \"broad: true\"");
		if (e < 0)
			return e;
	}
	if (r->ret->broad || r->e->side == FOREIGN_DENY)
		e = host_pattern_compile(region, text, true, p, why);
	if (e == -EINVAL)
		return expect(r, EXPECTED_HOST);
	if (e == 0)
		r->ret->pattern_count++;
	return e;
}

/* "**" and the names below tail, or every name when there is no tail. */
static int
take_below(struct reading *r, const char *tail)
{
	char text[TEXT_MAX + 3];

	if (*tail == '\0')
		return take(r, "*");
	snprintf(text, sizeof(text), "**.%s", tail);
	return take(r, text);
}

/* No pattern of ours says it.  Wider, to deny: all below the last star. */
static int
unspeakable(struct reading *r)
{
	const char *tail = strchrnul(strrchr(r->host, '*'), '.');
	int e;

	if (r->e->side != FOREIGN_DENY)
		return note(
			r, "no pattern here says this and no more: left out");
	e = take_below(r, *tail == '.' ? tail + 1 : tail);
	return e == 0 ? note(r, "wider than there: no pattern here says this")
		      : e;
}

/* Stars in the first label, which reach over dots there and not with us. */
static int
take_glob(struct reading *r)
{
	bool leads = r->host[0] == '*' && strchr(r->host + 1, '*') == NULL;
	char base[HOST_MAX + 1];
	int e = take(r, r->host);

	if (e == 0 && leads &&
		host_normalise(r->host + 1, strlen(r->host + 1), base) == 0)
		e = take_below(r, base);
	return e == 0 ? note(r, "narrower than there, where a star stands for "
				"dots too")
		      : e;
}

/* "***" is "*" where a star stands for anything. */
static void
collapse_stars(char *text)
{
	char *to = text;

	for (const char *s = text; *s != '\0'; s++) {
		if (s == text || s[0] != '*' || s[-1] != '*')
			*to++ = *s;
	}
	*to = '\0';
}

static int
read_stars(struct reading *r)
{
	const struct style *style = r->style;
	const char *host = r->host;
	bool deep = strncmp(host, "**.", 3) == 0;
	const char *rest = strchr(host, '.');

	if (strcmp(host, "**") == 0 || (style->all && strcmp(host, "*") == 0))
		return take(r, "*");
	if (rest == NULL || strchr(rest, '*') != NULL)
		return unspeakable(r);
	if (deep || (style->deep && strncmp(host, "*.", 2) == 0))
		return take_below(r, rest + 1);
	if (strncmp(host, "*.", 2) == 0)
		return take(r, host);
	if (style->glob && r->e->side == FOREIGN_ALLOW)
		return take_glob(r);
	return unspeakable(r);
}

static bool
has_capitals(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z')
			return true;
	}
	return false;
}

static bool
is_host_itself(const char *name)
{
	for (size_t i = 0; i < sizeof(host_itself) / sizeof(host_itself[0]);
		i++) {
		if (strcasecmp(name, host_itself[i]) == 0)
			return true;
	}
	return false;
}

/* What the names and ports of an allow rule or a binding do not show. */
static int
note_limits(struct reading *r)
{
	const struct ports ports = {r->ret->ports, r->ret->port_count};
	int e = 0;

	if (r->e->side == FOREIGN_DENY)
		return 0;
	if (r->style->ports && is_host_itself(r->host))
		e = note(r,
			"there the host itself, here a name like any other: "
			"the host's own addresses are never dialled");
	if (e == 0 && r->e->side == FOREIGN_ALLOW &&
		!ports_cover(&ports_web, &ports))
		e = note(r, "on other ports than 80 and 443, what is neither "
			    "TLS nor HTTP passes unread");
	return e;
}

static int
read_name(struct reading *r)
{
	int e = 0;

	if (r->style->glob)
		collapse_stars(r->host);
	if (r->style->cased && has_capitals(r->host))
		e = die(r, "matches nothing there, where a capital is no "
			   "letter of a host");
	if (e < 0 || (r->dead && r->e->side == FOREIGN_ALLOW))
		return e;
	e = strchr(r->host, '*') != NULL ? read_stars(r) : take(r, r->host);
	if (e < 0 || r->ret->pattern_count == 0)
		return e;
	if (!r->port_named && r->style->only_https &&
		r->e->side == FOREIGN_ALLOW)
		add_ports(r, HTTPS, HTTPS);
	return note_limits(r);
}

/* ---- the entry ---------------------------------------------------------- */

static int
read_host(struct reading *r)
{
	struct addr_range range;

	switch (addr_parse(r->host, &range)) {
	case 0:
		return read_address(r, &range);
	case -ERANGE:
		return expect(r,
			"a range without bits behind its prefix, such as "
			"192.0.2.0/24");
	case -EAFNOSUPPORT:
		return expect(r, "an IPv4 address without IPv6 around it");
	default:
		return read_name(r);
	}
}

int
foreign_host_read(const struct foreign_entry *e, struct foreign_host *ret,
	char reterr[FOREIGN_ERROR])
{
	struct foreign_host host = {.pattern_count = 0};
	struct reading r = {.e = e,
		.style = &styles[e->style],
		.ret = &host,
		.reterr = reterr};
	int result = split(&r);

	if (result == 0)
		result = read_host(&r);
	/* A binding to port 80 alone has no port left. */
	if (result == 0 && r.port_named && host.port_count == 0)
		host.pattern_count = 0;
	if (result == 0)
		*ret = host;
	return result;
}
