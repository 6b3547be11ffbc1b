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

# What the kernel is started with.

command -v update-grub > /dev/null 2>&1 || fail "there is no update-grub: the image does not boot with GRUB"

say "kernel: serial console"
# Files in grub.d come after /etc/default/grub, in the order of their names, and cloud images have arguments there.
mkdir -p /etc/default/grub.d
cat > /etc/default/grub.d/99-vmkiln.cfg <<'GRUB'
# Written by vmkiln: these consoles, the last of which is /dev/console, and no others.
vmkiln_others() {
  set -f
  set -- $1
  others=
  for word in "$@"; do
    case $word in console=* | earlyprintk=*) ;; *) others="$others${others:+ }$word" ;; esac
  done
  set +f
  printf %s "$others"
}
GRUB_CMDLINE_LINUX="$(vmkiln_others "${GRUB_CMDLINE_LINUX-}")"
GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX${GRUB_CMDLINE_LINUX:+ }console=tty0 console=ttyS0,115200n8"
GRUB_CMDLINE_LINUX_DEFAULT="$(vmkiln_others "${GRUB_CMDLINE_LINUX_DEFAULT-}")"
GRUB
# The disks of this appliance are no operating systems to boot.
GRUB_DISABLE_OS_PROBER=true update-grub
