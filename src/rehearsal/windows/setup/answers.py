"""An answer file as Setup reads it."""

import xml.etree.ElementTree as xml

NAMESPACE = "{urn:schemas-microsoft-com:unattend}"
ORDER = ("windowsPE", "offlineServicing", "generalize", "specialize", "auditSystem", "auditUser", "oobeSystem")
# The passes that a component belongs to; Setup says the same of one that it does not know at all.
PASSES = {
    "Microsoft-Windows-International-Core-WinPE": ("windowsPE",),
    "Microsoft-Windows-International-Core": ("specialize", "oobeSystem"),
    "Microsoft-Windows-PnpCustomizationsWinPE": ("windowsPE",),
    "Microsoft-Windows-PnpCustomizationsNonWinPE": ("offlineServicing", "auditSystem"),
    "Microsoft-Windows-PnpSysprep": ("generalize",),
    "Microsoft-Windows-Setup": ("windowsPE",),
    "Microsoft-Windows-Deployment": ("generalize", "specialize", "auditSystem", "auditUser", "oobeSystem"),
    "Microsoft-Windows-Shell-Setup": ("offlineServicing", "generalize", "specialize", "auditSystem", "auditUser", "oobeSystem"),
    "Microsoft-Windows-SecureStartup-FilterDriver": ("specialize", "oobeSystem"),
    "Microsoft-Windows-LUA-Settings": ("offlineServicing", "generalize", "specialize"),
    "Microsoft-Windows-Security-SPP": ("generalize", "specialize"),
    "Microsoft-Windows-Security-SPP-UX": ("specialize", "oobeSystem"),
    "Microsoft-Windows-TerminalServices-LocalSessionManager": ("offlineServicing", "generalize", "specialize"),
}
ONLY = {"OOBE": ("oobeSystem",), "FirstLogonCommands": ("oobeSystem",), "ComputerName": ("specialize", "offlineServicing"),
        "CopyProfile": ("specialize",), "UserAccounts": ("oobeSystem", "auditSystem", "offlineServicing")}
NUMBERS = ("Order", "DiskID", "PartitionID", "Size", "LogonCount", "ProtectYourPC")


class SetupError(Exception):
    """What Setup shows in a dialog, at which it waits."""


def _refuse(name: str, where: str) -> SetupError:
    return SetupError("Windows could not parse or process the unattend answer file for pass "
                      f"[{name}]. The error was detected while processing settings for component [{where}].")


def load(text: bytes) -> xml.Element:
    """Parses an answer file and checks all its passes, as Setup does at its start."""
    try:
        root = xml.fromstring(text)
    except xml.ParseError as error:
        raise SetupError(f"Windows could not parse or process the unattend answer file: {error}") from error
    if root.tag != NAMESPACE + "unattend":
        raise SetupError("The unattend answer file has another root element or namespace than urn:schemas-microsoft-com:unattend.")
    for settings in root.findall(NAMESPACE + "settings"):
        name = settings.get("pass", "")
        if name not in ORDER:
            raise _refuse(name, "settings")
        for component in settings.findall(NAMESPACE + "component"):
            _check(component, name)
    return root


def _check(component: xml.Element, name: str) -> None:
    where = component.get("name", "")
    if component.get("processorArchitecture") != "amd64" or name not in PASSES.get(where, ()):
        raise _refuse(name, where)
    for child in component:
        tag = child.tag.removeprefix(NAMESPACE)
        if name not in ONLY.get(tag, ORDER):
            raise _refuse(name, where)
    for element in component.iter():
        tag = element.tag.removeprefix(NAMESPACE)
        if tag in NUMBERS and not (element.text or "").strip().isdigit():
            raise _refuse(name, f"{where}: {tag}")


def component(root: xml.Element, name: str, which: str) -> xml.Element:
    """A component of a pass; an empty one when the file has none."""
    path = f"{NAMESPACE}settings[@pass='{name}']/{NAMESPACE}component[@name='{which}']"
    found = root.find(path)
    return xml.Element("component") if found is None else found


def all_of(element: xml.Element, path: str) -> list:
    return element.findall("/".join(NAMESPACE + part for part in path.split("/")))


def text_of(element: xml.Element, path: str, default: str = "") -> str:
    found = element.find("/".join(NAMESPACE + part for part in path.split("/")))
    return default if found is None else (found.text or "").strip()


def in_order(elements: list) -> list:
    return sorted(elements, key=lambda each: int(text_of(each, "Order", "0")))
