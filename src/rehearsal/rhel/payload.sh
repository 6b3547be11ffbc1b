#!/bin/sh
# Builds the payload into the folder OUT: root.squashfs, vmlinuz, modules.tar, busybox, eltorito.img, a tar per optional package.
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
  --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/bug/*' \
  --dpkgopt='path-exclude=/usr/lib/grub/i386-pc/*.image' --dpkgopt='path-include=/usr/lib/grub/i386-pc/kernel.img' \
  --dpkgopt='path-exclude=/usr/lib/grub/x86_64-efi/monolithic/*' \
  --customize-hook="$here/payload-hook.sh \"\$1\" $here/payload.modules" \
  --customize-hook="sync-out /payload-out $out" --customize-hook='rm -rf "$1/payload-out"' \
  "$suite" "$out/payload.tar" ${mirrors:+-}

# Debian's own package management would only mislead: the guest has RPM.
sqfstar -comp zstd -no-progress "$out/root.squashfs" var/lib/dpkg var/lib/apt var/lib/ucf etc/apt \
  etc/debian_version usr/bin/apt usr/bin/apt-get usr/bin/apt-cache usr/bin/apt-key usr/bin/apt-mark usr/bin/apt-config \
  usr/bin/apt-cdrom usr/bin/dpkg usr/bin/dpkg-deb usr/bin/dpkg-query usr/lib/apt payload-out < "$out/payload.tar" > /dev/null
rm "$out/payload.tar"
