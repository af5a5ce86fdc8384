# shellcheck shell=sh
# shellcheck disable=SC2034 # the scripts that read this use what it sets
# attachment.sh - what the scripts of this folder have in common
#
# Read by them; not run by itself.  A sandbox is given addresses of its own, as
# /32 and /128, and one way out: the host's end of its link, which has the same
# two addresses on each link.  Nothing on a link is therefore anybody else's.
#
# The order is what makes it safe.  A link is made down, and under a name that
# sbx-net-setup cages (sbx-*); the sandbox is registered; then the link goes up.
# If one of the steps fails, what was made goes again.

set -u
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin

gate4=169.254.1.1
gate6=fd73:6278:6e::1
ctl=${SBX_NETCTL:-sbx-netctl}
program=${0##*/}

name=
interface=
policy=
addresses=
labels=
mac=
new= # --new: the sandbox is nobody's yet, or is not added
dry_run=false
undo=
status=0

die()
{
	printf '%s: %s\n' "$program" "$*" >&2
	exit 1
}

wrong_use()
{
	printf '%s: %s; see --help\n' "$program" "$*" >&2
	exit 2
}

# A command of ours, or what it would be.
run()
{
	if $dry_run; then
		echo "$*"
	else
		"$@"
	fi
}

# A step of an attachment: without it there is none.
must()
{
	run "$@" || die "this failed: $*"
}

# What is not there need not go.
del()
{
	if $dry_run; then
		echo "$*"
	else
		"$@" >/dev/null 2>&1 || true
	fi
}

# The options that each of them has; OTHER takes those of one.
# parse_options OTHER [WORD...]
parse_options()
{
	other=$1
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--dry-run) dry_run=true && shift && continue ;;
		--*) [ $# -ge 2 ] || wrong_use "$1 wants a value" ;;
		*) wrong_use "what is $1?" ;;
		esac
		case $1 in
		--name) name=$2 ;;
		--policy) policy=$2 ;;
		--address) addresses="$addresses $2" ;;
		--label) labels="$labels --label $2" ;;
		--mac) mac=$2 ;;
		*) $other "$1" "$2" || wrong_use "what is $1?" ;;
		esac
		shift 2
	done
}

no_others()
{
	return 1
}

# is_word TEXT: a name that stands for itself in a path and on a command line.
is_word()
{
	case $1 in
	'' | [-.]* | *[!A-Za-z0-9_.-]*) return 1 ;;
	esac
	[ ${#1} -le 64 ]
}

is_mac()
{
	printf '%s\n' "$1" | grep -qxE '([0-9a-f]{2}:){5}[0-9a-f]{2}'
}

# What is left to say is said by ip, nft and sbx-netctl, which know addresses.
settle_options()
{
	is_word "$name" || wrong_use "'$name' is no name for a sandbox"
	interface=$(interface_of "$name")
	mac=${mac:-$(mac_of "$name")}
	is_mac "$mac" || wrong_use "'$mac' is no address of a network card," \
		"such as 02:00:00:00:00:01"
	[ "$1" = add ] || return 0
	is_word "$policy" || wrong_use "--policy wants the name of a policy"
	for address in $addresses; do
		case $address in
		*[!0-9a-fA-F:.]*) wrong_use "'$address' is no address" ;;
		esac
	done
	[ -n "$addresses" ] || wrong_use '--address is missing'
}

digest()
{
	printf %s "$1" | sha256sum
}

# sbx-NAME, or a digest of it where that would be too long for an interface.
interface_of()
{
	if [ ${#1} -le 11 ]; then
		echo "sbx-$1"
	else
		digest "$1" | sed 's/^\(.\{11\}\).*/sbx-\1/'
	fi
}

# Always the same one for a name, so that the host need not be told it.
mac_of()
{
	digest "$1" |
		sed 's/^\(..\)\(..\)\(..\)\(..\)\(..\).*/02:\1:\2:\3:\4:\5/'
}

family_of()
{
	case $1 in
	*:*) echo -6 ;;
	*) echo -4 ;;
	esac
}

whole()
{
	case $1 in
	*:*) echo "$1/128" ;;
	*) echo "$1/32" ;;
	esac
}

gate_of()
{
	case $1 in
	*:*) echo $gate6 ;;
	*) echo $gate4 ;;
	esac
}

has_family()
{
	for one in $addresses; do
		[ "$(family_of "$one")" != "$1" ] || return 0
	done
	return 1
}

there_is()
{
	ip link show dev "$1" >/dev/null 2>&1
}

# The sandbox's link ends here, LINK: what it needs before it goes up.
host_end_settings()
{
	# The rules drop what these would listen to; said here once more.
	must sysctl -q -w "net/ipv4/conf/$1/accept_redirects=0"
	[ -e /proc/sys/net/ipv6/conf/lo ] || return 0
	must ip link set dev "$1" addrgenmode none
	must sysctl -q -w "net/ipv6/conf/$1/accept_ra=0"
	must sysctl -q -w "net/ipv6/conf/$1/accept_redirects=0"
}

# The host's addresses on LINK, and LINK up.  By the link-local one it answers to
# neighbour discovery, which a sandbox may begin with its own such address.
host_end_up()
{
	! has_family -4 ||
		must ip address replace $gate4/32 dev "$1" scope link
	! has_family -6 || {
		must ip -6 address replace $gate6/128 dev "$1" nodad
		must ip -6 address replace fe80::1/64 dev "$1" nodad
	}
	must ip link set dev "$1" up
}

# The way to the sandbox through LINK, and its card as the only one that has
# its addresses, whatever it says about others by ARP or neighbour discovery.
host_routes()
{
	for address in $addresses; do
		family=$(family_of "$address")
		must ip "$family" route replace "$(whole "$address")" dev "$1"
		must ip "$family" neighbour replace "$address" lladdr "$mac" \
			dev "$1" nud permanent
	done
}

# It is a sandbox from now on, LINK is where it is.
register()
{
	set -- "$1" sandbox add "$name" --interface "$1" --policy "$policy"
	shift
	for address in $addresses; do
		set -- "$@" --address "$address"
	done
	# shellcheck disable=SC2086 # words
	must "$ctl" "$@" $labels $new
}

unregister()
{
	del "$ctl" sandbox rm "$name"
}

# Registered, then up: the sandbox is never on a link that knows no policy.
attach_link()
{
	host_end_settings "$interface"
	register "$interface"
	[ -z "$new" ] || undo=cmd_rm # from now on it is ours
	host_end_up "$interface"
	host_routes "$interface"
}

# on_failure COMMAND: called, if the script fails, before it ends.
on_failure()
{
	undo=$1
	trap 'status=$?; [ $status -eq 0 ] || [ -z "$undo" ] || $undo; exit $status' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

done_with_it()
{
	undo=
}

# The comment that each of the scripts begins with.
show_usage()
{
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

# Whether what is called is there: what all of them call, and these.
tools()
{
	for tool in ip sysctl sed grep "$@"; do
		command -v "$tool" >/dev/null || die "$tool is not installed"
	done
	$dry_run || command -v "$ctl" >/dev/null ||
		die "there is no $ctl; SBX_NETCTL may say where it is"
}
