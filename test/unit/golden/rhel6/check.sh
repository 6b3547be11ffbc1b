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

# Those of every version; cloud-init 24.3 has split the second and third anew.
for unit in cloud-init-main cloud-init-local cloud-init-network cloud-init cloud-config cloud-final; do
  unit=$unit.service
  [ -f "/usr/lib/systemd/system/$unit" ] || continue
  own=/etc/systemd/system/$unit
  if { [ -e "$own" ] || [ -L "$own" ]; } && { [ "$(readlink "$own")" = /dev/null ] || [ ! -s "$own" ]; }; then
    stops "$unit is masked" "systemctl unmask $unit in a step"
  elif [ -z "$(find /etc/systemd/system /usr/lib/systemd/system -path "*.wants/$unit" -o -path "*.requires/$unit")" ]; then
    stops "$unit is disabled" "systemctl enable $unit in a step"
  fi
done
for target in cloud-init.target cloud-config.target; do
  [ "$(readlink "/etc/systemd/system/$target")" != /dev/null ] || stops "$target is masked" "systemctl unmask $target in a step"
done
for service in cloud-init-local cloud-init cloud-config cloud-final; do
  [ -f "/etc/rc.d/init.d/$service" ] || continue
  ls /etc/rc.d/rc3.d/S[0-9][0-9]"$service" > /dev/null 2>&1 || stops "$service is disabled" "chkconfig $service on in a step"
done

for file in /etc/default/grub /etc/kernel/cmdline /boot/loader/entries/*.conf /boot/grub2/grub.cfg /boot/grub2/grubenv \
  /boot/efi/EFI/*/grub.cfg /boot/efi/EFI/*/grubenv /boot/grub/grub.conf /boot/efi/EFI/*/grub.conf; do
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
