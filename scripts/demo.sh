#!/bin/sh
# Set up and run the main job: a container, started by whoever you are, without a daemon.
#   ./scripts/demo.sh                              a root file system made from this machine's own busybox
#   ./scripts/demo.sh IMAGE [COMMAND [ARG...]]     an image from a registry
set -eu
cd "$(dirname "$0")/.."
./scripts/setup.sh --run

if [ $# -gt 0 ]; then exec ./bin/ctr run --rm "$@"; fi

busybox=$(command -v busybox || true)
if [ -z "$busybox" ]; then
  echo 'demo: needs the package busybox-static, or the name of an image as argument' >&2
  exit 1
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/ctr-demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
for dir in bin dev etc proc root sys tmp; do mkdir -p "$work/rootfs/$dir"; done
cp "$busybox" "$work/rootfs/bin/busybox"
for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$work/rootfs/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$work/rootfs/etc/passwd"

echo "\$ ctr run --rm --network none --rootfs $work/rootfs sh -c '…'" >&2
./bin/ctr run --rm --network none --hostname container --rootfs "$work/rootfs" sh -c '
  echo "hello from a container: I am $(id -un) (uid $(id -u)) on $(hostname), process $$"
  echo "outside I am uid $(awk "{ print \$2 }" /proc/self/uid_map | head -1)"
  echo "processes I can see:"; ps -o pid,user,comm
'
