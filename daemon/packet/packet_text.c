/* packet_text.c - packets in the words of people */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "packet.h"

enum {
	ADDRESS_SIZE = INET6_ADDRSTRLEN + 8, /* "[address]:65535" */
	PROTOCOL_SIZE = 16,                  /* "protocol 255" */
	DETAIL_SIZE = 32,                    /* " type 255 code 255" */
};

static const struct {
	uint8_t protocol;
	const char *name;
} names[] = {
	{0, "hopopt"},
	{1, "icmp"},
	{2, "igmp"},
	{4, "ipip"},
	{6, "tcp"},
	{8, "egp"},
	{9, "igp"},
	{17, "udp"},
	{27, "rdp"},
	{33, "dccp"},
	{41, "6in4"},
	{43, "ipv6-route"},
	{44, "ipv6-frag"},
	{46, "rsvp"},
	{47, "gre"},
	{50, "esp"},
	{51, "ah"},
	{58, "icmpv6"},
	{59, "ipv6-nonxt"},
	{60, "ipv6-opts"},
	{88, "eigrp"},
	{89, "ospf"},
	{94, "ipip-ka9q"},
	{97, "etherip"},
	{98, "encap"},
	{103, "pim"},
	{108, "ipcomp"},
	{112, "vrrp"},
	{115, "l2tp"},
	{124, "isis"},
	{132, "sctp"},
	{133, "fc"},
	{135, "mobility"},
	{136, "udp-lite"},
	{137, "mpls-in-ip"},
	{138, "manet"},
	{139, "hip"},
	{140, "shim6"},
	{141, "wesp"},
	{142, "rohc"},
	{143, "ethernet"},
};

const char *
packet_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].protocol == protocol)
			return names[i].name;
	}
	return NULL;
}

static void
protocol_text(uint8_t protocol, char ret[PROTOCOL_SIZE])
{
	const char *name = packet_protocol_name(protocol);

	if (name != NULL)
		snprintf(ret, PROTOCOL_SIZE, "%s", name);
	else
		snprintf(ret, PROTOCOL_SIZE, "protocol %u", protocol);
}

static void
end_text(const struct packet *p, const uint8_t *address, uint16_t port,
	char ret[ADDRESS_SIZE])
{
	char text[INET6_ADDRSTRLEN];
	const char *made;

	made = inet_ntop(p->family, address, text, sizeof(text));
	assert(made != NULL);
	if (!p->has_ports)
		snprintf(ret, ADDRESS_SIZE, "%s", text);
	else if (strchr(text, ':') != NULL)
		snprintf(ret, ADDRESS_SIZE, "[%s]:%u", text, port);
	else
		snprintf(ret, ADDRESS_SIZE, "%s:%u", text, port);
}

static void
detail_text(const struct packet *p, char ret[DETAIL_SIZE])
{
	ret[0] = '\0';
	if (p->has_icmp)
		snprintf(ret, DETAIL_SIZE, " type %u code %u", p->icmp_type,
			p->icmp_code);
	else if (p->is_later_fragment)
		snprintf(ret, DETAIL_SIZE, " later fragment");
	else if (p->is_fragment)
		snprintf(ret, DETAIL_SIZE, " fragment");
}

void
packet_describe(const struct packet *p, char *ret, size_t size)
{
	char protocol[PROTOCOL_SIZE], detail[DETAIL_SIZE];
	char source[ADDRESS_SIZE], destination[ADDRESS_SIZE];

	if (p->family == AF_UNSPEC) {
		snprintf(ret, size, "no packet: %s", p->bad);
		return;
	}
	protocol_text(p->protocol, protocol);
	end_text(p, p->source, p->source_port, source);
	end_text(p, p->destination, p->destination_port, destination);
	detail_text(p, detail);
	snprintf(ret, size, "%s %s > %s%s%s%s", protocol, source, destination,
		detail, p->bad != NULL ? ": " : "",
		p->bad != NULL ? p->bad : "");
}
