"""Volume groups and logical volumes (pyanaconda, storage/partitioning/custom/custom_partitioning.py)."""
import json

from kickstart import KickstartError
from layout import StorageError, grow

# The defaults of LVM: an extent in KiB, and what a physical volume keeps for itself in MiB.
EXTENT, METADATA = 4096, 1


def find_groups(run):
    """The volume groups that are there: name -> {pvs, volumes, free and extent in MiB}."""
    report = {}
    for program, columns in (("vgs", "vg_name,vg_free,vg_extent_size"), ("pvs", "pv_name,vg_name"), ("lvs", "vg_name,lv_name")):
        said = run(program, "--reportformat", "json", "--units", "m", "--nosuffix", "-o", columns, check=False)
        report[program] = json.loads(said[said.index("{"):])["report"][0][program[:-1]] if "{" in said else []
    return {one["vg_name"]: {"pvs": [pv["pv_name"].removeprefix("/dev/") for pv in report["pvs"] if pv["vg_name"] == one["vg_name"]],
                             "volumes": [lv["lv_name"] for lv in report["lvs"] if lv["vg_name"] == one["vg_name"]],
                             "free": float(one["vg_free"]), "extent": float(one["vg_extent_size"])} for one in report["vgs"]}


def device_of(group, name):
    return f"/dev/mapper/{group.replace('-', '--')}-{name.replace('-', '--')}"


def plan_groups(commands, partitions, there):
    """Groups to make, and those that stay: name -> {pvs: devices, free and extent in MiB, existing, volumes}."""
    # A logical volume may name a group that no command mentions.
    groups = {name: dict(group, existing=True) for name, group in there.items()}
    for one in commands:
        options, (name, *members) = one["options"], one["words"]
        if options.get("useexisting") or options.get("noformat"):
            if name not in there:
                raise KickstartError(one["line"], f'Volume group "{name}" given in volgroup command does not exist.')
            continue
        if name in there:
            raise KickstartError(one["line"], f'The volume group name "{name}" is already in use.')
        if not members:
            raise KickstartError(one["line"], f'Volume group "{name}" defined without any physical volumes.  Either specify physical volumes or use --useexisting.')
        pvs = []
        for member in members:
            found = next((part for part in partitions if member in (part["mount"], part["device"].removeprefix("/dev/"), part["device"])), None)
            if found is None:
                raise KickstartError(one["line"], f'Tried to use undefined partition "{member}" in Volume Group specification')
            if found["type"] != "lvmpv":
                raise KickstartError(one["line"], f'Physical volume "{member}" has a format of "{found["type"]}", but should have a format of "lvmpv".')
            pvs.append(found)
        extent = (options.get("pesize") or EXTENT) / 1024
        free = sum((pv["size"] - METADATA) // extent * extent for pv in pvs)
        kept = float(options.get("reserved-space") or free * int(options.get("reserved-percent") or 0) / 100)
        groups[name] = {"pvs": [pv["device"] for pv in pvs], "free": free - kept, "extent": extent, "existing": False, "volumes": []}
    return groups


def plan_volumes(requests, groups):
    """Sizes the logical volumes, and names their devices."""
    for one in requests:
        group = groups.get(one["group"])
        if group is None:
            raise KickstartError(one["line"], f'No volume group exists with the name "{one["group"]}".  Specify volume groups before logical volumes.')
        if one["existing"] and one["name"] not in group["volumes"]:
            raise KickstartError(one["line"], f'Logical volume "{one["name"]}" given in logvol command does not exist.')
        if not one["existing"] and one["name"] in group["volumes"]:
            raise KickstartError(one["line"], f'Logical volume name "{one["name"]}" is already in use in volume group "{one["group"]}".')
        group["volumes"] = [*group["volumes"], one["name"]]
        one["device"] = device_of(one["group"], one["name"])
    for name, group in groups.items():
        made = [one for one in requests if one["group"] == name and not one["existing"]]
        extent, free = group["extent"], group["free"]
        for one in made:
            # blivet rounds up to whole extents.
            one["size"] = -(-one["size"] // extent) * extent
            free -= one["size"]
            if free < 0:
                raise KickstartError(one["line"], f"not enough free space in volume group: {name} has no {one['size']:g} MiB left for {one['name']}")
        whole = free
        for one in made:
            if one["percent"]:
                one["size"] += whole * one["percent"] / 100 // extent * extent
                free -= whole * one["percent"] / 100 // extent * extent
        grow(made, free, extent)
        if any(one["size"] <= 0 for one in made):
            raise StorageError("Unable to allocate requested partition scheme.")
    return requests


def make(groups, devices, run):
    """Makes physical volumes, groups and volumes; whatever signatures lie where they come go."""
    for name, group in groups.items():
        if not group["existing"]:
            for pv in group["pvs"]:
                run("pvcreate", "-ff", "-y", pv)
            run("vgcreate", "-y", "-s", f"{group['extent'] * 1024:g}k", name, *group["pvs"])
        else:
            run("vgchange", "-ay", name)
    for one in devices:
        if one.get("group") and not one["existing"]:
            extents = int(one["size"] / groups[one["group"]]["extent"])
            run("lvcreate", "-y", "-W", "y", "-l", str(extents), "-n", one["name"], one["group"])


def dissolve(names, run):
    """Removes groups whose partitions are made anew."""
    for name in names:
        run("vgchange", "-an", name, check=False)
        run("vgremove", "-ff", "-y", name)
