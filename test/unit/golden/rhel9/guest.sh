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

# The edits that make an installed system a cloud image, but for those of its kernel.

# assign FILE NAME VALUE: leaves one assignment of a shell variable, where the first was or else at the end.
assign() {
  mend "$1" -v name="$2" -v value="$3" '
    continued { continued = /\\$/; next }
    $0 ~ "^[ \t]*(export[ \t]+)?" name "=" {
      if (!done++) print name "=" value
      continued = /\\$/
      next
    }
    { print }
    END { if (!done) print name "=" value }
  '
}

[ -f /etc/cloud/cloud.cfg ] || fail "cloud-init is not installed: add cloud-init to packages, and a subscription or repositories that have it"

say "network: eth0"
scripts=/etc/sysconfig/network-scripts
for file in "$scripts"/ifcfg-*; do
  [ "$file" = "$scripts/ifcfg-lo" ] || rm -f "$file"
done
connections=/etc/NetworkManager/system-connections
mkdir -p "$connections"
rm -f "$connections"/*.nmconnection
cat > "$connections/eth0.nmconnection" <<'CONNECTION'
[connection]
id=eth0
type=ethernet
interface-name=eth0
autoconnect=true

[ipv4]
method=auto

[ipv6]
method=auto
CONNECTION
# NetworkManager reads no file that others may read.
chmod 0600 "$connections/eth0.nmconnection"
assign /etc/sysconfig/network NOZEROCONF yes

say "cloud-init: resolv-conf"
mend /etc/cloud/cloud.cfg '
  function finish() {
    inside = 0
    if (!present) {
      for (i = 1; i <= last; i++) print lines[i]
      print indent "- resolv-conf"
      for (i = last + 1; i <= count; i++) print lines[i]
    } else {
      for (i = 1; i <= count; i++) print lines[i]
    }
    done = 1
  }
  inside && /^[ \t]*-[ \t]/ {
    lines[++count] = $0
    if (!last) { indent = $0; sub(/-.*/, "", indent) }
    last = count
    item = $0
    sub(/^[ \t]*-[ \t]+/, "", item)
    gsub(/^\[[ \t]*|["\047]/, "", item)
    sub(/[] \t,#].*/, "", item)
    if (item == "resolv-conf" || item == "resolv_conf") present = 1
    next
  }
  inside && /^[ \t]*(#.*)?$/ { lines[++count] = $0; next }
  inside && last && /^[ \t]/ { lines[++count] = $0; last = count; next }
  inside { finish() }
  !done && /^cloud_init_modules:[ \t]*(#.*)?$/ { inside = 1; indent = " "; print; next }
  { print }
  END {
    if (inside) finish()
    if (!done) exit 1
  }
' || fail "/etc/cloud/cloud.cfg has no list cloud_init_modules"

usermod -p '!!' root

# What the edits of every distribution have in common.

# Uploads keep the owner that they have on the host.
chown root:root /usr/libexec/vmkiln-identity /etc/systemd/system/vmkiln-identity.service /etc/cloud/cloud.cfg.d/99_vmkiln.cfg

# What operations of virt-sysprep would remove from outside, more slowly.
rm -rf /var/spool/abrt/* /var/crash/* /var/log/dump/* /var/lib/dhcpd/* /var/spool/mail/* /var/mail/* /etc/pki/consumer/* /etc/pki/entitlement/* /etc/sysconfig/rhn/systemid /etc/sysconfig/rhn/osad-auth.conf /etc/sysconfig/hw-uuid /etc/smolt/uuid /etc/smolt/hw-uuid /etc/udev/rules.d/70-persistent-net.rules /var/run/utmp /var/lib/yum/uuid
# There may be no /srv.
find /etc /root /srv /var -type f '(' -name '*.bak' -o -name '*~' ')' -exec rm -f {} + 2> /dev/null || true
