# Rendered by vmkiln and run in the guest as the last of its edits: traces of the installer and of packages, and SELinux labels.
set -eu

rm -rf /root/anaconda-ks.cfg /root/original-ks.cfg /root/anaconda-post.log /root/install.log /root/install.log.syslog
rm -rf /var/log/anaconda /var/cache/yum/*
rm -f /var/lib/rpm/__db.* /var/log/yum.log /var/log/grubby /var/log/grubby_prune_debug
rm -f /var/log/anaconda.*
for log in /var/log/rhsm /var/log/tuned; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done

# Files made from outside have no SELinux label. The guest's own policy gives it to them; if it cannot, the first boot does.
[ -f /etc/selinux/config ] || exit 0
mode=$(sed -n 's/^[ \t]*SELINUX=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config | tail -n 1)
policy=$(sed -n 's/^[ \t]*SELINUXTYPE=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config | tail -n 1)
[ "$mode" != disabled ] || exit 0
contexts=/etc/selinux/${policy:-targeted}/contexts/files/file_contexts
if command -v setfiles > /dev/null 2>&1 && setfiles -F -e /proc -e /sys -e /dev "$contexts" /; then
  rm -f /.autorelabel
else
  echo "vmkiln: SELinux labels are left to the first boot"
  touch /.autorelabel
fi
