# Rendered by vmkiln and run in the guest after all other steps: an image in which cloud-init does not run is of no use.
set -eu
failed=

# stops CAUSE REMEDY: what keeps cloud-init from running.
stops() {
  echo "vmkiln: cloud-init would not run in an instance: $1: $2" >&2
  failed=yes
}

[ ! -e /etc/cloud/cloud-init.disabled ] || stops "/etc/cloud/cloud-init.disabled is there" "delete it in a step"
if grep -qE '^policy:[[:blank:]]*disabled' /etc/cloud/ds-identify.cfg 2> /dev/null; then
  stops "/etc/cloud/ds-identify.cfg has policy: disabled" "delete it in a step"
fi

# The services of every version: 24.3 has divided them anew. Which of them a release enables differs, but never none.
services='cloud-init-main cloud-init-local cloud-init-network cloud-init cloud-config cloud-final'
there=''
enabled=''
for unit in cloud-init.target cloud-config.target $(printf '%s.service ' $services); do
  own=/etc/systemd/system/$unit
  if [ "$(readlink "$own")" = /dev/null ] || { [ -f "$own" ] && [ ! -s "$own" ]; }; then
    stops "$unit is masked" "systemctl unmask $unit in a step"
  fi
done
for service in $services; do
  # Where /lib is no link to /usr/lib, units are in it.
  if [ -f "/usr/lib/systemd/system/$service.service" ] || [ -f "/lib/systemd/system/$service.service" ]; then
    there=systemctl
    for folder in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
      [ -d "$folder" ] || continue
      enabled=$enabled$(find "$folder" -path "*.wants/$service.service" -o -path "*.requires/$service.service")
    done
  elif [ -f "/etc/rc.d/init.d/$service" ]; then
    there=chkconfig
    enabled=$enabled$(find /etc/rc.d/rc3.d -name "S[0-9][0-9]$service")
  fi
done
case $there:$enabled in
  systemctl:) stops "its services are disabled" "systemctl enable cloud-init-local cloud-init cloud-config cloud-final in a step" ;;
  chkconfig:) stops "its services are off" "chkconfig cloud-init on in a step, and the same for cloud-init-local, cloud-config and cloud-final" ;;
esac

for file in /etc/default/grub /etc/default/grub.d/*.cfg /etc/kernel/cmdline /boot/loader/entries/*.conf \
  /boot/grub2/grub.cfg /boot/grub2/grubenv /boot/grub/grub.cfg /boot/grub/grubenv /boot/efi/EFI/*/grub.cfg /boot/efi/EFI/*/grubenv /boot/grub/grub.conf /boot/efi/EFI/*/grub.conf; do
  [ -f "$file" ] || continue
  argument=$(grep -av '^[[:blank:]]*#' "$file" |
    grep -aoE "(^|[[:blank:]\"'=])(cloud-init|ci\.di\.policy)=disabled($|[[:blank:]\"'])" | head -n 1 | tr -d " \t\"'" || true)
  [ -z "$argument" ] || stops "$file has the kernel argument ${argument#=}" "take it away in a step"
done

# The last file that has the list decides, in the order of cloud-init and of ds-identify: that of the bytes of names.
LC_ALL=C
export LC_ALL
sources=
for file in /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg; do
  [ -f "$file" ] || continue
  count=$(awk '
    /^[^ \t#\]-]/ { inside = 0 }
    /^datasource_list[ \t]*:/ { inside = found = 1; text = ""; sub(/^[^:]*:/, "") }
    inside { sub(/(^|[ \t])#.*/, ""); text = text " " $0 }
    END {
      gsub(/[][,"\047\r-]/, " ", text)
      total = split(text, names, /[ \t]+/)
      for (i = 1; i <= total; i++) if (names[i] != "" && names[i] !~ /^([Nn]one|null|~)$/) count++
      if (found) print count + 0
    }
  ' "$file")
  [ -z "$count" ] || { sources=$count; last=$file; }
done
[ "$sources" != 0 ] || stops "the datasource_list of $last is empty" "name data sources there, or none at all"
[ -z "$failed" ]
