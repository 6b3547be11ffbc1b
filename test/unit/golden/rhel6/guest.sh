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
mkdir -p "$scripts"
for file in "$scripts"/ifcfg-*; do
  [ "$file" = "$scripts/ifcfg-lo" ] || rm -f "$file"
done
cat > "$scripts/ifcfg-eth0" <<'IFCFG'
TYPE=Ethernet
DEVICE=eth0
ONBOOT=yes
BOOTPROTO=dhcp
NM_CONTROLLED=no
IFCFG
assign /etc/sysconfig/network NOZEROCONF yes

say "network: the first interface is eth0, whatever its address"
mkdir -p /etc/udev/rules.d
echo '#' > /etc/udev/rules.d/75-persistent-net-generator.rules
rm -f /etc/udev/rules.d/70-persistent-net.rules

say "kernel: serial console"
# Kernel arguments but for those that are set here. Within double quotes a blank ends none (next_arg in the kernel's lib/cmdline.c).
others='
  function others(text,    quotes, count, i, char, inside, word, kept) {
    quotes = gsub(/"/, "&", text) % 2 == 0
    count = length(text)
    for (i = 1; i <= count + 1; i++) {
      char = i > count ? " " : substr(text, i, 1)
      if (char == "\"" && quotes) inside = !inside
      if (inside || char !~ /[ \t\n]/) { word = word char; continue }
      if (word != "" && word !~ /^(console=tty0|console=ttyS0(,.*)?|net\.ifnames=.*|biosdevname=.*)$/) kept = kept word " "
      word = ""
    }
    return kept
  }
'
# rest TEXT WANTED: kernel arguments with those that are wanted at the end, once.
rest() {
  text=$1 wanted=$2 awk "$others"'BEGIN { text = others(ENVIRON["text"]) ENVIRON["wanted"]; sub(/ +$/, "", text); print text }' < /dev/null
}
[ -f /etc/grub.conf ] || fail "there is no /etc/grub.conf"
wanted='console=tty0 console=ttyS0,115200n8'
# On every line that holds the arguments of a kernel: these at the end. What $kernelopts stands for is elsewhere.
lines=$others'
  $1 == "kernel" || $1 == "options" {
    match($0, /^[ \t]*[a-z]+/)
    text = substr($0, 1, RLENGTH) " " others(substr($0, RLENGTH + 1)) (index($0, "$kernelopts") ? "" : wanted)
    sub(/ +$/, "", text)
    print text
    next
  }
  { print }
'
mend /etc/grub.conf -v wanted="$wanted" "$lines"

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
