# Rendered by vmkiln and run in the guest after virt-sysprep's own operations: what clones must not share, and traces of the build.
set -eu

rm -rf /etc/ssh/ssh_host_*key /etc/ssh/ssh_host_*key.pub /etc/ssh/ssh_host_*-cert.pub /var/lib/random-seed /var/lib/systemd/random-seed /boot/loader/random-seed /boot/efi/loader/random-seed /var/lib/systemd/credential.secret /etc/hostid /etc/iscsi/initiatorname.iscsi /etc/nvme/hostnqn /etc/nvme/hostid /etc/lvm/devices/system.devices /etc/lvm/devices/backup/* /var/lib/NetworkManager/* /var/lib/dhclient/* /var/lib/dhcp/* /var/lib/dhcpcd/* /etc/dhcpcd.duid /etc/dhcpcd.secret /var/lib/systemd/network/* /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem /var/lib/ubuntu-advantage/private/* /var/lib/ubuntu-advantage/machine-id /etc/apt/auth.conf.d/90ubuntu-advantage /etc/apt/sources.list.d/ubuntu-anbox-cloud* /etc/apt/sources.list.d/ubuntu-cc-eal* /etc/apt/sources.list.d/ubuntu-cis* /etc/apt/sources.list.d/ubuntu-esm-* /etc/apt/sources.list.d/ubuntu-fips* /etc/apt/sources.list.d/ubuntu-realtime-kernel* /etc/apt/sources.list.d/ubuntu-ros* /etc/apt/sources.list.d/ubuntu-usg* /etc/insights-client/machine-id /etc/insights-client/.registered
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
# A machine-id that kernel-install(8) would go on to name boot entries by.
if grep -qsE '^[0-9a-f]{32}$' /etc/kernel/entry-token; then rm -f /etc/kernel/entry-token; fi
if [ -f /etc/machine-info ]; then sed -i '/^KERNEL_INSTALL_MACHINE_ID=/d' /etc/machine-info; fi
# What edits and the recipe's steps left: virt-sysprep's own operations ran before them.
rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /root/.bash_history
# builder.log is the tool's own, which it removes itself.
find /tmp /var/tmp -xdev -mindepth 1 -maxdepth 1 ! -name builder.log -exec rm -rf {} +
for log in /var/log/journal /var/log/audit; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
rm -f /var/log/cloud-init*
