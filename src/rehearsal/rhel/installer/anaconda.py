"""The practice installer: installs the payload as Anaconda would, driven by the same kickstart, with its messages and log lines.

It ends with 10 (power off) or 11 (restart). Whatever goes wrong: it says so as Anaconda does, and then waits for ever."""
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import bootloader
import configure
import disks
import filesystems
import fips
import initramfs
import kickstart
import layout
import machine
import packages
import partitioning
import source
import volumes

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = "/run/install/repo"
RELEASE = configure.read_release(HERE + "/release.env")
RELEASE["firmware"] = "uefi" if os.path.isdir("/sys/firmware/efi") else "bios"
PACKAGES = os.path.join(REPO, RELEASE["repository"]).rstrip("/")
ROOT = "/mnt/sysimage"
PORT = "/dev/virtio-ports/org.fedoraproject.anaconda.log.0"
FILES = {"anaconda": "anaconda.log", "program": "program.log", "packaging": "packaging.log", "blivet": "storage.log"}
LEVELS = {"WARNING": "WARN"}
not_rehearsed = []
port = None


class Stop(Exception):
    """The installation cannot go on: the text is shown, and the installer waits."""


def log(program, level, message, show=False):
    """One line in the program's log file and on the virtio port, as Anaconda's rsyslog template writes it."""
    now = time.time()
    clock = time.strftime("%H:%M:%S", time.gmtime(now)) + f",{int(now % 1 * 1000):03d}"
    if show:
        print(message, flush=True)
    for line in str(message).splitlines() or [""]:
        with open("/tmp/" + FILES[program], "a", encoding="utf-8") as out:
            out.write(f"{clock} {LEVELS.get(level, level)} {program}: {line}\n")
        if port:
            port.write(f"{clock} {level} {program}: {line}\n".encode())


def report(message):
    log("anaconda", "INFO", message, show=True)


def note(what):
    if what not in not_rehearsed:
        not_rehearsed.append(what)
        log("anaconda", "WARNING", f"not rehearsed: {what}", show=True)


def run(*command, check=True, input=None, root=None):
    """Runs a program (in the new root, if given); its output goes to program.log. Returns what it printed."""
    log("program", "INFO", "Running... " + " ".join(command))
    done = subprocess.run(["chroot", root, *command] if root else command, input=input, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.stdout:
        log("program", "INFO", done.stdout.rstrip())
    log("program", "DEBUG", f"Return code: {done.returncode}")
    if check and done.returncode:
        raise Stop(f"The following error occurred while installing.  This is a fatal error and installation will be aborted.\n\n"
                   f"{command[0]} failed with status {done.returncode}: {done.stdout.strip()[-500:]}")
    return done.stdout


def wait_for_ever():
    sys.stdout.flush()
    while True:
        time.sleep(3600)


def scripts(ks, kind):
    """Runs the %pre or %post scripts."""
    mine = [one for one in ks.scripts if one["section"] == kind]
    if mine:
        log("anaconda", "INFO", f"Running kickstart {kind} script(s)")
    for one in mine:
        options = one["options"]
        inside = kind == "%post" and not options.get("nochroot")
        base = ROOT if inside else ""
        handle, path = tempfile.mkstemp(prefix="ks-script-", dir=base + "/tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(one["body"])
        os.chmod(path, 0o700)
        output = base + options["log"] if options.get("log") else f"/tmp/{os.path.basename(path)}.log"
        os.makedirs(os.path.dirname(output), exist_ok=True)
        command = [*options.get("interpreter", "/bin/sh").split(), path.removeprefix(base)]
        log("program", "INFO", "Running... " + " ".join(command))
        with open(output, "w", encoding="utf-8") as out:
            status = subprocess.run(["chroot", ROOT, *command] if inside else command, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, check=False).returncode
        with open(output, encoding="utf-8", errors="replace") as text:
            details = text.read()
        if details:
            log("program", "INFO", details.rstrip())
        log("program", "DEBUG", f"Return code: {status}")
        if status:
            log("anaconda", "ERR", f"Error code {status} running the kickstart script at line {one['line']}")
            if options.get("erroronfail"):
                raise Stop(f"There was an error running the kickstart script at line {one['line']}.  This is a fatal error and installation will be "
                           f"aborted.  The details of this error are:\n\n{details}")
    if mine:
        log("anaconda", "INFO", f"All kickstart {kind} script(s) have been run")


def hub(ks, plan):
    """Text mode's summary hub: without a value for every mandatory spoke an automated installation stops here."""
    rootpw = ks.last("rootpw")
    admin = any("wheel" in (one["options"].get("groups") or "").split(",") for one in ks.all("user"))
    spokes = [("Language settings", bool(ks.last("lang")), False), ("Time settings", bool((ks.last("timezone") or {"words": []})["words"]) or int(RELEASE["version"].split(".")[0]) >= 8, True),
              ("Software selection", ks.packages["seen"], True), ("Installation Destination", plan is not None, True),
              ("Root password", bool(rootpw), not admin), ("User creation", bool(ks.all("user")), not rootpw)]
    missing = [name for name, done, mandatory in spokes if mandatory and not done]
    # A user of the wheel group spares the root password, and a root password spares the user.
    if "Root password" in missing or "User creation" in missing:
        missing = [name for name in missing if name != "User creation"]
    if missing:
        print("=" * 80 + "\nInstallation\n")
        for number, (name, done, mandatory) in enumerate(spokes, 1):
            print(f" {number}) [{'x' if done else '!' if mandatory else ' '}] {name}")
        raise Stop("The following mandatory spokes are not completed:\n" + "\n".join(missing) +
                   "\n  Please make your choice from above ['q' to quit | 'b' to begin installation |\n  'r' to refresh]: ")


def copy_payload():
    """Unpacks the stage 2 image onto the disk, telling how far it is."""
    image = REPO + "/" + RELEASE["stage2"]
    work = subprocess.Popen(["unsquashfs", "-f", "-n", "-q", "-d", ROOT, image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(work.stdout))
    reader.start()
    while work.poll() is None:
        reader.join(3)
        usage = os.statvfs(ROOT)
        log("packaging", "DEBUG", f"{(usage.f_blocks - usage.f_bfree) * usage.f_frsize // 1048576} MiB on the target")
    if work.returncode:
        raise Stop("The following error occurred while installing.  This is a fatal error and installation will be aborted.\n\n" + "".join(lines)[-500:])


def install_packages(files):
    command = ["rpm", "--force-debian", "--root", ROOT, "-Uv", "--nosignature", "--nodigest", "--noplugins", *files]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count, output = 0, []
    names = {os.path.basename(path)[:-4] for path in files}
    for line in work.stdout:
        output.append(line)
        # Names of files have no epoch.
        name = re.sub(r"-\d+:", "-", line.strip())
        if name in names or name + ".x86_64" in names or name + ".noarch" in names:
            count += 1
            log("packaging", "DEBUG", f"Installing {name} ({count}/{len(files)})", show=True)
    if work.wait():
        raise Stop("The following error occurred while installing.  This is a fatal error and installation will be aborted.\n\n" + "".join(output)[-500:])


def main():
    global port
    if RELEASE["bootloader"] == "legacy" and os.path.exists("/lib/systemd/network/99-default.link"):
        # The udev of RHEL 6 knows no names but the kernel's.
        os.remove("/lib/systemd/network/99-default.link")
    subprocess.run(["/lib/systemd/systemd-udevd", "--daemon"], check=False)
    subprocess.run(["udevadm", "trigger", "--action=add"], check=False)
    subprocess.run(["udevadm", "settle"], check=False)
    subprocess.run(["modprobe", "-q", "dm_mod"], check=False)
    if os.path.exists(PORT):
        port = open(PORT, "wb", buffering=0)
    print(f"{RELEASE['installer']} started (practice media).\n"
          " * installation log files are stored in /tmp during the installation", flush=True)
    log("anaconda", "INFO", RELEASE["installer"] + " (practice media)")
    if RELEASE["firmware"] == "uefi" and RELEASE["bootloader"] == "legacy":
        raise Stop("The installation cannot continue: UEFI is not rehearsed for this release.")
    arguments = source.boot_arguments(RELEASE, log)
    log("anaconda", "INFO", "Kernel command line: " + " ".join(f"{k}={v}" if v else k for k, v in arguments.items()))
    path = source.fetch_kickstart(arguments.get("inst.ks"), REPO, run, log)
    if path is None:
        print("=" * 80 + "\nInstallation\n\n 1) [x] Language settings\n 2) [!] Time settings\n 3) [!] Installation source\n 4) [!] Software selection\n"
              " 5) [!] Installation Destination\n 6) [ ] Network configuration\n 7) [!] Root password\n 8) [!] User creation\n\n"
              "  Please make your choice from above ['q' to quit | 'b' to begin installation |\n  'r' to refresh]: ", flush=True)
        wait_for_ever()
    log("anaconda", "INFO", f"Parsing kickstart: {path}")
    table = kickstart.load_commands(HERE + "/commands")
    configure.platform_python("", RELEASE)
    scripts(kickstart.read(path, table, only_pre=True), "%pre")
    ks = kickstart.read(path, table)
    for one in ks.commands:
        if one["class"] == "notes":
            note(one["name"])
    for one in ks.others:
        note(one["name"])
    with open("/proc/sys/kernel/tainted", encoding="utf-8") as text:
        question = machine.question(ks, table, int(text.read()))
    if question:
        raise Stop(question)

    print("Starting automated install", flush=True)
    with open("/run/install/device", encoding="utf-8") as text:
        found = disks.find_disks(run, text.read().strip())
    log("blivet", "INFO", "disks: " + (", ".join(f"{name} ({one['size']} MiB)" for name, one in found.items()) or "none"))
    if not found:
        raise Stop("No disks detected.  Please shut down the computer, connect at least one disk, and restart to complete installation.")
    plan = partitioning.plan(ks, found, volumes.find_groups(run), RELEASE, note)
    hub(ks, plan)
    devices = plan["devices"]
    files = packages.select(ks, PACKAGES, RELEASE["firmware"], fips.packages(arguments, RELEASE), RELEASE, log)
    log("packaging", "INFO", f"{len(files)} packages selected")
    online = threading.Thread(target=source.network_up, args=(run,))
    if ks.all("network") or ks.all("url", "repo"):
        online.start()

    report("Setting up the installation environment")
    filesystems.apply(plan, run, log, ROOT)
    report("Starting package installation process")
    log("packaging", "INFO", "Preparing transaction from installation source", show=True)
    copy_payload()
    configure.personality(ROOT, PACKAGES, HERE, run, REPO)
    configure.platform_python(ROOT, RELEASE)
    for one in ("proc", "sys", "dev", "run"):
        run("mount", "--rbind", "/" + one, f"{ROOT}/{one}")
    run("/usr/libexec/practice/setup", root=ROOT)
    fips.configure(ROOT, arguments, RELEASE)
    install_packages(files)
    configure.write(ROOT, "/etc/fstab", filesystems.fstab(devices, RELEASE, time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime())))
    report("Installing boot loader")
    bootloader.install(ks, ROOT, devices, arguments, run, note, RELEASE)
    report("Performing post-installation setup tasks")
    report("Configuring installed system")
    configure.system(ks, ROOT, run, note, RELEASE)
    report("Writing network configuration")
    configure.network(ks, ROOT, note, RELEASE)
    report("Creating users")
    configure.users(ks, ROOT, run, note)
    report("Configuring addons")
    report("Generating initramfs")
    initramfs.add_volumes(ROOT, devices, run)
    if online.ident:
        online.join()
    configure.copy_resolver(ROOT)
    report("Running post-installation scripts")
    scripts(ks, "%post")
    configure.finish(ks, ROOT, not_rehearsed, RELEASE)
    report("Installation complete")
    end = ks.last("poweroff", "shutdown", "reboot", "halt")
    run("sync")
    if end is None or end["name"] == "halt":
        print("Installation complete.  Press return to quit", flush=True)
        wait_for_ever()
    report("Rebooting the system" if end["name"] == "reboot" else "Powering off the system")
    os.chdir("/")
    subprocess.run(["umount", "-R", "-l", ROOT], check=False)
    subprocess.run(["sync"], check=False)
    return 11 if end["name"] == "reboot" else 10


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (source.NoKickstart, kickstart.KickstartError, layout.StorageError, packages.Missing, Stop) as problem:
        log("anaconda", "ERR" if isinstance(problem, (Stop, packages.Missing)) else "CRIT", str(problem))
        print(f"\n{problem}", flush=True)
    except Exception:
        log("anaconda", "CRIT", traceback.format_exc(), show=True)
    wait_for_ever()
