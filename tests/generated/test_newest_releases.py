"""What comes out next on PyPI: a project without the tested versions still passes its quick checks."""

import re
from pathlib import Path

import pytest

from tests.copier_cli import copy
from tests.generated.project import make, must, open_folder

pytestmark = pytest.mark.slow

CONSTRAINTS = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)


def test_its_quick_checks_pass_with_the_newest_releases(template: Path) -> None:
    with open_folder() as folder:
        project = copy(template, folder / "my-agent")
        pyproject = project / "pyproject.toml"
        text, found = CONSTRAINTS.subn("", pyproject.read_text())
        assert found == 1
        pyproject.write_text(text)
        assert re.search(r"\d+ passed", must(make(project, "check")))
