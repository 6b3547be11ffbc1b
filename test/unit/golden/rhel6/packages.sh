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
sm repos --enable=rhel-6-server-rpms --enable=rhel-6-server-rh-common-rpms

say "updating"
yum -y update
say "installing packages"
yum -y install cloud-utils-growpart cloud-init
# What the packages came from, for the provenance of the image: the caches go.
mkdir -p /var/lib/vmkiln
find /var/cache/yum /var/cache/dnf /var/cache/libdnf5 -name repomd.xml -exec sha256sum {} + 2> /dev/null > /var/lib/vmkiln/repositories || true
# yum is content when it finds some of the packages.
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
# With no repository left, yum refuses to clean.
yum clean all || rm -rf /var/cache/yum/*
