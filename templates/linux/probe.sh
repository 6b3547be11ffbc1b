#!/bin/sh
# User data of the clones that vmkiln boots: prints what its checks ask on the second serial port, in sections of a line
# "MARK NAME" and text. Nothing is changed. The mark is another one at each run: no file that is printed can have it.
mark=@@
# cloud-init waits for its scripts, and this one for cloud-init: it goes on by itself.
if [ "$1" != detached ]; then
  stty raw < /dev/ttyS1
  setsid sh "$0" detached < /dev/null > /dev/ttyS1 2> /dev/null &
  exit 0
fi
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
# How long cloud-init and the services may take to come to an end.
seconds=600
section() { printf '%s %s\n' "$mark" "$1"; }
have() { command -v "$1" > /dev/null 2>&1; }
# sshd_says USER: how sshd treats one, Match blocks and all (sshd(8), -C). Where a socket starts it, the folder that it wants may be gone by now.
sshd_says() {
  mkdir -p /run/sshd
  sshd -T -C "user=$1,host=localhost,addr=192.0.2.1" 2> /dev/null || sshd -T 2> /dev/null
}
# Users begin there (login.defs(5)), those below are the system's own; nobody is no user.
least=$(awk '$1 == "UID_MIN" { print $2 }' /etc/login.defs 2> /dev/null)
accounts() { getent passwd | awk -F: -v least="${least:-1000}" '$3 == 0 || $3 >= least && $3 != 65534 { print $1, $3, $7 }'; }
# bounded LINES: what is longer says no more, and takes minutes on a serial port. No line is for a terminal, as programs think.
bounded() { cut -c 1-1000 | head -n "$1"; }

if have cloud-init; then
  until [ -e /run/cloud-init/result.json ] || [ -e /var/lib/cloud/data/result.json ] || [ "$seconds" -le 0 ]; do
    sleep 1
    seconds=$((seconds - 1))
  done
fi
if have systemctl; then
  while [ "$seconds" -gt 0 ]; do
    case $(systemctl is-system-running 2> /dev/null) in initializing | starting) sleep 1 ;; *) break ;; esac
    seconds=$((seconds - 1))
  done
fi

# Firmware and boot loader may have written there before.
echo
section cloud-init
if have cloud-init; then
  cat /run/cloud-init/result.json 2> /dev/null || cat /var/lib/cloud/data/result.json 2> /dev/null || echo unfinished
fi
section state
have systemctl && systemctl is-system-running
section hostname
uname -n
section kernel
uname -r
section kernels
# A serial port is a terminal, for which ls makes columns.
ls -1 /lib/modules
section cmdline
cat /proc/cmdline
section passwords
# In passwd(5) itself, `x` stands for that of shadow(5); NIS has lines with a sign.
cat /etc/passwd /etc/shadow 2> /dev/null | while IFS=: read -r user hash rest; do
  case $user in [+-]*) continue ;; esac
  case $hash in x | '*'* | '!'*) ;; '') echo "$user empty" ;; *) echo "$user set" ;; esac
done
section accounts
accounts
section sshd
accounts | head -n 4 | while read -r user rest; do
  sshd_says "$user" | grep -E '^(passwordauthentication|permitemptypasswords|usepam|challengeresponseauthentication|kbdinteractiveauthentication) '
done | sort -u
sshd_says root | grep '^permitrootlogin '
section root-keys
grep -acvE 'command=|^[[:space:]]*(#|$)' /root/.ssh/authorized_keys 2> /dev/null
section authorized-keys
# Where sshd looks for the keys of each user who may log in: sshd_config(5), AuthorizedKeysFile and TOKENS.
places=$(sshd_says root | sed -n 's/^authorizedkeysfile //p')
getent passwd | while IFS=: read -r user _ id _ _ home shell; do
  case $shell in */nologin | */false) continue ;; esac
  for place in ${places:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    file=$(printf %s "$place" | sed "s|%h|$home|g; s|%u|$user|g; s|%U|$id|g; s|%%|%|g")
    case $file in /*) ;; *) file=$home/$file ;; esac
    [ ! -f "$file" ] || grep -av '^[[:space:]]*#' "$file" | grep -aoE 'AAAA[0-9A-Za-z+/]{16,}=*' | sed "s|^|$user $file |"
  done
done | head -n 200
section sudo-all
# sudo reads no file there whose name ends in `~` or has a dot (sudoers(5)). The names of groups and aliases stand for people who are named elsewhere.
for file in /etc/sudoers /etc/sudoers.d/*; do
  case ${file##*/} in *.* | *~) continue ;; esac
  grep -ahE '^[[:space:]]*(ALL[[:space:]].*NOPASSWD|[a-z_][^[:space:]]*[[:space:]].*NOPASSWD:[[:space:]]*ALL[[:space:]]*$)' "$file" 2> /dev/null | while read -r who rule; do
    # Images bring rules for a user that cloud-init would have made by its usual name.
    [ "$who" != ALL ] && ! getent passwd "$who" > /dev/null || echo "$file $who $rule"
  done
done | bounded 50
section cards
for card in /sys/class/net/*; do
  [ ! -e "$card/device" ] || echo "${card##*/} $(cat "$card/address")"
done
section addresses
ip -4 -o address show
section routes
ip -4 route
section resolv-conf
if [ -e /etc/resolv.conf ]; then
  echo there
  bounded 50 < /etc/resolv.conf
elif [ -L /etc/resolv.conf ]; then
  echo dangling
fi
section zeroconf
grep '^NOZEROCONF=' /etc/sysconfig/network 2> /dev/null
section root
df -P -k / | tail -n 1
section growroot
for folder in /usr/share/dracut/modules.d/*growroot; do [ ! -d "$folder" ] || echo "$folder"; done
section full
# Other file systems of the disk that are used up. An EFI partition may have no more than ten MiB.
df -P -k -l -x tmpfs -x devtmpfs -x iso9660 -x squashfs -x erofs -x udf -x overlay 2> /dev/null | awk 'NR > 1 && $1 ~ /^\/dev\// && $6 != "/" && $4 < 1024 { print $6, $5 }'
section selinux
have getenforce && getenforce
sed -n 's/^SELINUX=/configured /p' /etc/selinux/config 2> /dev/null
# All that are made like Red Hat's come with it enforcing.
[ ! -e /etc/redhat-release ] || echo 'shipped enforcing'
section labels
case $(getenforce 2> /dev/null) in Enforcing | Permissive)
  have matchpathcon && matchpathcon -V /etc/passwd /etc/shadow /etc/ssh/sshd_config /usr/lib/systemd/systemd 2> /dev/null | grep ' has context '
  ;;
esac
section failed
have systemctl && systemctl list-units --state=failed --no-legend --no-pager --plain --full 2> /dev/null | bounded 50
section critical
have journalctl && journalctl -b -q -o cat --no-pager -p 2 2> /dev/null | bounded 100
section errors
# What the kernel says of the machine's devices is no fault of the image.
have journalctl && journalctl -b -q -o cat --no-pager -p 3 _TRANSPORT=syslog + _TRANSPORT=journal + _TRANSPORT=stdout 2> /dev/null | bounded 200
section filesystem-errors
dmesg 2> /dev/null | grep -E 'EXT[234]-fs error|XFS .*([Cc]orruption|Internal error)|BTRFS (error|critical)' | head -n 3
section clock
date +%s
section timezone
readlink /etc/localtime || sed -n 's/^ZONE=//p' /etc/sysconfig/clock 2> /dev/null
section grub
if [ -e /etc/default/grub ]; then
  echo there
  cat /etc/default/grub /etc/default/grub.d/*.cfg /etc/kernel/cmdline 2> /dev/null | grep -v '^[[:space:]]*#' | grep console=
  grep -hs '^kernelopts=' /boot/grub2/grubenv
fi
section fstab
# What cloud-init has written there itself is not the image's.
grep -vE '^[[:space:]]*(#|$)|comment=cloudconfig' /etc/fstab 2> /dev/null | tr -d '"' | while read -r device place kind options rest; do
  case $kind in iso9660 | udf | auto) continue ;; esac
  # The system comes up without what is not mounted, or may be missing: a volume by its label. A UUID is of one disk.
  case ,$options, in
    *,noauto,*) continue ;;
    *,nofail,*) case $device in LABEL=* | PARTLABEL=* | /dev/*) continue ;; esac ;;
  esac
  case $device in
    UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*)
      ! have findfs || findfs "$device" > /dev/null 2>&1 || echo "missing $device $place"
      ;;
    /dev/[hsv]d[a-z] | /dev/[hsv]d[a-z][0-9]* | /dev/xvd[a-z]* | /dev/nvme[0-9]*) echo "name $device $place" ;;
  esac
done
section permissions
find /etc /boot /root -xdev ! -type l -perm -0002 ! -perm -1000 2> /dev/null | sed 's/^/writable /' | head -n 20
find /etc/shadow /etc/gshadow -perm -0004 2> /dev/null | sed 's/^/readable /'
find /home /root /tmp /var/tmp -xdev -type f -perm -4000 2> /dev/null | sed 's/^/setuid /' | head -n 20
for folder in /tmp /var/tmp; do
  [ "$(stat -L -c %a "$folder")" = 1777 ] || echo "temporary $folder"
done
section packages
if [ -s /var/lib/dpkg/status ]; then
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2> /dev/null | awk '$1 ~ /^.[HUF]/ || $1 ~ /R$/ { print $2 }' | head -n 20
elif have rpm; then
  [ -n "$(rpm -qa 2> /dev/null | head -n 1)" ] || echo 'rpm cannot read its database'
  # What yum-complete-transaction(8) would end.
  for file in /var/lib/yum/transaction-all*; do [ ! -s "$file" ] || echo 'a transaction of yum has not come to its end'; done
fi
section ports
{ if have ss; then ss -H -lntup 2> /dev/null || ss -lntup; else netstat -lntup; fi; } | bounded 500
section identities
for file in /etc/machine-id /var/lib/dbus/machine-id /etc/ssh/ssh_host_*key.pub /etc/iscsi/initiatorname.iscsi \
  /etc/nvme/hostnqn /etc/nvme/hostid /etc/ssl/certs/ssl-cert-snakeoil.pem /var/lib/NetworkManager/secret_key; do
  # That of NetworkManager is hashed with the machine-id since its second form (nm-core-utils.c), so clones may have the same.
  [ ! -s "$file" ] || grep -qs '^nm-v2:' "$file" || sha256sum "$file"
done
section files
find /etc /boot -xdev -type f -exec sha256sum {} + 2> /dev/null
find /etc /boot -xdev -type l -printf '-> %l  %p\n' 2> /dev/null
section end
