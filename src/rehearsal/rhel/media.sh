#!/bin/sh
# Makes the DVD of one release from the payload, step by step; that of a distribution that is made like RHEL looks as it does.
# usage: media.sh STEP RELEASE-FOLDER PAYLOAD-FOLDER WORK-FOLDER [DISTRIBUTION RELEASE]
set -eu
step=$1 release=$2 payload=$3 work=$4 distribution=${5:-rhel}
here=$(dirname "$(readlink -f "$0")")
own=$here/distributions/$distribution
subscribes=no os_release=os-release release_package='' repository_file='' redhat='' short=''
. "$release/release.env"
rhel_version=$version
[ "$distribution" = rhel ] || version=$6
major=${version%%.*} minor=${version#*.}
. "$own/distribution.env"
short=${short:-$product} installer="${installer%% for *} for $product $version"
export user cloud
tree=$work/tree
repo=$tree/$repository
mkdir -p "$tree"

fill() { sed -e "s|@version@|$version|g; s|@major@|$major|g; s|@minor@|$minor|g; s|@codename@|$codename|g; s|@key@|$key|g" "$1"; }

# The files of the release package: what makes a system known as that of its distribution. usage: dress ROOT
dress() {
  mkdir -p "$1/etc/pki/rpm-gpg" "$1/etc/yum.repos.d" "$1/usr/lib"
  echo "$redhat_release" > "$1/etc/$release_file"
  ln -s "$release_file" "$1/etc/system-release"
  if [ -n "$redhat" ]; then echo "$redhat" > "$1/etc/redhat-release"; fi
  [ -e "$1/etc/redhat-release" ] || ln -s "$release_file" "$1/etc/redhat-release"
  fill "$own/${os_release:-os-release-7}" > "$1/usr/lib/os-release"
  sed -n 's/^CPE_NAME="\(.*\)"/\1/p' "$1/usr/lib/os-release" | sed 's/:GA:/:ga:/' > "$1/etc/system-release-cpe"
  if [ -n "$os_release" ]; then ln -s ../usr/lib/os-release "$1/etc/os-release"; else rm "$1/usr/lib/os-release"; fi
  printf '\\S\nKernel \\r on an \\m\n\n' > "$1/etc/issue"
  echo practice > "$1/etc/pki/rpm-gpg/$key"
  [ -z "$repository_file" ] || fill "$own/repository" > "$1/etc/yum.repos.d/$repository_file"
}

# What installer and guest ask of the release, without shell code.
facts() {
  for name in suite version codename kernel label media_id installer product filesystem disklabel stage2 repository arguments bootloader network \
    environment id efi subscribes; do
    eval "value=\${$name:-}"
    printf '%s="%s"\n' "$name" "$value"
  done
}

# The packages on the DVD.
table() {
  if [ "$subscribes" = yes ]; then grep -v '^#' "$release/packages"; return; fi
  sed -e '/^#/d; / subscription-manager/d' -e "s|^release .*|release $release_package|" "$release/packages"
}

# Real RPMs: one spec with a subpackage per line of the package table. Those with files take them from the payload's tars.
packages() {
  mkdir -p "$work/rpm" "$repo/Packages"
  root=$work/rpm/root
  rm -rf "$work/rpm/files" "$work/rpm/dress" && mkdir -p "$work/rpm/files"
  dress "$work/rpm/dress"
  {
    printf 'Name: practice\nVersion: 1\nRelease: 1\nSummary: practice media\nLicense: Apache-2.0\nBuildArch: x86_64\nAutoReqProv: no\n'
    printf '%%global debug_package %%{nil}\n%%global __os_install_post %%{nil}\n%%global _build_id_links none\n%%description\npractice media\n'
    table | while read -r group nvra source provides; do
      arch=${nvra##*.}; nvr=${nvra%.*}; rel=${nvr##*-}; nv=${nvr%-*}; version=${nv##*-}; name=${nv%-*} epoch=''
      case $version in *:*) epoch=${version%%:*} version=${version#*:};; esac
      if [ "$source" = - ]; then source=''; fi
      printf '\n%%package -n %s\nVersion: %s\nRelease: %s\nSummary: %s (practice stand-in)\n' "$name" "$version" "$rel" "$name"
      if [ -n "$epoch" ]; then printf 'Epoch: %s\n' "$epoch"; fi
      printf 'Group: %s\nVendor: vmkiln practice media\nAutoReqProv: no\n' "$group"
      for one in $provides; do printf 'Provides: %s\n' "$one"; done
      [ "$arch" != noarch ] || printf 'BuildArch: noarch\n'
      [ "$group" != release ] || printf 'Provides: redhat-release = %s\nProvides: system-release = %s\n' "$version" "$version"
      [ "$name" != bash ] || printf 'Provides: /bin/sh\n'
      printf '%%description -n %s\nStands in for the package of that name on practice media; group %s.\n' "$name" "$group"
      if [ -n "$source" ] || [ "$group" = release ]; then
        rm -rf "$work/rpm/one" && mkdir -p "$work/rpm/one"
        if [ "$group" = release ]; then cp -a "$work/rpm/dress/." "$work/rpm/one/"; else tar -C "$work/rpm/one" -xf "$payload/$source.tar"; fi
        if [ -x "$here/packages/$name.sh" ]; then "$here/packages/$name.sh" "$work/rpm/one" "$release" >&2; fi
        (cd "$work/rpm/one" && find . ! -type d | sed 's/^\.//; s/.*/"&"/; /"\/etc\//s/^/%config(noreplace) /' ) > "$work/rpm/files/$name"
        mkdir -p "$root.new" && cp -a "$work/rpm/one/." "$root.new/"
        printf '%%files -n %s -f %s\n%%defattr(-,root,root)\n' "$name" "$work/rpm/files/$name"
        [ ! -f "$here/packages/$name.post" ] || { printf '%%post -n %s\n' "$name"; cat "$here/packages/$name.post"; }
      else
        printf '%%files -n %s\n' "$name"
      fi
    done
    printf '\n%%install\nmkdir -p %%{buildroot}\ncp -a %s.new/. %%{buildroot}/\n' "$root"
  } > "$work/rpm/practice.spec"
  rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "_rpmdir $repo/Packages" --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
    --define '_binary_payload w1.gzdio' --define '_buildhost practice' "$work/rpm/practice.spec" > "$work/rpm/log" 2>&1 || { tail -n 20 "$work/rpm/log" >&2; exit 1; }
  comps > "$work/comps.xml"
  createrepo_c --quiet --groupfile "$work/comps.xml" "$repo"
  rm -rf "$work/rpm"
}

comps() {
  printf '<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n'
  for group in $(table | sed -n 's/^\([a-z-]*\) .*/\1/p' | grep -vx 'release\|extra\|url' | awk '!seen[$0]++'); do
    printf '<group><id>%s</id><name>%s</name><default>true</default><uservisible>%s</uservisible><packagelist>\n' "$group" "$group" "$([ "$group" = core ] && echo false || echo true)"
    table | sed -n "s/^$group \([^ ]*\)-[^- ]*-[^- ]*\( .*\)\?$/<packagereq type=\"mandatory\">\1<\/packagereq>/p"
    printf '</packagelist></group>\n'
  done
  [ -z "$environment" ] || printf '<environment><id>%s</id><name>Minimal Install</name><display_order>3</display_order><grouplist><groupid>core</groupid></grouplist><optionlist/></environment>\n' "$environment"
  printf '</comps>\n'
}

# One initial RAM disk serves the installer and the installed guest.
boot() {
  rm -rf "$work/initrd"; mkdir -p "$work/initrd/bin" "$tree/images/pxeboot" "$tree/isolinux" "$tree/boot/grub"
  cp "$here/init" "$work/initrd/init"; chmod 755 "$work/initrd/init"
  cp "$payload/busybox" "$work/initrd/bin/busybox"
  tar -C "$work/initrd" -xf "$payload/modules.tar"
  (cd "$work/initrd" && find . | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$tree/images/pxeboot/initrd.img"
  cp "$payload/vmlinuz" "$tree/images/pxeboot/vmlinuz"
  # virt-install looks here where osinfo-db knows the medium by its label.
  ln "$tree/images/pxeboot/vmlinuz" "$tree/images/pxeboot/initrd.img" "$tree/isolinux/"
  cp "$payload/eltorito.img" "$tree/isolinux/boot.img"
  sed -e "s/Red Hat Enterprise Linux $rhel_version/$product $version/; s/hd:LABEL=[^ ]*/hd:LABEL=$(printf %s "$label" | sed 's/ /\\\\x20/g')/" \
    "$release/isolinux.cfg" > "$tree/isolinux/isolinux.cfg"
  rm -rf "$work/initrd"
}

# That of RHEL, with the names of the distribution; Fedora's DVD is not divided into BaseOS and AppStream.
treeinfo() {
  sed -e "s/Red Hat Enterprise Linux/$treeinfo_family/g; s/^short = RHEL/short = $short/" \
    -e "s/^\(version = \|name = ${treeinfo_family}[- ]\)$rhel_version\$/\1$treeinfo_version/" "$release/treeinfo" |
    if [ -n "$repository" ]; then cat; else sed 's|BaseOS/||; s|^repository = BaseOS|repository = .|; s|BaseOS|Server|g'; fi
}

iso() {
  mkdir -p "$tree/rehearsal/installer"
  cp "$here"/installer/*.py "$release/commands" "$release/repositories" "$tree/rehearsal/installer/"
  if [ -f "$release/modules" ]; then cp "$release/modules" "$tree/rehearsal/installer/"; fi
  facts > "$tree/rehearsal/installer/release.env"
  tar -C "$here/guest" --owner=0 --group=0 --sort=name -cf "$tree/rehearsal/guest.tar" .
  treeinfo > "$tree/.treeinfo"
  printf '[InstallMedia]\nname=%s %s\nmediaid=%s\nmetadata_expire=-1\ngpgcheck=0\ncost=500\n' "$product" "$version" "$media_id" > "$tree/media.repo"
  printf '%s\n%s %s\nx86_64\n1\n' "$media_id" "$product" "$version" > "$tree/.discinfo"
  rm -f "$work/practice.iso"
  xorriso -report_about WARNING -outdev "stdio:$work/practice.iso" -volid "$label" -joliet on -rockridge on -hardlinks on \
    -map "$tree" / -map "$payload/root.squashfs" "/$stage2" -chown_r 0 / -- \
    -boot_image any bin_path=/isolinux/boot.img -boot_image any cat_path=/isolinux/boot.cat -boot_image any emul_type=no_emulation \
    -boot_image any load_size=2048 -boot_image any boot_info_table=on -commit
}

case $step in
  dress) dress "$work/dress";;
  treeinfo) treeinfo;;
  *) "$step";;
esac
