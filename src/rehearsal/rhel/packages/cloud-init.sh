#!/bin/sh
# Lays the files out as RHEL's package does. usage: cloud-init.sh ROOT RELEASE-FOLDER
set -eu
cd "$1"
mkdir -p usr/lib
[ ! -d lib ] || { cp -a lib/. usr/lib/; rm -rf lib; }
# Rebuilds have it with their own user and distribution.
sed "s/^    name: cloud-user/    name: $user/; s/^  distro: rhel/  distro: $cloud/" "$2/cloud.cfg" > etc/cloud/cloud.cfg
rm -rf etc/cloud/cloud.cfg.d/90_dpkg.cfg etc/init.d etc/systemd usr/share/bug etc/cloud/clean.d etc/logrotate.d
mkdir -p etc/cloud/cloud.cfg.d usr/libexec/cloud-init
mv usr/lib/cloud-init/write-ssh-key-fingerprints usr/libexec/cloud-init/
# RHEL 7 runs cloud-init unless it is disabled; the generator's ds-identify would switch it off without a datasource.
printf 'policy: enabled\n' > etc/cloud/ds-identify.cfg

# RHEL orders these after D-Bus (hostnamectl needs it); Debian's own units run before it.
units=usr/lib/systemd/system
cat > $units/cloud-init-local.service <<'END'
[Unit]
Description=Initial cloud-init job (pre-networking)
DefaultDependencies=no
Wants=network-pre.target
Requires=dbus.socket
After=systemd-remount-fs.service dbus.socket
Before=NetworkManager.service network.service network-pre.target shutdown.target
Conflicts=shutdown.target
RequiresMountsFor=/var/lib/cloud
ConditionPathExists=!/etc/cloud/cloud-init.disabled
ConditionKernelCommandLine=!cloud-init=disabled

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init init --local
ExecStart=/bin/touch /run/cloud-init/network-config-ready
RemainAfterExit=yes
TimeoutSec=0
StandardOutput=journal+console

[Install]
WantedBy=cloud-init.target
END
cat > $units/cloud-init.service <<'END'
[Unit]
Description=Initial cloud-init job (metadata service crawler)
Wants=cloud-init-local.service sshd-keygen.service sshd.service
After=cloud-init-local.service NetworkManager.service network.service dbus.socket
Before=network-online.target sshd-keygen.service sshd.service systemd-user-sessions.service
ConditionPathExists=!/etc/cloud/cloud-init.disabled
ConditionKernelCommandLine=!cloud-init=disabled

[Service]
Type=oneshot
ExecStart=/usr/bin/cloud-init init
RemainAfterExit=yes
TimeoutSec=0
StandardOutput=journal+console

[Install]
WantedBy=cloud-init.target
END
