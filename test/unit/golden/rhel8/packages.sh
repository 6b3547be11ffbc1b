# Rendered by vmkiln and run in the guest: registers, updates, installs, and takes the registration back.
set -eu

say() {
  echo "vmkiln: $*"
}

sm() {
  action=$1
  shift
  subscription-manager "$action" "$@"
}

# A consumer that stays registered uses up a subscription, so every way out leads through here.
registered=no
finish() {
  status=$?
  trap - EXIT
  # A registration that failed may have come as far as the server.
  if [ "$registered" = perhaps ] && { [ -e /etc/pki/consumer/cert.pem ] || sm identity > /dev/null 2>&1; }; then
    registered=yes
  fi
  if [ "$registered" = yes ]; then
    say "unregistering after a failure"
    sm unregister || say "could not unregister: remove the consumer vmkiln at the registration server"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM

say "registering"
registered=perhaps
sm register --name=vmkiln \
  --username=⟨secret RHSM_USERNAME⟩ --password=⟨secret RHSM_PASSWORD⟩
registered=yes
# A build that is killed from here on leaves on the disk what is needed to unregister.
sync
say "enabling repositories"
sm repos --enable=rhel-8-for-x86_64-baseos-rpms --enable=rhel-8-for-x86_64-appstream-rpms

# A new kernel gets its arguments from this file, and without it from the running one: here that of the appliance.
for entry in /boot/loader/entries/*.conf; do
  if [ -s /etc/kernel/cmdline ] || [ ! -f "$entry" ]; then continue; fi
  options=$(sed -n 's/^options[ \t]*//p' "$entry" | head -n 1 | sed 's/ *$tuned_params//')
  case $options in
    '' | *'$'*) ;;
    *)
      mkdir -p /etc/kernel
      printf '%s\n' "$options" > /etc/kernel/cmdline
      ;;
  esac
done
say "updating"
dnf -y update
say "installing packages"
dnf -y install cloud-utils-growpart cloud-init
# What the packages came from, for the provenance of the image: the caches go.
mkdir -p /var/lib/vmkiln
find /var/cache/yum /var/cache/dnf /var/cache/libdnf5 -name repomd.xml -exec sha256sum {} + 2> /dev/null > /var/lib/vmkiln/repositories || true
# dnf is content when it finds some of the packages.
missing=
for package in cloud-utils-growpart cloud-init; do
  # The first knows files and capabilities, the second NAME.ARCH and NAME-VERSION.
  rpm -q --whatprovides "$package" > /dev/null || rpm -q "$package" > /dev/null || missing="$missing $package"
done
if [ -n "$missing" ]; then
  say "not installed:$missing"
  exit 1
fi

say "unregistering"
sm repos '--disable=*'
sm unregister
registered=no
# With no repository left, dnf refuses to clean.
dnf clean all || rm -rf /var/cache/dnf/*
