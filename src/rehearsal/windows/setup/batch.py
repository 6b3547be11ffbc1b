"""As much of cmd.exe as scripts that build images use. What it does not know is a SetupError, never passed over."""

import re

from answers import SetupError


class Exit(Exception):
    """exit /b"""


class Batch:
    """Runs a batch file. `program(words, line)` runs what is no command of cmd itself, and returns its status."""

    def __init__(self, text: str, program, say, exists):
        self.lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
        self.program, self.say, self.exists = program, say, exists
        self.variables = {"windir": r"C:\Windows", "systemroot": r"C:\Windows", "systemdrive": "C:"}
        self.status = 0

    def run(self) -> int:
        self._from(0, "")
        return self.status

    def _from(self, at: int, arguments: str) -> None:
        try:
            for line in self.lines[at:]:
                self._line(line, arguments)
        except Exit as end:
            self.status = int(end.args[0]) if end.args[0] != "" else self.status

    def _expand(self, text: str, arguments: str) -> str:
        text = text.replace("%*", arguments)

        def value(match):
            name = match[1].lower()
            return str(self.status) if name == "errorlevel" else self.variables.get(name, "")

        return re.sub(r"%([A-Za-z_]\w*)%", value, text)

    def _line(self, line: str, arguments: str) -> None:
        line = line.removeprefix("@")
        if line == "" or line.startswith(":") or re.match(r"(rem\b|echo off$|setlocal\b)", line, re.I):
            return
        self._command(self._expand(line, arguments), arguments)

    def _command(self, line: str, arguments: str) -> None:
        loop = re.fullmatch(r"for %%(\w) in \(([^)]*)\) do (.*)", line, re.I)
        if loop:
            for item in loop[2].split():
                self._command(loop[3].replace(f"%%{loop[1]}", item), arguments)
            return
        condition = re.fullmatch(r"if (not )?(?:exist (\S+)|(\S+?)==(\S+)) (.*)", line, re.I)
        if condition:
            negated, path, left, right, then = condition.groups()
            holds = self.exists(path) if path else left == right
            if holds != bool(negated):
                self._command(then, arguments)
            return
        first, alternative = re.fullmatch(r"(.*?)(?:\s*\|\|\s*(.*))?", line).groups()
        self._simple(first, arguments)
        if alternative and self.status != 0:
            self._command(alternative, arguments)

    def _simple(self, line: str, arguments: str) -> None:
        echo = re.fullmatch(r"echo (.*?)\s*>\s*COM1", line, re.I)
        typed = re.fullmatch(r"type (\S+)\s*>\s*COM1", line, re.I)
        if echo:
            self.say(echo[1])
            self.status = 0
        elif typed:
            self.say(f"(the content of {typed[1]})")
        elif re.match(r"set ", line, re.I):
            name, _, value = line[4:].strip('"').partition("=")
            self.variables[name.lower()] = value
        elif re.match(r"exit /b", line, re.I):
            raise Exit(line[7:].strip())
        elif re.match(r"call :", line, re.I):
            label, _, rest = line[5:].partition(" ")
            matches = [at for at, each in enumerate(self.lines) if each.lower() == label.lower()]
            if not matches:
                raise SetupError(f"The system cannot find the batch label specified - {label[1:]}")
            self._from(matches[0] + 1, rest)
        else:
            self.status = self.program(re.findall(r'"[^"]*"|\S+', line), line)
