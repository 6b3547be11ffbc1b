"""As much of cmd.exe as scripts that build images use. What it does not know is a SetupError, never passed over."""

import re

from answers import SetupError

REDIRECTION = re.compile(r'(?<!\S)([12]?)(>>|>|<)\s*(&\d|"[^"]*"|\S+)')


class Exit(Exception):
    """exit /b"""


class Goto(Exception):
    """goto"""


class Batch:
    """
    Runs a batch file. `world` does what is no matter of the language: `program(words, text)` returns status and output of
    a program that reads `text`, `prompt(line)` the status of a line as it would be typed, `read`, `write`, `exists` are of files,
    `variables` those of whoever runs a program.
    """

    def __init__(self, text: str, path: str, world, variables: dict):
        self.lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
        self.path, self.world, self.variables = path, world, variables
        self.status = 0

    def run(self) -> int:
        self._from(0, "")
        return self.status

    def _from(self, at: int, arguments: str) -> None:
        try:
            for line in self.lines[at:]:
                line = line.removeprefix("@")
                if line != "" and not line.startswith(":") and not re.match(r"(rem\b|echo off$|setlocal$)", line, re.I):
                    self._command(self._expand(line, arguments), {})
        except Goto as jump:
            self._from(self._label(jump.args[0]), arguments)
        except Exit as end:
            self.status = int(end.args[0]) if end.args[0] != "" else self.status

    def _label(self, name: str) -> int:
        matches = [at for at, each in enumerate(self.lines) if each.lower() == f":{name.lower()}"]
        if not matches:
            raise SetupError(f"The system cannot find the batch label specified - {name}")
        return matches[0] + 1

    def _expand(self, text: str, arguments: str) -> str:
        def value(match):
            whole, name = match[0], (match[1] or "").lower()
            if whole in ("%%", "%*", "%1"):
                return {"%%": "%", "%*": arguments, "%1": (arguments.split() or [""])[0]}[whole]
            if whole in ("%~dp0", "%~f0"):
                return self.path if whole == "%~f0" else self.path.rpartition("\\")[0] + "\\"
            return str(self.status) if name == "errorlevel" else self.variables.get(name, "")

        return re.sub(r"%%|%\*|%1|%~dp0|%~f0|%([A-Za-z_]\w*)%", value, text)

    def _command(self, line: str, values: dict) -> None:
        """One command; `values` are the variables of `for`, which are replaced when all else of the line is read."""
        loop = re.fullmatch(r"for (/f \"usebackq( skip=(\d+) delims=)?\" )?%(\w) in \(([^)]*)\) do (.*)", line, re.I)
        if loop:
            kind, whole, skip, name, items, then = loop.groups()
            items = self.world.read(items.strip('"')).splitlines()[int(skip or 0):] if kind else items.split()
            if kind and not whole:
                items = [item.split()[0] for item in items if item.strip()]
            for item in items:
                self._command(then, {**values, f"%{name}": item})
            return
        condition = re.fullmatch(r"if (not )?(?:(exist|defined|errorlevel) (\"[^\"]*\"|\S+)|(\S+?)==(\S+)) (.*)", line, re.I)
        if condition:
            if self._holds(*condition.groups()[1:5], values) != bool(condition[1]):
                self._command(condition[6], values)
            return
        self._simple(line, values)

    def _holds(self, kind, what, left, right, values: dict) -> bool:
        if kind is None:
            return left == right
        what = self._with(what, values).strip('"')
        if kind.lower() == "exist":
            return self.world.exists(what)
        return self.status >= int(what) if kind.lower() == "errorlevel" else self.variables.get(what.lower(), "") != ""

    def _with(self, text: str, values: dict) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    def _simple(self, line: str, values: dict) -> None:
        targets = {f"{number or '1'}{sign}"[-2:] if sign != "<" else "<": self._with(name, values).strip('"')
                   for number, sign, name in REDIRECTION.findall(line)}
        line = self._with(REDIRECTION.sub("", line).strip(), values)
        output = self._run(line, self.world.read(targets["<"]) if "<" in targets else "")
        where = targets.get("1>", targets.get(">>", "CON"))
        self.world.write(where, output, ">>" in targets)

    def _run(self, line: str, text: str) -> str:
        word = line.split(" ", 1)[0].lower()
        rest = line[len(word) + 1:]
        if word in ("echo", "echo."):
            return re.sub(r"\^(.)", r"\1", rest) + "\n"
        if word == "goto":
            raise Goto(rest)
        if word == "set" and rest.startswith("/a "):
            name, _, value = rest[3:].partition("+=")
            self.variables[name.lower()] = str(int(self.variables.get(name.lower()) or 0) + int(value))
        elif word == "set":
            name, _, value = (rest.strip('"') if rest.startswith('"') else rest).partition("=")
            self.variables[name.lower()] = value
        elif word == "exit" and rest.startswith("/b"):
            raise Exit(rest[2:].strip())
        elif word == "call" and rest.startswith(":"):
            label, _, arguments = rest.partition(" ")
            self._from(self._label(label[1:]), arguments)
        else:
            # What a program inherits.
            self.world.variables = self.variables
            self.status, output = self.world.program(line, text)
            return output
        return ""
