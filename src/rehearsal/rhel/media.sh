#!/bin/sh
# Makes the DVD of one release from the payload, step by step. usage: media.sh STEP RELEASE-FOLDER PAYLOAD-FOLDER WORK-FOLDER
set -eu
step=$1 release=$2 payload=$3 work=$4
here=$(dirname "$(readlink -f "$0")")
. "$release/release.env"
tree=$work/tree
repo=$tree/$repository
mkdir -p "$tree"

# Real RPMs: one spec with a subpackage per line of the package table. Those with files take them from the payload's tars.
packages() {
  mkdir -p "$work/rpm" "$repo/Packages"
  root=$work/rpm/root
  rm -rf "$work/rpm/files" && mkdir -p "$work/rpm/files"
  {
    printf 'Name: practice\nVersion: 1\nRelease: 1\nSummary: practice media\nLicense: Apache-2.0\nBuildArch: x86_64\nAutoReqProv: no\n'
    printf '%%global debug_package %%{nil}\n%%global __os_install_post %%{nil}\n%%global _build_id_links none\n%%description\npractice media\n'
    grep -v '^#' "$release/packages" | while read -r group nvra source; do
      arch=${nvra##*.}; nvr=${nvra%.*}; rel=${nvr##*-}; nv=${nvr%-*}; version=${nv##*-}; name=${nv%-*}
      printf '\n%%package -n %s\nVersion: %s\nRelease: %s\nSummary: %s (practice stand-in)\nVendor: vmkiln practice media\nAutoReqProv: no\n' "$name" "$version" "$rel" "$name"
      [ "$arch" != noarch ] || printf 'BuildArch: noarch\n'
      [ "$group" != release ] || printf 'Provides: redhat-release = %s\nProvides: system-release = %s\n' "$version" "$version"
      [ "$name" != bash ] || printf 'Provides: /bin/sh\n'
      printf '%%description -n %s\nStands in for the package of that name on practice media; group %s.\n' "$name" "$group"
      if [ -n "$source" ]; then
        rm -rf "$work/rpm/one" && mkdir -p "$work/rpm/one"
        tar -C "$work/rpm/one" -xf "$payload/$source.tar"
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
  for group in $(sed -n 's/^\([a-z-]*\) .*/\1/p' "$release/packages" | grep -vx 'release\|extra' | awk '!seen[$0]++'); do
    printf '<group><id>%s</id><name>%s</name><default>true</default><uservisible>%s</uservisible><packagelist>\n' "$group" "$group" "$([ "$group" = core ] && echo false || echo true)"
    sed -n "s/^$group \(.*\)-[^-]*-[^-]*$/<packagereq type=\"mandatory\">\1<\/packagereq>/p" "$release/packages"
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
  cp "$payload/eltorito.img" "$tree/isolinux/boot.img"
  cp "$release/isolinux.cfg" "$tree/isolinux/isolinux.cfg"
  rm -rf "$work/initrd"
}

iso() {
  mkdir -p "$tree/rehearsal/installer"
  cp "$here"/installer/*.py "$release/commands" "$release/release.env" "$release/repositories" "$tree/rehearsal/installer/"
  tar -C "$here/guest" --owner=0 --group=0 --sort=name -cf "$tree/rehearsal/guest.tar" .
  cp "$release/treeinfo" "$tree/.treeinfo"
  printf '[InstallMedia]\nname=Red Hat Enterprise Linux %s\nmediaid=%s\nmetadata_expire=-1\ngpgcheck=0\ncost=500\n' "$version" "$media_id" > "$tree/media.repo"
  printf '%s\nRed Hat Enterprise Linux %s\nx86_64\n1\n' "$media_id" "$version" > "$tree/.discinfo"
  rm -f "$work/practice.iso"
  xorriso -report_about WARNING -outdev "stdio:$work/practice.iso" -volid "$label" -joliet on -rockridge on \
    -map "$tree" / -map "$payload/root.squashfs" "/$stage2" -chown_r 0 / -- \
    -boot_image any bin_path=/isolinux/boot.img -boot_image any cat_path=/isolinux/boot.cat -boot_image any emul_type=no_emulation \
    -boot_image any load_size=2048 -boot_image any boot_info_table=on -commit
}

"$step"
