"""The packages that the kickstart chooses."""
import glob
import os
import re

# What the boot loader of each firmware needs, whatever the kickstart chooses.
BOOT_PACKAGES = {"bios": ("grub2-pc", "grub2-pc-modules"), "uefi": ("grub2-efi-x64", "shim-x64", "efibootmgr")}
# Names that a package goes by besides its own.
PROVIDED = {"grub2": "grub2-pc", "shim": "shim-x64", "dnf-utils": "yum-utils", "vim": "vim-enhanced", "dracut-norescue": "dracut"}


class Missing(Exception):
    """The DVD lacks a package or group; the text is what the installer asks."""


def select(ks, repository, firmware, log):
    """The RPM files to install. A name the DVD does not have stops the installation, unless --ignoremissing."""
    files, groups = {}, {}
    for path in sorted(glob.glob(repository + "/Packages/*.rpm")):
        files[os.path.basename(path).rsplit("-", 2)[0]] = path
    text = open(glob.glob(repository + "/repodata/*comps.xml")[0], encoding="utf-8").read()
    for group, body in re.findall(r"<group><id>(.*?)</id>(.*?)</group>", text, re.S):
        groups[group] = re.findall(r"<packagereq[^>]*>(.*?)</packagereq>", body)
    wanted = ks.packages
    ignore = wanted["options"].get("ignoremissing")

    def missing(kind, name):
        log("anaconda", "WARNING", f"no such {kind}: {name}")
        if not ignore:
            raise Missing(f"You have specified that the {kind} '{name}' should be installed.  This {kind} does not exist.  "
                          f"Would you like to ignore this {kind} and continue with installation?")

    chosen = set() if wanted["options"].get("nocore") else set(groups["core"])
    environment = wanted["environment"]
    if environment and not re.search(rf"<environment><id>{re.escape(environment)}</id>", text):
        missing("group", environment)
    for group in wanted["groups"]:
        if group in groups:
            chosen.update(groups[group])
        else:
            missing("group", group)
    for name in wanted["add"]:
        plain = name.removesuffix(".x86_64").removesuffix(".noarch")
        plain = PROVIDED[plain] if plain in PROVIDED and plain not in files else plain
        found = [one for one in files if re.fullmatch(plain.replace("+", r"\+").replace("*", ".*"), one)]
        if not found:
            missing("package", name)
        chosen.update(found)
    # timezone without --nontp brings in chrony, unless it is excluded.
    timezone = ks.last("timezone")
    if timezone and "chrony" in files and not timezone["options"].get("nontp"):
        chosen.add("chrony")
    for group in wanted["removed_groups"]:
        chosen.difference_update(groups.get(group, []))
    for name in wanted["remove"]:
        chosen.difference_update([one for one in chosen if re.fullmatch(name.replace("+", r"\+").replace("*", ".*"), one)])
    chosen.update(name for name in BOOT_PACKAGES[firmware] if name in files)
    chosen.update(name for name in files if re.fullmatch(r"redhat-release(-server)?", name))
    return [files[name] for name in sorted(chosen) if name in files]
