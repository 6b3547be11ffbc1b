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

# What the kernel is started with, and its initial RAM disk.

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
