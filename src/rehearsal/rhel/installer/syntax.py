"""What a release lets a kickstart command say: its `commands` file, which scripts/kickstart/tables.py writes.

A line of it is an entry in JSON. name: of a command, or of a section with its "%". words: the least and the most that are not options
(null: any number). options: name to type: flag, int, bool, text, a|b (choices), i:a|b (in any case), text? (may be left out), text*
(may be repeated), or the name that it is another word for. required, deprecatedOptions: names of options. excludes: commands that
cannot be used with it. match: an option or #N, word N, and what its value has to be. rules: [what is all there, of what then one has
to be]; nothing in the second means never. same: has all from another. raw: nothing is checked. deprecated, removed: as they say."""
import argparse
import json
import os
import re


class KickstartError(Exception):
    """A kickstart that the release refuses. The text is what the installer prints."""

    def __init__(self, line, message=None):
        text = (f"The following problem occurred on line {line} of the kickstart file:\n\n{message}\n" if message is not None
                else f"There was a problem reading from line {line} of the kickstart file")
        super().__init__(text)


# Up to RHEL 7 options are read with another parser, which has words of its own.
OLDER_WORDS = (
    (r"^unrecognized arguments: (--\S+).*$", r"no such option: \1"),
    (r"^argument (\S+?)(?:/\S+)?: expected one argument$", r"\1 option requires an argument"),
    (r"^argument (\S+?)(?:/\S+)?: invalid int value: (.*)$", r"option \1: invalid integer value: \2"),
    (r"^argument (\S+?)(?:/\S+)?: invalid choice: (.*)$", r"option \1: invalid choice: \2"),
    (r"^argument (\S+?)(?:/\S+)?: (invalid boolean value.*)$", r"Option \1: \2"),
    (r"^the following arguments are required: ([^\s,]+).*$", r"Option \1 is required"),
)
# What is said of a missing word.
MISSING = {
    "part": "Mount point required for partition", "partition": "Mount point required for partition",
    "logvol": "Mount point required for logvol", "lang": "Kickstart command lang requires one argument",
    "rootpw": "A single argument is expected for the rootpw command", "sshkey": "A single argument is expected for the sshkey command",
    "eula": "Kickstart command eula expects the --agreed option",
    "keyboard": "One of --xlayouts, --vckeymap options with value(s) or argument is expected for the keyboard command",
}


def load_commands(path):
    """The release's table: name -> entry; under "major" its number, from release.env beside it."""
    with open(path, encoding="utf-8") as lines:
        table = {entry["name"]: entry for entry in map(json.loads, lines)}
    with open(os.path.join(os.path.dirname(path), "release.env"), encoding="utf-8") as lines:
        table["major"] = next(int(line[8:].strip().strip('"').split(".")[0]) for line in lines if line.startswith("version="))
    return table


def boolean(value):
    if value.lower() not in ("on", "yes", "true", "1", "off", "no", "false", "0"):
        raise argparse.ArgumentTypeError(f"invalid boolean value: {value!r}")
    return value


class OptionParser(argparse.ArgumentParser):
    """Reads the options of one command or section; what is left over are its words."""

    def __init__(self, entry, major, line):
        super().__init__(add_help=False, usage=argparse.SUPPRESS)
        self.major, self.line = major, line
        options = entry.get("options", {})
        for name, kind in options.items():
            if not kind.startswith("--"):
                others = [other for other, of in options.items() if of == name]
                self.add_argument(name, *others, dest=name[2:], required=name in entry.get("required", []), **settings(kind))

    def error(self, message):
        if self.major < 8:
            for found, words in OLDER_WORDS:
                message = re.sub(found, words, message)
        raise KickstartError(self.line, message)

    def read(self, words):
        values, left = self.parse_known_args(words)
        unknown = [word.split("=")[0] for word in left if word.startswith("-") and word != "-" and " " not in word.split("=")[0]]
        if unknown:
            self.error("unrecognized arguments: " + " ".join(unknown))
        return {key: value for key, value in vars(values).items() if value is not None and value is not False}, left


def settings(kind):
    """What argparse has to be told of an option's type."""
    if kind == "flag":
        return {"action": "store_true"}
    if kind in ("text", "int", "bool"):
        return {"type": {"text": str, "int": int, "bool": boolean}[kind]}
    if kind == "text?":
        return {"nargs": "?", "const": True}
    if kind == "text*":
        return {"action": "append"}
    return {"type": str.lower, "choices": kind[2:].split("|")} if kind.startswith("i:") else {"choices": kind.split("|")}


def values_of(name, options, words):
    """The values of an option, or of word #N."""
    if name.startswith("#"):
        return words[int(name[1:]) - 1:int(name[1:])]
    value = options.get(name[2:], [])
    return value if isinstance(value, list) else [value]


def holds(condition, options, words):
    """Whether an option (or one with a value, or a word) is there; an empty value or a zero is none."""
    name, _, wanted = condition.partition("=")
    return any(str(value) == wanted if wanted else bool(value) for value in values_of(name, options, words))


def check(entry, options, words, line, major):
    """The rules that are not a matter of one option's spelling."""
    name = entry["name"]
    least, most = entry["words"]
    if len(words) < least:
        raise KickstartError(line, MISSING.get(name) or f"{'A single argument is' if least == 1 else f'{least} arguments are'} expected for the {name} command")
    if most is not None and len(words) > most:
        left = words[most:]
        if name in MISSING and most:
            raise KickstartError(line, MISSING[name])
        raise KickstartError(line, f"unrecognized arguments: {' '.join(left)}" if major >= 8 else
                             f"Kickstart command {name} does not take any arguments" if most == 0 else f"Unexpected arguments to {name} command: {left}")
    for option, pattern in entry.get("match", []):
        for value in values_of(option, options, words):
            if not re.fullmatch(pattern, str(value)):
                raise KickstartError(line, f"{name}: invalid value of {option}: {value!r}")
    for given, needed in entry.get("rules", []):
        if all(holds(one, options, words) for one in given) and not any(holds(one, options, words) for one in needed):
            if not given:
                raise KickstartError(line, MISSING.get(name) or f"One of {', '.join(needed)} must be specified for {name} command.")
            raise KickstartError(line, f"{name}: {' with '.join(given)} " + (f"requires {' or '.join(needed)}" if needed else "cannot be used"))


def exclusion(entry, seen, table):
    """The command among those seen that cannot be used with this one, or None."""
    others = {table.get(name, {}).get("same", name) for name in entry.get("excludes", [])}
    return next((name for name in seen if table[name].get("same", name) in others), None)
