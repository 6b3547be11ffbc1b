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
[ -f /etc/default/grub ] || fail "there is no /etc/default/grub"
mend /etc/default/grub '{ print }'
bash -n /etc/default/grub && [ "$(bash --norc -c '. /etc/default/grub > /dev/null 2>&1; echo read')" = read ] ||
  fail "a shell cannot read /etc/default/grub to its end"
# Arguments may come from anywhere in that file, so a shell says what it means, as grub2-mkconfig has it said.
effective() {
  bash --norc -c '. /etc/default/grub > /dev/null 2>&1; eval "printf %s \"\${$1-}\""' bash "$1"
}

# settle NAME VALUE: replaces the last assignment, if it is a line of its own that decides; else adds one at the end.
settle() {
  text=$1=\"$(printf %s "$2" | sed 's/[\\"$`]/\\&/g')\"
  grub=$(cat /etc/default/grub)
  last=$(printf '%s\n' "$grub" | grep -nE "^([^#]*[^#A-Za-z0-9_])?$1([^A-Za-z0-9_]|$)" | tail -n 1)
  alone="^((export|readonly|declare|typeset)[[:blank:]]+)?$1=(\"([^\"\\]|\\.)*\"|'[^']*'|\\.|[^[:blank:]\"'\\;&|()<>])*[[:blank:]]*(#.*)?$"
  if printf '%s\n' "${last#*:}" | grep -qE "$alone"; then
    printf '%s\n' "$grub" | text=$text awk -v at="${last%%:*}" 'NR == at { print ENVIRON["text"]; next } { print }' > /etc/default/grub
  fi
  [ "$(effective "$1")" != "$2" ] || return 0
  printf '%s\n%s\n' "$grub" "$text" > /etc/default/grub
  [ "$(effective "$1")" = "$2" ] || fail "/etc/default/grub does not let its $1 be set at its end"
}

kernel=$(rest "$(effective GRUB_CMDLINE_LINUX)" net.ifnames=0)
usual=$(rest "$(effective GRUB_CMDLINE_LINUX_DEFAULT)" 'console=tty0 console=ttyS0,115200n8')
settle GRUB_CMDLINE_LINUX "$kernel"
settle GRUB_CMDLINE_LINUX_DEFAULT "$usual"
# The disks of this appliance are no operating systems to boot.
GRUB_DISABLE_OS_PROBER=true grub2-mkconfig -o /boot/grub2/grub.cfg
wanted='console=tty0 console=ttyS0,115200n8 net.ifnames=0'
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
# grub2-mkconfig does not touch the entries, or only if asked to, depending on its version.
for entry in /boot/loader/entries/*.conf; do
  if [ -f "$entry" ]; then mend "$entry" -v wanted="$wanted" "$lines"; fi
done
options=$(grub2-editenv - list | sed -n 's/^kernelopts=//p')
if [ -n "$options" ]; then grub2-editenv - set "kernelopts=$(rest "$options" "$wanted")"; fi
# What a new kernel is started with.
if [ -s /etc/kernel/cmdline ]; then
  options=$(rest "$(cat /etc/kernel/cmdline)" "$wanted")
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
