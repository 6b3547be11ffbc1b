# Rendered by vmkiln and run in the guest.
set -eu
umask 022

say() {
  echo "vmkiln: $*"
}

fail() {
  say "$*" >&2
  exit 1
}

# mend FILE AWK-ARGUMENTS…: passes a file through awk, without Windows line ends, and keeps its mode, owner and links.
mend() {
  file=$1
  shift
  [ -e "$file" ] || : > "$file"
  mended=$(tr -d '\r' < "$file" | awk "$@" && echo .) || return 1
  printf %s "${mended%.}" > "$file"
}

# The edits that make a cloud image your own, but for those of its kernel.

[ -f /etc/cloud/cloud.cfg ] || fail "cloud-init is not installed: add cloud-init to packages"

usermod -p '*' root

# What the edits of every distribution have in common.

# Uploads keep the owner that they have on the host.
chown root:root /usr/libexec/vmkiln-identity /etc/systemd/system/vmkiln-identity.service /etc/cloud/cloud.cfg.d/99_vmkiln.cfg

# What operations of virt-sysprep would remove from outside, more slowly.
rm -rf /var/spool/abrt/* /var/crash/* /var/log/dump/* /var/lib/dhcpd/* /var/spool/mail/* /var/mail/* /etc/pki/consumer/* /etc/pki/entitlement/* /etc/sysconfig/rhn/systemid /etc/sysconfig/rhn/osad-auth.conf /etc/sysconfig/hw-uuid /etc/smolt/uuid /etc/smolt/hw-uuid /etc/udev/rules.d/70-persistent-net.rules /var/run/utmp /var/lib/yum/uuid
# There may be no /srv.
find /etc /root /srv /var -type f '(' -name '*.bak' -o -name '*~' ')' -exec rm -f {} + 2> /dev/null || true
