"""
The installed practice Windows: specialize, oobeSystem and the first logon. The first boot after Setup and that after Sysprep
are one and the same.
"""

import os
import re

import answers
import cloudbase
import machine
import regional
import registry
import servicing
import values
from answers import SetupError, all_of, component, in_order, text_of
from programs import APPS, C, CONFIG, OWN_APP, RUN, STATE, UPDATED_APP, WINLOGON, Programs


# What the built-in Administrator is called where it is not called so.
NAMES = {"es": "Administrador", "fi": "Järjestelmänvalvoja", "fr": "Administrateur", "hu": "Rendszergazda",
         "pt": "Administrador", "ru": "Администратор", "sv": "Administratör"}


def kind() -> str:
    """Client, Server, or Server Core."""
    return values.lookup(f"{CONFIG}/SOFTWARE", r"Microsoft\Windows NT\CurrentVersion", "InstallationType")


def log_on(shell, language: str) -> None:
    """Without an automatic logon, nobody runs FirstLogonCommands. The English name is good in any language, and enables the account."""
    logon = all_of(shell, "AutoLogon")
    password = text_of(shell, "UserAccounts/AdministratorPassword/Value")
    user = text_of(logon[0], "Username") if logon else ""
    local = {text_of(each, "Name"): text_of(each, "Password/Value") for each in all_of(shell, "UserAccounts/LocalAccounts/LocalAccount")}
    own = {} if kind() == "Client" else {NAMES.get(language.split("-")[0], "Administrator"): password}
    accounts = {"Administrator": password, **own, **local}
    if not logon or text_of(logon[0], "Enabled").lower() != "true":
        for command in values.every(f"{CONFIG}/SOFTWARE", RUN):
            machine.say(f"practice Windows: whoever logs on runs {command}")
        if values.lookup(f"{CONFIG}/SOFTWARE", WINLOGON, "DefaultPassword") is not None:
            machine.wait_for_ever("Windows: the desktop of a user whose password is still in the registry")
        machine.wait_for_ever("Windows: Press Ctrl+Alt+Delete to unlock")
    if user not in accounts or accounts[user] != text_of(logon[0], "Password/Value"):
        machine.wait_for_ever(f"Windows: The user name or password is incorrect: {user}")
    # One logon more than the answer file says, which Microsoft knows; this is the first of them.
    registry.write(f"{CONFIG}/SOFTWARE", WINLOGON, {"AutoAdminLogon": "1", "DefaultUserName": user, "DefaultPassword": accounts[user],
                                                    "AutoLogonCount": int(text_of(logon[0], "LogonCount", "0"))})


def log_on_again(programs: Programs) -> None:
    """A restart: automatic logons until there are none left ("AutoLogonCount" of Winlogon), and the programs of the Run key."""
    logons = values.lookup(f"{CONFIG}/SOFTWARE", WINLOGON, "AutoLogonCount")
    if values.lookup(f"{CONFIG}/SOFTWARE", WINLOGON, "AutoAdminLogon") != "1" or not logons:
        machine.wait_for_ever("Windows: Press Ctrl+Alt+Delete to unlock")
    if servicing.starts_by_itself(C):
        cloudbase.serve(C)
        machine.wait_for_ever("Windows: The user name or password is incorrect: Cloudbase-Init has set another one")
    registry.write(f"{CONFIG}/SOFTWARE", WINLOGON, {"AutoLogonCount": logons - 1})
    for command in values.every(f"{CONFIG}/SOFTWARE", RUN):
        programs.program(command, "")
    machine.wait_for_ever("Windows: the desktop of Administrator")


def start_services(programs: Programs) -> None:
    """What starts by itself, and SetupComplete.cmd, which Windows does not run on a client with the product key of an OEM."""
    if servicing.starts_by_itself(C):
        cloudbase.serve(C)
    complete = r"C:\Windows\Setup\Scripts\SetupComplete.cmd"
    kind = values.lookup(f"{CONFIG}/SOFTWARE", r"Microsoft\Windows NT\CurrentVersion", "InstallationType")
    if not programs.exists(complete):
        return
    if kind == "Client":
        machine.say("not rehearsed: SetupComplete.cmd")
        return
    for line in programs.read(complete).splitlines():
        for command in filter(None, map(str.strip, line.split("&&"))):
            programs.program(command, "")


def install_apps() -> None:
    """What a desktop updates for its first user: Edge by itself, and the Store of a client all others, unless it is kept from that."""
    if kind() != "Server Core":
        os.makedirs(f"{APPS}/{OWN_APP}", exist_ok=True)
    if kind() == "Client" and values.lookup(f"{CONFIG}/SOFTWARE", r"Policies\Microsoft\WindowsStore", "AutoDownload") != 2:
        os.makedirs(f"{APPS}/{UPDATED_APP}", exist_ok=True)


def mount_windows() -> str:
    """Mounts the volume of Windows as C:, and returns its device."""
    os.makedirs(C, exist_ok=True)
    for disk, _ in machine.disks():
        for number in (4, 3, 2, 1):
            device = f"{disk}{number}"
            try:
                if os.path.exists(device):
                    machine.run("ntfs-3g", device, C)
                    if os.path.isdir(f"{C}/Windows/System32"):
                        return device
                    machine.run("umount", C)
            except SetupError:
                continue
    raise SetupError("no bootable device")


def find_answers(programs: Programs) -> str:
    """The answer file of this boot, in the order of "Windows Setup Automation Overview"; empty when there is none."""
    pointer = values.lookup(f"{CONFIG}/SYSTEM", "Setup", "UnattendFile")
    places = [pointer or "", r"C:\Windows\Panther\Unattend\unattend.xml", r"C:\Windows\Panther\Unattend\autounattend.xml",
              r"C:\Windows\Panther\unattend.xml"]
    return next((programs.path(place) for place in places if place and programs.exists(place)), "")


def blank(path: str, text: bytes) -> None:
    """Setup blanks the passwords of its own copy when it has used them; a key stays."""
    with open(path, "wb") as file:
        file.write(re.sub(rb"(<Value>)[^<]*(</Value>\s*<PlainText>)", rb"\1*SENSITIVE*DATA*DELETED*\2", text))


def main() -> None:
    programs = Programs(machine.cd_drives(), mount_windows())
    if values.lookup(f"{CONFIG}/SOFTWARE", STATE, "ImageState") == "IMAGE_STATE_COMPLETE":
        log_on_again(programs)
    found = find_answers(programs)
    if not found:
        machine.wait_for_ever("Windows: Hi there. Let's start with your region. Is this right?")
    with open(found, "rb") as file:
        text = file.read()
    root = answers.load(text)
    for command in in_order(all_of(component(root, "specialize", "Microsoft-Windows-Deployment"), "RunSynchronous/RunSynchronousCommand")):
        programs.program(text_of(command, "Path"), "")
    regional.take(CONFIG, root)
    shell = component(root, "oobeSystem", "Microsoft-Windows-Shell-Setup")
    if text_of(shell, "OOBE/HideEULAPage").lower() != "true":
        machine.wait_for_ever("Windows: Please read the license terms.")
    blank(found, text)
    registry.write(f"{CONFIG}/SOFTWARE", STATE, {"ImageState": "IMAGE_STATE_COMPLETE"})
    registry.write(f"{CONFIG}/SYSTEM", "Setup", {"SystemSetupInProgress": 0, "OOBEInProgress": 0})
    start_services(programs)
    log_on(shell, text_of(component(root, "oobeSystem", "Microsoft-Windows-International-Core"), "UILanguage").lower())
    install_apps()
    for command in in_order(all_of(shell, "FirstLogonCommands/SynchronousCommand")):
        programs.program(text_of(command, "CommandLine"), "")
    machine.wait_for_ever("Windows: the desktop of Administrator")


try:
    main()
except SetupError as error:
    machine.wait_for_ever(f"Windows Setup: error: {error}")
