#!/usr/bin/env bash
# What an engineer types who follows Red Hat's guide, "Create a Red Hat Enterprise Linux 7 Image", as a script.
#
# Usage: guide.sh all       install from $DVD into rhel7.qcow2 here, then finish it
#        guide.sh finish    finish the installed, powered-off rhel7.qcow2 of this folder
#
# The guide's commands are in their present form: --cdrom and clicks became --location and a kickstart, --os-type and a
# VNC server for everybody are gone, and what the guide types in the running guest is done by virt-customize with the
# scripts that `vmkiln render` writes to $FILES. Nothing else is tuned: caches, CPU model and copying sparsify are the
# defaults. From the host: $CONNECT, $VIRT_TYPE, $NETWORK, $KERNEL_ARGUMENTS, and $DOMAIN, a name that is free.
# The seconds of each step go to the file `steps`.
set -euo pipefail

step() {
  local name=$1 begun=$EPOCHREALTIME
  shift
  "$@"
  awk -v name="$name" -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%s %.3f\n", name, b - a }' >>steps
}

remove_domain() {
  virsh --connect "$CONNECT" destroy "$DOMAIN" >/dev/null 2>&1 || true
  virsh --connect "$CONNECT" undefine "$DOMAIN" >/dev/null 2>&1 || true
}

install() {
  qemu-img create -f qcow2 rhel7.qcow2 8G
  trap remove_domain EXIT
  virt-install --connect "$CONNECT" --virt-type "$VIRT_TYPE" --name "$DOMAIN" --memory 2048 --vcpus 2 \
    --location "$DVD" --initrd-inject "$FILES/ks.cfg" --extra-args "inst.ks=file:/ks.cfg $KERNEL_ARGUMENTS" \
    --disk "$PWD/rhel7.qcow2,format=qcow2" --network "$NETWORK" --graphics vnc,listen=127.0.0.1 \
    --noautoconsole --noreboot --wait 60 --osinfo rhel7.9
}

customize() {
  # The guide has no program for an instance's first boot, whose owner would have to be set.
  sed '/^chown /d' "$FILES/guest.sh" > guest.sh
  virt-customize -a rhel7.qcow2 --no-logfile \
    --mkdir /etc/dracut.conf.d --write '/etc/dracut.conf.d/vmkiln.conf:hostonly="no"
' \
    --run "$FILES/packages.sh" --run "$FILES/kernel.sh" --run guest.sh \
    --upload "$FILES/99_vmkiln.cfg:/etc/cloud/cloud.cfg.d/99_vmkiln.cfg" \
    --chmod 0644:/etc/cloud/cloud.cfg.d/99_vmkiln.cfg
}

# The guide ends at -d. Without the rest, every clone would have the machine-id that virt-sysprep makes up, and the traces
# of the installation.
sysprep() {
  virt-sysprep "$@" --no-logfile --run "$FILES/seal.sh"
}

sparsify() {
  virt-sparsify --check-tmpdir fail --compress rhel7.qcow2 rhel7-cloud.qcow2
}

case ${1-} in
  all)
    step install install
    step customize customize
    step sysprep sysprep --connect "$CONNECT" -d "$DOMAIN"
    step sparsify sparsify
    ;;
  finish)
    step customize customize
    step sysprep sysprep -a rhel7.qcow2
    step sparsify sparsify
    ;;
  *)
    echo 'usage: guide.sh all|finish' >&2
    exit 2
    ;;
esac
