#!/bin/sh
# mmdebstrap customize hook: takes the optional packages out, drops the kernel modules and files that no guest needs.
# usage: payload-hook.sh ROOT MODULE-LIST
set -eu
root=$1
mkdir -p "$root/payload-out"
cp "$2" "$root/payload-out/modules.list"
cat > "$root/payload-out/inside.sh" <<'INSIDE'
set -eu
export LC_ALL=C
cd /
# Debian's script looks its own package up first, which takes seconds at each of the four starts of a boot.
printf '%s\n' '#!/usr/bin/python3' 'import sys' 'from cloudinit.cmd.main import main' 'sys.exit(main())' > /usr/bin/cloud-init
for package in cloud-init cloud-guest-utils chrony qemu-guest-agent; do
  dpkg -L $package | while read -r path; do
    if [ -f "$path" ] || { [ -L "$path" ] && [ ! -d "$path" ]; }; then echo ".$path"; fi
  done > /tmp/files
  [ $package != cloud-init ] || find ./usr/lib/python3/dist-packages/cloudinit -name '*.pyc' >> /tmp/files
  tar -cf /payload-out/$package.tar -T /tmp/files
  tr '\n' '\0' < /tmp/files | xargs -0 rm -f
done
rm -rf /etc/cloud /etc/chrony /usr/lib/python3/dist-packages/cloudinit /etc/init.d /etc/rc?.d
find /etc/systemd/system -xtype l -delete

version=$(ls /lib/modules)
cp /boot/vmlinuz-$version /payload-out/vmlinuz
depmod $version
keep=$(sed 's/#.*//' /payload-out/modules.list)
for module in $keep; do modprobe -S $version --show-depends $module 2>/dev/null || true; done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u > /tmp/modules
find /lib/modules/$version -name '*.ko' | sort > /tmp/all
comm -23 /tmp/all /tmp/modules | xargs rm -f
find /lib/modules/$version -type d -empty -delete
depmod $version
tar -cf /payload-out/modules.tar lib/modules
[ "$(wc -l < /tmp/modules)" -gt 40 ]
cp /bin/busybox /payload-out/busybox

# What a BIOS boots from the DVD: GRUB reads the isolinux.cfg there (syslinux_configfile).
echo 'set root=cd; search --no-floppy --set=root --file /isolinux/isolinux.cfg; syslinux_configfile -i /isolinux/isolinux.cfg' > /tmp/grub.cfg
grub-mkimage -O i386-pc-eltorito -c /tmp/grub.cfg -o /payload-out/eltorito.img -p /boot/grub \
  biosdisk iso9660 search search_fs_file normal configfile syslinuxcfg linux echo test sleep serial terminal minicmd reboot halt

# RHEL's shell is bash by either name, and kickstarts rely on it.
ln -sf bash /bin/sh

localedef -i en_US -f UTF-8 en_US.UTF-8
rm -rf /usr/share/i18n /usr/share/doc /usr/share/man /boot/System.map-* /boot/initrd* /vmlinuz* /initrd*
rm -rf /usr/lib/x86_64-linux-gnu/perl /usr/share/perl /usr/lib/udev/hwdb.* /usr/lib/file /usr/share/misc/magic* /usr/share/zsh
rm -rf /usr/lib/python3*/lib2to3 /usr/lib/python3*/pydoc_data /usr/lib/python3*/ensurepip /usr/lib/python3*/test /usr/share/grub/*.pf2 /usr/share/grub/*.h
rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* /etc/ssh/ssh_host_* /etc/machine-id /payload-out/inside.sh /payload-out/modules.list
mkdir -p /var/log/journal && rmdir /var/log/journal
INSIDE
chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /payload-out/inside.sh
