#!/bin/sh
# Lays the files out as RHEL's package does. usage: chrony.sh ROOT RELEASE-FOLDER
set -eu
cd "$1"
mkdir -p usr/lib
[ ! -d lib ] || { cp -a lib/. usr/lib/; rm -rf lib; }
units=usr/lib/systemd/system
sed -e '/^Alias=/d' -e 's#^ExecStart=.*#ExecStart=/usr/sbin/chronyd -u root -f /etc/chrony.conf -n#' -e 's/^Type=.*/Type=exec/' -e '/^PIDFile=/d' \
  -e '/^EnvironmentFile=/d' -e '/^User=/d' $units/chrony.service > $units/chronyd.service
rm -rf $units/chrony.service etc
mkdir -p etc
printf 'server 0.rhel.pool.ntp.org iburst\nserver 1.rhel.pool.ntp.org iburst\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\nlogdir /var/log/chrony\n' > etc/chrony.conf
