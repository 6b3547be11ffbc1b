#!/bin/sh
# mmdebstrap customize hook: initial RAM disk, boot code and the install.wim of every release, made with the payload's own tools.
# usage: payload-hook.sh ROOT ASSETS
set -eu
root=$1 here=$2
mkdir -p "$root/payload-out" "$root/tmp/assets"
cp -r "$here/." "$root/tmp/assets/"
cat > "$root/tmp/inside.sh" <<'INSIDE'
set -eu
export LC_ALL=C
cd /
version=$(ls /lib/modules)
cp "/boot/vmlinuz-$version" /payload-out/vmlinuz
depmod "$version"
keep=$(sed 's/#.*//' /tmp/assets/payload.modules)
for module in $keep; do modprobe -S "$version" --show-depends "$module" 2>/dev/null || true; done |
  sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u > /tmp/modules
find "/lib/modules/$version" -name '*.ko' | sort > /tmp/all
comm -23 /tmp/all /tmp/modules | xargs rm -f
depmod "$version"
[ "$(wc -l < /tmp/modules)" -gt 25 ]

mkdir -p /tmp/initrd/bin
cp /tmp/assets/init /tmp/initrd/init; chmod 755 /tmp/initrd/init
cp /bin/busybox /tmp/initrd/bin/
tar -cf - lib/modules | tar -C /tmp/initrd -xf -
(cd /tmp/initrd && find . | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1) > /payload-out/initrd.img

# Boot code: of the media for both firmwares, and of the disk that Setup makes bootable.
modules='boot search search_fs_file normal configfile linux echo test sleep serial terminal minicmd reboot halt part_msdos part_gpt ntfs fat iso9660'
grub-mkimage -O i386-pc-eltorito -c /tmp/assets/boot/media.cfg -o /payload-out/eltorito.img -p /boot $modules biosdisk
grub-mkimage -O x86_64-efi -c /tmp/assets/boot/media.cfg -o /payload-out/media.efi -p /boot $modules
grub-mkimage -O i386-pc -c /tmp/assets/boot/disk.cfg -o /payload-out/core.img -p /boot $modules biosdisk
grub-mkimage -O x86_64-efi -c /tmp/assets/boot/disk.cfg -o /payload-out/disk.efi -p /boot $modules
cp /usr/lib/grub/i386-pc/boot.img /payload-out/boot.img
truncate -s 4M /payload-out/efi.img
mkfs.vfat /payload-out/efi.img > /dev/null
mmd -i /payload-out/efi.img ::/EFI ::/EFI/BOOT
mcopy -i /payload-out/efi.img /payload-out/media.efi ::/EFI/BOOT/BOOTX64.EFI
rm /payload-out/media.efi

python3 /tmp/assets/setup/wims.py /tmp/assets/releases.json /payload-out
rm -rf /tmp/* /var/log/* /var/cache/* /usr/share/perl/*/unicore/lib /usr/share/i18n
INSIDE
chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /tmp/inside.sh
