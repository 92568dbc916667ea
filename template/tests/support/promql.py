"""Which series and labels a PromQL expression asks for; enough of the language for our own rules and dashboards."""

import re
from dataclasses import dataclass

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
SERIES = re.compile(r"\b((?:chassis|http|db)[a-z0-9_:]*)\s*(\{[^}]*\})?")
MATCHED = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
LOOKED_UP = re.compile(r"label_values\(([a-z0-9_]+),\s*(\w+)\)")


@dataclass(frozen=True)
class Asked:
    """The series of an expression, each with the labels that its selector names, and the labels that it groups by."""

    series: tuple[tuple[str, frozenset[str]], ...]
    groups: frozenset[str]


def asked(expression: str) -> Asked:
    """Read an expression."""
    lookup = LOOKED_UP.fullmatch(expression)
    if lookup:
        return Asked(((lookup[1], frozenset({lookup[2]})),), frozenset())
    plain = STRING.sub('""', expression)
    groups = {label.strip() for found in GROUPED.findall(plain) for label in found.split(",")}
    plain = GROUPED.sub("", plain)
    series = tuple((name, frozenset(MATCHED.findall(labels))) for name, labels in SERIES.findall(plain))
    return Asked(series, frozenset(groups))
