"""Partitions and file systems, as the kickstart asks. Plain partitions only: LVM, RAID and encryption are noted, and laid out plainly."""
import functools
import json
import os
import re

from kickstart import KickstartError

FIRMWARE = ("biosboot", "prepboot", "appleboot")
# From this size on (MiB) a disk gets a GPT label where nothing else is said: an MBR addresses no more.
MBR_LIMIT = 2 * 1024 * 1024
FILE_SYSTEMS = ("xfs", "ext4", "ext3", "ext2", "swap", "vfat", "biosboot", "efi")
EFI_OPTIONS = "umask=0077,shortname=winnt"
# What the installer says when the partition is missing that the firmware needs.
MISSING = {
    "biosboot": "Your BIOS-based system needs a special partition to boot from a GPT disk label. To continue, please create a 1MiB 'biosboot' type partition.",
    "efi": "For a UEFI installation, you must include an EFI System Partition on a GPT-formatted disk, mounted at /boot/efi.",
}


class StorageError(Exception):
    """The kickstart is sound but does not fit this machine; the text is what the installer prints."""


def find_disks(run, medium):
    """Names and sizes (MiB) of the disks that may be installed to: never the medium, read-only ones, or RAM and loop devices."""
    listed = json.loads(run("lsblk", "-J", "-b", "-o", "NAME,TYPE,SIZE,RO,LABEL,PTTYPE,FSTYPE"))["blockdevices"]
    disks = {}
    for one in listed:
        parts = one.get("children", [])
        if one["type"] != "disk" or one["ro"] or re.match(r"(loop|zram|ram|fd)", one["name"]) or medium.startswith("/dev/" + one["name"]):
            continue
        if "OEMDRV" in [one["label"]] + [part["label"] for part in parts]:
            continue
        disks[one["name"]] = {"size": int(one["size"]) // 1048576, "blank": not one["pttype"] and not one["fstype"], "partitions": len(parts)}
    return disks


def named(text):
    return [name.strip().removeprefix("/dev/") for name in (text or "").split(",") if name.strip()]


def plan(ks, disks, release, note):
    """The partitions to make: [{disk, mount, type, size, grow, label, options}], in disk order. Pure."""
    ignore = ks.last("ignoredisk")
    usable = dict(disks)
    if ignore:
        only, drop = named(ignore["options"].get("only-use")), named(ignore["options"].get("drives"))
        for name in only + drop:
            if name not in disks:
                raise KickstartError(ignore["line"], f'Disk "{name}" given in ignoredisk command does not exist.')
        usable = {name: disk for name, disk in disks.items() if (not only or name in only) and name not in drop}
    clear = ks.last("clearpart")
    clearing = clear["options"] if clear else {}
    for name in named(clearing.get("drives")):
        if name not in usable:
            raise KickstartError(clear["line"], f'Disk "{name}" given in clearpart command does not exist.')
    wipe = clearing.get("all") or clearing.get("linux")
    label_allowed = clearing.get("all") or clearing.get("initlabel")
    for name, disk in list(usable.items()):
        chosen = not named(clearing.get("drives")) or name in named(clearing.get("drives"))
        # A disk without a label is used only if something allows to initialise it.
        if disk["blank"]:
            disk["ready"] = chosen and bool(label_allowed) or bool(ks.last("zerombr"))
        else:
            disk["ready"] = chosen and bool(wipe)
    ready = [name for name, disk in usable.items() if disk["ready"]]
    requests = wanted(ks, release, note)
    if requests is None:
        return None
    label = disklabel(ks, release, usable)
    automatic, needed = ks.last("reqpart", "autopart"), boot_partition(label, release)
    if automatic and needed and not any(one["type"] == needed["type"] for one in requests):
        requests.append(dict(needed, line=automatic["line"]))
    for one in requests:
        if one["disk"] and one["disk"] not in disks:
            raise KickstartError(one["line"], f'Disk "{one["disk"]}" given in part command does not exist.')
        if one["disk"] and one["disk"] not in ready:
            raise KickstartError(one["line"], f'Disk "{one["disk"]}" in part command is not partitioned.')
        if one["type"] not in FILE_SYSTEMS:
            raise KickstartError(one["line"], f'The "{one["type"]}" file system type is not supported.')
    if not ready:
        raise StorageError("An error has occurred - no valid devices were found on which to create new file systems.  "
                           "Please check your hardware for the cause of this problem.")
    for one in requests:
        one["disk"] = one["disk"] or ready[0]
    result = []
    for disk in dict.fromkeys(one["disk"] for one in requests):
        result += fit([one for one in requests if one["disk"] == disk], usable[disk]["size"])
    if not any(one["mount"] == "/" for one in result):
        raise StorageError(f"You have not defined a root partition (/), which is required for installation of {release['product']} to continue.")
    if needed and not any(one["mount"] == needed["mount"] for one in result):
        raise StorageError(MISSING[needed["type"]])
    return result


def boot_partition(label, release):
    """The partition that the firmware needs on a disk with that label, as reqpart and autopart ask for it (MiB); None for a BIOS and an MBR."""
    request = {"disk": None, "grow": False, "max": None, "label": None, "options": ""}
    if release["firmware"] == "uefi":
        # pyanaconda/platform.py: it grows up to this.
        return dict(request, mount="/boot/efi", type="efi", options=EFI_OPTIONS, size=200 if release["version"].startswith("7.") else 600)
    return dict(request, mount="biosboot", type="biosboot", size=1) if label == "gpt" else None


def disklabel(ks, release, disks):
    """The kind of partition table: UEFI's, the kickstart's, or else the release's own; GPT where the disk is too large for that."""
    if release["firmware"] == "uefi":
        return "gpt"
    own = (ks.last("clearpart") or {"options": {}})["options"].get("disklabel")
    large = release["bootloader"] != "legacy" and any(disk["size"] >= MBR_LIMIT for disk in disks.values())
    return own or ("gpt" if large else release.get("disklabel") or "msdos")


def wanted(ks, release, note):
    """Partition requests as the kickstart words them; None when it has no storage command at all."""
    default = release["filesystem"]
    auto = ks.last("autopart")
    if auto:
        kind = auto["options"].get("type") or "lvm"
        if kind != "plain" and not auto["options"].get("nolvm"):
            note(f"autopart --type={kind} (laid out as plain partitions)")
        if auto["options"].get("encrypted"):
            note("autopart --encrypted")
        kind = auto["options"].get("fstype") or default
        base = {"line": auto["line"], "disk": None, "label": None, "options": "", "max": None}
        return [dict(base, mount="/boot", type=kind, size=1024, grow=False), dict(base, mount="swap", type="swap", size=1024, grow=False),
                dict(base, mount="/", type=kind, size=1024, grow=True)]
    requests = []
    for one in ks.all("part", "partition", "logvol"):
        options, mount = one["options"], one["words"][0]
        if mount.startswith(("pv.", "raid.", "btrfs.")):
            note(f"{one['name']} {mount}")
            continue
        if one["name"] == "logvol":
            note(f"logvol {mount} (laid out as a plain partition)")
            if options.get("thinpool"):
                continue
        if mount not in ("swap", "None", "biosboot", "prepboot", "appleboot") and not mount.startswith("/"):
            raise KickstartError(one["line"], f'The mount point "{mount}" is not valid.  It must start with a /.')
        for name in ("onpart", "noformat", "encrypted", "resize", "fsprofile", "onbiosdisk"):
            if options.get(name):
                note(f"{one['name']} --{name}")
        swap = mount == "swap"
        kind = "swap" if swap else mount if mount == "biosboot" else "efi" if mount == "/boot/efi" else options.get("fstype") or default
        size = options.get("size") or (1024 if swap and (options.get("recommended") or options.get("hibernation")) else None)
        if size is None and not options.get("grow") and not options.get("percent"):
            raise StorageError("Unable to allocate requested partition scheme.")
        requests.append({"line": one["line"], "disk": named(options.get("ondisk"))[0] if options.get("ondisk") else None, "mount": mount, "type": kind,
                         "size": size or 1, "grow": bool(options.get("grow") or options.get("percent")), "max": options.get("maxsize"),
                         "primary": bool(options.get("asprimary")), "placed": bool(options.get("ondisk")),
                         "label": options.get("label"), "options": options.get("fsoptions") or (EFI_OPTIONS if kind == "efi" else "")})
    for name in ("raid", "btrfs", "volgroup", "mount"):
        for one in ks.all(name):
            note(name)
    if not requests and not ks.all("part", "partition", "logvol", "raid", "btrfs", "mount", "reqpart"):
        return None
    return requests


def place(one):
    """The keys by which blivet sorts partitions (partition_compare in its partitioning.py): what boots, /boot, those that name their disk,
    primary ones, fixed sizes before growing ones, larger before smaller, by the most they may grow to."""
    boots = one["type"] in FIRMWARE or one["mount"] == "/boot/efi"
    return (0 if boots else 1 if one["mount"] == "/boot" else 2, not one.get("placed"), not one.get("primary"), one["grow"], -one["size"],
            -(one["max"] or float("inf")) if one["grow"] else 0)


def compare(one, other):
    """And at last by mount point; what has none stays where the kickstart has it."""
    mine, its = place(one), place(other)
    if mine == its and one["mount"].startswith("/") and other["mount"].startswith("/"):
        mine, its = one["mount"], other["mount"]
    return (mine > its) - (mine < its)


def fit(requests, disk_size):
    """Sizes the requests of one disk (MiB), in the order in which they lie on it."""
    ordered = sorted(requests, key=functools.cmp_to_key(compare))
    logical = len(ordered) > 4
    free = disk_size - 2 - (len(ordered) if logical else 0) - sum(one["size"] for one in ordered)
    if free < 0:
        raise StorageError("The following errors occurred with your partitioning:\n\nNot enough free space on disks for automatic partitioning\n\n"
                           "The installation will now terminate." if any(one["line"] is None for one in ordered)
                           else "Unable to allocate requested partition scheme.")
    growing = [one for one in ordered if one["grow"]]
    while growing and free > 0:
        share = free // len(growing)
        if share == 0:
            break
        for one in list(growing):
            more = share if not one["max"] else min(share, max(0, one["max"] - one["size"]))
            one["size"] += more
            free -= more
            if one["max"] and one["size"] >= one["max"]:
                growing.remove(one)
    return ordered


def apply(partitions, run, log, root, disklabel=None):
    """Writes the partition tables, makes the file systems, mounts them under root. Adds `device` and `uuid` to every partition."""
    for disk in dict.fromkeys(one["disk"] for one in partitions):
        mine = [one for one in partitions if one["disk"] == disk]
        gpt = disklabel == "gpt"
        codes = {"swap": "S", "efi": "U", "biosboot": "21686148-6449-6E6F-744E-656564454649"} if gpt else {"swap": "S", "efi": "U", "biosboot": "da"}
        lines, number = ["label: gpt" if gpt else "label: dos"], 0
        for index, one in enumerate(mine):
            if not gpt and len(mine) > 4 and index == 3:
                lines.append("type=E")
                number = 4
            number += 1
            one["device"] = f"/dev/{disk}{'p' if disk[-1].isdigit() else ''}{number}"
            active = ", bootable" if not gpt and index == 0 else ""
            lines.append(f"size={one['size']}MiB, type={codes.get(one['type'], 'L')}{active}")
        log("blivet", "INFO", f"executing action: create disklabel on {disk}")
        run("wipefs", "-a", f"/dev/{disk}")
        run("sfdisk", "--wipe", "always", "--wipe-partitions", "always", f"/dev/{disk}", input="\n".join(lines) + "\n")
        run("udevadm", "settle")
    for one in partitions:
        log("anaconda", "INFO", f"Creating {one['type']} on {one['device']}", show=True)
        label = ["-L", one["label"]] if one["label"] else []
        if one["type"] == "xfs":
            run("mkfs.xfs", "-f", *label, one["device"])
        elif one["type"].startswith("ext"):
            run(f"mkfs.{one['type']}", "-F", "-q", *label, one["device"])
        elif one["type"] == "swap":
            run("mkswap", "-f", *label, one["device"])
        elif one["type"] in ("efi", "vfat"):
            run("mkfs.vfat", *(["-n", one["label"]] if one["label"] else []), one["device"])
        one["uuid"] = run("blkid", "-o", "value", "-s", "UUID", one["device"], check=False).strip()
    for one in sorted((one for one in partitions if one["mount"].startswith("/")), key=lambda one: one["mount"]):
        target = root + one["mount"]
        os.makedirs(target, exist_ok=True)
        run("mount", *(["-o", one["options"]] if one["options"] else []), one["device"], target)


def fstab(partitions, release, created):
    """The text of /etc/fstab."""
    lines = ["", "#", "# /etc/fstab", f"# Created by anaconda on {created}", "#", "# Accessible filesystems, by reference, are maintained under '/dev/disk'",
             "# See man pages fstab(5), findfs(8), mount(8) and/or blkid(8) for more info", "#"]
    for one in sorted(partitions, key=lambda one: one["mount"]):
        if one["uuid"] and (one["mount"] == "swap" or one["mount"].startswith("/")):
            unchecked = ("xfs", "swap", "efi") if release["version"].startswith("7.") else ("xfs", "swap")
            kind = "vfat" if one["type"] == "efi" else one["type"]
            check = 0 if one["type"] in unchecked else 1 if one["mount"] == "/" else 2
            lines.append(f"UUID={one['uuid']} {one['mount']:<23} {kind:<7} {one['options'] or 'defaults':<15} 0 {check}")
    return "\n".join(lines) + "\n"
