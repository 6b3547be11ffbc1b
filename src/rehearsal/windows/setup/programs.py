"""The programs of the practice Windows, as the scripts of a build call them: each returns its status and its output."""

import json
import os
import re
import shutil

import answers
import cloudbase
import machine
import prompt
import regexe
import regional
import registry
import servicing
import values
from answers import SetupError
from batch import Batch

C = "/run/windows"
CONFIG = f"{C}/Windows/System32/config"
WINLOGON = r"Microsoft\Windows NT\CurrentVersion\Winlogon"
RUN = r"Microsoft\Windows\CurrentVersion\Run"
STATE = r"Microsoft\Windows\CurrentVersion\Setup\State"
APPS = f"{C}/Program Files/WindowsApps"
# What one user has, and is provisioned for all in no version or another one: Sysprep stops at it.
OWN_APP = "Microsoft.MicrosoftEdge.Stable_131.0.2903.99_neutral__8wekyb3d8bbwe"
UPDATED_APP = "Microsoft.WindowsCalculator_11.2411.1.0_x64__8wekyb3d8bbwe"
RECOVERY = ("DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", "27")


class Programs:
    """What runs on the system whose drive C: is `device`."""

    def __init__(self, letters: dict, device: str):
        self.letters, self.device = {**letters, "C:": C}, device
        self.variables = {"systemroot": r"C:\Windows", "systemdrive": "C:", "programfiles": r"C:\Program Files"}

    def path(self, name: str) -> str:
        return machine.local_path(name.strip('"'), self.letters)

    def exists(self, name: str) -> bool:
        return bool(self.path(name))

    def read(self, name: str) -> str:
        path = "" if name.lower() == "nul" else self.path(name)
        if not path:
            return ""
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read().replace("\r\n", "\n")

    def write(self, name: str, text: str, append: bool) -> None:
        """Writes where a command's output goes: COM1 and the console are one here."""
        if name.upper() in ("COM1", "CON"):
            for line in text.splitlines():
                machine.say(line)
        elif name.lower() != "nul":
            folder, _, file = name.rpartition("\\")
            with open(f"{self.path(folder)}/{file}", "a" if append else "w", encoding="utf-8", newline="\r\n") as out:
                out.write(text)

    def batch(self, name: str) -> int:
        if not self.exists(name):
            raise SetupError(f"Windows cannot find '{name}'.")
        return Batch(self.read(name), name.strip('"'), self, dict(self.variables)).run()

    def prompt(self, line: str) -> int:
        """A line as it would be typed: there a variable that is not set stays as it is written."""
        expanded = re.sub(r"%([A-Za-z_]\w*)%", lambda match: self.variables.get(match[1].lower(), match[0]), line)
        return prompt.run(expanded, self.command)

    def command(self, line: str) -> int:
        """One command: of those of a recipe only the registry and their end is rehearsed."""
        end = re.fullmatch(r"exit(?: /b)?(?: (-?\d+))?", line.strip(), re.I)
        if end:
            return int(end[1] or 0)
        start = re.fullmatch(r"for %\w in \(([A-Z ]+)\) do if exist %\w:(\S+) call %\w:\S+", line, re.I)
        if start:
            for letter in start[1].split():
                if self.exists(f"{letter}:{start[2]}"):
                    return self.batch(f"{letter}:{start[2]}")
            return 0
        if "cloudbase-init.exe" in line:
            machine.say("practice Cloudbase-Init: specialize")
            return 1
        first = (re.findall(r'"[^"]*"|\S+', line) or [""])[0]
        if re.search(r"\.(cmd|bat)\"?$", first, re.I):
            return self.batch(first)
        return self.program(line, "")[0]

    def program(self, line: str, text: str) -> tuple:
        words = re.findall(r'[^\s"]*"[^"]*"|\S+', line)
        name = words[0].strip('"').lower().rsplit("\\", 1)[-1].removesuffix(".exe")
        known = {"cmd": self.cmd, "msiexec": self.msi, "reg": self.reg, "sysprep": self.sysprep, "powershell": self.powershell,
                 "sc": self.service, "net": self.service, "dism": self.dism, "shutdown": self.shutdown,
                 "copy": self.copy, "md": self.md, "del": self.remove, "rd": self.remove, "type": self.type}
        if name == "find":
            found = [each for each in text.splitlines() if words[1].strip('"') in each]
            return (0 if found else 1), "".join(each + "\n" for each in found)
        if name in known:
            return known[name](words, line)
        if re.match(r"[A-Z]:\\", words[0].strip('"'), re.I):
            if not self.exists(words[0]):
                raise SetupError(f"Windows cannot find '{words[0]}'.")
            if name == "virtio-win-guest-tools":
                os.makedirs(f"{C}/Program Files/Virtio-Win", exist_ok=True)
            return 0, ""
        machine.say(f"not rehearsed: the command {line}")
        return 0, ""

    def cmd(self, _words: list, line: str) -> tuple:
        inner = re.fullmatch(r"(?:\S*\\)?cmd(?:\.exe)?((?:\s+/[a-z])*)\s+/c\s+(.*)", line, re.I)
        if not inner:
            raise SetupError(f"a shell that nobody can type in: {line}")
        quoted = re.fullmatch(r'"(.*)"', inner[2])
        echo = re.fullmatch(r"echo (.*?)\s*>\s*COM1(?: \|\| exit /b 0)?", inner[2], re.I)
        if echo:
            machine.say(echo[1])
            return 0, ""
        return self.prompt(quoted[1] if quoted else inner[2]), ""

    def copy(self, words: list, _line: str) -> tuple:
        names = [word for word in words[1:] if not word.startswith("/") and word != "+"]
        text = "".join(self.read(name) for name in names[:-1])
        if not all(self.exists(name) for name in names[:-1]):
            return 1, ""
        self.write(names[-1].strip('"'), text, False)
        return 0, ""

    def md(self, words: list, _line: str) -> tuple:
        parts = words[1].strip('"').split("\\")
        os.makedirs(f"{self.path(parts[0])}/{'/'.join(parts[1:])}", exist_ok=True)
        return 0, ""

    def remove(self, words: list, _line: str) -> tuple:
        path = self.path(words[-1])
        if path and os.path.isdir(path):
            shutil.rmtree(path)
        elif path:
            os.remove(path)
        return 0, ""

    def type(self, words: list, _line: str) -> tuple:
        return (0, self.read(words[1].strip('"'))) if self.exists(words[1]) else (1, "")

    def msi(self, words: list, _line: str) -> tuple:
        package = self.path(words[[word.lower() for word in words].index("/i") + 1])
        if not package:
            return 1619, ""
        if "qemu-ga" in package.lower():
            os.makedirs(f"{C}/Program Files/Qemu-ga", exist_ok=True)
        if "cloudbase" in package.lower():
            cloudbase.install(C)
        return 0, ""

    def reg(self, _words: list, line: str) -> tuple:
        status = regexe.reg(CONFIG, line)
        if status is None:
            machine.say(f"not rehearsed: the command {line}")
        return status or 0, ""

    def powershell(self, _words: list, line: str) -> tuple:
        scripts = [self.read(name) for name in re.findall(r'"([^"]*\.ps1)"', line)]
        if any("Remove-AppxPackage" in text for text in [line, *scripts]):
            shutil.rmtree(f"{APPS}/{OWN_APP}", ignore_errors=True)
            return 0, ""
        file = re.search(r'-File "([^"]*)"', line)
        script = self.read(file[1]) if file else ""
        if "recovery.ps1" in line:
            return recovery(self.device, "Remove-Partition" in script), ""
        if "updates.ps1" in line:
            return servicing.updates(C, script), ""
        machine.say(f"not rehearsed: the command {line}")
        return 0, ""

    def service(self, words: list, line: str) -> tuple:
        if "cloudbase-init" in words:
            return servicing.service(C, line), ""
        return 0, ""

    def dism(self, words: list, line: str) -> tuple:
        if "/Cleanup-Image" not in words:
            machine.say(f"not rehearsed: the command {line}")
            return 0, ""
        return servicing.clean_store(C), ""

    def shutdown(self, words: list, line: str) -> tuple:
        if "/r" not in words:
            machine.say(f"not rehearsed: the command {line}")
            return 0, ""
        servicing.restart(C)
        return 0, ""

    def sysprep(self, words: list, _line: str) -> tuple:
        options = [word.strip('"') for word in words[1:]]
        flags = [option.lower() for option in options]
        if "/generalize" not in flags or "/oobe" not in flags:
            machine.say("Sysprep: nothing is generalized")
            return 0, ""
        for app in os.listdir(APPS) if os.path.isdir(APPS) else []:
            with open(f"{C}/Windows/System32/Sysprep/Panther/setuperr.log", "w", encoding="utf-8") as file:
                file.write(f"SYSPRP Package {app} was installed for a user, but not provisioned for all users. "
                           "This package will not function properly in the sysprep image.\n")
            return 1, ""
        for option in options:
            name, _, value = option.partition(":")
            if name.lower() == "/unattend":
                if not self.exists(value):
                    return 1, ""
                with open(self.path(value), "rb") as file:
                    answers.load(file.read())
                # The next boot reads it there: whoever deletes it has a system that asks its questions.
                shutil.copyfile(self.path(value), f"{C}/Windows/Panther/unattend.xml")
        cloudbase.check(C)
        regional.generalize(CONFIG)
        if values.lookup(f"{CONFIG}/SYSTEM", r"ControlSet001\Control\BitLocker", "PreventDeviceEncryption") != 1:
            machine.say("not rehearsed: device encryption, which Windows may switch on by itself")
        registry.write(f"{CONFIG}/SOFTWARE", STATE, {"ImageState": "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"})
        registry.write(f"{CONFIG}/SYSTEM", "Setup", {"SystemSetupInProgress": 1, "OOBEInProgress": 1})
        with open(f"{C}/Windows/System32/Sysprep/Panther/setupact.log", "w", encoding="utf-8") as file:
            file.write("practice Sysprep: generalized\n")
        machine.run("umount", C)
        if "/shutdown" in flags:
            machine.say("practice Sysprep: System halted")
            machine.finish(10)
        machine.wait_for_ever("Sysprep has generalized Windows and was not asked to shut it down.")
        return 0, ""


def recovery(device: str, removes: bool) -> int:
    """What recovery.ps1 does: removes recovery partitions behind C: and grows C:, or fails if anything lies behind it."""
    disk, number = re.fullmatch(r"(/dev/\D+)(\d+)", device).groups()

    def behind() -> list:
        parts = json.loads(machine.run("sfdisk", "--json", disk))["partitiontable"]["partitions"]
        start = next(part["start"] for part in parts if part["node"] == device)
        return [part for part in parts if part["start"] > start]

    if removes and behind():
        machine.run("umount", C)
        for part in behind():
            if part["type"].upper() in RECOVERY:
                machine.run("sfdisk", "--delete", disk, re.search(r"\d+$", part["node"])[0])
        machine.run("sfdisk", "-N", number, disk, text=", +\n")
        machine.run("ntfsresize", "--force", "--no-progress-bar", device, text="y\n")
        # ntfsresize asks for a check at the next boot, which the resizing of a running Windows does not.
        machine.run("ntfsfix", "--clear-dirty", device)
        machine.run("ntfs-3g", device, C)
    return 17 if behind() else 0
