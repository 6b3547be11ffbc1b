"""The boot loader and its files, as each release has them: GRUB legacy's grub.conf, GRUB 2's grub.cfg, or an entry per kernel."""
import os
import uuid

import fips
import uefi
from configure import write
from disks import named
from filesystems import specification
from partitioning import boot_device

# `preserved_arguments` of data/anaconda.conf, and `global_preserve_args` of bootloader.py before it.
CARRIED = ("apic", "noapic", "acpi", "video", "pci", "nomodeset", "selinux", "net.ifnames", "biosdevname", "ipv6.disable", "nosmt", "fips")


def install(ks, root, devices, arguments, run, note, release):
    """Writes the configuration, and GRUB on the disk unless the kickstart wants none. `arguments` are the installer's own."""
    given = ks.last("bootloader")
    options = given["options"] if given else {}
    for name in ("password", "extlinux", "upgrade", "leavebootorder", "nombr"):
        if options.get(name):
            note(f"bootloader --{name}")
    boot = boot_device(devices)
    disk = f"/dev/{(named(options.get('boot-drive')) or [boot['disk']])[0]}"
    wanted = not (options.get("location") == "none" or options.get("disabled"))
    facts = {"root": specification(next(one for one in devices if one["mount"] == "/")), "boot": boot["uuid"], "prefix": "" if boot["mount"] == "/boot" else "/boot",
             "kernel": os.listdir(root + "/lib/modules")[0], "words": kernel_words(options, arguments, [*fips.words(arguments, devices), *storage_words(devices, release)]),
             "timeout": options.get("timeout", 5), "console": arguments.get("console", ""), "release": release}
    if release["bootloader"] == "legacy":
        legacy(root, disk, facts)
        if wanted:
            run("/usr/libexec/practice/grub-install", disk, root=root)
        return
    default_grub(root, facts)
    entry = entries(root, facts) if release["bootloader"] == "entries" else None
    if wanted and release["firmware"] == "uefi":
        uefi.install(root, facts, run)
    elif wanted:
        if run("rpm", "-q", "grub2-efi-x64", root=root, check=False).startswith("grub2-efi"):
            uefi.files(root, release, run)
        run("grub2-install", disk, root=root)
        run("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg", root=root)
    if wanted and entry:
        run("grub2-editenv", "/boot/grub2/grubenv", "set", f"saved_entry={entry}", root=root)


def storage_words(devices, release):
    """What the initramfs has to activate, and where the kernel finds a memory image (bootloader/base.py, _set_storage_boot_args)."""
    swaps = [one for one in devices if one["type"] == "swap"]
    early = [one for one in devices if one["group"] and (one["mount"] in ("/", "/usr") or one in swaps)]
    old = release["bootloader"] == "legacy"
    words = [f"{'rd_LVM_LV' if old else 'rd.lvm.lv'}={one['group']}/{one['name']}" for one in early]
    return words + ([f"resume={specification(max(swaps, key=lambda one: one['size']))}"] if swaps and not old else [])


def kernel_words(options, arguments, storage):
    """The arguments of the installed kernel: Anaconda carries its own console and device-naming arguments over."""
    words = ["crashkernel=auto", *storage]
    console = arguments.get("console", "")
    if console:
        words.append(f"console={console}")
    words += [f"{name}={arguments[name]}" if arguments[name] else name for name in CARRIED if name in arguments]
    words += [word for word in (options.get("append") or "").split() if word not in words]
    return words if console.startswith("ttyS") else words + ["rhgb", "quiet"]


def speed(console):
    return (console.partition(",")[2] or "9600").rstrip("n8")


def default_grub(root, facts):
    """/etc/default/grub as Anaconda writes it."""
    console = facts["console"]
    serial = console.startswith("ttyS")
    terminal = (f'GRUB_TERMINAL="serial console"\nGRUB_SERIAL_COMMAND="serial --unit={console[4:5]} --speed={speed(console)}"'
                if serial else 'GRUB_TERMINAL_OUTPUT="console"')
    blscfg = "GRUB_ENABLE_BLSCFG=true\n" if facts["release"]["bootloader"] == "entries" else ""
    write(root, "/etc/default/grub", f"GRUB_TIMEOUT={facts['timeout']}\nGRUB_DISTRIBUTOR=\"$(sed 's, release .*$,,g' /etc/system-release)\"\n"
          f"GRUB_DEFAULT=saved\nGRUB_DISABLE_SUBMENU=true\n{terminal}\nGRUB_CMDLINE_LINUX=\"{' '.join(facts['words'])}\"\nGRUB_DISABLE_RECOVERY=\"true\"\n{blscfg}")


def entries(root, facts):
    """An entry of the Boot Loader Specification, whose name it returns. Up to RHEL 8 its options stand for a variable of grubenv, which grub2-mkconfig sets."""
    release, kernel = facts["release"], facts["kernel"]
    options = f"root={facts['root']} ro {' '.join(facts['words'])}"
    old = release["version"].startswith("8.")
    identity = uuid.uuid4().hex
    write(root, "/etc/machine-id", identity + "\n", 0o444)
    write(root, f"/boot/loader/entries/{identity}-{kernel}.conf",
          f"title {release['product']} ({kernel}) {release['version']} ({release['codename']})\nversion {kernel}\n"
          f"linux {facts['prefix']}/vmlinuz-{kernel}\ninitrd {facts['prefix']}/initramfs-{kernel}.img{' $tuned_initrd' if old else ''}\n"
          f"options {'$kernelopts $tuned_params' if old else options}\n{'id ' + release['id'] + '-' + kernel + chr(10) if old else ''}grub_users $grub_users\ngrub_arg --unrestricted\n"
          f"grub_class {'kernel' if old else release['id']}\n", 0o644)
    if not old:
        write(root, "/etc/kernel/cmdline", options + "\n")
    return f"{identity}-{kernel}"


def legacy(root, disk, facts):
    """/boot/grub/grub.conf, and the two links to it."""
    kernel, prefix, console = facts["kernel"], facts["prefix"], facts["console"]
    volumes = "" if any(word.startswith("rd_LVM_LV") for word in facts["words"]) else " rd_NO_LVM"
    serial = f"serial --unit={console[4:5]} --speed={speed(console)}\nterminal --timeout={facts['timeout']} serial console\n" if console.startswith("ttyS") else ""
    write(root, "/boot/grub/grub.conf", f"""# grub.conf generated by anaconda
#
# Note that you do not have to rerun grub after making changes to this file
#          root (hd0,0)
#          kernel {prefix}/vmlinuz-version ro root={facts['root']}
#          initrd {prefix}/initrd-[generic-]version.img
#boot={disk}
default=0
timeout={facts['timeout']}
{serial}title {facts['release']['product']} 6 ({kernel})
\troot (hd0,0)
\tkernel {prefix}/vmlinuz-{kernel} ro root={facts['root']} rd_NO_LUKS{volumes} LANG=en_US.UTF-8 rd_NO_MD SYSFONT=latarcyrheb-sun16 {' '.join(facts['words'])}
\tinitrd {prefix}/initramfs-{kernel}.img
""", 0o600)
    for link, target in (("/etc/grub.conf", "../boot/grub/grub.conf"), ("/boot/grub/menu.lst", "./grub.conf")):
        if os.path.lexists(root + link):
            os.remove(root + link)
        os.symlink(target, root + link)
