#!/bin/sh
# Lays the files out as RHEL's package does. usage: qemu-guest-agent.sh ROOT RELEASE-FOLDER
set -eu
cd "$1"
mkdir -p usr/lib
[ ! -d lib ] || { cp -a lib/. usr/lib/; rm -rf lib; }
rm -rf etc/init.d
