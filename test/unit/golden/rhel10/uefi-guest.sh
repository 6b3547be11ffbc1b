# Rendered by vmkiln and run in the guest: the edits that make an installed system a cloud image.
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

say "kernel: serial console"
[ -f /etc/default/grub ] || fail "there is no /etc/default/grub"
assign /etc/default/grub GRUB_CMDLINE_LINUX_DEFAULT '"console=tty0 console=ttyS0,115200n8"'
# These consoles are in the other variable now, and GRUB joins the two.
mend /etc/default/grub -v wanted=net.ifnames=0 '
  /^[ \t]*(export[ \t]+)?GRUB_CMDLINE_LINUX=/ {
    if (!place) place = NR
    last = $0
    sub(/^[^=]*=/, "", last)
    next
  }
  { lines[NR] = $0; kept[NR] = 1 }
  END {
    quote = substr(last, 1, 1)
    if (quote == "\"" || quote == "\047") {
      last = substr(last, 2)
      if (index(last, quote)) last = substr(last, 1, index(last, quote) - 1)
    } else {
      quote = "\""
      sub(/[ \t].*/, "", last)
    }
    count = split(last, words, /[ \t]+/)
    for (i = 1; i <= count; i++) {
      if (words[i] == "" || words[i] ~ /^(console=tty0|console=ttyS0(,.*)?|net\.ifnames=.*|biosdevname=.*)$/) continue
      text = text words[i] " "
    }
    assignment = "GRUB_CMDLINE_LINUX=" quote text wanted quote
    for (i = 1; i <= NR; i++) {
      if (i == place) print assignment
      if (i in kept) print lines[i]
    }
    if (!place) print assignment
  }
'
# The disks of this appliance are no operating systems to boot.
GRUB_DISABLE_OS_PROBER=true grub2-mkconfig -o /boot/grub2/grub.cfg
# On every line that holds the arguments of a kernel: these at the end, once. What $kernelopts stands for is elsewhere.
arguments='
  $1 == "kernel" || $1 == "options" {
    match($0, /^[ \t]*/)
    text = substr($0, 1, RLENGTH) $1
    for (i = 2; i <= NF; i++)
      if ($i !~ /^(console=tty0|console=ttyS0(,.*)?|net\.ifnames=.*|biosdevname=.*)$/) text = text " " $i
    print text (index($0, "$kernelopts") ? "" : " " wanted)
    next
  }
  { print }
'
wanted='console=tty0 console=ttyS0,115200n8 net.ifnames=0'
# grub2-mkconfig does not touch the entries, or only if asked to, depending on its version.
for entry in /boot/loader/entries/*.conf; do
  if [ -f "$entry" ]; then mend "$entry" -v wanted="$wanted" "$arguments"; fi
done
# rewrite TEXT: arguments that stand alone.
rewrite() {
  printf 'options %s\n' "$1" | awk -v wanted="$wanted" "$arguments" | sed 's/^options //'
}
options=$(grub2-editenv - list | sed -n 's/^kernelopts=//p')
if [ -n "$options" ]; then grub2-editenv - set "kernelopts=$(rewrite "$options")"; fi
# What a new kernel is started with.
if [ -s /etc/kernel/cmdline ]; then
  options=$(rewrite "$(tr '\n' ' ' < /etc/kernel/cmdline)")
  printf '%s\n' "$options" > /etc/kernel/cmdline
fi

# Initramfs images made on this machine would lack the drivers of others.
if command -v dracut > /dev/null 2>&1; then
  for image in /boot/initramfs-*.img; do
    version=${image#/boot/initramfs-}
    version=${version%.img}
    [ -d "/lib/modules/$version" ] && [ "$image" -ot /etc/dracut.conf.d/vmkiln.conf ] || continue
    say "initramfs: $version"
    dracut --force "$image" "$version"
  done
fi

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
