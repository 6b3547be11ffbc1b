#!/usr/bin/env bash
# Makes this machine ready to run vmkiln: host packages, a libvirt that answers, npm packages, the compiled program.
# What is already there is left alone, so running it again is quick.
#
# With --package this file needs no other: it installs vmkiln from its .deb or .rpm with all that goes with it. Of what is
# installed it then puts the user who has called sudo into the groups kvm and libvirt, and ends with `vmkiln doctor`.
#
# Usage: setup.sh [--yes] [--dry-run] [--host-only | --package FILE]
#   --yes           install without asking (nobody is asked without a terminal, or with CI set)
#   --dry-run       change nothing: print the commands that would
#   --host-only     of a clone: stop after packages and libvirt
#   --package FILE  the .deb or .rpm of vmkiln
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
usage='usage: setup.sh [--yes] [--dry-run] [--host-only | --package FILE]'
yes=${CI:+1}
dry_run=
host_only=
package=
# An ordinary user's PATH often lacks the folders of the daemons.
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*"; }

die() {
  printf 'setup: error: %s\n' "$1" >&2
  shift
  for hint in "$@"; do printf 'setup:        %s\n' "$hint" >&2; done
  exit 1
}

as_root() {
  if [ -n "$dry_run" ]; then
    say "would run, as root: $*"
  elif [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root: $*" 'run the script as root, or install sudo'
  fi
}

has_systemd() { [ -d /run/systemd/system ]; }

# The packages of a list: comments and empty lines removed.
read_list() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# Runs a long command; its output is shown at a terminal and kept in a file otherwise.
run_logged() {
  if [ -n "$dry_run" ] || [ -t 1 ]; then
    "$@"
    return
  fi
  local log status=0
  log=$(mktemp "${TMPDIR:-/tmp}/vmkiln-setup.XXXXXX.log")
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" != 0 ]; then
    tail -n 30 "$log" >&2
    printf 'setup: the whole output is in %s\n' "$log" >&2
  else
    rm -f "$log"
  fi
  return "$status"
}

check_node() {
  local node_hint='get Node.js 20.19 or newer from your distribution or from nodejs.org and put it on PATH'
  command -v node >/dev/null || die 'node is not on PATH' "$node_hint"
  command -v npm >/dev/null || die 'npm is not on PATH' "$node_hint"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "node $(node --version) is too old" "$node_hint"
}

# The ids of this distribution and of those it derives from. Not the commands that exist: mmdebstrap brings apt to
# Fedora, and Debian has a package of dnf.
distribution() {
  # shellcheck source=/dev/null
  (. /etc/os-release && echo "$ID ${ID_LIKE:-}")
}

is_installed_apt() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
# A name may be provided by another package (qemu-kvm by qemu-kvm-core), hence --whatprovides.
is_installed_dnf() { rpm -q --quiet --whatprovides "$1" 2>/dev/null; }

# libguestfs boots a kernel of the host: only a container or a chroot has none.
kernel_package() {
  if compgen -G '/boot/vmlinuz-*' >/dev/null || compgen -G '/lib/modules/*/vmlinuz' >/dev/null; then return; fi
  if [ "$manager" = dnf ]; then
    echo kernel-core
    return
  fi
  local arch
  arch=$(dpkg --print-architecture)
  if [[ $(distribution) = ubuntu* ]]; then
    echo linux-image-virtual
  elif [ "$arch" = amd64 ] || [ "$arch" = arm64 ]; then
    echo "linux-image-cloud-$arch"
  else
    echo "linux-image-$arch"
  fi
}

# Only the tests need these, and not every distribution has them.
tests_packages() {
  local list=$root/scripts/packages-tests.$manager
  if [ -n "$host_only" ] || ! [ -e "$list" ]; then return; fi
  # Ubuntu has Chromium as a snap only: the tests of the pages are left out there.
  if [[ $(distribution) = ubuntu* ]]; then read_list "$list" | grep -vx chromium; else read_list "$list"; fi
}

# What the .deb recommends, and nothing that its dependencies do. dnf takes such as far as the repositories have them.
recommended_apt() { dpkg-deb -f "$1" Recommends | tr ',' '\n' | tr -d ' '; }
recommended_dnf() { :; }

install_apt() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends)
  # Without package lists the simulation fails; with old ones the download does, hence the second attempt.
  if "${apt[@]}" --simulate install "$@" >/dev/null 2>&1 && run_logged as_root "${apt[@]}" install "$@"; then return; fi
  say 'refreshing the package lists'
  if run_logged as_root apt-get -y update && run_logged as_root "${apt[@]}" install "$@"; then return; fi
  die 'apt-get could not install the packages' 'see its output above, fix that, and run this script again'
}

install_dnf() {
  local weak=False
  [ -z "$package" ] || weak=True
  run_logged as_root dnf -y --setopt=install_weak_deps="$weak" install "$@" ||
    die 'dnf could not install the packages' 'on RHEL and its rebuilds, enable EPEL and CodeReady Builder (CRB) first'
}

install_packages() {
  case " $(distribution) " in
    *' debian '* | *' ubuntu '*) manager=apt ;;
    *' fedora '* | *' rhel '*) manager=dnf ;;
    *) die "$(distribution) is no distribution this script knows" 'install what scripts/packages.apt names by hand' ;;
  esac
  local wanted=() missing=() name
  if [ -n "$package" ]; then
    # apt and dnf take what has a slash for a file.
    mapfile -t wanted < <(realpath "$package" && "recommended_$manager" "$package" && kernel_package)
  else
    mapfile -t wanted < <(read_list "$root/scripts/packages.$manager" && tests_packages && kernel_package)
  fi
  for name in "${wanted[@]}"; do
    "is_installed_$manager" "$name" || missing+=("$name")
  done
  if [ ${#missing[@]} = 0 ]; then
    say "host packages: already there (${#wanted[@]})"
    return
  fi
  say "host packages: to install with $manager: ${missing[*]}"
  if [ -z "$yes$dry_run" ] && [ -t 0 ] && [ -t 1 ]; then
    local answer
    read -r -p 'setup: install them now? [y/N] ' answer
    case $answer in [yY] | [yY][eE][sS]) ;; *) die 'nothing was installed' 'run the script again when you are ready' ;; esac
  fi
  "install_$manager" "${missing[@]}"
  [ -n "$dry_run" ] || say "host packages: installed ${#missing[@]}"
}

# Where udev has not given /dev/kvm to its group, QEMU's user cannot open it, and libvirt examines QEMU anew at every
# connection, for many seconds.
ensure_kvm_group() {
  if [ ! -e /dev/kvm ] || has_systemd || [ "$(id -u)" != 0 ]; then return; fi
  if ! getent group kvm >/dev/null || [ "$(stat -c %G /dev/kvm)" = kvm ]; then return; fi
  as_root chgrp kvm /dev/kvm
  as_root chmod 0660 /dev/kvm
  [ -n "$dry_run" ] || say '/dev/kvm: given to the group kvm, as udev does'
}

# The user who is to build, if it is not root: who has called sudo, or who runs this.
builder() {
  local user=${SUDO_USER:-$(id -un)}
  [ "$user" = root ] || echo "$user"
}

# kvm opens /dev/kvm, libvirt the socket of the system's libvirt. They count from the next login on.
ensure_groups() {
  local user group
  user=$(builder)
  [ -n "$user" ] || return 0
  for group in kvm libvirt; do
    if id -nG "$user" | tr ' ' '\n' | grep -qx "$group"; then continue; fi
    if getent group "$group" >/dev/null || [ -n "$dry_run" ]; then
      as_root usermod -aG "$group" "$user"
      [ -n "$dry_run" ] || say "groups: $user is in $group from the next login on"
    fi
  done
}

libvirt_answers() { timeout 20 virsh --connect "$connect" uri >/dev/null 2>&1; }

start_libvirt() {
  if has_systemd; then
    # Newer hosts run a daemon per driver, each woken by its socket.
    if systemctl cat virtqemud.socket >/dev/null 2>&1; then
      as_root systemctl enable --now virtqemud.socket virtlogd.socket virtnetworkd.socket virtstoraged.socket virtnodedevd.socket
    else
      as_root systemctl enable --now virtlogd.socket libvirtd.service
    fi
  elif command -v libvirtd >/dev/null || ! command -v virtqemud >/dev/null; then
    as_root virtlogd -d || true # it fails when it is running already
    as_root libvirtd -d
  else
    as_root virtlogd -d || true
    as_root virtnetworkd -d || true
    as_root virtstoraged -d || true
    as_root virtqemud -d
  fi
}

ensure_libvirt() {
  # An ordinary user's libvirt starts by itself; root's is a service.
  if [ "$(id -u)" = 0 ]; then connect=qemu:///system; else connect=qemu:///session; fi
  if libvirt_answers; then
    say "libvirt: already answers at $connect"
    return
  fi
  if [ -n "$dry_run" ]; then
    say "libvirt: does not answer at $connect"
    [ "$(id -u)" != 0 ] || start_libvirt
    return
  fi
  if [ "$(id -u)" = 0 ]; then
    run_logged start_libvirt || die 'libvirt could not be started' 'see the words above'
    local tries
    for tries in {1..60}; do
      if libvirt_answers; then
        say "libvirt: started, answers at $connect"
        return
      fi
      [ "$tries" = 60 ] || sleep 0.5
    done
  fi
  die "libvirt does not answer at $connect" "see what \`virsh --connect $connect uri\` says"
}

# What the program itself says about this host: tools, libvirt, KVM, libguestfs, the room and reach of its folders.
examine() {
  local program=$root/dist/cli.js
  [ -z "$package" ] || program=vmkiln
  if [ -n "$dry_run" ]; then
    say "would run: $program doctor"
    return
  fi
  "$program" doctor || die 'vmkiln is installed, and this host does not do yet' 'see what doctor says above'
}

ensure_npm_packages() {
  local installed=$root/node_modules/.package-lock.json
  if [ -e "$installed" ] && ! [ "$root/package-lock.json" -nt "$installed" ]; then
    say 'npm packages: already there'
    return
  fi
  if [ -n "$dry_run" ]; then
    say 'would run: npm ci'
    return
  fi
  (cd "$root" && run_logged npm ci) || die 'npm ci failed' 'see its words above'
  say 'npm packages: installed'
}

ensure_built() {
  local program=$root/dist/cli.js
  if [ -e "$program" ] && [ -z "$(find "$root/src" "$root/tsconfig.json" "$root/tsconfig.build.json" -newer "$program" -print -quit)" ]; then
    say 'program: already built'
    return
  fi
  if [ -n "$dry_run" ]; then
    say 'would run: npm run build'
    return
  fi
  (cd "$root" && run_logged npm run build) || die 'npm run build failed' 'see its words above'
  say 'program: built'
}

while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --host-only) host_only=1 ;;
    --package)
      package=${2:-}
      [ -f "$package" ] || die "--package needs the .deb or .rpm of vmkiln: ${package:-nothing} is no file" "$usage"
      shift
      ;;
    *) die "unknown option $1" "$usage" ;;
  esac
  shift
done
if [ -z "$package" ] && ! [ -e "$root/scripts/packages.apt" ]; then
  die 'this file alone does not know what to install' 'give the .deb or .rpm of vmkiln: setup.sh --package FILE'
fi

# What was installed, by npm or from a package, has no sources.
in_clone() { [ -z "$package" ] && [ -e "$root/tsconfig.json" ]; }

# Packages have a Node.js of their own.
[ -n "$package" ] || [ -e "$root/node" ] || check_node
install_packages
ensure_kvm_group
in_clone || ensure_groups
ensure_libvirt
if ! in_clone; then
  examine
elif [ -z "$host_only" ]; then
  ensure_npm_packages
  ensure_built
fi
