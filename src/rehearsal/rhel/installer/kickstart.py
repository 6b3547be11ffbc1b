"""Reads a kickstart as strictly as a release's own parser does: what that release refuses, this refuses, in its words and with
the line number. What a command may say is data: the `commands` file of the release (syntax.py).

As a program: kickstart.py COMMANDS FILE... prints what was read from each file, or the error, as one line of JSON."""
import json
import shlex
import sys

from syntax import KickstartError, OptionParser, check, exclusion, load_commands

# The commands that are carried out; all others are accepted, and noted as not rehearsed.
ACTED = """autopart bootloader cdrom clearpart cmdline group halt ignoredisk install keyboard lang logvol network part partition
poweroff reboot reqpart rootpw selinux services shutdown sshkey text timezone user volgroup zerombr""".split()


class Kickstart:
    """What was read: commands [{line, name, options, words, class}], packages, scripts, other sections, and the text itself."""

    def __init__(self):
        self.commands, self.scripts, self.others, self.text = [], [], [], ""
        self.packages = {"seen": False, "options": {}, "add": [], "remove": [], "groups": [], "removed_groups": [], "environment": None}

    def last(self, *names):
        return next((one for one in reversed(self.commands) if one["name"] in names), None)

    def all(self, *names):
        return [one for one in self.commands if one["name"] in names]


def read(path, table, only_pre=False, into=None):
    """Reads a kickstart file (and what it includes). only_pre: nothing but the %pre scripts, as before %pre has run."""
    ks = into or Kickstart()
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            lines = source.read().splitlines()
    except OSError as error:
        raise KickstartError(0, f"Unable to open input kickstart file: {error.strerror}") from error
    if into is None:
        ks.text = "\n".join(lines) + "\n"
    number = 0
    while number < len(lines):
        text = lines[number]
        number += 1
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        words = split(text, number)
        if words[0] == "%include":
            if len(words) == 1:
                raise KickstartError(number)
            if not only_pre:
                read(words[1], table, into=ks)
        elif words[0] == "%ksappend":
            continue
        elif words[0].startswith("%"):
            number = section(ks, words, lines, number, table, only_pre)
        elif not only_pre:
            command(ks, words, number, table)
    return ks


def split(text, line):
    try:
        return shlex.split(text, comments=True)
    except ValueError as error:
        raise KickstartError(line, str(error)) from error


def command(ks, words, line, table):
    name = words[0]
    if name not in table or name == "major":
        raise KickstartError(line, f"Unknown command: {name}")
    entry = table[name]
    if entry.get("removed"):
        raise KickstartError(line, f"{name} has been removed.")
    options, positional = {}, words[1:]
    if not entry.get("raw") and not entry.get("deprecated"):
        entry = dict(table[entry.get("same", name)], name=name)
        options, positional = OptionParser(entry, table["major"], line).read(positional)
        other = exclusion(entry, [one["name"] for one in ks.commands], table)
        if other:
            titles = ["part/partition" if one in ("part", "partition") else one for one in (other, name)]
            if other == "autopart":
                titles.reverse()
            raise KickstartError(line, f"The {' and '.join(titles)} commands can't be used at the same time")
        check(entry, options, positional, line, table["major"])
    kind = "acts" if name in ACTED else "notes"
    ks.commands.append({"line": line, "name": name, "options": options, "words": positional, "class": kind})


def section(ks, words, lines, number, table, only_pre):
    """Reads one section from its header to its %end; returns the number of the line after it."""
    kind, header = words[0], number
    if kind not in table:
        raise KickstartError(header, f"Unknown kickstart section: {kind}")
    body, ended = [], False
    while number < len(lines):
        text = lines[number]
        number += 1
        first = text.split()[0] if text.split() else ""
        if first == "%end":
            ended = True
            break
        if first.startswith("%") and first in table:
            if table["major"] > 6:
                raise KickstartError(number, f"Section {kind} does not end with %end.")
            number -= 1
            break
        if first == "%include" and kind == "%packages":
            if not only_pre:
                with open(text.split()[1], encoding="utf-8") as included:
                    body += included.read().splitlines()
            continue
        body.append(text)
    if not ended and table["major"] > 6:
        raise KickstartError(len(lines), f"Section {kind} does not end with %end.")
    if not ended and not only_pre:
        ks.others.append({"line": header, "name": f"{kind} without %end, which RHEL 6 only warns of"})
    if only_pre and kind != "%pre":
        return number
    if table[kind].get("raw"):
        ks.others.append({"line": header, "name": " ".join(words)})
        return number
    options, positional = OptionParser(table[kind], table["major"], header).read(words[1:])
    check(table[kind], options, positional, header, table["major"])
    if kind == "%packages":
        for one in ("nobase", "nocore"):
            if table["major"] == 7 and options.get("default") and options.get(one):
                raise KickstartError(header, f"--default and --{one} cannot be used together")
        add_packages(ks.packages, options, body)
    else:
        ks.scripts.append({"line": header, "section": kind, "body": "\n".join(body) + "\n", "options": options})
    return number


def add_packages(packages, options, body):
    packages["seen"] = True
    packages["options"].update(options)
    for text in body:
        name = text.split("#")[0].strip()
        if not name:
            continue
        group = name.lstrip("-").lstrip("@^").split("--")[0].strip()
        if name.startswith("-@^"):
            packages["environment"] = None if packages["environment"] == group else packages["environment"]
        elif name.startswith("@^"):
            packages["environment"] = group
        elif name.startswith("-@"):
            packages["removed_groups"].append(group)
        elif name.startswith("@"):
            packages["groups"].append(group)
        elif name.startswith("-"):
            packages["remove"].append(name[1:])
            packages["add"] = [one for one in packages["add"] if one != name[1:]]
        else:
            packages["add"].append(name)
            packages["remove"] = [one for one in packages["remove"] if one != name]


if __name__ == "__main__":
    commands = load_commands(sys.argv[1])
    for name in sys.argv[2:]:
        try:
            print(json.dumps(vars(read(name, commands))))
        except KickstartError as error:
            print(json.dumps({"error": str(error)}))
