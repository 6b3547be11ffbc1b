#!/bin/sh
# Lays the files out as RHEL's package does. usage: cloud-utils-growpart.sh ROOT RELEASE-FOLDER
set -eu
cd "$1"
mkdir -p usr/lib
[ ! -d lib ] || { cp -a lib/. usr/lib/; rm -rf lib; }
rm -f usr/bin/ec2metadata usr/bin/vcs-run
