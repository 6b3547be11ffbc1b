"""Carries out the %pre scripts of kickstarts, and their partitioning, on disks that are files: practice-disk.py RELEASE-FOLDER < CASES
PYTHONPATH is the folder of the installer.

CASES is a list in JSON of {folder, firmware, groups}: the folder has the kickstart `x.ks` and the disk `vda`, groups are the volume groups
that are there. Partition tables are written; programs that need a block device are only noted. Prints for each {error} or {table: [number,
type, MiB, name], made: command lines, fstab, words: kernel arguments}."""
import json
import os
import re
import subprocess
import sys

import bootloader
import configure
import disks
import filesystems
import kickstart
import layout
import partitioning

release = sys.argv[1]
table = kickstart.load_commands(release + "/commands")


def install(folder, firmware, groups):
    path, disk, made = folder + "/x.ks", folder + "/vda", []
    settled = True

    def run(*command, check=True, input=None, root=None):
        nonlocal settled
        # As udev has it: who writes to the disk takes the devices of its partitions away, for a moment.
        if not settled and any(re.fullmatch(r"/dev/vda\d+", word) for word in command):
            raise SystemExit(f"{command}: its device may not be there yet")
        settled = command[0] == "udevadm" or (settled and not (command[0] in ("sfdisk", "wipefs") and "/dev/vda" in command and "-J" not in command))
        if command[0] == "blkid":
            return "U" + command[-1].removeprefix("/dev/") + "\n"
        if command[0] in ("sfdisk", "wipefs") and "/dev/vda" in command:
            done = subprocess.run([disk if word == "/dev/vda" else word for word in command], input=input, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if check and done.returncode:
                raise SystemExit(f"{command} {input}\n{done.stdout}")
            return done.stdout
        if command[0] not in ("udevadm", "mount"):
            made.append(" ".join(command))
        return ""

    facts = dict(configure.read_release(release + "/release.env"), firmware=firmware)
    os.chdir(folder)
    for script in kickstart.read(path, table, only_pre=True).scripts:
        subprocess.run(["bash", "-e", "-c", script["body"].replace("/dev/vda", disk)], check=True, stdout=sys.stderr)
    label, partitions = disks.read_table(run, "/dev/vda")
    found = {"vda": {"size": os.path.getsize(disk) >> 20, "label": label, "formatted": False, "partitions": partitions}}
    plan = partitioning.plan(kickstart.read(path, table), found, groups, facts, lambda what: None)
    filesystems.apply(plan, run, lambda *words, **more: None, folder + "/root")
    return {"table": [[one["number"], one["type"], one["size"], *one["aliases"][1:]] for one in disks.read_table(run, "/dev/vda")[1]],
            "made": made, "fstab": filesystems.fstab(plan["devices"], facts, "now"), "words": bootloader.storage_words(plan["devices"], facts)}


results = []
for case in json.load(sys.stdin):
    try:
        results.append(install(**case))
    except (layout.StorageError, kickstart.KickstartError) as error:
        results.append({"error": str(error)})
print(json.dumps(results))
