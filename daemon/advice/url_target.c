#include "url_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "rules.h"
#include "token.h"

enum { METHOD_MAX = 64, PORT_DNS = 53 };

static const struct {
	const char *scheme;
	bool tls;
	uint16_t port; /* 0: it has none of its own, and is raw */
	enum policy_protocol protocol;
} schemes[] = {
	{"https://", true, 443, POLICY_TCP},
	{"http://", false, 80, POLICY_TCP},
	{"wss://", true, 443, POLICY_TCP},
	{"ws://", false, 80, POLICY_TCP},
	{"tcp://", false, 0, POLICY_TCP},
	{"udp://", false, 0, POLICY_UDP},
	{"icmp://", false, 0, POLICY_ICMP},
};

const char *
url_target_method_error(const char *method)
{
	return token_is_valid(method, METHOD_MAX)
		       ? NULL
		       : "this is no method of HTTP (want GET, POST, ...)";
}

/* Path and query as they would stand in the request line. */
static const char *
read_path(const char *path, struct url_target *t)
{
	size_t len = strcspn(path, "#"), path_len = strcspn(path, "?#");
	size_t skip = path_len < len; /* the '?' */
	int n;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f)
			return "the URL holds what no request line can hold";
	}
	n = snprintf(t->path, sizeof(t->path), "%s%.*s",
		*path == '/' ? "" : "/", (int)path_len, path);
	if (n >= URL_TARGET_MAX)
		return "the URL is too long";
	n = snprintf(t->query, sizeof(t->query), "%.*s",
		(int)(len - path_len - skip), path + path_len + skip);
	return n < URL_TARGET_MAX ? NULL : "the URL is too long";
}

/* As a sandbox would dial it: only what inet_pton() takes is an address. */
static const char *
read_address(struct url_target *t)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&t->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&t->address;

	if (inet_pton(AF_INET, t->shown, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(t->port);
		return NULL;
	}
	if (inet_pton(AF_INET6, t->shown, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(t->port);
		return NULL;
	}
	return "the URL's host is an odd spelling of an address: always denied";
}

static const char *
read_host(struct span host, struct url_target *t)
{
	int e;

	if (host.len >= sizeof(t->shown))
		return "the URL's host is no host name";
	memcpy(t->shown, host.ptr, host.len);
	t->shown[host.len] = '\0';
	e = host_normalise(host.ptr, host.len, t->name);
	if (e == 0)
		return NULL;
	t->name[0] = '\0';
	/* What is in brackets comes without them, and with colons. */
	if (e == -EADDRNOTAVAIL || strchr(t->shown, ':') != NULL)
		return read_address(t);
	return "the URL's host is no host name";
}

/* What stands behind a scheme of neither TLS nor HTTP. */
static const char *
check_raw(const struct url_target *t, bool alone)
{
	if (t->protocol == POLICY_ICMP)
		return alone && t->port == 0 ? NULL
					     : "icmp:// is followed by an "
					       "address, and nothing else";
	if (t->protocol == POLICY_UDP && t->port == PORT_DNS)
		return "UDP port 53 is answered by the daemon, whatever "
		       "address is asked: what counts is the name";
	if (alone && t->port != 0)
		return NULL;
	return t->protocol == POLICY_UDP
		       ? "udp:// is followed by address:port, and nothing else"
		       : "tcp:// is followed by host:port, and nothing else";
}

const char *
url_target_read(const char *url, struct url_target *ret)
{
	const char *rest = NULL, *path, *wrong;
	struct span authority, host;
	uint16_t port = 0;

	*ret = (struct url_target){.address.ss_family = AF_UNSPEC};
	for (size_t i = 0; i < ARRAY_LEN(schemes) && rest == NULL; i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncasecmp(url, schemes[i].scheme, len) != 0)
			continue;
		rest = url + len;
		ret->tls = schemes[i].tls;
		ret->raw = schemes[i].port == 0;
		ret->protocol = schemes[i].protocol;
		port = schemes[i].port;
	}
	if (rest == NULL)
		return "the URL must begin with https://, http://, tcp://, "
		       "udp:// or icmp://";
	path = rest + strcspn(rest, "/?#");
	authority = (struct span){rest, (size_t)(path - rest)};
	if (http_rules_authority(authority, &host, &ret->port) < 0)
		return "the URL names no host[:port]";
	if (ret->port == 0)
		ret->port = port;
	wrong = ret->raw ? check_raw(ret, *path == '\0') : NULL;
	if (wrong == NULL)
		wrong = read_path(path, ret);
	if (wrong == NULL)
		wrong = read_host(host, ret);
	if (wrong == NULL && ret->protocol != POLICY_TCP &&
		ret->name[0] != '\0')
		return "UDP and ICMP carry no name, and no rule allows them by "
		       "one: ask about an address";
	return wrong;
}
