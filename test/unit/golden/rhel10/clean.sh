# Rendered by vmkiln and run in the guest after virt-sysprep's own operations: the last traces of the build.
set -eu

rm -rf /root/anaconda-ks.cfg /root/original-ks.cfg /root/anaconda-post.log /root/install.log /root/install.log.syslog
rm -rf /var/log/anaconda /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data
# Names and keys that clones must not share.
rm -rf /etc/ssh/ssh_host_*key /etc/ssh/ssh_host_*key.pub /etc/ssh/ssh_host_*-cert.pub /var/lib/random-seed /var/lib/systemd/random-seed /boot/loader/random-seed /boot/efi/loader/random-seed /var/lib/systemd/credential.secret /etc/hostid /etc/iscsi/initiatorname.iscsi /etc/nvme/hostnqn /etc/nvme/hostid /etc/lvm/devices/system.devices /etc/lvm/devices/backup/* /var/lib/NetworkManager/* /var/lib/dhclient/* /var/lib/dhcp/* /var/lib/dhcpcd/* /etc/dhcpcd.duid /etc/dhcpcd.secret /etc/insights-client/machine-id /etc/insights-client/.registered
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
# A machine-id that kernel-install(8) would go on to name boot entries by.
if grep -qsE '^[0-9a-f]{32}$' /etc/kernel/entry-token; then rm -f /etc/kernel/entry-token; fi
if [ -f /etc/machine-info ]; then sed -i '/^KERNEL_INSTALL_MACHINE_ID=/d' /etc/machine-info; fi
# What edits and the recipe's steps left: virt-sysprep's own operations ran before them.
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid-
rm -f /var/lib/rpm/__db.* /root/.bash_history
# builder.log is the tool's own, which it removes itself.
find /tmp /var/tmp -xdev -mindepth 1 -maxdepth 1 ! -name builder.log -exec rm -rf {} +
rm -rf /var/cache/yum/*
rm -rf /var/cache/dnf/* /var/log/dnf*.log /var/log/hawkey.log
for log in /var/log/rhsm /var/log/tuned /var/log/audit /var/log/journal; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
rm -f /var/log/yum.log /var/log/grubby /var/log/grubby_prune_debug /var/log/cloud-init*

# Files made from outside have no SELinux label. The guest's own policy gives it to them; if it cannot, the first boot does.
[ -f /etc/selinux/config ] || exit 0
mode=$(sed -n 's/^[ \t]*SELINUX=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config | tail -n 1)
policy=$(sed -n 's/^[ \t]*SELINUXTYPE=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config | tail -n 1)
[ "$mode" != disabled ] || exit 0
contexts=/etc/selinux/${policy:-targeted}/contexts/files/file_contexts
if command -v setfiles > /dev/null 2>&1 && setfiles -F -e /proc -e /sys -e /dev "$contexts" /; then
  rm -f /.autorelabel
else
  echo "vmkiln: SELinux labels are left to the first boot"
  touch /.autorelabel
fi
