"""What a kickstart wants of the disks, held against what is on them."""
from disks import TYPES, cleared, free_places, named, usable
from kickstart import KickstartError
from layout import FIRMWARE, StorageError, fit
from volumes import plan_groups, plan_volumes

# From this size on (MiB) a disk gets a GPT label where nothing else is said: an MBR addresses no more.
MBR_LIMIT = 2 * 1024 * 1024
MOUNTABLE = ("xfs", "ext4", "ext3", "ext2", "vfat", "efi", "tmpfs")
FILE_SYSTEMS = (*MOUNTABLE, "swap", "lvmpv", *FIRMWARE)
# What blivet mounts an EFI partition with, and what `part /boot/efi` makes of it (pyanaconda, custom_partitioning.py; kickstart.py before).
EFI_OPTIONS = "umask=0077,shortname=winnt"
DEFAULT_SIZE = 500
# What the installer says when the partition is missing that the firmware needs.
MISSING = {
    "biosboot": "Your BIOS-based system needs a special partition to boot from a GPT disk label. To continue, please create a 1MiB 'biosboot' type partition.",
    "efi": "For a UEFI installation, you must include an EFI System Partition on a GPT-formatted disk, mounted at /boot/efi.",
}


def plan(ks, disks, groups, release, note):
    """What is to be made of the disks: tables (disk -> label, new, removed), devices (partitions in the order of their disk, then logical
    volumes), groups, and dissolved (groups that go). None when there is no storage command. Pure."""
    mine = usable(ks, disks)
    fate = cleared(ks, mine)
    requests = wanted(ks, release, note, sum(disk["size"] for disk in mine.values()))
    if requests is None:
        return None
    tables = {name: {"label": new_label(ks, release, mine[name]) if one["new"] else mine[name]["label"], **one} for name, one in fate.items() if one["ready"]}
    add_required(ks, requests, tables, release)
    for one in requests:
        if one["type"] not in FILE_SYSTEMS:
            raise KickstartError(one["line"], f'The "{one["type"]}" file system type is not supported.')
    onto = [one for one in requests if one["onpart"]]
    for one in onto:
        take(one, mine, tables)
    partitions = sorted(onto, key=lambda one: (one["disk"], one["number"])) + place_new(requests, mine, tables, disks, bool(ks.last("autopart")))
    gone = {one["name"] for name, table in tables.items() for one in (mine[name]["partitions"] if table["new"] else table["removed"])}
    gone |= {one["onpart"] for one in onto if one["format"]}
    dissolved = [name for name, group in groups.items() if gone.intersection(group["pvs"])]
    kept = {name: group for name, group in groups.items() if name not in dissolved}
    planned = plan_groups(group_commands(ks, requests), partitions, kept)
    volumes = plan_volumes([one for one in requests if one["group"]], planned)
    devices = partitions + volumes + [dict(one, device="tmpfs") for one in requests if one["type"] == "tmpfs"]
    verify(devices, mine, tables, release)
    return {"tables": tables, "devices": devices, "groups": planned, "dissolved": dissolved}


def new_label(ks, release, disk):
    """The kind of a new partition table: UEFI's, the kickstart's, or else the release's own; GPT where the disk is too large for that."""
    if release["firmware"] == "uefi":
        return "gpt"
    own = (ks.last("clearpart") or {"options": {}})["options"].get("disklabel")
    large = release["bootloader"] != "legacy" and disk["size"] >= MBR_LIMIT
    kind = own or ("gpt" if large else release.get("disklabel") or "msdos")
    return "dos" if kind == "msdos" else kind


def add_required(ks, requests, tables, release):
    """What reqpart and autopart make for the firmware (pyanaconda/platform.py); an EFI partition grows up to the size given here."""
    command = ks.last("reqpart", "autopart")
    if not command:
        return
    if release["firmware"] == "uefi":
        needed = {"mount": "/boot/efi", "type": "efi", "options": EFI_OPTIONS, "size": 200 if release["version"].startswith("7.") else 600}
    elif any(table["label"] == "gpt" for table in tables.values()):
        needed = {"mount": "biosboot", "type": "biosboot", "size": 1}
    else:
        needed = None
    if needed and not any(one["type"] == needed["type"] for one in requests):
        requests.append(request(command["line"], **needed))
    if command["options"].get("add-boot") and not any(one["mount"] == "/boot" for one in requests):
        requests.append(request(command["line"], mount="/boot", type=release["filesystem"], size=1024))


def request(line, **more):
    return {"line": line, "label": None, "options": "", "mkfs": "", "profile": None, "size": DEFAULT_SIZE, "grow": False, "max": None, "primary": False,
            "placed": False, "disk": None, "onpart": None, "existing": False, "format": True, "group": None, "percent": 0, **more}


def wanted(ks, release, note, space):
    """Partitions and logical volumes as the kickstart words them; None when it has no storage command at all."""
    auto = ks.last("autopart")
    if auto:
        return automatic(auto, release, note, space, (ks.last("network") or {"options": {}})["options"].get("hostname"))
    requests = []
    for one in ks.all("part", "partition", "logvol"):
        options, mount = one["options"], one["words"][0]
        if mount.startswith(("raid.", "btrfs.")):
            note(f"{one['name']} {mount}")
            continue
        for name in ("encrypted", "resize", "onbiosdisk", "thin", "thinpool", "cachepvs"):
            if options.get(name):
                note(f"{one['name']} --{name}" + (" (a linear volume)" if name == "thin" else ""))
        if not options.get("thinpool"):
            requests.append(part_or_volume(one, options, mount, release))
    for name in ("raid", "btrfs", "mount"):
        for one in ks.all(name):
            note(name)
    if not requests and not ks.all("part", "partition", "logvol", "raid", "btrfs", "mount", "reqpart"):
        return None
    return requests


def part_or_volume(one, options, mount, release):
    volume, swap, efi = one["name"] == "logvol", mount == "swap", mount == "/boot/efi"
    if mount not in ("swap", "None", "none", *FIRMWARE) and not mount.startswith(("/", "pv.")):
        raise KickstartError(one["line"], f'The mount point "{mount}" is not valid.  It must start with a /.')
    kind = ("swap" if swap else mount if mount in FIRMWARE else "lvmpv" if mount.startswith("pv.") else "efi" if efi
            else options.get("fstype") or release["filesystem"])
    computed = swap and (options.get("recommended") or options.get("hibernation"))
    mask = "077" if int(release["version"].split(".")[0]) >= 8 else "0077"
    if volume and not options.get("size") and not computed and not options.get("percent") and not options.get("useexisting") and not options.get("noformat"):
        raise KickstartError(one["line"], "Size can not be decided on from kickstart nor obtained from device.")
    if options.get("noformat") and not volume and not options.get("onpart"):
        raise KickstartError(one["line"], "part --noformat must also use the --onpart option.")
    return request(one["line"], mount=mount, type="efi" if kind == "EFI System Partition" else kind, label=options.get("label"),
                   size=1024 if computed else options.get("size") or (0 if volume else DEFAULT_SIZE), grow=bool(options.get("grow")) and not computed,
                   max=options.get("maxsize"), primary=bool(options.get("asprimary")), placed=bool(options.get("ondisk")),
                   disk=named(options["ondisk"])[0] if options.get("ondisk") else None, onpart=options.get("onpart"), format=not options.get("noformat"),
                   options=f"defaults,uid=0,gid=0,umask={mask},shortname=winnt" if efi else options.get("fsoptions") or "",
                   mkfs=options.get("mkfsoptions") or "", profile=options.get("fsprofile"), percent=options.get("percent") or 0,
                   **({"group": options["vgname"], "name": options["name"], "existing": bool(options.get("useexisting") or options.get("noformat"))} if volume else {}))


def automatic(auto, release, note, space, hostname):
    """autopart: /boot, and in a volume group (unless it is told otherwise) the root up to 70 GiB, swap, and /home from 50 GiB of space on."""
    options, line = auto["options"], auto["line"]
    kind = options.get("type") or "lvm"
    if kind in ("thinp", "btrfs"):
        note(f"autopart --type={kind} (laid out as logical volumes)")
    if options.get("encrypted"):
        note("autopart --encrypted")
    fs = options.get("fstype") or release["filesystem"]
    boot = [] if options.get("noboot") else [request(line, mount="/boot", type=fs, size=1024)]
    home = space >= 50 * 1024 and not options.get("nohome")
    rest = [request(line, mount="/", type=fs, size=1024, grow=True, max=70 * 1024 if home else None)]
    rest += [] if options.get("noswap") else [request(line, mount="swap", type="swap", size=1024)]
    rest += [request(line, mount="/home", type=fs, size=500, grow=True)] if home else []
    if kind in ("plain", "partition") or options.get("nolvm"):
        return boot + rest
    old, short = release["bootloader"] == "legacy", (hostname or "localhost").split(".")[0]
    # The initials of the product (pyanaconda/core/constants.py, shortProductName).
    words = release["product"].lower().split()
    product = "vg" if old else words[0] if len(words) == 1 else "".join(word[0] for word in words)
    group = ("VolGroup" if old else product) if short == "localhost" else f"{product}_{short}"
    for one in rest:
        one.update(group=group, name=("lv_" if old else "") + (one["mount"].strip("/") or "root"))
    return boot + [request(line, mount="pv.auto", type="lvmpv", grow=True)] + rest


def group_commands(ks, requests):
    made = next((one for one in requests if one["mount"] == "pv.auto"), None)
    group = next((one["group"] for one in requests if one["group"]), None)
    return ks.all("volgroup") or ([{"line": made["line"], "options": {}, "words": [group, "pv.auto"]}] if made else [])


def take(one, disks, tables):
    """Finds the partition that --onpart names: by the kernel's name, or by a label or id."""
    name = one["onpart"] if "=" in one["onpart"] else named(one["onpart"])[0]
    found = [(disk, part) for disk, table in tables.items() if not table["new"] for part in disks[disk]["partitions"]
             if part not in table["removed"] and name in (part["name"], *part["aliases"])]
    if not found:
        raise KickstartError(one["line"], f'Partition "{one["onpart"]}" given in part command does not exist.')
    disk, part = found[0]
    one.update(disk=disk, number=part["number"], onpart=part["name"], device="/dev/" + part["name"], size=part["size"], existing=True, was=part["type"])


def place_new(requests, usable_disks, tables, disks, auto):
    """The partitions to make, in disk order, with their numbers."""
    new = [one for one in requests if not one["onpart"] and not one["group"] and one["type"] != "tmpfs"]
    for one in new:
        if one["disk"] and one["disk"] not in disks:
            raise KickstartError(one["line"], f'Disk "{one["disk"]}" given in part command does not exist.')
        if one["disk"] and one["disk"] not in tables:
            raise KickstartError(one["line"], f'Disk "{one["disk"]}" in part command is not partitioned.')
    if new and not tables:
        raise StorageError("An error has occurred - no valid devices were found on which to create new file systems.  "
                           "Please check your hardware for the cause of this problem.")
    for one in new:
        one["disk"] = one["disk"] or next(iter(tables))
    result = []
    for name in dict.fromkeys(one["disk"] for one in new):
        result += number([one for one in new if one["disk"] == name], name, usable_disks[name], tables[name], auto)
    return result


def number(mine, name, disk, table, auto):
    if table["new"]:
        logical = table["label"] == "dos" and len(mine) > 4
        ordered = fit(mine, disk["size"] - 2 - (len(mine) if logical else 0), auto)
        numbers = [*range(1, 4), *range(5, 65)] if logical else range(1, 129)
    else:
        start, size = (free_places(disk, table["removed"]) or [(0, 0)])[0]
        ordered = fit(mine, size, auto)
        for one in ordered:
            one["start"], start = start, start + one["size"]
        taken = {one["number"] for one in disk["partitions"] if one not in table["removed"]}
        numbers = [one for one in range(1, 5 if table["label"] == "dos" else 129) if one not in taken]
    if len(numbers) < len(ordered):
        raise StorageError("Unable to allocate requested partition scheme.")
    for one, its in zip(ordered, numbers):
        one.update(number=its, device=f"/dev/{name}{'p' if name[-1].isdigit() else ''}{its}")
    return ordered


def boot_device(devices):
    return next((one for one in devices if one["mount"] == "/boot"), next((one for one in devices if one["mount"] == "/"), None))


def verify(devices, disks, tables, release):
    """What has to be there, in the words of Anaconda's storage checker. GRUB reads no logical volume of its own accord (bootloader/grub2.py)."""
    root = next((one for one in devices if one["mount"] == "/"), None)
    if root is None:
        raise StorageError(f"You have not defined a root partition (/), which is required for installation of {release['product']} to continue.")
    if not root["format"]:
        raise StorageError("You must create a new file system on the root device.")
    boot = boot_device(devices)
    if boot["group"] or boot["type"] not in ("xfs", "ext4", "ext3", "ext2"):
        raise StorageError("You have not created a bootable partition.")
    if release["firmware"] == "uefi":
        if not any(one["mount"] == "/boot/efi" and one["type"] == "efi" for one in devices):
            raise StorageError(MISSING["efi"])
        return
    name = boot["disk"]
    table = tables[name]
    reused = {one["number"] for one in devices if one["existing"] and one["disk"] == name and one["format"]}
    kept = [] if table["new"] else [one for one in disks[name]["partitions"] if one not in table["removed"] and one["number"] not in reused]
    has = any(one["type"] == "biosboot" for one in devices) or any(one["type"].upper() == TYPES["gpt"]["biosboot"] for one in kept)
    if table["label"] == "gpt" and not has:
        raise StorageError(MISSING["biosboot"])
