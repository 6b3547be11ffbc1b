#!/usr/bin/env python3
"""Writes src/rehearsal/rhel/*/commands: what each release of RHEL lets a kickstart say, as pykickstart knows it.

Usage: PYTHONPATH=a checkout of pykickstart  scripts/kickstart/tables.py

Commands, options, types, choices, what is required, deprecated or removed, and which commands exclude each other are read from
the parsers that pykickstart builds. Rules between options are its code: rules.jsonl words them anew, each with a line that breaks
nothing but it, and a release has the rule when its pykickstart refuses that line. Facts alone are taken over, no text or code."""
import argparse
import json
import os
import re

from oracle import RELEASES, Oracle
from pykickstart.base import DeprecatedCommand, RemovedCommand
from pykickstart.parser import KickstartParser

HERE = os.path.dirname(os.path.abspath(__file__))
RHEL = os.path.join(HERE, "../../src/rehearsal/rhel")

# pykickstart knows sections whatever the release is; the installers do from these on.
SECTIONS = {"%pre": 6, "%pre-install": 7, "%post": 6, "%onerror": 8, "%traceback": 6, "%packages": 6, "%addon": 7, "%anaconda": 7}
# The values that its own functions let through, whatever their case.
MAPS = {"_type_cb": "typeMap", "_level_cb": "levelMap", "level_cb": "levelMap", "_when_cb": "whenMap"}
# It reads the words of this one with getopt(3).
REALM = {"--client-software": "text", "--server-software": "text", "--membership-software": "text", "--one-time-password": "text",
         "--no-password": "flag", "--computer-ou": "text"}


def kind(action, command):
    """How the value of an option is written: flag, int, bool, text, a|b (choices),
    i:a|b (choices in any case), text? (may be left out), text* (may be repeated)."""
    name = getattr(action.type, "__name__", None)
    if action.nargs == 0:
        return "flag"
    if action.choices:
        return "|".join(map(str, action.choices))
    if name in MAPS:
        return "i:" + "|".join(str(one).lower() for one in getattr(command, MAPS[name]))
    if name == "int":
        return "int"
    if name == "ksboolean":
        return "bool"
    if action.nargs == "?":
        return "text?"
    repeated = type(action).__name__ in ("ExtendAction", "_AppendAction")
    return "text*" if repeated else "text"


def options(parser, command):
    """What a parser takes: {options, required, deprecated, words}."""
    entry = {"words": [0, 0], "options": {}}
    for action in parser._actions:
        if not action.option_strings:
            least, most = {None: (1, 1), "?": (0, 1), "*": (0, None)}.get(action.nargs, (action.nargs, action.nargs))
            entry["words"] = [entry["words"][0] + least, None if most is None or entry["words"][1] is None else entry["words"][1] + most]
            if action.choices:
                entry.setdefault("match", []).append(["#1", "|".join(action.choices)])
            continue
        first, *others = action.option_strings
        entry["options"][first] = kind(action, command)
        entry["options"].update({other: first for other in others})
        if action.required:
            entry.setdefault("required", []).append(first)
        if getattr(action, "deprecated", False):
            entry.setdefault("deprecatedOptions", []).append(first)
    return entry


def command_entry(name, command):
    if isinstance(command, RemovedCommand):
        return {"removed": True}
    if type(command).parse is DeprecatedCommand.parse:
        return {"deprecated": True}
    if name == "realm":
        return {"words": [0, None], "options": REALM}
    if name in ("auth", "authconfig", "authselect", "deviceprobe"):
        return {"raw": True}
    entry = options(command.op, command) if hasattr(command, "op") else {"words": [0, 0], "options": {}}
    if command.conflictingCommands:
        entry["excludes"] = list(command.conflictingCommands)
    return entry


def table(release, oracle, rules):
    handler, lines, objects = oracle.handlers[release], {}, {}
    for section, known in KickstartParser(handler)._sections.items():
        if SECTIONS.get(section, 99) <= release:
            lines[section] = options(known._getParser(), None) if hasattr(known, "_getParser") else {"raw": True}
    for name in sorted(handler.commands):
        command = handler.commands[name]
        if name == "method" and release < 9:
            continue
        # part and partition are one where commands exclude each other; text and cmdline only share their options.
        same = objects.setdefault(id(command), name) if command.conflictingCommands else name
        lines[name] = command_entry(name, command) if same == name else {"same": same}
    for rule in rules:
        entry, line = lines.get(rule["command"], {}), rule.get("refused", rule.get("warned"))
        if entry.get("removed") or entry.get("deprecated"):
            continue
        if "warned" in rule:
            if oracle.warns(line, release) and not oracle.refuses(line, release):
                entry.update(deprecated=True) if rule["deprecated"] is None else entry.setdefault("deprecatedOptions", []).append(rule["deprecated"])
            continue
        used = [word.split("=")[0] for word in (*rule.get("if", []), *rule.get("match", [])[:1]) if word.startswith("--")]
        wanted = [one for one in rule.get("then", []) if one.startswith("#") or one in entry.get("options", {})]
        if any(one not in entry.get("options", {}) for one in used) or "then" in rule and not wanted:
            continue
        # What is refused for its options or for a required one tells nothing of the rule.
        if not oracle.refuses(line, release) or re.search("unrecognized arguments|arguments are required: -", oracle.message(line, release)):
            continue
        if "words" in rule:
            entry["words"] = rule["words"]
        elif "match" in rule:
            entry.setdefault("match", []).append(rule["match"])
        else:
            entry.setdefault("rules", []).append([rule["if"], wanted])
    return lines


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with open(os.path.join(HERE, "rules.jsonl"), encoding="utf-8") as text:
        rules = [json.loads(line) for line in text]
    oracle = Oracle([rule.get("refused", rule.get("warned")) for rule in rules])
    for release in RELEASES:
        with open(os.path.join(RHEL, str(release), "commands"), "w", encoding="utf-8") as out:
            for name, entry in table(release, oracle, rules).items():
                out.write(json.dumps({"name": name, **entry}, separators=(",", ":")) + "\n")
    for line in (rule["refused"] for rule in rules if "refused" in rule):
        if not any(oracle.refuses(line, release) for release in RELEASES):
            print(f"no release refuses: {line}")


if __name__ == "__main__":
    main()
