"""Where the kickstart comes from: the kernel command line, and the file or address that it names."""
import os
import subprocess
import urllib.request

INITRAMFS = "/run/initramfs"


class NoKickstart(Exception):
    """The source does not answer: the text is what dracut's emergency shell shows."""


def boot_arguments(release, log):
    """The kernel command line as a dictionary. RHEL 6 knows the installer's names without `inst.`, 7 and 8 both forms, 9 only the prefix."""
    found = {}
    with open("/proc/cmdline", encoding="utf-8") as text:
        for word in text.read().split():
            name, _, value = word.partition("=")
            found[name] = value
    for old in ("ks", "text", "cmdline", "repo", "stage2"):
        if release["arguments"] == "plain":
            found.pop("inst." + old, None)
        if release["arguments"] == "inst":
            if old in found:
                log("anaconda", "WARNING", f"'{old}' is not used: this release wants 'inst.{old}'.")
        elif old in found and "inst." + old not in found:
            if release["arguments"] == "both":
                log("anaconda", "WARNING", f"'{old}' is deprecated. Using 'inst.{old}' instead.")
            found["inst." + old] = found[old]
    return found


def mount_source(device, path, run):
    """Mounts what LABEL=, UUID= or a device name means, read-only, and returns the file's path there."""
    node = run("findfs", device, check=False).strip() if "=" in device else "/dev/" + device.removeprefix("/dev/")
    os.makedirs("/run/install/ks", exist_ok=True)
    if not node or subprocess.run(["mount", "-o", "ro", node, "/run/install/ks"], check=False, capture_output=True).returncode:
        return None
    return "/run/install/ks/" + path.lstrip("/")


def fetch_kickstart(source, repo, run, log):
    """The kickstart's path. None: there is none. A source that does not answer ends in dracut's emergency shell, as on RHEL."""
    if source is None:
        if "OEMDRV" in run("blkid", "-o", "value", "-s", "LABEL", check=False).split():
            path = mount_source("LABEL=OEMDRV", "ks.cfg", run)
            return path if path and os.path.exists(path) else None
        return None
    kind, _, rest = source.partition(":")
    path = None
    if kind == "file":
        path = INITRAMFS + "/" + rest.lstrip("/")
    elif kind == "cdrom":
        path = repo + "/" + (rest or "ks.cfg").lstrip("/")
    elif kind == "hd":
        device, _, name = rest.partition(":")
        path = mount_source(device.replace("\\x20", " "), name or "ks.cfg", run)
    elif kind in ("http", "https", "ftp"):
        network_up(run)
        try:
            path = "/run/install/ks.cfg"
            with urllib.request.urlopen(source, timeout=60) as answer, open(path, "wb") as out:
                out.write(answer.read())
        except OSError as error:
            log("anaconda", "ERR", f"{source}: {error}", show=True)
            path = None
    if not path or not os.path.isfile(path):
        raise NoKickstart(f"dracut-initqueue: Warning: can't find kickstart from '{source}'\n"
                          "Entering emergency mode. Exit the shell to continue.\ndracut:/#")
    return path


def network_up(run):
    """DHCP on every Ethernet interface, once."""
    if not os.path.exists("/run/install/network"):
        names = [name for name in os.listdir("/sys/class/net") if name != "lo"]
        for name in names:
            run("ip", "link", "set", name, "up", check=False)
        if names:
            run("timeout", "40", "dhclient", "-1", "-q", *names, check=False)
        open("/run/install/network", "w", encoding="utf-8").close()
