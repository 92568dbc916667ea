"""The golden project, through pytest-copie: what a default project consists of."""

from pathlib import Path

import pytest
from pytest_copie.plugin import Copie

from tests.copier_cli import ROOT

GOLDEN = ROOT / "tests/generated/golden.txt"


@pytest.fixture(scope="session")
def _copier_config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the user's own copier settings out of it."""
    return tmp_path_factory.mktemp("config") / "settings.yml"


def test_the_golden_project_has_these_files(copie: Copie, template: Path) -> None:
    result = copie.copy(extra_answers={}, template_dir=template)
    assert result.exit_code == 0, result.exception
    project = result.project_dir
    assert project is not None
    found = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    assert found == GOLDEN.read_text().splitlines(), "after a wanted change: copy the list above into golden.txt"
