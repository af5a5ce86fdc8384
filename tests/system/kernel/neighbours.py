"""Other programs' rules, as each of them leaves them in the kernel.

Written after what those programs load, cut to what can matter to a packet of a
sandbox: which hooks they sit at, with which policy, what they accept, rewrite,
mark and drop.  Each is (tables that it owns, its rules).
"""

# Engine 28: published port 8080, one container, userland rules in ip and ip6.
DOCKER = (["ip nat", "ip filter", "ip raw"], """
table ip nat {
  chain DOCKER {
    iifname "docker0" return
    iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80
  }
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump DOCKER
  }
  chain OUTPUT {
    type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER
  }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
  }
}
table ip filter {
  chain DOCKER-USER { }
  chain DOCKER-CT { oifname "docker0" ct state related,established accept; }
  chain DOCKER {
    ip daddr 172.17.0.2 iifname != "docker0" oifname "docker0" tcp dport 80 accept
    iifname != "docker0" oifname "docker0" drop
  }
  chain DOCKER-FORWARD {
    jump DOCKER-CT
    oifname "docker0" jump DOCKER
    iifname "docker0" accept
  }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    jump DOCKER-USER
    jump DOCKER-FORWARD
  }
}
table ip raw {
  chain PREROUTING {
    type filter hook prerouting priority raw; policy accept;
    ip daddr 172.17.0.2 iifname != "docker0" drop
  }
}
""")

# netavark, the nftables driver of podman 5.
NETAVARK = (["inet netavark"], """
table inet netavark {
  chain INPUT {
    type filter hook input priority filter; policy accept;
    ip saddr 10.88.0.0/16 meta l4proto { tcp, udp } th dport 53 accept
  }
  chain FORWARD {
    type filter hook forward priority filter; policy accept;
    ct state invalid drop
    ip daddr 10.88.0.0/16 ct state established,related accept
    ip saddr 10.88.0.0/16 accept
  }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x00002000 == 0x00002000 masquerade
    ip saddr 10.88.0.0/16 ip daddr != 224.0.0.0/4 masquerade
  }
  chain NETAVARK-HOSTPORT-SETMARK { meta mark set meta mark | 0x00002000; }
  chain NETAVARK-HOSTPORT-DNAT {
    tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK
    tcp dport 8080 dnat ip to 10.88.0.5:80
  }
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump NETAVARK-HOSTPORT-DNAT
  }
}
""")

# The bridge, portmap and firewall plugins of CNI, as podman 4 used them.
CNI = (["ip nat", "ip filter"], """
table ip nat {
  chain CNI-HOSTPORT-SETMARK { meta mark set meta mark | 0x00002000; }
  chain CNI-HOSTPORT-DNAT {
    ip saddr 10.88.0.0/16 tcp dport 8080 jump CNI-HOSTPORT-SETMARK
    tcp dport 8080 dnat to 10.88.0.5:80
  }
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump CNI-HOSTPORT-DNAT
  }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x00002000 == 0x00002000 masquerade
    ip saddr 10.88.0.5 ip daddr != 224.0.0.0/4 masquerade
  }
}
table ip filter {
  chain CNI-FORWARD {
    ip daddr 10.88.0.5 ct state related,established accept
    ip saddr 10.88.0.5 accept
  }
  chain FORWARD {
    type filter hook forward priority filter; policy accept;
    jump CNI-FORWARD
  }
}
""")

# firewalld 1.3, zone public for all, and its IPv6_rpfilter=yes.
FIREWALLD = (["inet firewalld"], """
table inet firewalld {
  chain mangle_PREROUTING {
    type filter hook prerouting priority mangle + 10; policy accept;
  }
  chain filter_PREROUTING {
    type filter hook prerouting priority filter + 10; policy accept;
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain filter_IN_public {
    tcp dport 22 accept
    ip6 daddr fe80::/64 udp dport 546 accept
    meta l4proto { icmp, icmpv6 } accept
  }
  chain filter_INPUT_ZONES { goto filter_IN_public; }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    reject with icmpx admin-prohibited
  }
  chain nat_POSTROUTING {
    type nat hook postrouting priority srcnat + 10; policy accept;
  }
}
""")


def _ufw(family, v):
    echo = "icmp type echo-request" if v == "" else "icmpv6 type != 137"
    return f"""
table {family} filter {{
  chain ufw{v}-before-input {{
    iifname "lo" accept
    ct state related,established accept
    ct state invalid drop
    {echo} accept
  }}
  chain ufw{v}-user-input {{ tcp dport 22 accept; }}
  chain ufw{v}-reject-input {{ }}
  chain INPUT {{
    type filter hook input priority filter; policy drop;
    jump ufw{v}-before-input
    jump ufw{v}-user-input
    jump ufw{v}-reject-input
  }}
  chain FORWARD {{
    type filter hook forward priority filter; policy drop;
  }}
}}
"""


UFW = (["ip filter", "ip6 filter"], _ufw("ip", "") + _ufw("ip6", "6"))

# Whose rules leave us alone, and whose input keeps out what tproxy delivers.
HARMLESS = {"docker": DOCKER, "netavark": NETAVARK, "cni": CNI}
CLOSED = {"firewalld": FIREWALLD, "ufw": UFW}


def load(net, neighbour):
    """As the program does when it starts or is reloaded: its own tables go and
    come."""
    tables, rules = neighbour
    net.gate.run("nft", "-f", "-", data="".join(
        f"add table {t}\ndelete table {t}\n" for t in tables) + rules)
