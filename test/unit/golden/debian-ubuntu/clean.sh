# Rendered by vmkiln and run in the guest after virt-sysprep's own operations: the last traces of the build.
set -eu

# What an earlier boot of the image left: its instance, and what cloud-init wrote for it.
rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem /var/lib/cloud/seed
rm -f /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init /etc/network/interfaces.d/50-cloud-init.cfg
rm -f /etc/sudoers.d/90-cloud-init-users /etc/ssh/sshd_config.d/50-cloud-init.conf /etc/cloud/cloud-init.disabled
# Clones must not begin with the same seed or identity.
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/dhcp/*.leases
rm -rf /var/lib/systemd/network/* /var/lib/NetworkManager/*
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
# What edits and the recipe's steps left: virt-sysprep's own operations ran before them.
rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid-
rm -f /etc/ssh/ssh_host_*key /etc/ssh/ssh_host_*key.pub /root/.bash_history
# builder.log is the tool's own, which it removes itself.
find /tmp /var/tmp -xdev -mindepth 1 -maxdepth 1 ! -name builder.log -exec rm -rf {} +
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin
for log in /var/log/apt /var/log/journal /var/log/unattended-upgrades; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log /var/log/cloud-init.log /var/log/cloud-init-output.log
