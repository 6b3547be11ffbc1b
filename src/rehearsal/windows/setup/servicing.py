"""The practice Windows Update and component store, services and restarts, as build.cmd calls them: each returns its status."""

import json
import os
import re

import cloudbase
import machine
import registry
import values

# What is offered until it is installed: nothing of a row before those above it, each of which wants a restart.
ROWS = [{"KB9000001": "practice servicing stack"},
        {"KB9000002": "practice cumulative update", "KB9000003": "practice update of .NET"}]
PENDING = -2146498554  # 0x800f0806
STARTS = {"auto": 2, "demand": 3, "disabled": 4}
SERVICE = r"ControlSet001\Services\cloudbase-init"


def _state(root: str) -> str:
    return f"{root}/Windows/SoftwareDistribution/practice.json"


def _installed(root: str) -> dict:
    """The practice updates that are installed, `pending` until Windows has been restarted, and how often it has been."""
    if not os.path.exists(_state(root)):
        return {"kbs": [], "pending": False, "restarts": 0}
    with open(_state(root), encoding="utf-8") as file:
        return json.load(file)


def _keep(root: str, state: dict) -> None:
    os.makedirs(f"{root}/Windows/SoftwareDistribution/Download", exist_ok=True)
    with open(_state(root), "w", encoding="utf-8") as file:
        json.dump(state, file)


def updates(root: str, script: str) -> int:
    """One round of updates.ps1: what Windows Update would do of it."""
    state, config = _installed(root), f"{root}/Windows/System32/config"
    if state["pending"]:
        return 3010
    if "ServerSelection" in script:
        policy = r"Policies\Microsoft\Windows\WindowsUpdate"
        if values.lookup(f"{config}/SOFTWARE", policy + r"\AU", "UseWUServer") != 1:
            machine.say("vmkiln: updates: searching failed with 0x80244011")
            return 1
        machine.say(f"not rehearsed: the server {values.lookup(f'{config}/SOFTWARE', policy, 'WUServer')}")
    machine.say("vmkiln: updates: searching")
    excepted = re.findall(r"'(KB\d+)'", script)
    left = [[kb for kb in row if kb not in state["kbs"] + excepted] for row in ROWS]
    wanted = next((row for row in left if row), [])
    if not wanted:
        return 0
    _keep(root, {**state, "kbs": state["kbs"] + wanted, "pending": True})
    for kb in wanted:
        with open(f"{root}/Windows/SoftwareDistribution/Download/{kb}.cab", "w", encoding="utf-8") as file:
            file.write("practice stand-in\n")
    machine.say(f"vmkiln: updates: installing {', '.join(wanted)}")
    return 3010


def clean_store(root: str) -> int:
    return PENDING if _installed(root)["pending"] else 0


def restart(root: str) -> None:
    state = _installed(root)
    _keep(root, {**state, "pending": False, "restarts": state["restarts"] + 1})
    machine.run("umount", root)
    machine.say("practice Windows: restarting")
    machine.finish(11)


def service(root: str, line: str) -> int:
    """sc.exe config and net.exe start, of the service of Cloudbase-Init alone."""
    path = f"{root}/Windows/System32/config/SYSTEM"
    if values.lookup(path, SERVICE, "Start") is None:
        return 1060
    start = re.search(r" start= (\w+)", line)
    if start:
        registry.write(path, SERVICE, {"Start": STARTS[start[1]]})
    else:
        cloudbase.serve(root)
    return 0


def starts_by_itself(root: str) -> bool:
    return values.lookup(f"{root}/Windows/System32/config/SYSTEM", SERVICE, "Start") == STARTS["auto"]
