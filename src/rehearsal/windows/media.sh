#!/bin/sh
# Makes the media of one release from the payload: windows.iso, virtio.iso and CloudbaseInitSetup.msi.
# usage: media.sh RELEASE LABEL PAYLOAD-FOLDER WORK-FOLDER
set -eu
release=$1 label=$2 payload=$3 work=$4
here=$(dirname "$(readlink -f "$0")")
tree=$work/tree
mkdir -p "$tree/sources" "$tree/practice/setup" "$tree/boot" "$tree/efi/boot"
# What vmkiln looks for on media of Windows; the boot code of these is below /boot.
echo 'practice stand-in' | tee "$tree/sources/boot.wim" > "$tree/efi/boot/bootx64.efi"
cp "$here"/setup/*.py "$tree/practice/setup/"
cp "$payload/boot.img" "$payload/core.img" "$payload/disk.efi" "$tree/practice/"
cp "$here/boot/grub.cfg" "$tree/practice/"
cp "$payload/eltorito.img" "$payload/efi.img" "$tree/boot/"
xorriso -report_about WARNING -outdev "stdio:$work/windows.iso" -volid "$label" -joliet on -rockridge on \
  -map "$tree" / -map "$payload/root.squashfs" /practice/root.squashfs -map "$payload/vmlinuz" /practice/vmlinuz \
  -map "$payload/initrd.img" /practice/initrd.img -map "$payload/install-$release.wim" /sources/install.wim -chown_r 0 / -- \
  -boot_image any cat_path=/boot/boot.cat \
  -boot_image any bin_path=/boot/eltorito.img -boot_image any emul_type=no_emulation -boot_image any load_size=2048 -boot_image any boot_info_table=on \
  -boot_image any next -boot_image any efi_path=/boot/efi.img -boot_image any emul_type=no_emulation -boot_image any load_size=full -commit

# The folders of virtio-win, with drivers in name alone.
for version in 2k16 2k19 2k22 2k25 w10 w11; do
  for driver in viostor vioscsi NetKVM Balloon vioserial; do
    mkdir -p "$work/virtio/$driver/$version/amd64"
    name=$(echo "$driver" | tr 'A-Z' 'a-z')
    echo "; practice stand-in of the driver $driver for $version" > "$work/virtio/$driver/$version/amd64/$name.inf"
  done
done
mkdir -p "$work/virtio/guest-agent"
echo 'practice stand-in' > "$work/virtio/guest-agent/qemu-ga-x86_64.msi"
echo 'practice stand-in' > "$work/virtio/virtio-win-guest-tools.exe"
xorriso -as mkisofs -quiet -V virtio-win-practice -J -r -o "$work/virtio.iso" "$work/virtio"
# A compound file by its first bytes, as every MSI is.
printf '\320\317\021\340\241\261\032\341practice stand-in of the installer of Cloudbase-Init\n' > "$work/CloudbaseInitSetup.msi"
rm -rf "$tree" "$work/virtio"
