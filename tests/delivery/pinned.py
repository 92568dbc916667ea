"""What the template pins, wherever it stands."""

import re
from pathlib import Path

from tests.copier_cli import ROOT

TEMPLATE = ROOT / "template"
ACTION = re.compile(r"\buses: *([\w.-]+/[\w.-]+)[\w./-]*@(\S+) # (\S+)")
IMAGE = re.compile(r"([\w.:-]+(?:/[\w.-]+)+):([\w.-]+)@(sha256:[0-9a-f]{64})")


def files() -> list[Path]:
    """Give every file of the template that names an action or an image, Jinja or not; what includes are made of, too."""
    return [
        TEMPLATE / "Dockerfile.jinja",
        TEMPLATE / "compose.yaml.jinja",
        ROOT / "hooks/chart/values/base.yaml",
        *sorted((TEMPLATE / ".github").rglob("*.yml")),
    ]


def pins() -> set[tuple[str, str, str]]:
    """Give (name, version or tag, commit or digest) of everything that is pinned."""
    found: set[tuple[str, str, str]] = set()
    for path in files():
        text = path.read_text()
        found |= {(name, version, sha) for name, sha, version in ACTION.findall(text)}
        found |= set(IMAGE.findall(text))
    return found
