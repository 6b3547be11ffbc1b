"""What Setup sees of the machine: its drives, letters and serial line."""

import glob
import os
import re
import subprocess
import sys
import time

import answers

DRIVERS = {"virtio_blk": "viostor", "virtio_scsi": "vioscsi"}


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise answers.SetupError(f"{command[0]} failed with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def say(text: str) -> None:
    """Says something on the serial line, which is COM1 of Windows."""
    print(text, flush=True)


def wait_for_ever(text: str) -> None:
    """A dialog that nobody answers."""
    say(text)
    while True:
        time.sleep(3600)


def _port(device: str) -> tuple:
    path = os.path.realpath(f"/sys/block/{device}")
    return tuple(int(number) for number in re.findall(r"\d+", path))


def cd_drives() -> dict:
    """Letters of the CD drives, in the order of their ports, from D: on; each with the folder where it is mounted."""
    letters = {}
    devices = sorted((os.path.basename(path) for path in glob.glob("/sys/block/sr*")), key=_port)
    for letter, device in zip("DEFGHIJ", devices):
        folder = f"/run/drive/{letter}"
        os.makedirs(folder, exist_ok=True)
        if not os.path.ismount(folder):
            subprocess.run(["mount", "-o", "ro,check=r", "-t", "iso9660", f"/dev/{device}", folder], check=False, capture_output=True)
        letters[f"{letter}:"] = folder
    return letters


def local_path(path: str, letters: dict) -> str:
    """A path of Windows as one of this system, without regard to case; empty when there is no such file or drive."""
    here = letters.get(path[:2].upper(), "")
    for part in path[2:].replace("\\", "/").split("/"):
        if here == "" or part == "":
            continue
        names = os.listdir(here) if os.path.isdir(here) else []
        match = [name for name in names if name.lower() == part.lower()]
        here = f"{here}/{match[0]}" if match else ""
    return here


def disks() -> list:
    """The disks, each with the driver of Windows that it needs; None for those that Windows knows by itself."""
    found = []
    for path in sorted(glob.glob("/sys/block/[sv]d*")):
        real = os.path.realpath(path)
        host = re.search(r"/virtio\d+/", real)
        kind = None
        if host:
            link = os.path.realpath(real[: host.end() - 1] + "/driver")
            kind = DRIVERS.get(os.path.basename(link))
        found.append((f"/dev/{os.path.basename(path)}", kind))
    return found


def is_uefi() -> bool:
    return os.path.isdir("/sys/firmware/efi")


def finish(status: int) -> None:
    """Ends this program, and with it the machine: 10 powers it off, 11 restarts it."""
    subprocess.run(["sync"], check=False)
    sys.exit(status)
