"""The packages that the kickstart chooses."""
import glob
import os
import re

import repository

# What the boot loader of each firmware needs, whatever the kickstart chooses.
BOOT_PACKAGES = {"bios": ("grub2-pc", "grub2-pc-modules"), "uefi": ("grub2-efi-x64", "shim-x64", "efibootmgr")}


class Missing(Exception):
    """The DVD lacks a package or group; the text is what the installer asks."""


def select(ks, folder, firmware, required, release, log):
    """The RPM files to install, `required` ones among them. A name the DVD does not have stops the installation, unless --ignoremissing."""
    dnf = int(release["version"].split(".")[0]) >= 8
    there = [one for one in repository.read(folder) if one["group"] != "url"]
    files, groups = {one["name"]: os.path.join(folder, "Packages", one["file"]) for one in there}, {}
    with open(glob.glob(folder + "/repodata/*comps.xml")[0], encoding="utf-8") as comps:
        text = comps.read()
    for group, body in re.findall(r"<group><id>(.*?)</id>(.*?)</group>", text, re.S):
        groups[group] = re.findall(r"<packagereq[^>]*>(.*?)</packagereq>", body)
    wanted = ks.packages
    ignore = wanted["options"].get("ignoremissing")

    def missing(kind, name):
        log("anaconda", "WARNING", f"no such {kind}: {name}")
        if not ignore:
            raise Missing(f"You have specified that the {kind} '{name}' should be installed.  This {kind} does not exist.  "
                          f"Would you like to ignore this {kind} and continue with installation?")

    def named(word):
        return {one["name"] for one in repository.find(word, there, dnf)}

    chosen = set() if wanted["options"].get("nocore") else set(groups["core"])
    environment = wanted["environment"]
    if environment and not re.search(rf"<environment><id>{re.escape(environment)}</id>", text):
        missing("group", environment)
    for group in wanted["groups"]:
        if group in groups:
            chosen.update(groups[group])
        else:
            missing("group", group)
    for word in wanted["add"]:
        if not named(word):
            missing("package", word)
        chosen |= named(word)
    # timezone without --nontp brings in chrony, unless it is excluded.
    timezone = ks.last("timezone")
    if timezone and "chrony" in files and not timezone["options"].get("nontp"):
        chosen.add("chrony")
    for group in wanted["removed_groups"]:
        chosen.difference_update(groups.get(group, []))
    for word in wanted["remove"]:
        chosen -= named(word)
    chosen.update(name for name in (*BOOT_PACKAGES[firmware], *required) if name in files)
    chosen.update(one["name"] for one in there if one["group"] == "release")
    return [files[name] for name in sorted(chosen) if name in files]
