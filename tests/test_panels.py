"""The pictures of the dashboards are those of the dashboards as they are."""

import json
from html import escape
from pathlib import Path

import pytest

from tests.copier_cli import ROOT
from tests.panels import DASHBOARDS, PICTURES, Line, graph, scale

PAGE = (ROOT / "template/docs/telemetry.md").read_text()


@pytest.mark.parametrize("path", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_each_dashboard_has_its_picture_with_every_panel_and_the_docs_show_it(path: Path) -> None:
    picture = PICTURES / f"{path.stem}.svg"
    drawn = picture.read_text()
    assert picture.stat().st_size < 200_000
    for panel in json.loads(path.read_text())["panels"]:
        assert f">{escape(panel['title'])}</text>" in drawn, f"{panel['title']}: `make pictures` draws it"
    assert f"](panels/{picture.name})" in PAGE


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in PICTURES.iterdir()} == {path.stem for path in DASHBOARDS.glob("*.json")}


@pytest.mark.parametrize(("most", "ticks"), [(0, [0, 1]), (10, [0, 5, 10]), (2.3, [0, 1, 2, 3]), (71, [0, 25, 50, 75])])
def test_an_axis_has_few_round_numbers_up_to_the_most(most: float, ticks: list[float]) -> None:
    assert scale(most) == ticks


def test_what_is_no_number_is_a_gap() -> None:
    line = Line("a", [(0, 1), (10, float("nan")), (20, 1), (30, 1)])
    drawn = graph([line], (0, 30), "short", 400, 200)
    [shape] = [part for part in drawn.split("<path") if 'class="l"' in part]
    assert shape.count("M") == 2
