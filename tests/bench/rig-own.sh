#!/bin/sh
# Starts sbx-netd for the benchmark rig: run it in the rig's host namespace,
# where the sandbox is behind bs0.  Limits are raised, because the rig is one
# sandbox that asks for more than one should; nothing else is switched off:
# every request is decided, injected into and recorded.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${SBX_BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac
bin=$build/bin
rig=${RIG_DIR:-/tmp/sbx-rig}
dir=$(mktemp -d)
pid=

# The kernel's rules outlive the daemon on purpose; the peers that are measured
# next in the same namespace want them gone.
finish() {
	trap - EXIT TERM INT
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
	"$root/scripts/sbx-net-setup" remove >/dev/null 2>&1 || :
	rm -rf "$dir"
	exit 0
}
trap finish EXIT TERM INT

cat >"$dir/sbx-netd.yaml" <<EOF
version: 1
resolver: [203.0.113.53]
workers: ${SBX_WORKERS:-1}
upstream:
  ca_file: $rig/pki/root.pem
  allow_addresses: [203.0.113.0/24]
limits:
  connections: 20000
  connections_per_second: 100000
  mints_per_second: 100000
credentials:
  rig:
    source: {env: RIG_TOKEN}
    inject:
      - host: "**.origin.test"
        header: authorization
        format: "Bearer \${value}"
policies:
  rig:
    allow:
      - host: "**.origin.test"
    credentials: [rig]
sandboxes:
  rig: {interface: bs0, address: 10.77.1.2, policy: rig}
EOF
RIG_TOKEN=rig "$bin/sbx-netd" --config "$dir/sbx-netd.yaml" \
	--runtime-dir "$dir/run" &
pid=$!
wait "$pid"
