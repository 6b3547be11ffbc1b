#!/usr/bin/env bash
# Proves that set-up needs nothing but Node.js: runs a command on this checkout inside a bare Debian 12, made for it
# and removed afterwards. Needs root, mmdebstrap and a package mirror, and about 3 GB in TMPDIR.
#
# Usage: test/support/bare-machine.sh [COMMAND [ARGUMENT...]]     default: scripts/setup.sh --yes
set -euo pipefail

# In namespaces of its own, mounts and daemons of the bare machine end with this script, however it ends.
if [ -z "${BARE_MACHINE_INSIDE:-}" ]; then
  BARE_MACHINE_INSIDE=1 exec unshare --mount --pid --fork --kill-child -- "$0" "$@"
fi
unset BARE_MACHINE_INSIDE

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vmkiln-bare.XXXXXX")
machine=$work/root
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  # Lazily, deepest first: nothing of the host may be below the folder when it is removed.
  awk -v root="$machine/" 'index($5 "/", root) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount -l
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

mmdebstrap --variant=minbase bookworm "$machine"
# libvirt wants the root folder to be a mount, as it is on a real machine.
mount --bind "$machine" "$machine"

# Node.js and npm, as if somebody had unpacked them there.
modules=$(cd "$(dirname "$(realpath "$(command -v npm)")")/../.." && pwd)
install -D "$(realpath "$(command -v node)")" "$machine/usr/local/bin/node"
mkdir -p "$machine/usr/local/lib/node_modules"
cp -a "$modules/npm" "$machine/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$machine/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$machine/usr/local/bin/npx"

# How this host reaches the network: its resolver, npm's settings, and the certificates that Node.js is to trust. These
# get a name of their own, because installing ca-certificates replaces the distribution's file.
cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
settings=()
give() {
  if [ -f "$3" ]; then
    cp -L "$3" "$machine/etc/$2"
    settings+=("$1=/etc/$2")
  fi
}
give NPM_CONFIG_USERCONFIG bare-machine.npmrc "$(npm config get userconfig)"
give NPM_CONFIG_GLOBALCONFIG bare-machine-global.npmrc "$(npm config get globalconfig)"
give NPM_CONFIG_CAFILE bare-machine-npm.crt "$(npm config get cafile)"
give NODE_EXTRA_CA_CERTS bare-machine-node.crt "${NODE_EXTRA_CA_CERTS:-}"

# The files of the checkout as they are now, and nothing that was installed or built.
mkdir -p "$machine/srv/vmkiln"
(cd "$repository" && git ls-files -coz --exclude-standard | tar --null --ignore-failed-read -cf - -T -) |
  tar -C "$machine/srv/vmkiln" -xf -

mount --make-rprivate /
mount -t proc proc "$machine/proc"
mount --rbind /sys "$machine/sys"
mount --rbind /dev "$machine/dev"
mount -t tmpfs tmpfs "$machine/run"

mkdir "$machine/old"
if [ $# = 0 ]; then set -- scripts/setup.sh --yes; fi
# A real change of root, not a chroot: libvirt gives each QEMU a /dev of its own and looks for the mounts of this one.
# shellcheck disable=SC2016 # the inner shell expands them
env -u TMPDIR "${settings[@]}" HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  unshare --mount sh -c 'cd "$0" && pivot_root . old && umount -l /old && cd /srv/vmkiln && exec "$@"' "$machine" "$@"
