#include "canary_packet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum { HOPS = 64, WINDOW = 1024, GRE_SIZE = 8 };

/* "example.org A?": nobody is meant to answer it. */
static const uint8_t question[] =
	"\x51\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	"\x07"
	"example"
	"\x03"
	"org"
	"\x00"
	"\x00\x01\x00\x01";

/* ---- writing ---------------------------------------------------------- */

static uint32_t
sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint8_t
protocol_of(const struct canary_packet *p)
{
	switch (p->kind) {
	case CANARY_SYN:
	case CANARY_RST:
		return IPPROTO_TCP;
	case CANARY_UDP:
		return IPPROTO_UDP;
	case CANARY_ECHO:
		return p->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	case CANARY_GRE:
	default:
		return IPPROTO_GRE;
	}
}

/* The pseudo header of what goes over IP; ICMP over IPv4 has none. */
static uint32_t
pseudo(const struct canary_packet *p, size_t len)
{
	size_t size = p->family == AF_INET ? 4 : 16;

	if (protocol_of(p) == IPPROTO_ICMP)
		return 0;
	return sum(sum((uint32_t)len + protocol_of(p), p->src, size), p->dst,
		size);
}

static size_t
put_tcp(const struct canary_packet *p, uint8_t *ret)
{
	struct tcphdr tcp = {
		.source = htons(p->sport),
		.dest = htons(p->dport),
		.seq = htonl(p->kind == CANARY_SYN ? 1 : 2),
		.doff = sizeof(tcp) / 4,
		.syn = p->kind == CANARY_SYN,
		.rst = p->kind == CANARY_RST,
		.window = htons(WINDOW),
	};

	memcpy(ret, &tcp, sizeof(tcp));
	tcp.check = fold(sum(pseudo(p, sizeof(tcp)), ret, sizeof(tcp)));
	memcpy(ret, &tcp, sizeof(tcp));
	return sizeof(tcp);
}

static size_t
put_udp(const struct canary_packet *p, uint8_t *ret)
{
	size_t len = sizeof(struct udphdr) + sizeof(question) - 1;
	struct udphdr udp = {
		.source = htons(p->sport),
		.dest = htons(p->dport),
		.len = htons((uint16_t)len),
	};

	memcpy(ret, &udp, sizeof(udp));
	memcpy(ret + sizeof(udp), question, sizeof(question) - 1);
	udp.check = fold(sum(pseudo(p, len), ret, len));
	memcpy(ret, &udp, sizeof(udp));
	return len;
}

static size_t
put_echo(const struct canary_packet *p, uint8_t *ret)
{
	struct icmphdr echo = {
		.type = p->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.un.echo = {.id = htons(p->sport), .sequence = htons(1)},
	};

	memcpy(ret, &echo, sizeof(echo));
	echo.checksum = fold(sum(pseudo(p, sizeof(echo)), ret, sizeof(echo)));
	memcpy(ret, &echo, sizeof(echo));
	return sizeof(echo);
}

static size_t
put_payload(const struct canary_packet *p, uint8_t *ret)
{
	switch (protocol_of(p)) {
	case IPPROTO_TCP:
		return put_tcp(p, ret);
	case IPPROTO_UDP:
		return put_udp(p, ret);
	case IPPROTO_GRE:
		memset(ret, 0, GRE_SIZE);
		return GRE_SIZE;
	default:
		return put_echo(p, ret);
	}
}

static size_t
write_v4(const struct canary_packet *p, uint8_t *ret)
{
	size_t len = put_payload(p, ret + sizeof(struct iphdr));
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons((uint16_t)(sizeof(ip) + len)),
		.ttl = HOPS,
		.protocol = protocol_of(p),
	};

	memcpy(&ip.saddr, p->src, sizeof(ip.saddr));
	memcpy(&ip.daddr, p->dst, sizeof(ip.daddr));
	memcpy(ret, &ip, sizeof(ip));
	ip.check = fold(sum(0, ret, sizeof(ip)));
	memcpy(ret, &ip, sizeof(ip));
	return sizeof(ip) + len;
}

static size_t
write_v6(const struct canary_packet *p, uint8_t *ret)
{
	size_t len = put_payload(p, ret + sizeof(struct ip6_hdr));
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons((uint16_t)len),
		.ip6_nxt = protocol_of(p),
		.ip6_hlim = HOPS,
	};

	memcpy(&ip.ip6_src, p->src, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, p->dst, sizeof(ip.ip6_dst));
	memcpy(ret, &ip, sizeof(ip));
	return sizeof(ip) + len;
}

size_t
canary_packet_write(
	const struct canary_packet *p, uint8_t ret[static CANARY_PACKET_MAX])
{
	static_assert(sizeof(struct ip6_hdr) + sizeof(struct udphdr) +
				      sizeof(question) <=
			      CANARY_PACKET_MAX,
		"the longest there is");
	return p->family == AF_INET ? write_v4(p, ret) : write_v6(p, ret);
}

/* ---- reading ---------------------------------------------------------- */

static enum canary_answer
read_tcp(const uint8_t *bytes, size_t len)
{
	struct tcphdr tcp;

	if (len < sizeof(tcp))
		return CANARY_STRAY;
	memcpy(&tcp, bytes, sizeof(tcp));
	if (tcp.rst)
		return CANARY_REFUSED;
	return tcp.syn && tcp.ack ? CANARY_ACCEPTED : CANARY_STRAY;
}

static enum canary_answer
read_icmp6(uint8_t type)
{
	switch (type) {
	case ICMP6_DST_UNREACH:
		return CANARY_REFUSED;
	case ND_ROUTER_SOLICIT:
	case ND_ROUTER_ADVERT:
	case ND_NEIGHBOR_SOLICIT:
	case ND_NEIGHBOR_ADVERT:
	case MLD_LISTENER_QUERY:
	case MLD_LISTENER_REPORT:
	case MLD_LISTENER_REDUCTION:
	case 143: /* MLDv2 */
		return CANARY_NOISE;
	default:
		return CANARY_STRAY;
	}
}

static enum canary_answer
read_v4(const uint8_t *bytes, size_t len)
{
	struct iphdr ip;
	size_t head;

	if (len < sizeof(ip))
		return CANARY_STRAY;
	memcpy(&ip, bytes, sizeof(ip));
	head = (size_t)ip.ihl * 4;
	if (head < sizeof(ip) || len <= head)
		return CANARY_STRAY;
	if (ip.protocol == IPPROTO_IGMP)
		return CANARY_NOISE;
	if (ip.protocol == IPPROTO_TCP)
		return read_tcp(bytes + head, len - head);
	return ip.protocol == IPPROTO_ICMP && bytes[head] == ICMP_DEST_UNREACH
		       ? CANARY_REFUSED
		       : CANARY_STRAY;
}

static enum canary_answer
read_v6(const uint8_t *bytes, size_t len)
{
	size_t head = sizeof(struct ip6_hdr);
	uint8_t next;

	if (len <= head)
		return CANARY_STRAY;
	next = bytes[offsetof(struct ip6_hdr, ip6_nxt)];
	/* MLD comes behind a router alert, which is eight bytes. */
	if (next == IPPROTO_HOPOPTS && len > head + 8) {
		next = bytes[head];
		head += 8;
	}
	if (next == IPPROTO_TCP)
		return read_tcp(bytes + head, len - head);
	return next == IPPROTO_ICMPV6 ? read_icmp6(bytes[head]) : CANARY_STRAY;
}

enum canary_answer
canary_answer_read(const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return CANARY_STRAY;
	if (bytes[0] >> 4 == 4)
		return read_v4(bytes, len);
	return bytes[0] >> 4 == 6 ? read_v6(bytes, len) : CANARY_STRAY;
}
