"""What UEFI boots: GRUB on the EFI system partition, under its own name and under the one that is tried on a machine with empty variables.

RHEL's GRUB brings its modules in itself and reads grub.cfg beside it. Up to RHEL 8 that is the whole configuration; from 9 on it only says
where the configuration is, which is in the same place as with a BIOS."""
import os
import shutil

from configure import write

FOLDER = "/EFI/redhat"
HOME = "/boot/efi" + FOLDER
LIBRARY = "/usr/lib/grub/x86_64-efi"
MODULES = ("part_gpt part_msdos fat xfs ext2 normal configfile search search_fs_uuid search_fs_file search_label loadenv test true echo regexp "
           "sleep serial terminal all_video efi_gop gzio gettext minicmd reboot halt").split()


def install(root, facts, run):
    """Writes the partition's files and the configuration. `facts` are the boot loader's."""
    config = files(root, facts["release"], run)
    run("grub-editenv", f"{os.path.dirname(config)}/grubenv", "create", root=root)
    if config.startswith(HOME):
        link(root, "/boot/grub2/grubenv", "../efi/EFI/redhat/grubenv")
        os.remove(root + "/etc/grub2.cfg")
    else:
        write(root, f"{HOME}/grub.cfg", f"search --no-floppy --fs-uuid --set=dev {facts['boot']}\nset prefix=($dev){facts['prefix']}/grub2\n"
              "export $prefix\nconfigfile $prefix/grub.cfg\n")
    run("grub2-mkconfig", "-o", config, root=root)


def files(root, release, run):
    """What the packages grub2-efi-x64 and shim-x64 hold, also on a machine with a BIOS. Returns where the configuration is."""
    config = f"{HOME}/grub.cfg" if release["version"].startswith(("7.", "8.")) else "/boot/grub2/grub.cfg"
    os.makedirs(root + HOME, exist_ok=True)
    os.makedirs(root + "/boot/efi/EFI/BOOT", exist_ok=True)
    image(root, os.path.dirname(config), release["bootloader"] == "entries", run)
    link(root, "/etc/grub2-efi.cfg", ".." + config)
    return config


def image(root, modules, entries, run):
    """GRUB itself. An entry is read as a script whose `linux` is a function (see grub2-mkconfig): that module is a file, which is loaded after them."""
    if entries:
        os.makedirs(f"{root}{modules}/x86_64-efi", exist_ok=True)
        shutil.copyfile(f"{root}{LIBRARY}/linux.mod", f"{root}{modules}/x86_64-efi/linux.mod")
    with open(f"{root}{LIBRARY}/moddep.lst", encoding="ascii") as lines:
        needed = dict(line.split(":") for line in lines)["linux"].split()
    run("grub-mkimage", "-O", "x86_64-efi", "-p", FOLDER, "-o", f"{HOME}/grubx64.efi", *MODULES, *needed, *([] if entries else ["linux"]), root=root)
    # shim stands before GRUB on RHEL, which matters to Secure Boot alone.
    for name in (f"{HOME}/shimx64.efi", "/boot/efi/EFI/BOOT/BOOTX64.EFI"):
        shutil.copyfile(f"{root}{HOME}/grubx64.efi", root + name)


def link(root, path, target):
    if os.path.lexists(root + path):
        os.remove(root + path)
    os.symlink(target, root + path)
