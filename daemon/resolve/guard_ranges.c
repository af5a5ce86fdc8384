/*
 * Every address that is not an ordinary place on the Internet.
 *
 * The special-purpose registries of IANA, without the few blocks in them that
 * are globally reachable, and the metadata services of clouds.  IPv6 outside
 * 2000::/3 was never given to anybody: the last rows refuse all of it, so that
 * a form nobody thought of is refused too.  The nft rules of the daemon's own
 * uid are made from this same table.
 */
#include "array.h"
#include "guard.h"

static const struct guard_range ranges[] = {
	{"169.254.169.254/32", "cloud metadata", "most clouds", true},
	{"169.254.170.2/32", "cloud metadata", "AWS ECS", true},
	{"169.254.170.23/32", "cloud metadata", "AWS EKS", true},
	{"168.63.129.16/32", "cloud metadata", "Azure wire server", true},
	{"100.100.100.200/32", "cloud metadata", "Alibaba Cloud", true},
	{"192.0.0.192/32", "cloud metadata", "Oracle Cloud", true},

	{"0.0.0.0/8", "unspecified", "RFC 791", false},
	{"10.0.0.0/8", "private", "RFC 1918", false},
	{"100.64.0.0/10", "carrier-grade NAT", "RFC 6598", false},
	{"127.0.0.0/8", "loopback", "RFC 1122", false},
	{"169.254.0.0/16", "link-local", "RFC 3927", false},
	{"172.16.0.0/12", "private", "RFC 1918", false},
	{"192.0.0.0/24", "reserved", "RFC 6890", false},
	{"192.0.2.0/24", "documentation", "RFC 5737", false},
	{"192.88.99.0/24", "6to4", "RFC 7526", false},
	{"192.168.0.0/16", "private", "RFC 1918", false},
	{"198.18.0.0/15", "synthetic", "RFC 2544", false},
	{"198.51.100.0/24", "documentation", "RFC 5737", false},
	{"203.0.113.0/24", "documentation", "RFC 5737", false},
	{"224.0.0.0/4", "multicast", "RFC 1112", false},
	{"240.0.0.0/4", "reserved", "RFC 1112", false},

	{"fd00:ec2::254/128", "cloud metadata", "AWS", true},
	{"fd00:ec2::23/128", "cloud metadata", "AWS EKS", true},
	{"fd20:ce::254/128", "cloud metadata", "Google Cloud", true},

	{"::/128", "unspecified", "RFC 4291", false},
	{"::1/128", "loopback", "RFC 4291", false},
	{"::/96", "reserved", "RFC 4291, IPv4-compatible", true},
	{"::ffff:0:0/96", "IPv4-mapped", "RFC 4291", true},
	{"::ffff:0:0:0/96", "reserved", "RFC 2765, IPv4-translated", true},
	{"64:ff9b::/96", "NAT64", "RFC 6052", true},
	{"64:ff9b:1::/48", "NAT64", "RFC 8215", true},
	{"100::/64", "reserved", "RFC 6666, discard only", false},
	{"2001::/32", "Teredo", "RFC 4380", true},
	{"2001:db8::/32", "documentation", "RFC 3849", false},
	{"2001::/23", "reserved", "RFC 2928", false},
	{"2002::/16", "6to4", "RFC 3056", true},
	{"3fff::/20", "documentation", "RFC 9637", false},
	{"fc00::/7", "private", "RFC 4193", false},
	{"fe80::/10", "link-local", "RFC 4291", false},
	{"fec0::/10", "private", "RFC 3879, site-local", false},
	{"ff00::/8", "multicast", "RFC 4291", false},

	{"::/3", "reserved", "RFC 4291, not global unicast", false},
	{"4000::/2", "reserved", "RFC 4291, not global unicast", false},
	{"8000::/1", "reserved", "RFC 4291, not global unicast", false},
};

const struct guard_range *
guard_ranges(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(ranges);
	return ranges;
}
