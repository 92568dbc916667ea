"""Writes the comments of the chart's values as the table of its README: `python tools/chart_values.py deploy/chart/values.yaml`.

A value has a row when a comment stands above it. What is below it without comments of its own is its default.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

KEY = re.compile(r"^(?P<indent> *)(?P<name>[\w-]+):(?: (?P<value>.*))?$")
COMMENT = re.compile(r"^ *# ?(.*)$")
HEAD = ("| value | default | meaning |", "|---|---|---|")


def rows(text: str, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Give a row a value; `above` is where the text stands, if it is a piece of a file."""
    path = list(above)
    comment: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if said := COMMENT.match(line):
            comment.append(said[1])
        elif found := KEY.match(line):
            path[len(found["indent"]) // 2 :] = [found["name"]]
            if comment:
                default = found["value"] or _below(lines[number + 1 :], len(found["indent"]))
                shown = f"`{default}`" if default else ""
                yield f"| `{'.'.join(path)}` | {shown} | {' '.join(comment)} |"
            comment = []
        else:
            comment = []


def table(text: str) -> str:
    """Give the whole table."""
    return "\n".join([*HEAD, *rows(text), ""])


def _below(lines: list[str], indent: int) -> str:
    """Give what stands below a value, in one line; nothing where that has comments, and so rows of its own."""
    found = []
    for line in lines:
        if not line.strip() or len(line) - len(line.lstrip()) <= indent:
            break
        if COMMENT.match(line):
            return ""
        found.append(line.strip())
    return f"{{{', '.join(found)}}}" if found else ""


if __name__ == "__main__":
    print(table(Path(sys.argv[1]).read_text(encoding="utf-8")), end="")
