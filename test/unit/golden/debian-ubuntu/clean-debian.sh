# Rendered by vmkiln and run in the guest as the last of its edits: traces of packages.
set -eu

rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin
for log in /var/log/apt /var/log/unattended-upgrades; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
# The name that OpenSSL finds the self-signed certificate by, which is not there any more.
if [ -d /etc/ssl/certs ]; then find /etc/ssl/certs -lname ssl-cert-snakeoil.pem -delete; fi
rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
