"""Reads a kickstart as strictly as a release's own parser does: what that release refuses, this refuses, in its words and with
the line number. What a command may say is data: the `commands` file of the release.

As a program: kickstart.py COMMANDS FILE... prints what was read from each file, or the error, as one line of JSON."""
import json
import optparse
import os
import re
import shlex
import sys


class KickstartError(Exception):
    """A kickstart that the release refuses. The text is what the installer prints."""

    def __init__(self, line, message=None):
        text = (f"The following problem occurred on line {line} of the kickstart file:\n\n{message}\n" if message is not None
                else f"There was a problem reading from line {line} of the kickstart file")
        super().__init__(text)


# RHEL 8 reads options with another parser, which has words of its own.
NEWER_WORDS = (
    (r"^no such option: (.*)$", r"unrecognized arguments: \1"),
    (r"^(\S+) option requires \d+ arguments?$", r"argument \1: expected one argument"),
    (r"^option (\S+): invalid integer value: (.*)$", r"argument \1: invalid int value: \2"),
    (r"^option (\S+): invalid choice: (.*)$", r"argument \1: invalid choice: \2"),
)


class OptionParser(optparse.OptionParser):
    """optparse (whose messages are part of what users see up to RHEL 7), with kickstart's way to report."""

    def __init__(self, spec, major):
        super().__init__(option_class=optparse.Option, add_help_option=False, conflict_handler="resolve")
        self.required, self.major = [], major
        for word in spec.split():
            names, kind, repeated, required = re.fullmatch(r"([^=!*]+)(?:=([^!*]+))?(\*)?(!)?", word).groups()
            names = names.split(",")
            settings = {"dest": names[0].lstrip("-")}
            if kind is None:
                settings["action"] = "store_true"
            else:
                choices = kind.split("|")
                settings["type"] = {"text": "string", "bool": "string", "int": "int"}.get(kind, "choice")
                if settings["type"] == "choice":
                    settings["choices"] = choices
                settings["action"] = "append" if repeated else "store"
            self.add_option(*names, **settings)
            if required:
                self.required.append(names[0])
            if kind == "bool":
                self.booleans = getattr(self, "booleans", []) + [names[0]]

    def error(self, message):
        if self.major >= 8:
            for found, words in NEWER_WORDS:
                message = re.sub(found, words, message)
        raise KickstartError(self.line, re.sub(r"option requires 1 argument$", "option requires an argument", message))

    def read(self, words, line):
        self.line = line
        values, positional = self.parse_args(list(words))
        given = {key: value for key, value in vars(values).items() if value is not None}
        for name in self.required:
            if name.lstrip("-") not in given:
                raise KickstartError(line, f"the following arguments are required: {name}" if self.major >= 8 else f"Option {name} is required")
        for name in getattr(self, "booleans", []):
            value = given.get(name.lstrip("-"))
            if value is not None and value.lower() not in ("on", "yes", "true", "1", "off", "no", "false", "0"):
                raise KickstartError(line, f"Option {name}: invalid boolean value: {value!r}")
        return given, positional


def load_commands(path):
    """The release's table: name -> (class, positional rule, option spec); under "major" its number, from release.env beside it."""
    table = {}
    with open(path, encoding="utf-8") as lines:
        for text in lines:
            if not text.startswith("#"):
                name, kind, positional, *options = text.split()
                table[name] = (kind, positional, " ".join(options))
    with open(os.path.join(os.path.dirname(path), "release.env"), encoding="utf-8") as lines:
        table["major"] = next(int(line[8:].split(".")[0]) for line in lines if line.startswith("version="))
    return table


def check(name, positional_rule, options, words, seen, line, major):
    """The rules that are not a matter of one option's spelling."""
    def refuse(message):
        raise KickstartError(line, message)

    if positional_rule == "0" and words:
        if name in ("repo", "xconfig"):
            refuse(f"Unexpected arguments to {name} command: {words}")
        if major >= 8:
            refuse(f"unrecognized arguments: {' '.join(words)}")
        refuse(f"Kickstart command {name} does not take any arguments")
    if name in ("part", "partition", "logvol") and len(words) != 1:
        refuse(f"Mount point required for {'logvol' if name == 'logvol' else 'partition'}")
    if name == "lang" and len(words) != 1:
        refuse("Kickstart command lang requires one argument")
    if major == 6 and name in ("keyboard", "timezone") and len(words) != 1:
        refuse("A single argument is expected for the timezone command" if name == "timezone" else "Kickstart command keyboard requires one argument")
    if name == "sshkey" and len(words) != 1 or name == "rootpw" and len(words) != 1 and (major == 6 or not options.get("lock")):
        refuse(f"A single argument is expected for the {name} command")
    if name == "keyboard" and major > 6:
        if len(words) > 1:
            refuse("A single argument is expected for the keyboard command")
        if not words and not options.get("vckeymap") and not options.get("xlayouts"):
            refuse("One of --xlayouts, --vckeymap options with value(s) or argument is expected for the keyboard command")
    if name == "timezone":
        if not words and not options:
            refuse("At least one option and/or an argument are expected for the  timezone command")
        if len(words) > 1:
            refuse("One or zero arguments are expected for the timezone command")
        if options.get("nontp") and options.get("ntpservers"):
            refuse("Options --nontp and --ntpservers are mutually exclusive")
    if name == "eula" and not options:
        refuse("Kickstart command eula expects the --agreed option")
    if name == "services" and not options:
        refuse("One of --disabled or --enabled must be provided.")
    if name == "logging" and "port" in options and "host" not in options:
        refuse("Can't specify --port without --host.")
    if name == "ignoredisk" and not options:
        refuse("One of --drives , --only-use , or --interactive must be specified for ignoredisk command.")
    if name in ("url", "repo"):
        first = "url" if name == "url" else "baseurl"
        if first in options and "mirrorlist" in options:
            refuse(f"Only one of --{first} and --mirrorlist may be specified for {name} command.")
        if first not in options and "mirrorlist" not in options and not (name == "repo" and "name" in options and seen is None):
            refuse(f"One of --{first} or --mirrorlist must be specified for {name} command.")
    if name == "volgroup":
        if not words:
            refuse("volgroup must be given a VG name")
        if len(words) == 1 and not (options.get("noformat") or options.get("useexisting")):
            refuse("volgroup must be given a list of partitions")
    if name in ("part", "partition"):
        if options.get("resize") and not options.get("onpart"):
            refuse("--resize can only be used in conjunction with --onpart")
        if options.get("mkfsoptions") and options.get("fsprofile"):
            refuse("--mkfsoptions and --fsprofile cannot be used together.")
        if options.get("fstype") == "tmpfs" and (options.get("grow") or options.get("maxsize")):
            refuse("The --fstype=tmpfs option can't be used together with --grow or --maxsize")
    if name == "autopart":
        if options.get("fstype") == "btrfs":
            refuse("autopart --fstype=btrfs is not valid fstype, use --type=btrfs instead")
        if options.get("type") not in (None, "plain", "lvm", "thinp", "btrfs"):
            refuse(f"Invalid autopart type: {options['type']}")
    storage = {"part": "part/partition", "partition": "part/partition", "logvol": "logvol", "volgroup": "volgroup",
               "raid": "raid", "btrfs": "btrfs", "autopart": "autopart"}
    if name == "autopart":
        other = next((storage[one] for one in storage if one != "autopart" and one in seen), None)
        if other:
            refuse(f"The {other} and autopart commands can't be used at the same time")
    elif name in storage and "autopart" in seen:
        refuse(f"The {storage[name]} and autopart commands can't be used at the same time")


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
    kind, rule, spec = table[name]
    if kind == "removed":
        raise KickstartError(line, f"{name} has been removed.")
    if rule == "raw":
        ks.commands.append({"line": line, "name": name, "options": {}, "words": words[1:], "class": kind})
        return
    options, positional = OptionParser(spec, table["major"]).read(words[1:], line)
    check(name, rule, options, positional, {one["name"] for one in ks.commands}, line, table["major"])
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
    if table[kind][1] == "-":
        ks.others.append({"line": header, "name": " ".join(words)})
        return number
    options, _ = OptionParser(table[kind][2], table["major"]).read(words[1:], header)
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
    for name in sys.argv[2:]:
        try:
            print(json.dumps(vars(read(name, load_commands(sys.argv[1])))))
        except KickstartError as error:
            print(json.dumps({"error": str(error)}))
