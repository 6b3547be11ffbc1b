# Rendered by vmkiln and run in the guest: updates and installs.
set -eu

say() {
  echo "vmkiln: $*"
}

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 NEEDRESTART_SUSPEND=1
work=$(mktemp -d)

# No service starts in an image that is being built: invoke-rc.d(8) asks this program.
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$policy.vmkiln"; fi
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 0755 "$policy"

# grub-pc installs itself on the disk that debconf names, which has another name in an instance.
grub_disk=$(debconf-show grub-pc 2> /dev/null | sed -n 's/^[* ]*grub-pc\/install_devices: *//p')
set_grub_disk() {
  if dpkg-query -W -f '${Status}' grub-pc 2> /dev/null | grep -q ' installed$'; then
    printf 'grub-pc grub-pc/install_devices multiselect %s\n' "$1" | debconf-set-selections
  fi
}

finish() {
  status=$?
  trap - EXIT
  rm -rf "$work" "$policy"
  if [ -e "$policy.vmkiln" ] || [ -L "$policy.vmkiln" ]; then mv "$policy.vmkiln" "$policy"; fi
  set_grub_disk "$grub_disk"
  exit "$status"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM

root=$(findmnt -n -o SOURCE / || true)
set_grub_disk "$(printf %s "$root" | sed 's/p\{0,1\}[0-9]*$//')"

# Nothing of the proxy is written to the disk of the guest. URLs need the password with every byte as %XX.
encode() {
  printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}
proxy_user=$(encode me):$(encode ⟨secret PROXY⟩)@
export http_proxy=http://"$proxy_user"proxy.example.com:3128
export https_proxy=$http_proxy

sources=/etc/apt/sources.list.d
# Instead of what the image knows, which is put back or removed at the end.
mkdir "$work/own"
for file in /etc/apt/sources.list "$sources"/debian.sources "$sources"/ubuntu.sources; do
  if [ -e "$file" ]; then mv "$file" "$work/own"; fi
done
cat >> "$sources/vmkiln.sources" <<'SOURCE'
Types: deb
URIs: http://mirror.example.com/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

SOURCE
cat >> "$sources/vmkiln.sources" <<'SOURCE'
Types: deb
URIs: https://snapshot.example.com/debian-security/20260101T000000Z
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Check-Valid-Until: no

SOURCE
cat > "$sources/internal.sources" <<'SOURCE'
Types: deb
URIs: https://apt.example.com
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/internal.asc
SOURCE
cat > "$sources/flat.sources" <<'SOURCE'
Types: deb
URIs: https://apt.example.com/flat
Suites: ./
SOURCE

apt() {
  # Files of the image that were changed stay as they are, and no question is asked.
  apt-get -y -o Acquire::Retries=3 -o APT::Update::Error-Mode=any -o DPkg::Lock::Timeout=60 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

say "looking what the archives have"
apt update
say "updating"
apt dist-upgrade
say "installing packages"
apt install chrony=4.3-2+deb12u1 curl/bookworm-updates libc6:i386 qemu-guest-agent

# What the packages came from, for the provenance of the image: the lists go.
mkdir -p /var/lib/vmkiln
find /var/lib/apt/lists -maxdepth 1 -name '*Release' -exec sha256sum {} + > /var/lib/vmkiln/repositories
mv "$sources/vmkiln.sources" "$sources/mirror.sources"
rm -f "$sources/internal.sources" /etc/apt/keyrings/internal.asc
apt clean
rm -rf /var/lib/apt/lists/*
