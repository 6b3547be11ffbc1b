"""The installed practice Windows: specialize, oobeSystem and its first logon, and Sysprep."""

import configparser
import os
import re
import shutil

import answers
import machine
import registry
from answers import SetupError, all_of, component, in_order, text_of
from batch import Batch

C = "/run/windows"
CONFIG = f"{C}/Windows/System32/config"
CLOUDBASE = f"{C}/Program Files/Cloudbase Solutions/Cloudbase-Init"
PLUGINS = {"mtu.MTUPlugin", "sethostname.SetHostNamePlugin", "extendvolumes.ExtendVolumesPlugin", "ntpclient.NTPClientPlugin",
           "createuser.CreateUserPlugin", "networkconfig.NetworkConfigPlugin", "licensing.WindowsLicensingPlugin",
           "sshpublickeys.SetUserSSHPublicKeysPlugin", "userdata.UserDataPlugin", "setuserpassword.SetUserPasswordPlugin",
           "localscripts.LocalScriptsPlugin", "winrmlistener.ConfigWinRMListenerPlugin", "rdp.RDPSettingsPlugin"}
SERVICES = {"configdrive.ConfigDriveService", "httpservice.HttpService", "nocloudservice.NoCloudConfigDriveService",
            "ec2service.EC2Service", "base.EmptyMetadataService"}


class Guest:
    """The running system: what its programs do."""

    def __init__(self, letters: dict):
        self.letters = {**letters, "C:": C}

    def path(self, name: str) -> str:
        return machine.local_path(name.strip('"'), self.letters)

    def line(self, line: str) -> int:
        """A command line as the shell runs it; `cmd /c` is cmd's own business."""
        words = re.findall(r'"[^"]*"|\S+', line)
        inner = re.fullmatch(r"(?:\S*\\)?cmd(?:\.exe)?\s+(?:/[dsv]\S*\s+)*/c\s+(.*)", line, re.I)
        if inner:
            words = re.findall(r'"[^"]*"|\S+', inner[1].strip())
            line = inner[1].strip()
        if words and re.search(r"\.(cmd|bat)\"?$", words[0], re.I):
            return self.batch(words[0])
        return Batch(line, self.program, machine.say, lambda path: bool(self.path(path))).run()

    def batch(self, name: str) -> int:
        file = self.path(name)
        if not file:
            raise SetupError(f"Windows cannot find '{name}'.")
        with open(file, encoding="utf-8", newline="") as script:
            return Batch(script.read(), self.program, machine.say, lambda path: bool(self.path(path))).run()

    def program(self, words: list, line: str) -> int:
        name = words[0].strip('"').lower().rsplit("\\", 1)[-1]
        if name == "copy":
            return self.copy([word for word in words[1:] if not word.startswith("/")])
        if name in ("msiexec", "msiexec.exe"):
            return self.msi(words)
        if name in ("reg", "reg.exe"):
            return self.reg(line)
        if name == "sysprep.exe":
            return self.sysprep(words)
        if name in ("cmd", "cmd.exe"):
            machine.say(f"not rehearsed: the command {line}")
            return 0
        if re.match(r"[A-Z]:\\", words[0].strip('"'), re.I):
            if not self.path(words[0]):
                raise SetupError(f"Windows cannot find '{words[0]}'.")
            if name == "virtio-win-guest-tools.exe":
                os.makedirs(f"{C}/Program Files/Virtio-Win", exist_ok=True)
            return 0
        machine.say(f"not rehearsed: the command {line}")
        return 0

    def copy(self, names: list) -> int:
        source, (folder, _, name) = self.path(names[0]), names[1].strip('"').rpartition("\\")
        target = self.path(folder)
        if not source or not target:
            return 1
        shutil.copyfile(source, f"{target}/{name}")
        return 0

    def msi(self, words: list) -> int:
        package = self.path(words[[word.lower() for word in words].index("/i") + 1])
        if not package:
            return 1619
        if "qemu-ga" in package.lower():
            os.makedirs(f"{C}/Program Files/Qemu-ga", exist_ok=True)
        if "cloudbase" in package.lower():
            for folder in ("conf", "log", "LocalScripts", "bin"):
                os.makedirs(f"{CLOUDBASE}/{folder}", exist_ok=True)
            for name in ("cloudbase-init.conf", "cloudbase-init-unattend.conf"):
                with open(f"{CLOUDBASE}/conf/{name}", "w", encoding="utf-8") as file:
                    file.write("[DEFAULT]\nusername=Admin\n")
            with open(f"{CLOUDBASE}/conf/Unattend.xml", "w", encoding="utf-8") as file:
                file.write('<unattend xmlns="urn:schemas-microsoft-com:unattend"><settings pass="generalize"/></unattend>')
        return 0

    def reg(self, line: str) -> int:
        match = re.fullmatch(r"reg(?:\.exe)? add \"?HKLM\\(SYSTEM|SOFTWARE)\\([^\"]+?)\"? /v (\S+) /t (REG_\w+) /d (\S+).*", line, re.I)
        if not match:
            machine.say(f"not rehearsed: the command {line}")
            return 0
        hive, key, name, kind, value = match.groups()
        key = key.replace("CurrentControlSet", "ControlSet001")
        registry.write(f"{CONFIG}/{hive.upper()}", key, {name: int(value, 0) if kind.upper() == "REG_DWORD" else value})
        return 0

    def sysprep(self, words: list) -> int:
        options = [word.strip('"').lower() for word in words[1:]]
        if "/generalize" not in options or "/oobe" not in options:
            machine.say("Sysprep: nothing is generalized")
            return 0
        for option in words[1:]:
            name, _, value = option.strip('"').partition(":")
            if name.lower() == "/unattend" and not self.path(value):
                return 1
        self.cloudbase()
        if registry.read(f"{CONFIG}/SYSTEM", r"ControlSet001\Control\BitLocker", "PreventDeviceEncryption") != 1:
            machine.say("not rehearsed: device encryption, which Windows may switch on by itself")
        registry.write(f"{CONFIG}/SOFTWARE", r"Microsoft\Windows\CurrentVersion\Setup\State",
                       {"ImageState": "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"})
        registry.write(f"{CONFIG}/SYSTEM", "Setup", {"SystemSetupInProgress": 1, "OOBEInProgress": 1})
        with open(f"{C}/Windows/System32/Sysprep/Panther/setupact.log", "w", encoding="utf-8") as file:
            file.write("practice Sysprep: generalized\n")
        machine.run("umount", C)
        if "/shutdown" in options:
            machine.say("practice Sysprep: System halted")
            machine.finish(10)
        machine.wait_for_ever("Sysprep has generalized Windows and was not asked to shut it down.")
        return 0

    def cloudbase(self) -> None:
        """Cloudbase-Init would stop at a class that it does not have."""
        for name in ("cloudbase-init.conf", "cloudbase-init-unattend.conf"):
            path = f"{CLOUDBASE}/conf/{name}"
            if not os.path.exists(path):
                continue
            config = configparser.ConfigParser(interpolation=None)
            config.read(path, encoding="utf-8")
            for key, known in (("plugins", PLUGINS), ("metadata_services", SERVICES)):
                for word in config["DEFAULT"].get(key, "").replace("\n", "").split(","):
                    if word and ".".join(word.strip().rsplit(".", 2)[-2:]) not in known:
                        raise SetupError(f"cloudbase-init: {name}: {key}: there is no class {word}")


def log_on(shell) -> None:
    """Without an automatic logon, nobody runs FirstLogonCommands."""
    logon = all_of(shell, "AutoLogon")
    password = text_of(shell, "UserAccounts/AdministratorPassword/Value")
    user = text_of(logon[0], "Username") if logon else ""
    local = {text_of(each, "Name"): text_of(each, "Password/Value") for each in all_of(shell, "UserAccounts/LocalAccounts/LocalAccount")}
    accounts = {"Administrator": password, **local}
    if not logon or text_of(logon[0], "Enabled").lower() != "true":
        machine.wait_for_ever("Windows: Press Ctrl+Alt+Delete to unlock")
    if user not in accounts or accounts[user] != text_of(logon[0], "Password/Value"):
        machine.wait_for_ever(f"Windows: The user name or password is incorrect: {user}")


def main() -> None:
    letters = machine.cd_drives()
    for disk, _ in machine.disks():
        for number in (1, 3, 2, 4):
            if os.path.exists(f"{disk}{number}") and not os.path.ismount(C):
                os.makedirs(C, exist_ok=True)
                try:
                    machine.run("ntfs-3g", f"{disk}{number}", C)
                except SetupError:
                    continue
    with open(f"{C}/Windows/Panther/unattend.xml", "rb") as file:
        text = file.read()
    root = answers.load(text)
    guest = Guest(letters)
    for command in in_order(all_of(component(root, "specialize", "Microsoft-Windows-Deployment"), "RunSynchronous/RunSynchronousCommand")):
        guest.line(text_of(command, "Path"))
    shell = component(root, "oobeSystem", "Microsoft-Windows-Shell-Setup")
    # Setup blanks the passwords of its own copy when it has used them.
    blanked = re.sub(rb"(<(?:Value|Key)>)[^<]*(</)", rb"\1*SENSITIVE*DATA*DELETED*\2", text)
    with open(f"{C}/Windows/Panther/unattend.xml", "wb") as file:
        file.write(blanked)
    log_on(shell)
    for command in in_order(all_of(shell, "FirstLogonCommands/SynchronousCommand")):
        guest.line(text_of(command, "CommandLine"))
    machine.wait_for_ever("Windows: the desktop of Administrator")


try:
    main()
except SetupError as error:
    machine.wait_for_ever(f"Windows Setup: error: {error}")
