# Rendered by vmkiln and run in the guest as the last of its edits: traces of packages.
set -eu

rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin
for log in /var/log/apt /var/log/unattended-upgrades; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
