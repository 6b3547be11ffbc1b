"""A line at a prompt of cmd.exe: commands joined by & || && and held together by parentheses."""

# The one that binds least comes first.
OPERATORS = ("&", "||", "&&")


def parts(line: str, operator: str) -> list:
    """The pieces of a line between an operator that stands outside of quotes and parentheses."""
    found, depth, quoted, at = [""], 0, False, 0
    while at < len(line):
        sign = line[at]
        quoted ^= sign == '"'
        depth += 0 if quoted else {"(": 1, ")": -1}.get(sign, 0)
        # `2>&1` is a redirection, and what follows a caret is itself.
        plain = quoted or depth or line[at - 1:at] in (">", "^")
        count = 0 if plain or sign not in "&|" else len(line[at:]) - len(line[at:].lstrip(sign))
        if count and sign * count == operator:
            found.append("")
        else:
            found[-1] += line[at:at + max(count, 1)]
        at += max(count, 1)
    return [piece.strip() for piece in found]


def run(line: str, command) -> int:
    """Status of a line; `command` runs one command of it and returns its status."""
    for operator in OPERATORS:
        pieces = parts(line, operator)
        if len(pieces) > 1:
            status = 0
            for piece in pieces:
                status = run(piece, command)
                if operator != "&" and (status == 0) == (operator == "||"):
                    break
            return status
    return run(line[1:-1].strip(), command) if line.startswith("(") and line.endswith(")") else command(line)
