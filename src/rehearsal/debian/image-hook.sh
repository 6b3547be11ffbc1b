#!/bin/sh
# mmdebstrap customize hook: what Debian's cloud images have besides their packages.
# usage: image-hook.sh ROOT
set -eu
root=$1
cat > "$root/etc/fstab" <<'FSTAB'
PARTUUID=6d1a0e6a-0001-4000-8000-000000000001 / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1
PARTUUID=6d1a0e6a-0001-4000-8000-00000000000f /boot/efi vfat defaults 0 0
FSTAB
# With this grub-cloud-amd64 installs itself, which it could not while there was no disk.
touch "$root/etc/grub.d/enable_cloud"
mkdir -p "$root/etc/default/grub.d"
printf '%s\n' 'GRUB_DISABLE_LINUX_UUID=true' 'GRUB_DISABLE_LINUX_PARTUUID=' > "$root/etc/default/grub.d/10_cloud.cfg"
printf '%s\n' 'GRUB_TIMEOUT=0' > "$root/etc/default/grub.d/15_timeout.cfg"
# As debian-cloud-images has them (config_space/files). Without a locale cloud-init would make one, which takes a package more.
echo 'LANG=C.UTF-8' > "$root/etc/default/locale"
echo 'manage_etc_hosts: true' > "$root/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg"
chroot "$root" systemctl enable systemd-networkd.service systemd-resolved.service
ln -sf /run/systemd/resolve/resolv.conf "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
: > "$root/etc/hostname"
rm -rf "$root"/var/lib/apt/lists/* "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
