"""What a template reads is seen; what could not be seen is an error."""

from pathlib import Path

import pytest

from tests.copier_inside import UnseenSourceError
from tests.small_template import every
from tests.variants import TooWideError

QUEUE = "queue: {type: str, choices: [database, redis], default: database}\n"
TWO = QUEUE + "licence: {type: str, choices: [mit, apache], default: mit}\n"


def test_a_file_has_as_many_variants_as_its_reads_give(tmp_path: Path) -> None:
    files = {
        "plain.txt": "{{ queue }} as it is\n",
        "queue.txt.jinja": "{{ queue }}\n",
        "both.txt.jinja": "{% if queue == 'redis' %}{{ licence }}{% endif %}\n",
    }
    found = every(tmp_path, TWO, files)
    variants = [(variant.path, variant.file.content) for variant in found.variants.all]
    assert found.matrix.count == 4
    assert [content for path, content in variants if path == "plain.txt"] == [b"{{ queue }} as it is\n"]
    assert [content for path, content in variants if path == "queue.txt"] == [b"database\n", b"redis\n"]
    assert {content for path, content in variants if path == "both.txt"} == {b"\n", b"mit\n", b"apache\n"}
    assert not found.variants.uncounted


def test_an_included_file_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "part.txt").write_text("{{ licence }}")
    found = every(tmp_path, TWO, {"a.txt.jinja": "{% if queue == 'redis' %}{% include 'part.txt' %}{% endif %}\n"})
    assert {v.file.content for v in found.variants.all if v.path == "a.txt"} == {b"\n", b"mit\n", b"apache\n"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% include queue ~ '.txt' %}", "which file is included depends on an answer"),
        ("{% set name = 'queue' %}{{ _copier_answers[name] }}", "reads '_copier_answers'"),
        ("{{ _copier_conf.data.queue }}", "reads '_copier_conf.data'"),
        ("{{ now() }}", "reads 'now'"),
        ("{{ lipsum() }}", "reads 'lipsum'"),
        ("{{ [1, 2] | random }}", "the filter 'random'"),
        ("{{ '%Y' | strftime }}", "the filter 'strftime'"),
        ("{{ _folder_name }}", "reads '_folder_name'"),
    ],
)
def test_what_the_recorder_cannot_see_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UnseenSourceError, match=message.replace("(", r"\(")):
        every(tmp_path, QUEUE, {"a.txt.jinja": f"{text}\n"})


def test_a_path_that_is_a_template_is_followed(tmp_path: Path) -> None:
    files = {"{% if queue == 'redis' %}{{ licence }}.txt{% endif %}": "x\n"}
    found = every(tmp_path, TWO, files)
    assert {v.path for v in found.variants.all} == {".copier-answers.yml", "mit.txt", "apache.txt"}


def test_a_set_variable_reaches_what_follows(tmp_path: Path) -> None:
    found = every(tmp_path, QUEUE, {"a.txt.jinja": "{% set name = queue %}\n{{ name }}\n"})
    assert {v.file.content for v in found.variants.all if v.path == "a.txt"} == {b"\ndatabase\n", b"\nredis\n"}


def test_a_variable_that_is_set_inside_an_if_reaches_what_follows(tmp_path: Path) -> None:
    text = "{% if queue == 'redis' %}{% set name = 1 %}{% endif %}{{ name is defined }}\n"
    found = every(tmp_path, QUEUE, {"a.txt.jinja": text})
    assert {v.file.content for v in found.variants.all if v.path == "a.txt"} == {b"False\n", b"True\n"}


WIDE = "".join(f"q{n}: {{type: str, choices: [a, b, c, d], default: a}}\n" for n in range(8))


def test_a_list_that_reads_very_many_answers_is_checked_by_its_items(tmp_path: Path) -> None:
    items = "".join(f"{{% if q{n} == 'b' %}}\n  \"p{n}\",{{% endif %}}" for n in range(8))
    found = every(tmp_path, WIDE, {"a.toml.jinja": f"some = [{items}\n]\n"})
    assert found.matrix.count == 4**8
    assert [entry.source.name for entry in found.variants.wide] == ["a.toml.jinja"]
    assert not found.check("files parse and compile")


def test_any_other_file_that_reads_so_many_is_an_error(tmp_path: Path) -> None:
    text = "".join(f"{{% if q{n} == 'b' %}}[{{% endif %}}" for n in range(8))
    with pytest.raises(TooWideError, match=r"a\.toml\.jinja reads too many answers.*q0=b"):
        every(tmp_path, WIDE, {"a.toml.jinja": f"{text}\n"})


def test_a_python_file_that_reads_so_many_is_checked_by_its_lines(tmp_path: Path) -> None:
    lines = "".join(f"from chassis.q{n}.{{{{ q{n} }}}} import A as A{n}\n" for n in range(8))
    modules = {f"src/chassis/q{n}/{value}.py": "A = 1\n" for n in range(8) for value in "abcd"}
    del modules["src/chassis/q7/c.py"]
    found = every(tmp_path, WIDE, {"src/chassis/__main__.py.jinja": f"{lines}", **modules})
    assert [entry.source.name for entry in found.variants.wide] == ["__main__.py.jinja"]
    assert found.check("imports resolve") == [
        "src/chassis/__main__.py: names chassis.q7.c:A, which is not there (q7=c)",
    ]
    orphans = {problem.partition(":")[0] for problem in found.check("no module is an orphan")}
    assert orphans == set(modules), "nothing is excluded here"
