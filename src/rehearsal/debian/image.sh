#!/bin/sh
# Makes OUT/cloud.qcow2 from real Debian packages, laid out as Debian's own cloud images are: GPT, GRUB for BIOS and UEFI,
# netplan with systemd-networkd, cloud-init. libguestfs takes its settings from the environment.
# usage: image.sh OUT SUITE
set -eu
out=$1 suite=$2
here=$(dirname "$(readlink -f "$0")")
words() { sed 's/#.*//' "$1" | tr -s ' \n' ',,' | sed 's/^,//; s/,$//'; }

# The host's own Debian mirrors, when it has this suite; mmdebstrap's default otherwise.
mirrors=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
  grep -E " $suite(-security|-updates)? main$" | sort -u || true)

printf '%s\n' "$mirrors" | mmdebstrap --variant=minbase --include="$(words "$here/image.packages")" \
  --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="$here/image-hook.sh \"\$1\"" \
  "$suite" "$out/root.tar" ${mirrors:+-}

truncate -s 3G "$out/cloud.raw"
# The partitions of debian-cloud-images: BIOS boot, EFI system and root, which has the first number and lies last.
sfdisk --quiet "$out/cloud.raw" <<'PARTITIONS'
label: gpt
unit: sectors
p14 : start=2048, size=6144, type=21686148-6449-6E6F-744E-656564454649
p15 : start=8192, size=253952, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=6d1a0e6a-0001-4000-8000-00000000000f
p1 : start=262144, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=6d1a0e6a-0001-4000-8000-000000000001
PARTITIONS
# The disk is /dev/sda for guestfish alone: the kernel of the appliance may call it otherwise, for it looks for disks side by side.
guestfish --format=raw -a "$out/cloud.raw" <<GUESTFISH
run
mkfs ext4 /dev/sda1
mkfs vfat /dev/sda15
mount /dev/sda1 /
mkdir-p /boot/efi
mount /dev/sda15 /boot/efi
tar-in $out/root.tar /
sh "grub-install --target=i386-pc \$(grub-probe --target=disk /boot)"
command "grub-install --target=x86_64-efi --no-nvram --uefi-secure-boot --force-extra-removable"
command "update-grub"
GUESTFISH
rm "$out/root.tar"
qemu-img convert -f raw -O qcow2 "$out/cloud.raw" "$out/cloud.qcow2"
rm "$out/cloud.raw"
