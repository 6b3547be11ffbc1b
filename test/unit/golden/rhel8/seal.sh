set -e
(
# Rendered by vmkiln and run in the guest after all other steps: an image in which cloud-init does not run is of no use.
set -eu
# Names are in the order of their bytes, as for cloud-init and ds-identify.
LC_ALL=C
export LC_ALL
failed=

# stops CAUSE REMEDY: what keeps cloud-init from running.
stops() {
  echo "vmkiln: cloud-init would not run in an instance: $1: $2" >&2
  failed=yes
}

# having PATTERN FILE…: the files that have such a line. All in one grep, for without KVM each program takes its time.
having() {
  grep -alsE -e "$@" || true
}

[ ! -e /etc/cloud/cloud-init.disabled ] || stops "/etc/cloud/cloud-init.disabled is there" "delete it in a step"
if grep -qsE '^policy:[[:blank:]]*disabled' /etc/cloud/ds-identify.cfg; then
  stops "/etc/cloud/ds-identify.cfg has policy: disabled" "delete it in a step"
fi

# The services of every version: 24.3 has divided them anew. Which of them a release enables differs, but never none.
services='cloud-init-main cloud-init-local cloud-init-network cloud-init cloud-config cloud-final'
there=''
enabled=''
masked() {
  own=/etc/systemd/system/$1
  if [ "$own" -ef /dev/null ] || { [ -f "$own" ] && [ ! -s "$own" ]; }; then
    stops "$1 is masked" "systemctl unmask $1 in a step"
  fi
}
masked cloud-init.target
masked cloud-config.target
for service in $services; do
  masked "$service.service"
  # Where /lib is no link to /usr/lib, units are in it.
  if [ -f "/usr/lib/systemd/system/$service.service" ] || [ -f "/lib/systemd/system/$service.service" ]; then
    there=systemctl
    set --
    for folder in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
      set -- "$@" "$folder"/*.wants/"$service.service" "$folder"/*.requires/"$service.service"
    done
  elif [ -f "/etc/rc.d/init.d/$service" ]; then
    there=chkconfig
    set -- /etc/rc.d/rc3.d/S[0-9][0-9]"$service"
  else
    set --
  fi
  for link in "$@"; do
    # A link may lead to what is not there in an appliance.
    if [ -e "$link" ] || [ -L "$link" ]; then enabled=yes; fi
  done
done
case $there:$enabled in
  systemctl:) stops "its services are disabled" "systemctl enable cloud-init-local cloud-init cloud-config cloud-final in a step" ;;
  chkconfig:) stops "its services are off" "chkconfig cloud-init on in a step, and the same for cloud-init-local, cloud-config and cloud-final" ;;
esac

disabled="(^|[[:blank:]\"'=])(cloud-init|ci\.di\.policy)=disabled($|[[:blank:]\"'])"
files=$(having "$disabled" /etc/default/grub /etc/default/grub.d/*.cfg /etc/kernel/cmdline /boot/loader/entries/*.conf \
  /boot/grub2/grub.cfg /boot/grub2/grubenv /boot/grub/grub.cfg /boot/grub/grubenv /boot/efi/EFI/*/grub.cfg /boot/efi/EFI/*/grubenv /boot/grub/grub.conf /boot/efi/EFI/*/grub.conf)
while read -r file; do
  [ -n "$file" ] || continue
  argument=$(grep -av '^[[:blank:]]*#' "$file" | grep -aoE "$disabled" | head -n 1 | tr -d " \t\"'" || true)
  [ -z "$argument" ] || stops "$file has the kernel argument ${argument#=}" "take it away in a step"
done << FILES
$files
FILES

# The last file that has the list decides.
last=$(having '^datasource_list[[:blank:]]*:' /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg | tail -n 1)
if [ -n "$last" ]; then
  sources=$(awk '
    /^[^ \t#\]-]/ { inside = 0 }
    /^datasource_list[ \t]*:/ { inside = 1; text = ""; sub(/^[^:]*:/, "") }
    inside { sub(/(^|[ \t])#.*/, ""); text = text " " $0 }
    END {
      gsub(/[][,"\047\r-]/, " ", text)
      total = split(text, names, /[ \t]+/)
      for (i = 1; i <= total; i++) if (names[i] != "" && names[i] !~ /^([Nn]one|null|~)$/) count++
      print count + 0
    }
  ' "$last")
  [ "$sources" != 0 ] || stops "the datasource_list of $last is empty" "name data sources there, or none at all"
fi
[ -z "$failed" ]
)
(
# Rendered by vmkiln and run in the guest after virt-sysprep's own operations: what clones must not share, and traces of the build.
set -eu

# One rm for all, also for what edits and the recipe's steps left: virt-sysprep's own operations ran before them.
rm -rf /etc/ssh/ssh_host_*key /etc/ssh/ssh_host_*key.pub /etc/ssh/ssh_host_*-cert.pub /var/lib/random-seed /var/lib/systemd/random-seed /boot/loader/random-seed /boot/efi/loader/random-seed /var/lib/systemd/credential.secret /etc/hostid /etc/iscsi/initiatorname.iscsi /etc/nvme/hostnqn /etc/nvme/hostid /etc/lvm/devices/system.devices /etc/lvm/devices/backup/* /var/lib/NetworkManager/* /var/lib/dhclient/* /var/lib/dhcp/* /var/lib/dhcpcd/* /etc/dhcpcd.duid /etc/dhcpcd.secret /var/lib/systemd/network/* /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem /var/lib/ubuntu-advantage/private/* /var/lib/ubuntu-advantage/machine-id /etc/apt/auth.conf.d/90ubuntu-advantage /etc/apt/sources.list.d/ubuntu-anbox-cloud* /etc/apt/sources.list.d/ubuntu-cc-eal* /etc/apt/sources.list.d/ubuntu-cis* /etc/apt/sources.list.d/ubuntu-esm-* /etc/apt/sources.list.d/ubuntu-fips* /etc/apt/sources.list.d/ubuntu-realtime-kernel* /etc/apt/sources.list.d/ubuntu-ros* /etc/apt/sources.list.d/ubuntu-usg* /etc/insights-client/machine-id /etc/insights-client/.registered \
  /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/log/cloud-init* \
  /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /root/.bash_history /home/*/.bash_history \
  /etc/blkid.tab /etc/blkid.tab.old /etc/blkid/blkid.tab /etc/blkid/blkid.tab.old
# virt-sysprep has written one of its own before the edits.
: > /etc/machine-id
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
# A machine-id that kernel-install(8) would go on to name boot entries by.
if grep -qsE '^[0-9a-f]{32}$' /etc/kernel/entry-token; then rm -f /etc/kernel/entry-token; fi
if [ -f /etc/machine-info ]; then sed -i '/^KERNEL_INSTALL_MACHINE_ID=/d' /etc/machine-info; fi
# builder.log is the tool's own, which it removes itself.
find /tmp /var/tmp -xdev -mindepth 1 -maxdepth 1 ! -name builder.log -exec rm -rf {} +
for log in /var/log/journal /var/log/audit; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done
)
(
# Rendered by vmkiln and run in the guest as the last of its edits: traces of the installer and of packages, and SELinux labels.
set -eu

rm -rf /root/anaconda-ks.cfg /root/original-ks.cfg /root/anaconda-post.log /root/install.log /root/install.log.syslog \
  /var/log/anaconda /var/cache/yum/* /var/log/yum.log \
  /var/cache/dnf/* /var/log/dnf*.log /var/log/hawkey.log \
  /var/lib/rpm/__db.* /var/log/grubby /var/log/grubby_prune_debug
for log in /var/log/rhsm /var/log/tuned; do
  if [ -d "$log" ]; then find "$log" -mindepth 1 -delete; fi
done

# Files made from outside have no SELinux label. The guest's own policy gives it to them; if it cannot, the first boot does.
[ -f /etc/selinux/config ] || exit 0
newline='
'
mode=$(sed -n 's/^[ \t]*SELINUX=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config)
policy=$(sed -n 's/^[ \t]*SELINUXTYPE=[ \t]*\([a-z]*\).*/\1/p' /etc/selinux/config)
# The last line counts.
mode=${mode##*"$newline"}
policy=${policy##*"$newline"}
[ "$mode" != disabled ] || exit 0
contexts=/etc/selinux/${policy:-targeted}/contexts/files/file_contexts
if command -v setfiles > /dev/null 2>&1 && setfiles -F -e /proc -e /sys -e /dev "$contexts" /; then
  rm -f /.autorelabel
else
  echo "vmkiln: SELinux labels are left to the first boot"
  touch /.autorelabel
fi
)
(
# Rendered by vmkiln and run in the guest as its very last step: gives the blocks of deleted files back, so that the image is small.
set -eu

command -v fstrim > /dev/null 2>&1 || { echo "vmkiln: there is no fstrim: the image is larger than it need be"; exit 0; }
# What virt-sysprep has logged there, this script has still open. Emptied, its blocks are trimmed too, and need no scrubbing.
if [ -f /tmp/builder.log ]; then
  : > /tmp/builder.log
  rm -f /tmp/builder.log
fi
# Blocks are free when the journal says so.
sync
while read -r device folder type options rest; do
  case $device:$type in *:devpts) continue ;; /dev/*) ;; *) continue ;; esac
  case ",$options," in *,rw,*) ;; *) continue ;; esac
  # Not every filesystem can; an EFI system partition is one that may not.
  fstrim -v "$folder" || echo "vmkiln: could not trim $folder"
done < /proc/mounts
)
