"""Makes what partitioning.py has planned, and says it in /etc/fstab."""
import os
import shlex

import disks
import volumes


def apply(plan, run, log, root):
    """Writes tables, volumes and file systems, and mounts them under root. Adds `uuid` to every device."""
    devices = plan["devices"]
    volumes.dissolve(plan["dissolved"], run)
    for name, table in plan["tables"].items():
        if table["new"] or any(one["disk"] == name for one in devices):
            if table["new"]:
                log("blivet", "INFO", f"executing action: create disklabel on {name}")
            disks.write_table(name, table, [one for one in devices if not one["group"]], run)
    volumes.make(plan["groups"], devices, run)
    for one in devices:
        if one["format"] and one["type"] != "tmpfs":
            log("anaconda", "INFO", f"Creating {one['type']} on {one['device']}", show=True)
            make(one, run)
        one["uuid"] = run("blkid", "-o", "value", "-s", "UUID", one["device"], check=False).strip() if one["type"] != "tmpfs" else ""
        if not one["format"]:
            one["type"] = run("blkid", "-o", "value", "-s", "TYPE", one["device"], check=False).strip() if one["type"] != "efi" else "efi"
    for one in sorted((one for one in devices if one["mount"].startswith("/")), key=lambda one: one["mount"]):
        target = root + one["mount"]
        os.makedirs(target, exist_ok=True)
        kind = ["-t", "tmpfs"] if one["type"] == "tmpfs" else []
        run("mount", *kind, *(["-o", one["options"]] if one["options"] else []), one["device"], target)


def make(one, run):
    """Makes one file system as blivet does: with the kickstart's own options, or else its profile."""
    more, kind, device = shlex.split(one["mkfs"]), one["type"], one["device"]
    label = ["-n" if kind in ("efi", "vfat") else "-L", one["label"]] if one["label"] else []
    if kind == "xfs":
        run("mkfs.xfs", "-f", *more, *label, device)
    elif kind.startswith("ext"):
        run(f"mkfs.{kind}", "-F", "-q", *(more or (["-T", one["profile"]] if one["profile"] else [])), *label, device)
    elif kind == "swap":
        run("mkswap", "-f", *more, *label, device)
    elif kind in ("efi", "vfat"):
        run("mkfs.vfat", *more, *label, device)
    elif kind == "prepboot":
        run("blkdiscard", "-z", "-f", device, check=False)


def specification(one):
    """How /etc/fstab and the kernel name a device: volumes by their name, the rest by UUID."""
    return one["device"] if one["group"] or one["type"] == "tmpfs" else f"UUID={one['uuid']}"


def fstab(devices, release, created):
    """The text of /etc/fstab."""
    major = int(release["version"].split(".")[0])
    lines = ["", "#", "# /etc/fstab", f"# Created by anaconda on {created}", "#", "# Accessible filesystems, by reference, are maintained under '/dev/disk'",
             "# See man pages fstab(5), findfs(8), mount(8) and/or blkid(8) for more info", "#"]
    for one in sorted(devices, key=lambda one: one["mount"]):
        if one["type"] == "swap" or one["mount"].startswith("/"):
            unchecked = ("xfs", "swap", "tmpfs", "efi") if major == 7 else ("xfs", "swap", "tmpfs")
            kind = "vfat" if one["type"] == "efi" else one["type"]
            check = 0 if one["type"] in unchecked else 1 if one["mount"] == "/" else 2
            mount = ("none" if major >= 8 else "swap") if one["type"] == "swap" else one["mount"]
            lines.append(f"{specification(one)} {mount:<23} {kind:<7} {one['options'] or 'defaults':<15} 0 {check}")
    return "\n".join(lines) + "\n"
