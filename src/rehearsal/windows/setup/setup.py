"""The pass windowsPE: from an answer file to a disk that boots the installed system."""

import os
import re
import shutil
import subprocess

import answers
import machine
import registry
from answers import SetupError, all_of, component, in_order, text_of

MEDIA = "/medium"
RECOVERY = "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"
RECOVERY_SIZE = 600  # MiB
GENERIC = {  # Product keys that Microsoft publishes, by edition.
    "WC2BQ-8NRM3-FDDYY-2BFGV-KHKQY": "ServerStandard", "CB7KF-BWN84-R7R2Y-793K2-8XDDG": "ServerDatacenter",
    "N69G4-B89J2-4G8F4-WWYCC-J464C": "ServerStandard", "WMDGN-G9PQG-XVVXX-R3X43-63DFG": "ServerDatacenter",
    "VDYBN-27WPP-V4HQT-9VMD4-VMK7H": "ServerStandard", "WX4NM-KYWYW-QJJR4-XV3QB-6VM33": "ServerDatacenter",
    "TVRH6-WHNXV-R9WG3-9XRFY-MY832": "ServerStandard", "D764K-2NDRG-47T6Q-P8T8W-YP6DF": "ServerDatacenter",
    "W269N-WFGWX-YVC9B-4J6C9-T83GX": "Professional", "MH37W-N47XK-V7XM9-C7227-GCQG9": "ProfessionalN",
    "NRG8B-VKK3Q-CXVCJ-9G2XF-6Q84J": "ProfessionalWorkstation", "9FNHH-K3HBT-3W4TD-6383H-6XYWF": "ProfessionalWorkstationN",
    "6TP4R-GNPTD-KYYHQ-7B7DP-J447Y": "ProfessionalEducation", "YVWGF-BXNMC-HTQYQ-CPQ99-66QFC": "ProfessionalEducationN",
    "NW6C2-QMPVW-D7KKK-3GKT6-VCFB2": "Education", "2WH4N-8QGBV-H22JP-CT43Q-MDWWJ": "EducationN",
    "NPPR9-FWDCX-D2C8J-H872K-2YT43": "Enterprise", "DPH2V-TTNVB-4X9Q3-TJR4H-KHJW4": "EnterpriseN",
    "M7XTQ-FN8P6-TTKYV-9D4CC-J462D": "EnterpriseS", "92NFX-8DJQP-P6BBQ-THF9C-7CG2H": "EnterpriseSN",
}


def find_answers(letters: dict) -> str:
    """Setup looks on media that can be written first (floppies, USB sticks), then on CDs, in the order of their letters."""
    writable = []
    for device in ("fd0", "sda", "sdb", "sdc"):
        removable = f"/sys/block/{device}/removable"
        if os.path.exists(removable) and open(removable, encoding="ascii").read().strip() == "1":
            folder = f"/run/removable/{device}"
            os.makedirs(folder, exist_ok=True)
            subprocess.run(["mount", "-o", "ro", f"/dev/{device}", folder], check=False, capture_output=True)
            writable.append(folder)
    for folder in [*writable, *letters.values()]:
        for name in os.listdir(folder):
            if name.lower() == "autounattend.xml":
                return f"{folder}/{name}"
    return ""


def load_drivers(root, letters: dict) -> set:
    """The drivers that DriverPaths of windowsPE name: folders with their .inf files."""
    loaded = set()
    where = component(root, "windowsPE", "Microsoft-Windows-PnpCustomizationsWinPE")
    for path in all_of(where, "DriverPaths/PathAndCredentials/Path"):
        # Setup passes over a path that does not exist.
        folder = machine.local_path((path.text or "").strip(), letters)
        loaded |= {name[:-4].lower() for _, _, files in os.walk(folder or "/nowhere") for name in files if name.lower().endswith(".inf")}
    return loaded


def run_synchronous(where) -> None:
    for command in in_order(all_of(where, "RunSynchronous/RunSynchronousCommand")):
        line = text_of(command, "Path")
        echo = re.fullmatch(r"(?:cmd(?:\.exe)? /c )?echo (.*?)\s*>\s*COM1(?: \|\| exit /b 0)?", line, re.I)
        machine.say(echo[1] if echo else f"not rehearsed: the command {line}")


def disk_size(disk: str) -> int:
    """Size in MiB."""
    with open(f"/sys/block/{os.path.basename(disk)}/size", encoding="ascii") as file:
        return int(file.read()) // 2048


def prepare_disk(setup, loaded: set) -> str:
    """Partitions disk 0 as the answer file says, and returns it."""
    visible = [device for device, driver in machine.disks() if driver is None or driver in loaded]
    if not visible:
        raise SetupError("No drives were found. A media driver your computer needs is missing: load a storage driver to continue.")
    disk = all_of(setup, "DiskConfiguration/Disk")
    if not disk:
        raise SetupError("Where do you want to install Windows? The answer file has no DiskConfiguration.")
    if text_of(disk[0], "DiskID") != "0" or text_of(disk[0], "WillWipeDisk").lower() != "true":
        raise SetupError("Windows could not apply the DiskConfiguration: expected disk 0, wiped.")
    wanted = in_order(all_of(disk[0], "CreatePartitions/CreatePartition"))
    kinds = [text_of(each, "Type") for each in wanted]
    if machine.is_uefi() != ("EFI" in kinds):
        raise SetupError("Windows cannot be installed to this disk: the partitions do not fit the firmware of the machine.")
    types = {"EFI": "uefi", "MSR": "E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "Primary": "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"}
    modify = in_order(all_of(disk[0], "ModifyPartitions/ModifyPartition"))
    types_of = {text_of(each, "PartitionID"): text_of(each, "TypeID").upper() for each in modify}
    lines = [f"label: {'gpt' if machine.is_uefi() else 'dos'}"]
    # Setup makes a partition for Windows RE behind the last one where the answer file has none, by shrinking that.
    own = not any(kind in (RECOVERY, "0X27") for kind in types_of.values())
    left = disk_size(visible[0]) - sum(int(text_of(each, "Size", "0")) for each in wanted) - 2 - (RECOVERY_SIZE if own else 0)
    for number, (each, kind) in enumerate(zip(wanted, kinds), 1):
        extend, size = text_of(each, "Extend").lower() == "true", text_of(each, "Size")
        if not extend and not size:
            raise SetupError("Windows could not apply the DiskConfiguration: a partition has neither Size nor Extend.")
        is_recovery = types_of.get(str(number)) in (RECOVERY, "0X27")
        type_word = RECOVERY if is_recovery and machine.is_uefi() else "27" if is_recovery else types[kind] if machine.is_uefi() else "7"
        lines.append(f"size={left if extend else size}MiB, type={type_word}")
    if own:
        lines.append(f"type={RECOVERY if machine.is_uefi() else '27'}")
    if left < 0:
        raise SetupError("Windows could not apply the DiskConfiguration: the partitions do not fit on the disk.")
    for each in modify:
        if not 1 <= int(text_of(each, "PartitionID", "0")) <= len(wanted):
            raise SetupError("Windows could not apply the DiskConfiguration: ModifyPartition names a partition that is not there.")
        if text_of(each, "Active").lower() == "true":
            lines[int(text_of(each, "PartitionID"))] += ", bootable"
    machine.run("sfdisk", "--wipe=always", "--wipe-partitions=always", visible[0], text="\n".join(lines) + "\n")
    for each in modify:
        part, label = f"{visible[0]}{text_of(each, 'PartitionID')}", text_of(each, "Label", "Windows")
        kind = text_of(each, "Format")
        if kind == "NTFS":
            machine.run("mkntfs", "-Q", "-F", "-L", label, part)
        elif kind.startswith("FAT"):
            machine.run("mkfs.vfat", "-n", label.upper()[:11], part)
    return visible[0]


def choose_image(setup) -> tuple:
    """Number and edition of the image that the answer file names."""
    images = []
    for block in machine.run("wimlib-imagex", "info", f"{MEDIA}/sources/install.wim").split("\n\n"):
        facts = dict(re.findall(r"^([A-Z][A-Za-z ]+):\s+(.*)$", block, re.M))
        if "Index" in facts:
            images.append(facts)
    for data in all_of(setup, "ImageInstall/OSImage/InstallFrom/MetaData"):
        key, value = text_of(data, "Key").upper(), text_of(data, "Value")
        field = {"/IMAGE/NAME": "Name", "/IMAGE/INDEX": "Index", "/IMAGE/DESCRIPTION": "Description"}.get(key, "Name")
        for image in images:
            if image[field] == value:
                return image["Index"], image.get("Edition ID", ""), image["Name"]
        raise SetupError(f"No images are available: the media have no image with {key} {value}.")
    raise SetupError("Select the operating system you want to install: the answer file names none of "
                     f"{len(images)} images.")


def check_key(setup, edition: str) -> None:
    key = text_of(setup, "UserData/ProductKey/Key")
    if key == "rehearsal-dummy":
        machine.say("not rehearsed: the product key")
    elif key and GENERIC.get(key.upper(), edition if re.fullmatch(r"(\w{5}-){4}\w{5}", key) else "") != edition:
        raise SetupError("The product key entered does not match any of the Windows images available for installation.")
    if text_of(setup, "UserData/AcceptEula").lower() != "true":
        raise SetupError("Please read the license terms: the answer file does not accept them.")


def make_bootable(disk: str, windows: str, esp: int) -> None:
    folder = f"{windows}/Windows/Boot/practice"
    os.makedirs(folder, exist_ok=True)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(f"{MEDIA}/practice/{name}", folder)
    if not machine.is_uefi():
        with open(disk, "r+b") as device, open(f"{MEDIA}/practice/boot.img", "rb") as boot, open(f"{MEDIA}/practice/core.img", "rb") as core:
            device.write(boot.read()[:440])
            device.seek(512)
            device.write(core.read())
        return
    os.makedirs("/run/esp", exist_ok=True)
    machine.run("mount", f"{disk}{esp}", "/run/esp")
    for name in ("EFI/Boot/bootx64.efi", "EFI/Microsoft/Boot/bootmgfw.efi"):
        os.makedirs(f"/run/esp/{os.path.dirname(name)}", exist_ok=True)
        shutil.copy(f"{MEDIA}/practice/disk.efi", f"/run/esp/{name}")
    machine.run("umount", "/run/esp")


def main() -> None:
    letters = machine.cd_drives()
    found = find_answers(letters)
    if not found:
        machine.wait_for_ever("Windows Setup: Language to install, time and currency format, keyboard: Next")
    with open(found, "rb") as file:
        text = file.read()
    root = answers.load(text)
    loaded = load_drivers(root, letters)
    setup = component(root, "windowsPE", "Microsoft-Windows-Setup")
    run_synchronous(setup)
    index, edition, name = choose_image(setup)
    check_key(setup, edition)
    disk = prepare_disk(setup, loaded)
    number = text_of(setup, "ImageInstall/OSImage/InstallTo/PartitionID")
    target = f"{disk}{number}"
    if int(number or 0) not in range(1, len(all_of(setup, "DiskConfiguration/Disk/CreatePartitions/CreatePartition")) + 1):
        raise SetupError("Windows cannot be installed to the partition that InstallTo names: it is not there.")
    machine.say(f"Windows Setup: Copying files: {name}")
    machine.run("wimlib-imagex", "apply", f"{MEDIA}/sources/install.wim", index, target)
    windows = "/run/windows"
    os.makedirs(windows, exist_ok=True)
    machine.run("ntfs-3g", target, windows)
    for name in ("unattend.xml", "unattend-original.xml"):
        with open(f"{windows}/Windows/Panther/{name}", "wb") as file:
            file.write(text)
    # Setup names its copy there, and who boots next goes by that first ("Windows Setup Automation Overview").
    registry.write(f"{windows}/Windows/System32/config/SYSTEM", "Setup", {"UnattendFile": r"C:\Windows\Panther\unattend.xml"})
    with open(f"{windows}/Windows/Panther/setupact.log", "w", encoding="utf-8") as file:
        file.write(f"practice Setup: installed {name} on {target}\n")
    with open(f"{windows}/Windows/INF/practice-drivers.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(sorted(loaded)) + "\n")
    kinds = [text_of(each, "Type") for each in in_order(all_of(setup, "DiskConfiguration/Disk/CreatePartitions/CreatePartition"))]
    make_bootable(disk, windows, kinds.index("EFI") + 1 if "EFI" in kinds else 0)
    machine.run("umount", windows)
    machine.say("Windows Setup: Windows needs to restart to continue")
    machine.finish(11)


try:
    main()
except SetupError as error:
    machine.wait_for_ever(f"Windows Setup: error: {error}")
