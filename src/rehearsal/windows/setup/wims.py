"""Makes an install.wim per release: small trees with what tells one Windows from another. usage: wims.py RELEASES-JSON OUT"""

import json
import os
import shutil
import struct
import subprocess
import sys

import registry
from hive import empty_hive

SERVER = {"SERVERSTANDARDCORE": "ServerStandard", "SERVERSTANDARD": "ServerStandard",
          "SERVERDATACENTERCORE": "ServerDatacenter", "SERVERDATACENTER": "ServerDatacenter"}
CLIENT = {"Pro": "Professional", "Pro N": "ProfessionalN", "Pro for Workstations": "ProfessionalWorkstation",
          "Pro N for Workstations": "ProfessionalWorkstationN", "Pro Education": "ProfessionalEducation",
          "Pro Education N": "ProfessionalEducationN", "Education": "Education", "Education N": "EducationN",
          "Enterprise": "Enterprise", "Enterprise N": "EnterpriseN", "Enterprise LTSC": "EnterpriseS",
          "Enterprise N LTSC": "EnterpriseSN"}
PROGRAMS = ["cmd.exe", "reg.exe", "msiexec.exe", "ntoskrnl.exe", "Sysprep/sysprep.exe", "WindowsPowerShell/v1.0/powershell.exe"]


def program() -> bytes:
    """The headers of a 64-bit console program, by which tools tell the architecture."""
    stub = b"MZ".ljust(60, b"\0") + struct.pack("<I", 128)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    optional = (struct.pack("<H", 0x20B).ljust(68, b"\0") + struct.pack("<H", 3)).ljust(240, b"\0")
    section = b".text\0\0\0".ljust(40, b"\0")
    return (stub.ljust(128, b"\0") + coff + optional + section).ljust(1024, b"\0")


def write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def tree(root: str, product: str, edition: str, kind: str, build: int) -> None:
    system32 = f"{root}/Windows/System32"
    for name in PROGRAMS:
        write(f"{system32}/{name}", program())
    write(f"{root}/Windows/explorer.exe", program())
    for folder in ("Program Files", "Program Files (x86)", "ProgramData", "Users/Default", "Users/Public", "Windows/Panther",
                   "Windows/Temp", "Windows/INF", "Windows/System32/drivers", "Windows/System32/Sysprep/Panther"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    for name in ("SAM", "SECURITY", "DEFAULT", "SOFTWARE", "SYSTEM"):
        write(f"{system32}/config/{name}", empty_hive())
    registry.write(f"{system32}/config/SOFTWARE", r"Microsoft\Windows NT\CurrentVersion", {
        "ProductName": product, "EditionID": edition, "InstallationType": kind, "CurrentVersion": "6.3",
        "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0, "CurrentBuild": str(build),
        "CurrentBuildNumber": str(build), "SystemRoot": r"C:\Windows", "BuildLabEx": f"{build}.1.amd64fre.practice"})
    registry.write(f"{system32}/config/SOFTWARE", r"Microsoft\Windows\CurrentVersion\Setup\State",
                   {"ImageState": "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"})
    registry.write(f"{system32}/config/SYSTEM", "Select", {"Current": 1, "Default": 1, "Failed": 0, "LastKnownGood": 1})
    registry.write(f"{system32}/config/SYSTEM", r"ControlSet001\Services\Tcpip\Parameters", {"Hostname": "PRACTICE"})
    registry.write(f"{system32}/config/SYSTEM", "Setup", {"SystemSetupInProgress": 1, "OOBEInProgress": 1})


def main(releases: str, out: str) -> None:
    with open(releases, encoding="utf-8") as file:
        facts = json.load(file)
    for release, fact in facts.items():
        wim, index = f"{out}/install-{release}.wim", 0
        for suffix, edition in (SERVER if fact["server"] else CLIENT).items():
            index += 1
            name = f"{fact['product']} {suffix}"
            kind = "Client" if not fact["server"] else "Server Core" if suffix.endswith("CORE") else "Server"
            label = "Standard" if edition == "ServerStandard" else "Datacenter" if fact["server"] else suffix
            # Windows 11 still calls itself 10 there, as the real one does.
            product = f"{fact['product']} {label}".replace("Windows 11", "Windows 10")
            root = "/tmp/tree"
            shutil.rmtree(root, ignore_errors=True)
            tree(root, product, edition, kind, fact["build"])
            verb = ["append"] if index > 1 else ["capture", "--compress=none"]
            subprocess.run(["wimlib-imagex", verb[0], root, wim, name, name, "--no-acls", *verb[1:]], check=True, stdout=subprocess.DEVNULL)
            # No languages: practice media serve recipes in any, and vmkiln asks only media that name theirs.
            properties = {"DISPLAYNAME": name, "WINDOWS/ARCH": "9", "WINDOWS/EDITIONID": edition, "WINDOWS/INSTALLATIONTYPE": kind,
                          "WINDOWS/VERSION/MAJOR": "10", "WINDOWS/VERSION/MINOR": "0", "WINDOWS/VERSION/BUILD": str(fact["build"])}
            options = [f"--image-property={key}={value}" for key, value in properties.items()]
            subprocess.run(["wimlib-imagex", "info", wim, str(index), *options], check=True, stdout=subprocess.DEVNULL)


main(*sys.argv[1:])
