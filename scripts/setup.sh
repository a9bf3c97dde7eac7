#!/bin/sh
# Make a Debian 12 ready to run ctr from this checkout (--run, the default) or to run its tests (--test).
# Installs by apt what is missing where it may (root, or sudo without a password); else names what is missing and the
# one command to type. Idempotent.
set -eu
cd "$(dirname "$0")/.."

run_packages='uidmap libseccomp2 busybox-static passt'
test_packages="$run_packages fuse-overlayfs qemu-user-static podman buildah skopeo crun docker-registry mmdebstrap debootstrap
  slirp4netns netavark aardvark-dns iptables iproute2 bind9-dnsutils socat wrk nginx-light curl strace
  qemu-user-static binutils binutils-aarch64-linux-gnu gcc libc6-dev tmux jq procps acl attr apache2-utils zstd
  catatonit tini openssl wireguard-go wireguard-tools tcpdump etcd-server git openssh-client openssh-server"

case ${1:---run} in
  --run) wanted=$run_packages ;;
  --test) wanted=$test_packages ;;
  *) echo "usage: $0 [--run|--test]" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
  case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) in
    installed) ;;
    *) missing="$missing $package" ;;
  esac
done

as_root=
[ "$(id -u)" = 0 ] || as_root='sudo -n'
may_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is not Debian or Ubuntu; install the equivalents of:$missing" >&2
    [ "${1:---run}" != --test ] || exit 1
  elif may_be_root; then
    echo "setup: installing$missing" >&2
    $as_root apt-get update -qq >&2 &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2 || {
      echo "setup: apt could not install:$missing" >&2
      [ "${1:---run}" != --test ] || exit 1
    }
  else
    echo "setup: these packages are missing:$missing" >&2
    echo "setup: type this, then start again:  sudo apt-get install -y --no-install-recommends$missing" >&2
    [ "${1:---run}" != --test ] || exit 1
    echo "setup: going on without them (ctr then maps your own id only)" >&2
  fi
fi

if ! command -v npm >/dev/null; then
  echo "setup: Node.js 20 or later with npm is needed: see https://nodejs.org/en/download" >&2
  exit 1
fi

# Tests work as an unprivileged user, who needs the devices of the network and file system helpers.
if [ "${1:-}" = --test ] && may_be_root; then
  for device in /dev/fuse /dev/net/tun; do
    [ ! -c "$device" ] || [ "$(stat -c %a "$device")" = 666 ] || $as_root chmod 666 "$device" ||
      echo "setup: cannot make $device accessible; tests that need it are skipped" >&2
  done
fi

# Only when the lock file changed since the last time: this script runs before every demo. Not `npm ci`: it refuses lock
# files of machines whose registry does not carry the optional packages of other platforms.
lock=$(cksum <package-lock.json)
if [ ! -x node_modules/.bin/esbuild ] || [ "$(cat node_modules/.lock-installed 2>/dev/null || true)" != "$lock" ]; then
  npm install --no-audit --no-fund --loglevel=error >&2
  echo "$lock" >node_modules/.lock-installed
fi
npm run --silent build >&2
