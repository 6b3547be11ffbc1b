#!/bin/sh
# mmdebstrap customize hook: takes the optional packages out, drops the kernel modules and files that no guest needs.
# usage: payload-hook.sh ROOT MODULE-LIST
set -eu
root=$1
mkdir -p "$root/payload-out"
cp "$2" "$root/payload-out/modules.list"
cat > "$root/payload-out/inside.sh" <<'INSIDE'
set -eu
cd /
for package in cloud-init cloud-guest-utils chrony qemu-guest-agent; do
  dpkg -L $package | while read -r path; do
    { [ ! -d "$path" ] || [ -L "$path" ]; } && { [ -e "$path" ] || [ -L "$path" ]; } && echo ".$path" || true
  done > /tmp/files
  [ $package != cloud-init ] || find ./usr/lib/python3/dist-packages/cloudinit -name '*.pyc' >> /tmp/files
  tar -cf /payload-out/$package.tar -T /tmp/files
  tr '\n' '\0' < /tmp/files | xargs -0 rm -f
done
rm -rf /etc/cloud /etc/chrony /usr/lib/python3/dist-packages/cloudinit /etc/init.d /etc/rc?.d
find /etc/systemd/system -xtype l -delete

version=$(ls /lib/modules)
cp /boot/vmlinuz-$version /payload-out/vmlinuz
keep=$(sed 's/#.*//' /payload-out/modules.list)
for module in $keep; do modprobe -S $version --show-depends $module 2>/dev/null || true; done | sed -n 's/^insmod //p' | sort -u > /tmp/modules
find /lib/modules/$version -name '*.ko' | sort > /tmp/all
comm -23 /tmp/all /tmp/modules | xargs rm -f
find /lib/modules/$version -type d -empty -delete
depmod $version
tar -cf /payload-out/modules.tar lib/modules
cp /bin/busybox /payload-out/busybox

localedef -i en_US -f UTF-8 en_US.UTF-8
rm -rf /usr/share/i18n /usr/share/doc /usr/share/man /boot/System.map-* /boot/initrd* /vmlinuz* /initrd* /tmp/* /var/log/* /var/cache/* /payload-out/inside.sh /payload-out/modules.list
rm -rf /usr/lib/x86_64-linux-gnu/gconv/[!gUI]* /usr/share/perl/*/unicore /usr/share/zoneinfo/right /usr/share/zoneinfo/posix
INSIDE
chroot "$root" sh /payload-out/inside.sh
