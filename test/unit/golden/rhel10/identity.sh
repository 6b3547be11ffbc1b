#!/bin/sh
# Written by vmkiln. Gives this machine what clones of an image must not share and nothing else makes; harmless at every boot.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

# fill FILE: writes what it reads, if that is something.
fill() {
  text=$(cat)
  [ -n "$text" ] || return 0
  mkdir -p "${1%/*}"
  printf '%s\n' "$text" > "$1"
  if command -v restorecon > /dev/null 2>&1; then restorecon "$1"; fi
}

if [ ! -s /etc/iscsi/initiatorname.iscsi ] && command -v iscsi-iname > /dev/null 2>&1; then
  iscsi-iname | sed -n 's/^iqn\./InitiatorName=&/p' | (umask 077 && fill /etc/iscsi/initiatorname.iscsi)
fi
if command -v nvme > /dev/null 2>&1; then
  # It goes by the UUID of the machine. One that was never set is all zeros or ones (SMBIOS, 7.2.1): the same on every clone.
  [ -s /etc/nvme/hostnqn ] ||
    { nvme gen-hostnqn | grep '^nqn\.' | grep -viE 'uuid:([0-]*|[f-]*)$' ||
      echo "nqn.2014-08.org.nvmexpress:uuid:$(cat /proc/sys/kernel/random/uuid)"; } | fill /etc/nvme/hostnqn
  # As the package's own script makes it.
  [ -s /etc/nvme/hostid ] || sed -n 's/^.*uuid://p' /etc/nvme/hostnqn | fill /etc/nvme/hostid
fi
# As Debian's ssl-cert does when it is installed.
if [ ! -s /etc/ssl/private/ssl-cert-snakeoil.key ] && command -v make-ssl-cert > /dev/null 2>&1; then
  DEBIAN_FRONTEND=noninteractive make-ssl-cert generate-default-snakeoil < /dev/null
fi

# Boot loader entries are called MACHINE-ID-VERSION.conf: kernel-install(8), which removes and replaces no others, and GRUB,
# which sorts them by name. Those of an image have the machine-id of the machine that made it.
entries=/boot/loader/entries
id=$(cat /etc/machine-id 2> /dev/null)
is_id() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ "${#1}" = 32 ]
}
is_id "$id" && [ -d "$entries" ] || exit 0
for entry in "$entries"/*.conf; do
  name=${entry##*/}
  old=${name%%-*}
  version=${name#*-}
  [ -f "$entry" ] && is_id "$old" && [ "$old" != "$id" ] || continue
  if [ -e "$entries/$id-$version" ]; then
    rm -f "$entry"
    continue
  fi
  if [ "$version" = 0-rescue.conf ]; then
    # So are the files of the rescue kernel; dracut would make them a second time.
    for file in "/boot/vmlinuz-0-rescue-$old" "/boot/initramfs-0-rescue-$old.img"; do
      new=$(printf %s "$file" | sed "s/$old/$id/")
      [ ! -e "$file" ] || mv "$file" "$new"
    done
    sed -i "s/0-rescue-$old/0-rescue-$id/g" "$entry"
  fi
  mv "$entry" "$entries/$id-$version"
done
saved=$(grub2-editenv - list 2> /dev/null | sed -n 's/^saved_entry=//p')
old=${saved%%-*}
if is_id "$old" && [ "$old" != "$id" ] && [ -f "$entries/$id-${saved#*-}.conf" ]; then
  grub2-editenv - set "saved_entry=$id-${saved#*-}"
fi
