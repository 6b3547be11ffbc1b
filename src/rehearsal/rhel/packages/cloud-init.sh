#!/bin/sh
# Lays the files out as RHEL's package does. usage: cloud-init.sh ROOT RELEASE-FOLDER
set -eu
cd "$1"
mkdir -p usr/lib
[ ! -d lib ] || { cp -a lib/. usr/lib/; rm -rf lib; }
cp "$2/cloud.cfg" etc/cloud/cloud.cfg
rm -rf etc/cloud/cloud.cfg.d/90_dpkg.cfg etc/init.d etc/systemd usr/share/bug etc/cloud/clean.d etc/logrotate.d
mkdir -p etc/cloud/cloud.cfg.d
# RHEL 7 runs cloud-init unless it is disabled; the generator's ds-identify would switch it off without a datasource.
printf 'policy: enabled\n' > etc/cloud/ds-identify.cfg
