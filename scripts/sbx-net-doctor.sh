# shellcheck shell=sh
# shellcheck disable=SC2154 # the parameters are set by sbx-net-setup
# sbx-net-doctor.sh - what else on this host breaks interception, or opens it
#
# Read by sbx-net-setup; not run by itself.  Each function looks for one fault
# and calls finding() with the line that mends it.  A loop that calls finding()
# never stands behind a pipe: its count would be lost.

doctor_all()
{
	check_all
	doctor_kernel
	doctor_localnet
	doctor_bridges
	doctor_rp_filter
	doctor_firewalls
	doctor_forwarding
	doctor_marks
}

# One rule each in a table that is never committed (nft -c asks the kernel).
kernel_takes()
{
	nft -c -f - >/dev/null 2>&1 <<-END
		table inet sbx_net_probe {
			set pair { type ifname . ipv4_addr; }
			chain probe {
				type ${4:-filter} hook $2 priority mangle
				$3
			}
		}
	END
}

# feature MODULE HOOK RULE [TYPE]
feature()
{
	kernel_takes "$@" || finding "$1" error \
		"the kernel has no $1 (tried: $3)" "modprobe $1"
}

doctor_kernel()
{
	feature nft_tproxy prerouting 'meta l4proto tcp tproxy ip to 127.0.0.1:1'
	feature nft_socket output 'socket transparent 1 drop'
	feature nft_reject_inet prerouting \
		'udp dport 443 reject with icmpx port-unreachable'
	feature nft_ct output 'ct direction reply accept'
	feature nft_fib_inet prerouting 'fib daddr type local accept'
	feature nft_masq postrouting 'oifname != "lo" masquerade' nat
	feature nf_tables prerouting 'iifname . ip saddr @pair accept'
}

# interfaces_with TREE NAME: the interfaces where conf/*/NAME is 1.
interfaces_with()
{
	for file in "/proc/sys/net/$1/conf"/*/"$2"; do
		[ "$(cat "$file" 2>/dev/null)" = 1 ] || continue
		file=${file%/*}
		echo "${file##*/}"
	done
}

doctor_localnet()
{
	for name in $(interfaces_with ipv4 route_localnet); do
		finding route_localnet error \
			"route_localnet=1 on $name: loopback addresses, ours among them, can be reached from there" \
			"echo 0 > /proc/sys/net/ipv4/conf/$(word "$name")/route_localnet"
	done
}

# br_netfilter takes bridged packets through our prerouting chain before they
# are routed; tproxy then has no route to lo.  Without a bridge it is harmless.
doctor_bridges()
{
	bridges=$(ip -o link show type bridge 2>/dev/null |
		awk -F': ' '{ printf "%s ", $2 }')
	[ -n "$bridges" ] || return 0
	severity=warning
	for name in $(set_elements ifaces); do
		case " $bridges" in
		*" $name "*) severity=error ;;
		esac
	done
	for v in ip ip6; do
		[ "$(sysctl_get net/bridge/bridge-nf-call-${v}tables)" = 1 ] ||
			continue
		finding "bridge-nf-call-${v}tables" $severity \
			"bridge-nf-call-${v}tables=1: sandboxes on a bridge are not intercepted (kube-proxy wants it so: then keep sandboxes off bridges)" \
			"sysctl -q -w net.bridge.bridge-nf-call-${v}tables=0"
	done
}

# The pairs of source4, "NAME ADDRESS", whose interface filters strictly: the
# larger of its own value and of all's counts, and 1 is strict.  There may be
# thousands, so one program reads all values.
strict_pairs()
{
	{
		(cd /proc/sys/net/ipv4/conf && grep -H . ./*/rp_filter 2>/dev/null) |
			sed 's|^\./|own |; s|/rp_filter:| |'
		set_elements source4 | sed 's/^/pair /'
	} | awk '
		$1 == "own" { own[$2] = $3; next }
		match($2, /\.[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) {
			name = substr($2, 1, RSTART - 1)
			value = own[name] > own["all"] ? own[name] : own["all"]
			if (value == 1) print name, substr($2, RSTART + 1)
		}'
}

# Strict reverse path filtering drops a sandbox whose address is routed
# elsewhere.
doctor_rp_filter()
{
	pairs=$(strict_pairs)
	[ -n "$pairs" ] || return 0
	ways=$(echo "$pairs" | sed 's/.* /route get /' |
		ip -4 -o -force -batch - 2>/dev/null |
		sed -n 's/^\(local \)\{0,1\}\([0-9.]*\) .*dev \([^ ]*\) .*/\3 \2/p')
	for pair in $(printf '%s\n' "$ways" = "$pairs" | awk '
		$0 == "=" { pairs = 1; next }
		!pairs { way[$0] = 1; next }
		!($0 in way) { print $1 "/" $2 }'); do
		name=${pair%/*} address=${pair##*/}
		finding rp_filter error \
			"rp_filter=1 and $address is not routed to $name: its packets are dropped" \
			"ip route replace $address/32 dev $(word "$name")"
	done
}

# closed_chains HOOK MARK MASK: chains of others at that hook that end in a
# drop, each as FAMILY/TABLE/CHAIN, unless its table accepts the mark.
closed_chains()
{
	nft list ruleset 2>/dev/null | awk -v at="$1" -v mark="$2" -v mask="$3" '
		function number(text,   i, n) {
			text = tolower(text); n = 0
			if (substr(text, 1, 2) != "0x") return text + 0
			for (i = 3; i <= length(text); i++)
				n = n * 16 + index("0123456789abcdef",
					substr(text, i, 1)) - 1
			return n
		}
		# "mark & MASK == MARK ... accept"
		function accepts_us(   i) {
			if ($NF != "accept") return 0
			for (i = 1; i + 4 <= NF; i++)
				if ($i == "mark" && $(i + 1) == "&" &&
				    number($(i + 2)) == number(mask) &&
				    number($(i + 4)) == number(mark))
					return 1
			return 0
		}
		$1 == "table" { table = $2 "/" $3; next }
		table == "inet/sbx_net" { next }
		$1 == "chain" { chain = $2; hook = 0; last = ""; next }
		$1 == "type" {
			hook = index($0, " hook " at " ")
			if (hook && /policy drop/) closed[table "/" chain] = 1
			next
		}
		accepts_us() { mended[table] = 1 }
		$1 == "}" && chain != "" {
			if (hook && last ~ /^[ \t]*(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)( with .*)?$/)
				closed[table "/" chain] = 1
			chain = ""; hook = 0; next
		}
		{ last = $0 }
		END {
			for (c in closed) {
				t = c; sub(/\/[^\/]*$/, "", t)
				if (!(t in mended)) print c
			}
		}' | sort
}

doctor_firewalls()
{
	for name in $(closed_chains input "$mark" "$mask"); do
		family=${name%%/*} chain=${name##*/}
		table=${name#*/} && table=${table%/*}
		finding input_policy error \
			"the firewall chain $family $table $chain drops what tproxy delivers" \
			"$(firewall_line "$family" "$table" "$chain")"
	done
}

firewall_line()
{
	if [ "$2" = firewalld ]; then
		# Our own input chain still drops what is not ours.
		echo "for i in $(set_elements ifaces | tr '\n' ' '); do firewall-cmd --permanent --zone=trusted --add-interface=\$i; done; firewall-cmd --reload"
	elif nft list chain "$1" "$2" ufw-before-input >/dev/null 2>&1 ||
		nft list chain "$1" "$2" ufw6-before-input >/dev/null 2>&1; then
		[ "$1" = ip ] && v= || v=6
		echo "sed -i '/^# End required lines/a -A ufw$v-before-input -m mark --mark $mark/$mask -j ACCEPT' /etc/ufw/before$v.rules && ufw reload"
	else
		echo "nft insert rule $1 $2 $3 meta mark and $mask == $mark accept"
	fi
}

# What the gate lets pass is forwarded by the kernel, in which others have a
# say.  Nothing else needs that, so the counter of such packets is asked first.
doctor_forwarding()
{
	passed=$(nft list counter inet sbx_net passed 2>/dev/null |
		sed -n 's/.*packets \([0-9]*\) .*/\1/p')
	[ "${passed:-0}" != 0 ] || return 0
	for key in 4/ip_forward 6/conf/all/forwarding; do
		v=${key%%/*} key=net/ipv$key
		[ "$(sysctl_get "$key")" = 0 ] || continue
		[ -n "$(set_elements "source$v")" ] || continue
		finding forwarding warning \
			"IPv$v is not forwarded: what an address rule with \"protocol\" lets pass goes nowhere" \
			"sysctl -q -w $(echo "$key" | tr / .)=1"
	done
	for name in $(closed_chains forward "$gate_mark" "$gate_mark"); do
		family=${name%%/*} chain=${name##*/}
		table=${name#*/} && table=${table%/*}
		finding forward_policy warning \
			"the firewall chain $family $table $chain drops what it does not know, and may not know what an address rule with \"protocol\" lets pass" \
			"$(forward_line "$family" "$table" "$chain")"
	done
}

# By the mark of the connection, which answers have as well.
forward_line()
{
	[ "$1" = ip ] && v= || v=6
	accept="-m connmark --mark $gate_mark/$gate_mark -j ACCEPT"
	if nft list chain "$1" "$2" DOCKER-USER >/dev/null 2>&1; then
		echo "ip${v}tables -I DOCKER-USER $accept"
	elif nft list chain "$1" "$2" "ufw$v-before-forward" >/dev/null 2>&1; then
		echo "sed -i '/^# End required lines/a -A ufw$v-before-forward $accept' /etc/ufw/before$v.rules && ufw reload"
	else
		echo "nft insert rule $1 $2 $3 ct mark and $gate_mark == $gate_mark accept"
	fi
}

# free_mark USED: the first bit that nobody uses
free_mark()
{
	bit=1
	while [ $bit -lt 2147483648 ]; do
		[ $((bit & $1)) -ne 0 ] || break
		bit=$((bit << 1))
	done
	hex $bit
}

# Masks of the marks that others use: "ip MASK" from ip rules, "nft MASK" from
# rules that set the mark, of the packet or of the connection.
marks_of_others()
{
	for f in $(families); do
		ip "$f" rule show 2>/dev/null |
			grep -vE "^(99|100):	from all fwmark $shown_mark |^150:	from all fwmark $gate_mark/$gate_mark " |
			sed -n 's/.*fwmark \(0x[0-9a-f]*\)\(\/\(0x[0-9a-f]*\)\)\{0,1\}.*/\1 \3/p' |
			while read -r value bits; do echo "ip_rule ${bits:-$value}"; done
	done
	nft list ruleset 2>/dev/null | awk '
		$1 == "table" { ours = ($3 == "sbx_net") }
		!ours && sub(/.*(meta|ct) mark set /, "") {
			n = split($0, word, " ")
			for (i = 1; i <= n; i++) {
				if (word[i] ~ /^0x[0-9a-f]+$/) {
					if (i == 1 || word[i - 1] != "&")
						print "nft_rule", word[i]
				} else if (word[i] !~ /^(meta|ct|mark|&|\||\^)$/)
					break
			}
		}'
}

doctor_marks()
{
	others=$(marks_of_others | sort -u)
	used=$((mask | gate_mark))
	for word in $others; do
		case $word in
		0x*) used=$((used | word)) ;;
		esac
	done
	for word in $others; do
		case $word in
		0x*) ;;
		*) kind=$word && continue ;;
		esac
		[ $((word & (mask | gate_mark))) -ne 0 ] || continue
		bit=$(free_mark $used)
		shown=$mark/$mask marks="--mark $bit"
		[ $((word & mask)) -ne 0 ] ||
			shown=$gate_mark marks="--mark $mark --mask $mask"
		gate_bit=$gate_mark
		[ $((word & gate_mark)) -eq 0 ] ||
			gate_bit=$(free_mark $((used | bit)))
		marks="$marks --gate-mark $gate_bit"
		finding mark_conflict error \
			"another $(echo "$kind" | tr _ ' ') uses the mark $word, which overlaps ours ($shown)" \
			"$(self remove) && $0 install $marks --table $route_table --port $port --user $user --cage '$cage' --rules $rules"
	done
}
