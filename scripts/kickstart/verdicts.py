#!/usr/bin/env python3
"""Writes test/fixtures/kickstart-verdicts.gz: what pykickstart says of lines that say all that the tables know, for each release.

Usage: PYTHONPATH=a checkout of pykickstart  scripts/kickstart/verdicts.py

A line of it is a verdict per release of RHEL (6, 7, 8, 9, 10: + accepted, - refused), a tab, and a kickstart with its line ends as \\n.
The kickstarts are made here: every option of a command alone and with every other, with and without its words, with values that are
none, and the lines that rules.jsonl has for each rule."""
import argparse
import gzip
import itertools
import json
import os

from oracle import RELEASES, Oracle

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURE = os.path.join(HERE, "../../test/fixtures/kickstart-verdicts.gz")

# What is needed of a command besides its required options: words, and one of several options.
WORDS = {"btrfs": ["/", "btrfs.1"], "device": ["eth"], "driverdisk": ["sda1"], "iscsiname": ["iqn.x"], "key": ["x"], "keyboard": ["us"], "lang": ["en_US"],
         "logvol": ["/"], "mount": ["/dev/vda1", "/home"], "nvdimm": ["use"], "part": ["/"], "partition": ["/"], "raid": ["/", "raid.1", "raid.2"],
         "realm": ["join", "x"], "rootpw": ["x"], "snapshot": ["vg/lv"], "sshkey": ["x"], "sshpw": ["x"], "timezone": ["UTC"], "updates": ["x"],
         "volgroup": ["vg", "pv.1"]}
OPTIONS = {"eula": ["--agreed"], "harddrive": ["--partition=x"], "ignoredisk": ["--drives=x"], "logvol": ["--size=9"], "nvdimm": ["--namespace=x"],
           "part": ["--size=9"], "partition": ["--size=9"], "raid": ["--level=1"], "repo": ["--baseurl=x"], "services": ["--enabled=x"],
           "timesource": ["--ntp-disable"], "url": ["--url=x"]}
VALUES = {"--url": "http://a/", "--bridgeopts": "a=b", "--cachemode": "writeback", "--device": "md0"}
STORAGE = ["autopart", "reqpart", "part / --size=9", "partition /home --size=9", "raid / --device=md0 --level=1 raid.1 raid.2", "volgroup vg pv.1",
           "logvol / --vgname=a --name=b --size=9", "mount /dev/vda1 /", "btrfs / btrfs.1", "ostreesetup --osname=a --url=http://a/ --ref=b",
           "ostreecontainer --url=a", "bootc --source-imgref=a"]


def written(name, kind):
    if kind in ("flag", "text?"):
        return name
    return f"{name}={VALUES.get(name) or {'int': '1', 'bool': 'yes'}.get(kind) or ('x' if kind.startswith('text') else kind.removeprefix('i:').split('|')[0])}"


def lines_of(command, kinds, required):
    needed = [written(name, kinds[name]) for name in required] + OPTIONS.get(command, [])
    words = WORDS.get(command, [])
    taken = {option.split("=")[0] for option in needed}
    others = [name for name, kind in kinds.items() if name not in taken and not kind.startswith("--")]

    def line(*more, words=words):
        # realm takes its options before the last word alone.
        first = len(words) - (command == "realm" and words[-1:] == ["x"])
        return " ".join([command, *words[:first], *needed, *more, *words[first:]])
    yield line()
    yield line(words=[])
    yield line(words=[*words, "more"])
    yield line("--nonsense")
    for missing in needed:
        yield " ".join([command, *words, *(option for option in needed if option != missing)])
    for name, kind in kinds.items():
        if kind.startswith("--"):
            yield line(written(name, kinds[kind]))
        elif kind == "flag":
            yield line(name + "=x")
        else:
            yield line(f"{name}=?")
            yield line(name + "=")
            yield line(name)
    for name in others:
        yield line(written(name, kinds[name]))
    for one, other in itertools.combinations(others, 2):
        yield line(written(one, kinds[one]), written(other, kinds[other]))


def texts():
    commands = {}
    for release in RELEASES:
        with open(os.path.join(HERE, "../../src/rehearsal/rhel", str(release), "commands"), encoding="utf-8") as table:
            for entry in map(json.loads, table):
                known = commands.setdefault(entry["name"], {"options": {}, "required": []})
                known["options"].update({name: kind for name, kind in entry.get("options", {}).items() if name not in known["options"]})
                known["required"] += [name for name in entry.get("required", []) if name not in known["required"]]
    with open(os.path.join(HERE, "rules.jsonl"), encoding="utf-8") as rules:
        yield from (rule.get("refused", rule.get("warned")) for rule in map(json.loads, rules))
    for name, known in commands.items():
        if name in ("%pre-install", "%onerror", "%addon", "%anaconda"):
            # pykickstart knows sections whatever the release is.
            continue
        if name.startswith("%"):
            yield from (f"{text}\n%end" for text in lines_of(name, known["options"], known["required"]))
        else:
            yield from lines_of(name, known["options"], known["required"])
    yield from ("\n".join(pair) for pair in itertools.permutations(STORAGE, 2))
    yield from ["nonsense", "%nonsense\n%end", "part / --size=9 # why", "part / '--size=9", "part / --siz=9", "part / --s=9", "part / --size 9", "part / --size -9"]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    oracle = Oracle(dict.fromkeys(texts()))
    with open(FIXTURE, "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as out:
        for text in oracle.verdicts:
            verdict = "".join("-" if oracle.refuses(text, release) else "+" for release in RELEASES)
            out.write(f"{verdict}\t{text}\n".replace("\n", "\\n").removesuffix("\\n").encode() + b"\n")


if __name__ == "__main__":
    main()
