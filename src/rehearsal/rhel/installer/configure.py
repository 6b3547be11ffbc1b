"""What the kickstart says about the installed system: users, network, services."""
import glob
import os
import shutil
import uuid
import warnings

warnings.filterwarnings("ignore", category=DeprecationWarning)
import crypt  # noqa: E402  (Python 3.11, which the payload has, is its last-but-one)

NETWORK = "/etc/sysconfig/network-scripts"


def read_release(path):
    """The release's facts from its release.env (shell assignments without expansion)."""
    facts = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                facts[name] = value.strip('"')
    return facts


def write(root, path, text, mode=0o644):
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    with open(root + path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(root + path, mode)


def personality(root, repo, here, run, medium):
    """Lays the guest's own programs over the payload, and the kernel into /boot."""
    run("tar", "-C", root, "--keep-directory-symlink", "-xf", os.path.dirname(here) + "/guest.tar")
    shutil.copy(here + "/release.env", root + "/usr/libexec/practice/release.env")
    shutil.copy(here + "/repositories", root + "/usr/libexec/practice/repositories")
    # The repository that the guest's yum installs from, later and without the DVD.
    shutil.copytree(repo + "/Packages", root + "/usr/share/practice/repo", dirs_exist_ok=True)
    shutil.copytree(repo + "/repodata", root + "/usr/share/practice/repo/repodata", dirs_exist_ok=True)
    shutil.copy(glob.glob(repo + "/repodata/*comps.xml")[0], root + "/usr/share/practice/repo/comps.xml")
    if os.path.exists(here + "/modules"):
        shutil.copy(here + "/modules", root + "/usr/share/practice/repo/modules")
    shutil.copy(here + "/repository.py", root + "/usr/libexec/practice/repository.py")
    for name in glob.glob(root + "/boot/*"):
        if not os.path.isdir(name):
            os.remove(name)
    kernel = os.listdir(root + "/lib/modules")[0]
    shutil.copy(medium + "/images/pxeboot/vmlinuz", f"{root}/boot/vmlinuz-{kernel}")
    shutil.copy(medium + "/images/pxeboot/initrd.img", f"{root}/boot/initramfs-{kernel}.img")


def platform_python(root, release):
    """The name that scripts use for the system's own Python from RHEL 8 on."""
    path = root + "/usr/libexec/platform-python"
    if int(release["version"].split(".")[0]) >= 8 and not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink("/usr/bin/python3", path)


def system(ks, root, run, note, release):
    selinux = ks.last("selinux")
    mode = next(iter(selinux["options"]), "enforcing") if selinux else "enforcing"
    note("selinux (labels, enforcing)") if mode != "disabled" else None
    write(root, "/etc/selinux/config", "\n# This file controls the state of SELinux on the system.\n# SELINUX= can take one of these three values:\n"
          "#     enforcing - SELinux security policy is enforced.\n#     permissive - SELinux prints warnings instead of enforcing.\n"
          f"#     disabled - No SELinux policy is loaded.\nSELINUX={mode}\n# SELINUXTYPE= can take one of three values:\nSELINUXTYPE=targeted\n\n\n")
    for one in ks.all("services"):
        for action, names in (("enable", one["options"].get("enabled")), ("disable", one["options"].get("disabled"))):
            for name in (names or "").split(","):
                if name.strip():
                    run("systemctl", action, name.strip(), check=False, root=root)
    keyboard = ks.last("keyboard")
    keymap = (keyboard["options"].get("vckeymap") or (keyboard["words"] or ["us"])[0]) if keyboard else "us"
    write(root, "/etc/vconsole.conf", f'KEYMAP="{keymap}"\nFONT="eurlatgr"\n')
    lang = ks.last("lang")
    language = lang["words"][0] if lang else "en_US.UTF-8"
    write(root, "/etc/locale.conf", f'LANG="{language}"\n')
    if release["bootloader"] == "legacy":
        write(root, "/etc/sysconfig/i18n", f'LANG="{language}"\nSYSFONT="latarcyrheb-sun16"\n')
        write(root, "/etc/sysconfig/keyboard", f'KEYTABLE="{keymap}"\nMODEL="pc105+inet"\nLAYOUT="{keymap}"\nKEYBOARDTYPE="pc"\n')
    zone = ks.last("timezone")
    name = zone["words"][0] if zone and zone["words"] else "America/New_York"
    if os.path.exists(f"{root}/usr/share/zoneinfo/{name}"):
        if os.path.lexists(root + "/etc/localtime"):
            os.remove(root + "/etc/localtime")
        os.symlink(f"../usr/share/zoneinfo/{name}", root + "/etc/localtime")
    write(root, "/etc/adjtime", "0.0 0 0.0\n0\n" + ("UTC\n" if zone and (zone["options"].get("utc") or zone["options"].get("isUtc")) else "LOCAL\n"))


def network(ks, root, note, release):
    """A configuration for every interface the machine has, started at boot only where the kickstart asks."""
    names = sorted(name for name in os.listdir("/sys/class/net") if name != "lo")
    settings = {}
    hostname = None
    for one in ks.all("network"):
        options = one["options"]
        hostname = options.get("hostname") or hostname
        device = options.get("device") or (names[0] if names else None)
        if device == "link":
            device = names[0] if names else None
        if set(options) <= {"hostname"}:
            continue
        for name in ("bondslaves", "teamslaves", "bridgeslaves", "vlanid", "essid", "ethtool"):
            if options.get(name):
                note(f"network --{name}")
        if device and ":" in device:
            device = next((name for name in names if address(name) == device.lower()), device)
        settings[device] = options
    for name in names:
        options = settings.get(name)
        onboot = options is not None and str(options.get("onboot", "yes")).lower() in ("yes", "on", "true", "1")
        if release["network"] == "keyfile":
            write(root, f"/etc/NetworkManager/system-connections/{name}.nmconnection", keyfile(name, options or {}, onboot), 0o600)
        else:
            write(root, f"{NETWORK}/ifcfg-{name}", ifcfg(name, options or {}, onboot, release["bootloader"] == "legacy"))
    for device in settings:
        if device not in names:
            note(f"network --device={device}: the machine has no such interface ({', '.join(names) or 'none'})")
    hostname = hostname or "localhost.localdomain"
    write(root, "/etc/sysconfig/network", f"NETWORKING=yes\nHOSTNAME={hostname}\n" if release["bootloader"] == "legacy" else "# Created by anaconda\n")
    write(root, "/etc/hostname", hostname + "\n")


def address(name):
    with open(f"/sys/class/net/{name}/address", encoding="utf-8") as text:
        return text.read().strip()


def static(options):
    return bool(options.get("ip")) and options.get("bootproto", "static") == "static"


def servers(options):
    return [server for server in (options.get("nameserver") or "").split(",") if server]


def ifcfg(name, options, onboot, old):
    """An ifcfg file; the old form (RHEL 6) ties it to the card it was made on."""
    lines = [f"DEVICE={name}", f"HWADDR={address(name).upper()}", "TYPE=Ethernet"] if old else ["TYPE=Ethernet", "PROXY_METHOD=none", "BROWSER_ONLY=no"]
    if static(options):
        lines += ["BOOTPROTO=none", f"IPADDR={options['ip']}", f"NETMASK={options.get('netmask', '255.255.255.0')}"]
        lines += [f"GATEWAY={options['gateway']}"] if options.get("gateway") else []
        lines += [f"DNS{index}={server}" for index, server in enumerate(servers(options), 1)]
    else:
        lines.append("BOOTPROTO=dhcp")
    if old:
        lines += [f"UUID={uuid.uuid4()}", "NM_CONTROLLED=yes"]
    else:
        lines += ["DEFROUTE=" + ("no" if options.get("nodefroute") else "yes"), "IPV4_FAILURE_FATAL=no",
                  "IPV6INIT=" + ("no" if options.get("noipv6") else "yes"), "IPV6_AUTOCONF=yes", "IPV6_DEFROUTE=yes",
                  "IPV6_FAILURE_FATAL=no", "IPV6_ADDR_GEN_MODE=stable-privacy", f"NAME={name}", f"UUID={uuid.uuid4()}", f"DEVICE={name}"]
    lines.append(f"ONBOOT={'yes' if onboot else 'no'}")
    return "\n".join(lines) + "\n"


def keyfile(name, options, onboot):
    """A connection as NetworkManager keeps it where ifcfg files are gone."""
    lines = ["[connection]", f"id={name}", f"uuid={uuid.uuid4()}", "type=ethernet", f"autoconnect={'true' if onboot else 'false'}", f"interface-name={name}", "",
             "[ethernet]", "", "[ipv4]"]
    if static(options):
        prefix = sum(bin(int(part)).count("1") for part in options.get("netmask", "255.255.255.0").split("."))
        lines += [f"address1={options['ip']}/{prefix}" + (f",{options['gateway']}" if options.get("gateway") else "")]
        lines += [f"dns={';'.join(servers(options))};"] if servers(options) else []
    lines += ["method=" + ("manual" if static(options) else "disabled" if options.get("noipv4") else "auto"), "", "[ipv6]", "addr-gen-mode=eui64",
              "method=" + ("disabled" if options.get("noipv6") else "auto"), "", "[proxy]"]
    return "\n".join(lines) + "\n"


def crypted(options, password):
    """A password as /etc/shadow wants it (SHA-512, as RHEL 7's authconfig default)."""
    if options.get("iscrypted") and not options.get("plaintext"):
        return password
    return crypt.crypt(password, crypt.METHOD_SHA512)


def set_shadow(root, user, value):
    lines = []
    with open(root + "/etc/shadow", encoding="utf-8") as text:
        for line in text.read().splitlines():
            fields = line.split(":")
            if fields[0] == user:
                fields[1], fields[2] = value, ""
            lines.append(":".join(fields))
    write(root, "/etc/shadow", "\n".join(lines) + "\n", 0o000)


def users(ks, root, run, note):
    rootpw = ks.last("rootpw")
    options = rootpw["options"] if rootpw else {"lock": True}
    password = rootpw["words"][0] if rootpw and rootpw["words"] else ""
    set_shadow(root, "root", ("!" if options.get("lock") else "") + crypted(options, password))
    for one in ks.all("group"):
        run("groupadd", *(["-g", str(one["options"]["gid"])] if one["options"].get("gid") else []), one["options"]["name"], check=False, root=root)
    for one in ks.all("user"):
        options = one["options"]
        command = ["useradd", "-m", "-s", options.get("shell") or "/bin/bash"]
        for option, flag in (("uid", "-u"), ("homedir", "-d"), ("gecos", "-c")):
            if options.get(option):
                command += [flag, str(options[option])]
        if options.get("groups"):
            for group in options["groups"].split(","):
                run("groupadd", "-f", group.strip(), check=False, root=root)
            command += ["-G", ",".join(group.strip() for group in options["groups"].split(","))]
        run(*command, options["name"], check=False, root=root)
        set_shadow(root, options["name"], ("!" if options.get("lock") else "") + (crypted(options, options["password"]) if options.get("password") else "!!"))
    for one in ks.all("sshkey"):
        user = one["options"]["username"]
        home = "/root" if user == "root" else f"/home/{user}"
        with open(root + "/etc/passwd", encoding="utf-8") as text:
            entry = next((line.split(":") for line in text if line.startswith(user + ":")), None)
        if entry is None:
            note(f"sshkey: user {user} does not exist")
            continue
        home = entry[5]
        path = f"{root}{home}/.ssh/authorized_keys"
        before = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        write(root, f"{home}/.ssh/authorized_keys", before + one["words"][0] + "\n", 0o600)
        for name in (os.path.dirname(path), path):
            os.chown(name, int(entry[2]), int(entry[3]))


def copy_resolver(root):
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")


def finish(ks, root, not_rehearsed, release):
    """What Anaconda leaves in the installed system about the installation."""
    text = "\n".join(line for line in ks.text.splitlines())
    write(root, "/root/anaconda-ks.cfg", "#version=DEVEL\n" + text + "\n", 0o600)
    if release["bootloader"] == "legacy":
        write(root, "/root/install.log", "*** FINISHED INSTALLING PACKAGES ***\n")
        write(root, "/root/install.log.syslog", "")
    os.makedirs(root + "/var/log/anaconda", exist_ok=True)
    for path in glob.glob("/tmp/*.log"):
        # Anaconda 13 names them anaconda.log, anaconda.program.log, ..., in /var/log itself.
        base = os.path.basename(path)
        name = "anaconda." + base.removeprefix("anaconda.") if release["bootloader"] == "legacy" else "anaconda/" + base
        shutil.copy(path, root + "/var/log/" + name)
        os.chmod(root + "/var/log/" + name, 0o600)
    write(root, "/var/log/practice-not-rehearsed.log", "".join(f"install: {what}\n" for what in not_rehearsed))
    for path in glob.glob(root + "/tmp/ks-script-*"):
        os.remove(path)
