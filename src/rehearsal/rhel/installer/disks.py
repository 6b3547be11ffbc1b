"""The disks of the machine: what is on them, and how partitions get there."""
import fnmatch
import json
import os
import re

from kickstart import KickstartError

SECTORS = 2048  # of a MiB
# Partition types by what the partition is for, on a GPT and on an MBR. Any other: a file system of Linux.
TYPES = {
    "gpt": {"biosboot": "21686148-6449-6E6F-744E-656564454649", "prepboot": "9E1A2D38-C612-4316-AA26-8B49521E5A8B",
            "efi": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "vfat": "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
            "swap": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "lvmpv": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
            None: "0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
    "dos": {"biosboot": "da", "prepboot": "41", "efi": "ef", "vfat": "c", "swap": "82", "lvmpv": "8e", None: "83"},
}
# What `clearpart --linux` leaves: file systems of others.
FOREIGN = {TYPES["gpt"]["efi"], TYPES["gpt"]["vfat"], "1", "4", "6", "7", "b", "c", "e", "ef"}


def find_disks(run, medium):
    """The disks that may be installed to (never the medium, read-only ones, or RAM and loop devices): name -> {size in MiB, label of the
    partition table or None, formatted: without a table, as a whole; partitions}."""
    # A script may just have made them.
    run("udevadm", "settle")
    listed = json.loads(run("lsblk", "-J", "-b", "-o", "NAME,TYPE,SIZE,RO,LABEL,UUID,PTTYPE,FSTYPE"))["blockdevices"]
    disks = {}
    for one in listed:
        parts = one.get("children", [])
        if one["type"] != "disk" or one["ro"] or re.match(r"(loop|zram|ram|fd)", one["name"]) or medium.startswith("/dev/" + one["name"]):
            continue
        if "OEMDRV" in [one["label"]] + [part["label"] for part in parts]:
            continue
        label, partitions = read_table(run, "/dev/" + one["name"])
        for part in partitions:
            inside = next((found for found in parts if found["name"] == part["name"]), {})
            part["aliases"] += [f"{key.upper()}={inside[key]}" for key in ("label", "uuid") if inside.get(key)]
        disks[one["name"]] = {"size": int(one["size"]) // 1048576, "label": label, "formatted": bool(one["fstype"]), "partitions": partitions}
    return disks


def read_table(run, device):
    """The kind of a partition table (None: there is none) and its partitions. `start` and `end` are MiB, outwards."""
    said = run("sfdisk", "-J", device, check=False)
    if not said.lstrip().startswith("{"):
        return None, []
    table = json.loads(said)["partitiontable"]
    partitions = []
    for one in table.get("partitions", []):
        aliases = [f"{key}={one[value]}" for key, value in (("PARTUUID", "uuid"), ("PARTLABEL", "name")) if one.get(value)]
        partitions.append({"name": os.path.basename(one["node"]), "number": int(re.search(r"\d+$", one["node"])[0]), "type": one["type"], "aliases": aliases,
                           "start": one["start"] // SECTORS, "end": -(-(one["start"] + one["size"]) // SECTORS), "size": one["size"] // SECTORS})
    return table["label"], partitions


def named(text):
    """The device names in an option's value, as the kernel has them."""
    names = [name.strip().removeprefix("/dev/") for name in (text or "").split(",")]
    return [os.path.basename(os.path.realpath("/dev/" + name)) if name.startswith("disk/") else name for name in names if name]


def chosen(text, disks, line, command):
    """The disks that an option names, patterns included."""
    found = []
    for name in named(text):
        matching = fnmatch.filter(disks, name)
        if not matching:
            raise KickstartError(line, f'Disk "{name}" given in {command} command does not exist.')
        found += matching
    return found


def usable(ks, disks):
    ignore = ks.last("ignoredisk")
    if not ignore:
        return dict(disks)
    only, drop = (chosen(ignore["options"].get(option), disks, ignore["line"], "ignoredisk") for option in ("only-use", "drives"))
    return {name: disk for name, disk in disks.items() if (not only or name in only) and name not in drop}


def cleared(ks, disks):
    """What clearpart and zerombr do (pyanaconda, storage/disk_initialization/configuration.py): disk -> {new: whether it gets a table,
    ready: whether it then has one, removed: partitions}."""
    clear = ks.last("clearpart") or {"options": {}, "line": 0}
    options = clear["options"]
    drives = chosen(options.get("drives"), disks, clear["line"], "clearpart")
    listed = named(options.get("list"))
    fate = {}
    for name, disk in disks.items():
        mine = not drives or name in drives
        parts = disk["partitions"]
        if options.get("all"):
            gone = parts
        elif options.get("linux"):
            gone = [one for one in parts if one["type"].upper() not in FOREIGN and one["type"] not in FOREIGN]
        else:
            gone = [one for one in parts if one["name"] in listed]
        gone = gone if mine else []
        if disk["label"]:
            empty = len(gone) == len(parts)
            new = mine and bool(options.get("all") or (empty and (gone or options.get("initlabel"))))
        elif disk["formatted"]:
            new = mine and bool(options.get("all") or options.get("linux"))
        else:
            new = mine and bool(options.get("all") or options.get("initlabel")) or bool(ks.last("zerombr"))
        fate[name] = {"new": new, "ready": new or bool(disk["label"]), "removed": gone}
    return fate


def free_places(disk, removed):
    """What is free on a disk whose table stays: (start, size) in MiB, largest first."""
    edge, places = 1, []
    last = disk["size"] - (1 if disk["label"] == "gpt" else 0)
    kept = sorted((one["start"], one["end"]) for one in disk["partitions"] if one not in removed)
    for start, end in kept + [(last, last)]:
        if start > edge:
            places.append((edge, start - edge))
        edge = max(edge, end)
    return sorted(places, key=lambda place: -place[1])


def write_table(name, table, partitions, run):
    """Writes one disk's partitions: a new table, or what leaves and what joins the one that is there. udev reads the table again whenever
    a program has written to the disk: until it has settled, no partition has its device."""
    device, types = f"/dev/{name}", TYPES[table["label"]]
    made = [one for one in partitions if one["disk"] == name and not one["existing"]]
    lines = [f"label: {table['label']}"] if table["new"] else []
    for one in made:
        if one["number"] == 5 and table["label"] == "dos":
            lines.append("type=E")
        active = ", bootable" if table["label"] == "dos" and one["number"] == 1 else ""
        start = f"start={one['start']}MiB, " if one.get("start") else ""
        lines.append(f"{start}size={one['size']}MiB, type={types.get(one['type'], types[None])}{active}")
    if table["new"]:
        run("wipefs", "-a", device)
        run("udevadm", "settle")
    elif table["removed"]:
        run("sfdisk", "--delete", device, *(str(one["number"]) for one in table["removed"]))
        run("udevadm", "settle")
    if lines:
        how = [] if table["new"] else ["--append"]
        run("sfdisk", *how, "--wipe", "always" if table["new"] else "auto", "--wipe-partitions", "always", device, input="\n".join(lines) + "\n")
    emptied = [one for one in partitions if one["disk"] == name and one["existing"] and one["format"]]
    for one in emptied:
        # blivet clears and sets the flags of a partition with its new format (deviceaction.py, ActionCreateFormat).
        wanted = types.get(one["type"], types[None])
        if one["was"].upper() != wanted.upper():
            run("sfdisk", "--part-type", device, str(one["number"]), wanted)
            run("udevadm", "settle")
    run("udevadm", "settle")
    for one in emptied:
        run("wipefs", "-a", one["device"])
    run("udevadm", "settle")
