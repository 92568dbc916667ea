"""Each pin of a generated project is recorded with the source it was copied from, and nothing else is recorded."""

import re

from tests.copier_cli import ROOT
from tests.delivery.pinned import pins

PAGE = (ROOT / "template/docs/pins.md").read_text()
ROW = re.compile(r"^\| (\S+?)[ :](\S+) \| `(\S+)` \| (.{10,}) \|$", re.MULTILINE)


def test_every_pin_is_recorded_with_its_source() -> None:
    recorded = {(name, version, sha) for name, version, sha, _ in ROW.findall(PAGE)}
    assert len(recorded) == len(ROW.findall(PAGE)) >= 3
    assert pins() == recorded


def test_one_version_of_each_action_and_image() -> None:
    names = [name for name, _, _ in pins()]
    assert len(names) == len(set(names))
