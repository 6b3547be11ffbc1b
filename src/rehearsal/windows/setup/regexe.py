"""reg.exe: its command line, and what it does to the hives."""

import registry
import values


def argv(line: str) -> list:
    """The words of a command line as programs of Windows read them ("Parsing C command-line arguments")."""
    words, word, quoted, at = [], None, False, 0
    while at < len(line):
        slashes = len(line[at:]) - len(line[at:].lstrip("\\"))
        if slashes and line[at + slashes:at + slashes + 1] == '"':
            word = (word or "") + "\\" * (slashes // 2) + ('"' if slashes % 2 else "")
            at += slashes + slashes % 2
        elif line[at] == '"':
            quoted, word, at = not quoted, word or "", at + 1
        elif line[at].isspace() and not quoted:
            words, word, at = words + ([] if word is None else [word]), None, at + 1
        else:
            word, at = (word or "") + line[at], at + 1
    return words + ([] if word is None else [word])


def reg(config: str, line: str):
    """Adds, deletes or looks for a value below HKLM, in the hives of the folder `config`: its status; None for what is not rehearsed."""
    words = argv(line)
    options = {word.lower(): value for word, value in zip(words, words[1:]) if word.startswith("/")}
    root, _, rest = words[2].partition("\\") if len(words) > 2 else ("", "", "")
    hive, _, key = rest.partition("\\")
    if root.upper() != "HKLM" or hive.upper() not in ("SYSTEM", "SOFTWARE") or "/v" not in options:
        return None
    path, key, name = f"{config}/{hive.upper()}", key.replace("CurrentControlSet", "ControlSet001"), options["/v"]
    if words[1].lower() == "delete":
        return 0 if values.remove(path, key, name) else 1
    if words[1].lower() == "query":
        return 1 if values.lookup(path, key, name) is None else 0
    if words[1].lower() != "add" or "/d" not in options:
        return None
    number = options.get("/t", "REG_SZ").upper() == "REG_DWORD"
    registry.write(path, key, {name: int(options["/d"], 0) if number else options["/d"]})
    return 0
