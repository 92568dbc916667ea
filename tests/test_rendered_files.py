"""Jinja stays where it has to be."""

import re
from pathlib import Path

from tests.copier_cli import ROOT
from tests.rendered_files import REASONS

TEMPLATE = ROOT / "template"


def test_every_jinja_file_is_listed_with_its_reason() -> None:
    found = {path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*.jinja")}
    assert found == set(REASONS)
    assert all(len(reason) > 10 for reason in REASONS.values())


def test_no_path_and_no_python_holds_jinja() -> None:
    for path in TEMPLATE.rglob("*"):
        name = path.relative_to(TEMPLATE).as_posix()
        assert "{%" not in name
        assert "{{" not in name or name in REASONS
        if path.suffix == ".py":
            assert not re.search(r"\{%|\{\{ *[a-z_]+ *\}\}", path.read_text()), name
    assert "{%" not in (TEMPLATE / "src/chassis/selected.py.jinja").read_text()


def test_the_lintable_default_is_what_the_defaults_give(project: Path) -> None:
    assert (project / "src/chassis/selected.py").read_text() == (TEMPLATE / "src/chassis/selected.py").read_text()


def test_a_plain_file_is_copied_byte_for_byte(project: Path) -> None:
    for path in TEMPLATE.rglob("*"):
        name = path.relative_to(TEMPLATE)
        plain = path.is_file() and path.suffix != ".jinja" and not path.with_name(path.name + ".jinja").exists()
        if plain and "__pycache__" not in name.parts and (project / name).exists():
            assert (project / name).read_bytes() == path.read_bytes(), name


def test_no_template_syntax_is_left(project: Path) -> None:
    for name in REASONS:
        if not name.startswith("{{"):
            rendered = (project / name.removesuffix(".jinja")).read_text()
            assert not re.search(r"\{\{|\{%", rendered), name


def test_a_project_has_one_adapter_a_choice(project: Path) -> None:
    adapters = {
        path.relative_to(project / "src/chassis/adapters").as_posix()
        for path in Path(project / "src/chassis/adapters").rglob("*.py")
    }
    assert "queue/database.py" in adapters
    assert not [path for path in adapters if "redis" in path]
    assert not list((project / "src/chassis/dev").rglob("*redis*"))
