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
# Where a socket starts sshd, the folder that it wants may be gone by now.
sshd_says() { sshd -T 2> /dev/null || { mkdir -p /run/sshd && sshd -T 2> /dev/null; }; }

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
hostname
section kernel
uname -r
section kernels
# A serial port is a terminal, for which ls makes columns.
ls -1 /lib/modules
section cmdline
cat /proc/cmdline
section passwords
while IFS=: read -r user hash rest; do
  case $hash in '*'* | '!'*) ;; '') echo "$user empty" ;; *) echo "$user set" ;; esac
done < /etc/shadow
section accounts
# Users begin there (login.defs(5)), those below are the system's own; nobody is no user.
least=$(awk '$1 == "UID_MIN" { print $2 }' /etc/login.defs 2> /dev/null)
getent passwd | awk -F: -v least="${least:-1000}" '$3 == 0 || $3 >= least && $3 != 65534 { print $1, $3, $7 }'
section sshd
sshd_says | grep -E '^(permitrootlogin|passwordauthentication|permitemptypasswords|usepam|challengeresponseauthentication|kbdinteractiveauthentication) '
section root-keys
grep -cvE 'command=|^[[:space:]]*(#|$)' /root/.ssh/authorized_keys 2> /dev/null
section authorized-keys
# Where sshd looks for the keys of each user who may log in: sshd_config(5), AuthorizedKeysFile and TOKENS.
places=$(sshd_says | sed -n 's/^authorizedkeysfile //p')
getent passwd | while IFS=: read -r user _ id _ _ home shell; do
  case $shell in */nologin | */false) continue ;; esac
  for place in ${places:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    file=$(printf %s "$place" | sed "s|%h|$home|g; s|%u|$user|g; s|%U|$id|g; s|%%|%|g")
    case $file in /*) ;; *) file=$home/$file ;; esac
    [ ! -f "$file" ] || grep -v '^[[:space:]]*#' "$file" | grep -oE 'AAAA[0-9A-Za-z+/]{16,}=*' | sed "s|^|$user $file |"
  done
done | head -n 200
section sudo-all
grep -hE '^[[:space:]]*ALL[[:space:]].*NOPASSWD' /etc/sudoers /etc/sudoers.d/* 2> /dev/null
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
  cat /etc/resolv.conf
elif [ -L /etc/resolv.conf ]; then
  echo dangling
fi
section zeroconf
grep '^NOZEROCONF=' /etc/sysconfig/network 2> /dev/null
section root
df -P -k / | tail -n 1
section selinux
have getenforce && getenforce
sed -n 's/^SELINUX=/configured /p' /etc/selinux/config 2> /dev/null
section failed
have systemctl && systemctl list-units --state=failed --no-legend --plain --full 2> /dev/null
section critical
have journalctl && journalctl -b -q -o cat --no-pager -p 2 2> /dev/null
section errors
# What the kernel says of the machine's devices is no fault of the image.
have journalctl && journalctl -b -q -o cat --no-pager -p 3 _TRANSPORT=syslog + _TRANSPORT=journal + _TRANSPORT=stdout 2> /dev/null
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
fi
section ports
if have ss; then ss -H -lntup 2> /dev/null || ss -lntup; else netstat -lntup; fi
section identities
for file in /etc/machine-id /var/lib/dbus/machine-id /etc/ssh/ssh_host_*key.pub /etc/iscsi/initiatorname.iscsi \
  /etc/nvme/hostnqn /etc/nvme/hostid /etc/ssl/certs/ssl-cert-snakeoil.pem /var/lib/NetworkManager/secret_key; do
  [ ! -s "$file" ] || sha256sum "$file"
done
section files
find /etc /boot -xdev -type f -exec sha256sum {} + 2> /dev/null
find /etc /boot -xdev -type l -printf '-> %l  %p\n' 2> /dev/null
section end
