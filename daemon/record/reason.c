/*
 * reason.c - the closed list of reasons: what each means, what helps
 *
 * docs/record.md has the same rows for people who read before they run into
 * them; a test compares the two, word for word.
 */
#include "record.h"

#include <assert.h>

#include "array.h"

static const struct {
	const char *name;
	const char *text; /* what happened, for --explain */
	const char *hint; /* NULL: nothing is wrong */
} reasons[] = {
	[RECORD_RULE_ALLOW] = {"rule_allow",
		"an allow rule of the policy matched", NULL},
	[RECORD_DEFAULT_ALLOW] = {"default_allow",
		"no rule matched, and the policy allows by default", NULL},
	[RECORD_RULE_DENY] = {"rule_deny",
		"a deny rule of the policy matched; deny wins over allow",
		"if this is wanted, narrow or remove that deny rule"},
	[RECORD_NO_RULE] = {"no_rule",
		"no rule of the policy names this host, and it denies by "
		"default",
		"if this is wanted, add the host to the policy's allow list"},
	[RECORD_METHOD] = {"method",
		"the host is allowed, but not with this method",
		"if this is wanted, add the method to the rule of that host"},
	[RECORD_PATH] = {"path", "the host is allowed, but not this path",
		"if this is wanted, add the path to the rule of that host"},
	[RECORD_PATH_AMBIGUOUS] = {"path_ambiguous",
		"a path rule decides for this host, and the path could be "
		"read in two ways (%2e%2e, %2f, %5c, //, ;, dot segments)",
		"have the client send the plain path, or allow the host "
		"without a path rule"},
	[RECORD_QUERY] = {"query",
		"the host, method and path are allowed, but not with this "
		"query",
		"if this is wanted, widen \"query\" in the rule of that host"},
	[RECORD_QUERY_AMBIGUOUS] = {"query_ambiguous",
		"a query rule decides for this host, and the query could be "
		"read in two ways (a broken escape, ;, bytes that are no "
		"UTF-8, a name that some servers take for the rule's)",
		"have the client name the parameter as the rule does, or "
		"allow the path without a query rule"},
	[RECORD_HEADER] = {"header",
		"the host, method, path and query are allowed, but not with "
		"these header fields",
		"if this is wanted, widen \"header\" in the rule of that "
		"host"},
	[RECORD_PORT] = {"port", "the host is allowed, but not on this port",
		"if this is wanted, add the port to the rule of that host"},
	[RECORD_NO_NAME] = {"no_name",
		"the flow names no host (neither SNI nor Host, nor an address "
		"that was given for a name), and no address rule allows its "
		"destination",
		"use a name, or add an address rule with the port"},
	[RECORD_LOCKDOWN] = {"lockdown",
		"the sandbox is locked down: its overlay denies everything",
		"see sbx-netctl sandbox show; sbx-netctl policy clear ends "
		"it"},
	[RECORD_NOT_RAW] = {"not_raw",
		"the host and port are allowed for TLS and HTTP only, and "
		"this is neither",
		"if this is wanted, add a rule with protocol: tcp for that "
		"host and port before the rule that is named; TLS to that "
		"port is then unread, too"},
	[RECORD_NO_CLIENT_DATA] = {"no_client_data",
		"the sandbox sent nothing before the deadline, so there was "
		"no name to decide on",
		"if the server speaks first there, allow its name with the "
		"port and protocol: tcp, or its address"},
	[RECORD_BAD_HELLO] = {"bad_hello",
		"the first bytes look like TLS but are no ClientHello that "
		"can be accepted (malformed, too large, or SSL)",
		"look at the client: it is broken, very old, or probing"},
	[RECORD_BAD_NAME] = {"bad_name",
		"the SNI, Host or DNS question is no host name (an address, an "
		"odd spelling or bytes that no name has), or is the one by "
		"which browsers ask whether to use a DNS of their own",
		"have the client use the plain host name"},
	[RECORD_NOT_HTTP] = {"not_http",
		"the flow would be inspected, but its bytes are no HTTP",
		"for another protocol use a rule with tls: passthrough, or "
		"an address rule with the port"},
	[RECORD_UNKNOWN_SOURCE] = {"unknown_source",
		"no sandbox is registered with this interface and source "
		"address",
		"register the sandbox (sbx-netctl sandbox add), or look for "
		"a spoofed address"},
	[RECORD_QUIC] = {"quic",
		"QUIC (HTTP/3) is refused at once, so that the client falls "
		"back to TCP, where the host's name decides",
		"nothing, if the client falls back; for QUIC unread, an "
		"address rule with protocol: udp and the port"},
	[RECORD_PROTOCOL] = {"protocol",
		"packets that are neither TCP nor DNS, and no address rule of "
		"that protocol allows their destination",
		"for UDP and ICMP an address rule with \"protocol\"; others "
		"are never let out"},
	[RECORD_SELF] = {"self",
		"the destination is an address of the host itself or of "
		"another sandbox; no policy can allow that",
		"offer the service under a name that resolves elsewhere"},
	[RECORD_CLIENT_TLS] = {"client_tls",
		"the TLS handshake with the sandbox failed: most often the "
		"client does not trust the sandbox's CA, or pins a certificate",
		"install the CA (sbx-netctl ca env); for a client that pins, "
		"use a rule with tls: passthrough"},
	[RECORD_ECH_PASSTHROUGH] = {"ech_passthrough",
		"the client encrypts its hello (ECH), so the real name cannot "
		"be checked, and the rule is passthrough",
		"switch ECH off in the client, or let the host be inspected"},
	[RECORD_MALFORMED_HTTP] = {"malformed_http",
		"the request breaks the HTTP syntax, or could be read in two "
		"ways (smuggling)",
		"look at the client: a correct one never sends this"},
	[RECORD_AUTHORITY] = {"authority",
		"the request names another host than the connection it came "
		"on",
		"have the client open a connection for each host; domain "
		"fronting is refused"},
	[RECORD_METHOD_REFUSED] = {"method_refused",
		"TRACE, CONNECT and the upgrade to h2c are refused for "
		"everybody",
		"have the client talk to the host itself, without a proxy"},
	[RECORD_RESOLVE] = {"resolve", "the host name could not be resolved",
		"check the name and the daemon's resolver setting"},
	[RECORD_ADDRESS_REFUSED] = {"address_refused",
		"the name resolves to an address that is never dialled "
		"(private, loopback, link-local, metadata ...)",
		"if it is a service of your own, list its range in "
		"upstream.allow_addresses"},
	[RECORD_CONNECT_FAILED] = {"connect_failed",
		"no address of the host could be connected to",
		"check that the host is up and that the machine can reach it"},
	[RECORD_UPSTREAM_TLS] = {"upstream_tls",
		"the origin's certificate or handshake could not be verified; "
		"nothing was sent",
		"read the detail; for a private CA set upstream.ca_file"},
	[RECORD_UPSTREAM_HTTP] = {"upstream_http",
		"the origin's response breaks the HTTP syntax or a limit",
		"read the detail; the origin is broken"},
	[RECORD_TIMEOUT] = {"timeout", "a deadline passed",
		"read the detail for which; limits can be raised in the "
		"daemon's settings"},
	[RECORD_CREDENTIAL_UNAVAILABLE] = {"credential_unavailable",
		"a credential that this request must carry has no value now",
		"see sbx-netctl secret ls, mend its source, then sbx-netctl "
		"secret refresh"},
	[RECORD_CREDENTIAL_PLAINTEXT] = {"credential_plaintext",
		"a credential would have left over plain HTTP",
		"use https, or set plaintext: true at that binding"},
	[RECORD_CREDENTIAL_WRONG_HOST] = {"credential_wrong_host",
		"the request holds the stand-in for a credential that is not "
		"bound to this host",
		"send it to its own host only; if this one is meant, add it "
		"to \"swap\" of that credential"},
	[RECORD_LIMIT] = {"limit", "the sandbox went over one of its limits",
		"read the detail for which; limits can be raised in the "
		"daemon's settings"},
	[RECORD_BUDGET] = {"budget",
		"the rule that allows it or the sandbox has a limit, and "
		"nothing is left of it for now",
		"wait as long as the detail says; if more is wanted, raise "
		"that \"limit\""},
	[RECORD_LOG_FULL] = {"log_full",
		"the decision could not be written down, so it was denied",
		"make room where the decision log lies"},
	[RECORD_INTERNAL] = {"internal",
		"the daemon failed (out of memory or of descriptors, or a "
		"bug), so it was denied",
		"see the journal of sbx-netd"},
	[RECORD_WORKER_CRASHED] = {"worker_crashed",
		"the process that served this sandbox died and was started "
		"again; its connections were closed",
		"see the journal of sbx-netd, and report it: this is a bug"},
	[RECORD_GATE_CRASHED] = {"gate_crashed",
		"the process that judges packets died and was started again; "
		"meanwhile no packet was let pass that was not already "
		"allowed",
		"see the journal of sbx-netd, and report it: this is a bug"},
	[RECORD_KERNEL_SIDE] = {"kernel_side",
		"somebody took away or changed what sbx-net has in the kernel, "
		"or a setting of the host is in its way",
		"what is the daemon's own it puts back; for the rest see "
		"sbx-netctl doctor"},
	[RECORD_INTERFACE] = {"interface",
		"the interface of the sandbox was taken down, deleted or "
		"renamed; the sandbox is closed until it is back",
		"if the sandbox has another interface now, say so with "
		"sbx-netctl sandbox add or in its document"},
	[RECORD_COMPLETE] = {"complete", "it ended as it should", NULL},
	[RECORD_CLIENT_GONE] = {"client_gone",
		"the sandbox closed before the end", NULL},
	[RECORD_ORIGIN_GONE] = {"origin_gone",
		"the origin closed before the end",
		"try again; if it repeats, look at the origin"},
	[RECORD_REVOKED] = {"revoked",
		"it was allowed once, and closed when the policy became "
		"tighter or the sandbox was removed",
		"if this is not wanted, look at the last policy change"},
	[RECORD_CREDENTIAL_REVOKED] = {"credential_revoked",
		"the source of a credential yields no value any more, so it "
		"was wiped and what used it was closed",
		"if this is not wanted, read the detail and mend its source"},
};
static_assert(ARRAY_LEN(reasons) == RECORD_REASON_COUNT, "a row each");

const char *
record_reason_name(enum record_reason reason)
{
	assert((unsigned int)reason < ARRAY_LEN(reasons));
	return reasons[reason].name;
}

const char *
record_reason_text(enum record_reason reason)
{
	assert((unsigned int)reason < ARRAY_LEN(reasons));
	return reasons[reason].text;
}

const char *
record_reason_hint(enum record_reason reason)
{
	assert((unsigned int)reason < ARRAY_LEN(reasons));
	return reasons[reason].hint;
}
