# Rendered by vmkiln and run in a ready image before anything else: what an earlier boot of it has left goes.
set -eu

say() {
  echo "vmkiln: $*"
}

# spared FILE: whether the recipe keeps it.
spared() {
  [ -z "$(find "$1" -prune)" ]
}

# drop PATH…: removes files, and folders with what is in them, but for what the recipe keeps.
drop() {
  for path; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    say "removing what an earlier boot left: $path"
    find "$path" -depth ! -type d -exec rm -f {} +
    [ -d "$path" ] && [ ! -L "$path" ] || continue
    find "$path" -depth -type d -empty -exec rmdir {} \;
  done
}

# What packages have told cloud-init to do when it is cleaned, as `cloud-init clean` does it.
for script in /etc/cloud/clean.d/*; do
  if [ -f "$script" ] && [ -x "$script" ]; then "$script"; fi
done
trusted=
for path in /usr/share/ca-certificates/cloud-init-ca-cert* /usr/share/pki/ca-trust-source/anchors/cloud-init-ca-cert* /usr/local/share/ca-certificates/cloud-init-ca-cert* /etc/pki/ca-trust/source/anchors/cloud-init-ca-cert*; do
  if [ -e "$path" ]; then trusted=yes; fi
done
drop /var/lib/cloud/* /etc/cloud/cloud-init.disabled /etc/sudoers.d/90-cloud-init-users /etc/ssh/sshd_config.d/50-cloud-init.conf /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init* /etc/NetworkManager/conf.d/99-cloud-init.conf /etc/NetworkManager/conf.d/30-cloud-init-ip6-addr-gen-mode.conf /etc/NetworkManager/system-connections/cloud-init-*.nmconnection /etc/systemd/network/10-cloud-init-*.network /etc/systemd/network/50-cloud-init-*.link /etc/systemd/timesyncd.conf.d/cloud-init.conf /etc/udev/rules.d/85-persistent-net-cloud-init.rules /etc/udev/rules.d/*-cloud-init-hook-hotplug.rules /etc/sysconfig/network-scripts/route*-* /etc/sysconfig/network-scripts/rule*-* /etc/apt/apt.conf.d/9?cloud-init-* /etc/apt/cloud-init.gpg.d/* /usr/share/ca-certificates/cloud-init-ca-cert* /usr/share/pki/ca-trust-source/anchors/cloud-init-ca-cert* /usr/local/share/ca-certificates/cloud-init-ca-cert* /etc/pki/ca-trust/source/anchors/cloud-init-ca-cert* /etc/profile.d/50-cloud-init-locale.sh /etc/rsyslog.d/20-cloud-config.conf /etc/hostname
# Debian lists some of them here.
if grep -q '^cloud-init-ca-cert' /etc/ca-certificates.conf 2> /dev/null && ! spared /etc/ca-certificates.conf; then
  sed -i '/^cloud-init-ca-cert/d' /etc/ca-certificates.conf
fi
if [ -n "$trusted" ]; then update-ca-certificates; fi

# Keys that let users in: in their homes, and wherever sshd looks for them.
patterns=$(cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2> /dev/null | tr '="' '  ' |
  awk 'tolower($1) == "authorizedkeysfile" { for (i = 2; i <= NF; i++) if ($i != "none") print $i }' || true)
awk -F: -v patterns=".ssh $patterns" '
  $6 ~ /^\// {
    home = $6 == "/" ? "" : $6
    count = split(patterns, paths, /[ \n]+/)
    for (i = 1; i <= count; i++) {
      path = paths[i]
      if (path == "") continue
      gsub(/%h/, home, path)
      gsub(/%u/, $1, path)
      gsub(/%%/, "%", path)
      print path ~ /^\// ? path : home "/" path
    }
  }
' /etc/passwd | while IFS= read -r path; do drop "$path"; done
drop /home/*/.ssh

if grep -q 'comment=cloudconfig' /etc/fstab 2> /dev/null && ! spared /etc/fstab; then
  say "removing what cloud-init added to /etc/fstab"
  sed -i '/comment=cloudconfig/d' /etc/fstab
fi
# The names of the machine, where cloud-init has written them from a template of its own.
if grep -q "configured 'manage_etc_hosts' as True" /etc/hosts 2> /dev/null && ! spared /etc/hosts; then
  say "removing the names of the machine from /etc/hosts"
  sed -i -E '/^[[:blank:]]*(#|$)|localhost|[[:blank:]]ip6-/!d' /etc/hosts
fi
# RHEL 6 has its name here.
if grep -q '^HOSTNAME=' /etc/sysconfig/network 2> /dev/null && ! spared /etc/sysconfig/network; then
  sed -i 's/^HOSTNAME=.*/HOSTNAME=localhost.localdomain/' /etc/sysconfig/network
fi
accounts=$(awk -F: '$2 ~ /^[$]/ { printf " %s", $1 }' /etc/shadow)
if [ -n "$accounts" ]; then say "accounts of the ready image that have a password:$accounts"; fi
