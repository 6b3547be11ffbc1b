#!/usr/bin/env bash
# Packer's QEMU builder on the same DVD, in the current folder: the installer's kernel is booted directly, the kickstart is
# appended to its initial RAM disk, nothing connects to the guest, and guide.sh finishes the disk as a post-processor.
# The environment is that of guide.sh, and $ACCELERATOR.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
xorriso -osirrox on -indev "$DVD" -extract /images/pxeboot/vmlinuz vmlinuz -extract /images/pxeboot/initrd.img initrd.img
chmod u+w vmlinuz initrd.img
# The kernel unpacks archives that follow one another if each begins at a multiple of four bytes.
truncate -s %4 initrd.img
(cd "$FILES" && echo ks.cfg | cpio --quiet -o -H newc) >>initrd.img

export CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$PWD/cache PACKER_CONFIG=$PWD/none.json
exec packer build -color=false -var "dvd=$DVD" -var "here=$PWD" -var "accelerator=$ACCELERATOR" \
  -var "append=inst.ks=file:/ks.cfg $KERNEL_ARGUMENTS" -var "finish=$here/guide.sh" "$here/packer.json"
