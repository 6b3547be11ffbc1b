#!/usr/bin/env bash
# Builds the packages for Debian and Ubuntu and for Fedora and RHEL from this checkout: vmkiln, compiled, with its npm
# packages and the Node.js that runs this script (`node` on PATH), since Debian 12 has one that is too old.
# The same checkout, Node.js and SOURCE_DATE_EPOCH (default: the time of the last commit) give the same bytes.
#
# Usage: scripts/package.sh [--out DIR] [deb] [rpm]     default: both, into ./packages
# Needs Debian or Ubuntu with dpkg-dev, and rpm for the .rpm. `npm run package` compiles first.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=packages
kinds=()

die() {
  printf 'package: error: %s\n' "$1" >&2
  shift
  for hint in "$@"; do printf 'package:        %s\n' "$hint" >&2; done
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    deb | rpm) kinds+=("$1") ;;
    --out)
      out=${2:?--out needs a folder}
      shift
      ;;
    *) die "unknown word $1" 'usage: scripts/package.sh [--out DIR] [deb] [rpm]' ;;
  esac
  shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(deb rpm)
mkdir -p "$out"
out=$(realpath "$out")

cd "$root"
[ -e dist/cli.js ] || die 'vmkiln is not compiled' 'run npm ci && npm run build'
command -v dpkg-shlibdeps >/dev/null || die 'dpkg-shlibdeps is not on PATH' 'apt-get install dpkg-dev'
[ "$(dpkg --print-architecture)" = amd64 ] || die 'vmkiln builds x86-64 images, on x86-64 hosts' 'run this on one'
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y package.json)}
export SOURCE_DATE_EPOCH

field() { node -p 'require("./package.json")[process.argv[1]]' "$1"; }
# 0.2.0-rc.1 comes before 0.2.0 for dpkg and rpm when it is written 0.2.0~rc.1.
version=$(field version | tr - '~')
summary=$(field description)
homepage=$(field homepage)

# The packages that a list needs (`needed`) or would like to have (`liked`).
list_of() {
  case $1 in
    needed) sed '/^# Practice media$/,$d' "$2" ;;
    liked) sed -n '/^# Practice media$/,$p' "$2" ;;
  esac | sed -e 's/#.*//' -e '/^[[:space:]]*$/d'
}

joined() { paste -sd, | sed 's/,/, /g'; }

# Where the licence of a Node.js lies: nodejs.org's archives and the images of node have it beside bin/, NodeSource's packages in doc/.
node_licence() {
  local file
  for file in "$(dirname "$1")/../LICENSE" /usr/share/doc/nodejs/LICENSE; do
    if grep -qs '^Node.js is licensed for use as follows' "$file"; then
      echo "$file"
      return
    fi
  done
  die "the licence of $1 is not found" 'take a Node.js of nodejs.org, and put its bin/ first on PATH'
}

# Fills $work/tree with all files but those that differ between deb and rpm.
make_tree() {
  local library=$work/tree/usr/lib/vmkiln documents=$work/tree/usr/share/doc/vmkiln name node
  mkdir -p "$library" "$documents" "$work/tree/usr/bin"
  npm pack --ignore-scripts --silent --pack-destination "$work" >"$work/packed"
  tar -xzf "$work/$(tail -n 1 "$work/packed")" -C "$library" --strip-components=1
  cp package-lock.json "$library"
  (cd "$library" && npm ci --omit=dev --ignore-scripts --prefer-offline --no-audit --no-fund >"$work/npm.log" 2>&1) ||
    die 'npm ci failed' "$(tail -n 5 "$work/npm.log")"
  rm -rf "$library/package-lock.json" "$library/node_modules/.bin"
  # Types and source maps are for those who write programs: npm gives them.
  find "$library" -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete

  node=$(realpath "$(node -p process.execPath)")
  if ldd "$node" | grep -qE 'libnode|libuv|not found'; then
    die "$node runs on libraries of this distribution alone" 'take a Node.js of nodejs.org, and put its bin/ first on PATH'
  fi
  install -m 0755 "$node" "$library/node"
  install -m 0644 "$(node_licence "$node")" "$library/node.LICENSE"
  sed -i '1s,^#!.*,#!/usr/lib/vmkiln/node,' "$library/dist/cli.js"
  ln -s ../lib/vmkiln/dist/cli.js "$work/tree/usr/bin/vmkiln"

  mv "$library"/{README.md,CHANGELOG.md,docs} "$documents"
  for name in hooks kickstart recipes; do ln -s "../../../lib/vmkiln/$name" "$documents/$name"; done
  for name in "$library"/dist/man/*.[1-8]; do
    [ -e "$name" ] || continue
    mkdir -p "$work/tree/usr/share/man/man${name##*.}"
    gzip -9n <"$name" >"$work/tree/usr/share/man/man${name##*.}/${name##*/}.gz"
  done
  rm -rf "$library/dist/man"
}

# What all files have alike, whoever made them when: modes, and times.
settle() {
  chmod -R u=rwX,go=rX "$1"
  find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

fill() {
  local word text=
  text=$(<"$1")
  shift
  for word; do text=${text//"@${word%%=*}@"/"${word#*=}"}; done
  printf '%s\n' "$text"
}

build_deb() {
  local tree=$work/deb libraries
  cp -al "$work/tree" "$tree"
  node scripts/package-files.mjs "$tree" deb >/dev/null
  rm "$tree/usr/lib/vmkiln/node_modules/.package-lock.json"
  mkdir "$tree/DEBIAN" "$work/debian"
  touch "$work/debian/control"
  libraries=$(cd "$work" && dpkg-shlibdeps -O "$tree/usr/lib/vmkiln/node" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
  fill packaging/control "VERSION=$version" "SUMMARY=$summary" "HOMEPAGE=$homepage" \
    "SIZE=$(du -sk --apparent-size "$tree/usr" | cut -f 1)" \
    "DEPENDS=$libraries, $(list_of needed scripts/packages.apt | joined)" \
    "RECOMMENDS=$(list_of liked scripts/packages.apt | joined)" >"$tree/DEBIAN/control"
  (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
  settle "$tree"
  install -m 0755 packaging/postinst packaging/postrm "$tree/DEBIAN"
  dpkg-deb --root-owner-group -Zzstd -z9 --build "$tree" "$out/vmkiln_${version}_amd64.deb" >/dev/null
  echo "$out/vmkiln_${version}_amd64.deb"
}

build_rpm() {
  local tree=$work/rpm licence
  command -v rpmbuild >/dev/null || die 'rpmbuild is not on PATH' 'apt-get install rpm'
  cp -al "$work/tree" "$tree"
  licence=$(node scripts/package-files.mjs "$tree" rpm)
  rm "$tree/usr/lib/vmkiln/node_modules/.package-lock.json"
  settle "$tree"
  {
    list_of needed scripts/packages.dnf | sed 's/^/Requires: /'
    list_of liked scripts/packages.dnf | sed 's/^/Recommends: /'
  } >"$work/requires"
  # Folders of vmkiln's own are the package's; the others are other packages'.
  (cd "$tree" && find usr \( -path usr/lib/vmkiln -o -path 'usr/lib/vmkiln/*' -o -path 'usr/share/doc/vmkiln*' \) -type d \
    -printf '%%dir "/%p"\n' -o ! -type d -printf '"/%p"\n' | sort) >"$work/files"
  rpmbuild -bb --quiet --define "_topdir $work/rpmbuild" --define "package_tree $tree" --define "package_requires $work/requires" \
    --define "package_files $work/files" --define "package_version $version" --define "package_summary $summary" \
    --define "package_licence $licence" --define "package_homepage $homepage" packaging/vmkiln.spec
  mv "$work"/rpmbuild/RPMS/x86_64/vmkiln-*.rpm "$out/"
  echo "$out/vmkiln-$version-1.x86_64.rpm"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/vmkiln-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
make_tree
for kind in "${kinds[@]}"; do "build_$kind"; done
