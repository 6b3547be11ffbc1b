#!/bin/sh
# Builds the payload into the folder OUT: root.squashfs, vmlinuz, initrd.img, boot code, and an install.wim per release.
# usage: payload.sh OUT SUITE
set -eu
out=$1 suite=$2
here=$(dirname "$(readlink -f "$0")")
words() { sed 's/#.*//' "$1" | tr -s ' \n' ',,' | sed 's/^,//; s/,$//'; }

# The host's own Debian mirrors, when it has this suite; mmdebstrap's default otherwise.
mirrors=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
  grep -E " $suite(-security|-updates)? main$" | sort -u || true)

printf '%s\n' "$mirrors" | mmdebstrap --variant=minbase --include="$(words "$here/payload.packages")" \
  --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="$here/payload-hook.sh \"\$1\" $here" \
  --customize-hook="sync-out /payload-out $out" --customize-hook='rm -rf "$1/payload-out" "$1/usr/lib/grub" "$1/boot"' \
  "$suite" "$out/payload.tar" ${mirrors:+-}

sqfstar -comp zstd -no-progress "$out/root.squashfs" var/lib/dpkg var/lib/apt var/cache etc/apt payload-out < "$out/payload.tar" > /dev/null
rm "$out/payload.tar"
