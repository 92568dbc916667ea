"""Each check of every combination can fail: it finds what is broken in one combination alone, and names both."""

from pathlib import Path

import pytest

from tests.copier_inside import CopierInside
from tests.decision_tree import Answer
from tests.every_combination import CHECKS, EveryCombination
from tests.matrix import Cube, Matrix
from tests.render import Plan
from tests.small_template import every, write

QUESTIONS = """
queue: {type: str, choices: [database, redis, sqs], default: database}
state_store: {type: str, choices: [postgres, redis], default: postgres}
licence: {type: str, choices: [mit, apache], default: mit}
_exclude:
  - "{% if queue != 'sqs' or state_store != 'redis' %}/src/chassis/rare.py{% endif %}"
"""
RARE = "{% if queue == 'sqs' and state_store == 'redis' %}"
WHERE = "queue=sqs, state_store=redis"
RARE_FILE = "src/chassis/rare.py"
USER = "src/chassis/__main__.py"
PYPROJECT = 'dependencies = [\n  "structlog",\n]\n'

BROKEN = {
    "files parse and compile": ({f"{USER}.jinja": f"X = [1{RARE}, (){{% else %}}]{{% endif %}}\n"}, USER),
    "files parse and compile (TOML)": ({"a.toml.jinja": f"a = 1\n{RARE}a = 2\n{{% endif %}}"}, "a.toml"),
    "files parse and compile (YAML)": ({"a.yml.jinja": f"a: 1\n{RARE}a: 2\n{{% endif %}}"}, "a.yml"),
    "files parse and compile (shell)": ({"a.sh.jinja": f"#!/bin/sh\n{RARE}if{{% endif %}}\n"}, "a.sh"),
    "files parse and compile (make)": ({"Makefile.jinja": f"all:\n{RARE} echo{{% endif %}}\n"}, "Makefile"),
    "files parse and compile (JSON)": ({"a.json.jinja": f"{{ {RARE},{{% endif %}} }}\n"}, "a.json"),
    "files parse and compile (INI)": ({"a.ini.jinja": f"[a]\n{RARE}[a]{{% endif %}}\n"}, "a.ini"),
    "files end in one line feed": ({"a.txt.jinja": f"a\n{RARE}\n{{% endif %}}"}, "a.txt"),
    "no Jinja is left": ({"a.txt.jinja": f"a{RARE}{{{{ '{{%' }}}}{{% endif %}}\n"}, "a.txt"),
    "no Jinja is left (plain)": ({RARE_FILE: "A = '{{ queue }}'\n"}, RARE_FILE),
    "scripts alone are executable": ({RARE_FILE: "#!/bin/sh\n"}, RARE_FILE),
    "ruff check": ({RARE_FILE: "import os\n"}, RARE_FILE),
    "ruff format": ({RARE_FILE: "A = 'a'\n"}, RARE_FILE),
    "imports resolve": ({RARE_FILE: "import chassis.nowhere\n"}, RARE_FILE),
    "imports resolve (name)": ({USER: "", RARE_FILE: "from chassis.__main__ import nothing\n"}, RARE_FILE),
    "imports resolve (import string)": ({RARE_FILE: 'X = "chassis.rare:missing"\n'}, RARE_FILE),
    "imports resolve (left out)": ({RARE_FILE: "", f"{USER}.jinja": "import chassis.rare\n"}, USER),
    "no module is an orphan": ({RARE_FILE: ""}, RARE_FILE),
    "ports have adapters": (
        {
            "src/chassis/adapters/queue/__init__.py": "",
            f"src/chassis/adapters/queue/{RARE}{{% else %}}one.py{{% endif %}}": "",
        },
        "src/chassis/adapters/queue",
    ),
    "links resolve": ({"a.md.jinja": f"{RARE}[b](b.md){{% endif %}}\n"}, "a.md"),
    "links resolve (heading)": (
        {"a.md": "[b](b.md#rare)\n", "b.md.jinja": f"{RARE}{{% else %}}# Rare{{% endif %}}\n"},
        "a.md",
    ),
    "paths differ in more than case": ({"a.txt": "", f"{RARE}A.txt{{% endif %}}": ""}, "a.txt"),
    "dependencies are declared": (
        {"pyproject.toml": PYPROJECT, RARE_FILE: "import structlog\nimport boto3\n"},
        RARE_FILE,
    ),
    "dependencies are declared (left out)": (
        {
            "pyproject.toml.jinja": f'dependencies = [{RARE}{{% else %}}\n  "structlog",{{% endif %}}\n]\n',
            USER: "import structlog\n",
        },
        USER,
    ),
    "dependencies are used": (
        {"pyproject.toml.jinja": f'dependencies = [{RARE}\n  "boto3",{{% endif %}}\n]\n'},
        "pyproject.toml",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_finds_what_is_broken_in_one_combination(tmp_path: Path, name: str) -> None:
    files, path = BROKEN[name]
    problems = every(tmp_path, QUESTIONS, files).check(name.partition(" (")[0])
    assert problems
    for problem in problems:
        assert problem.startswith(f"{path}:")
        assert WHERE in problem or (name == "imports resolve (left out)" and "rare" in problem)
        assert "licence" not in problem


def test_an_option_that_changes_nothing_is_found(tmp_path: Path) -> None:
    found = every(tmp_path, QUESTIONS, {"a.txt.jinja": "{{ queue }} {{ state_store }}\n"})
    assert found.check("options change something") == [
        "copier.yml: licence=mit changes no byte of any project",
        "copier.yml: licence=apache changes no byte of any project",
    ]


def test_a_refusal_in_many_lines_is_found(tmp_path: Path) -> None:
    questions = (
        "queue: {type: str, choices: [a, b], default: a, validator: \"{% if queue == 'b' %}No.\\nNo.{% endif %}\"}\n"
    )
    [problem] = every(tmp_path, questions, {}).check("refusals are sentences")
    assert problem.startswith("copier.yml: queue=b is refused with")


class Forgetful(Matrix):
    """Leaves a value out while walking, though the combinations have it."""

    def values(self, name: str, cube: Cube) -> list[Answer]:
        return super().values(name, cube)[:-1]


def test_a_missing_variant_is_found(tmp_path: Path) -> None:
    copier = CopierInside.of(write(tmp_path, QUESTIONS, {"a.txt.jinja": "{{ queue }}\n"}))
    problems = EveryCombination(Plan(copier, Forgetful(copier))).check("every combination is covered")
    assert "template/a.txt.jinja: variants are missing" in problems


def test_every_check_was_broken() -> None:
    special = {"every combination is covered", "options change something", "refusals are sentences"}
    assert {name.partition(" (")[0] for name in BROKEN} | special == set(CHECKS)


def test_one_combination_in_a_thousand_is_found_and_named(tmp_path: Path) -> None:
    many = "".join(f"q{n}: {{type: str, choices: [a, b, c, d], default: a}}\n" for n in range(5))
    rare = "{% if q0 == 'd' and q1 == 'c' and q2 == 'b' and q3 == 'c' and q4 == 'd' %}"
    found = every(tmp_path, many, {"a.py.jinja": f"A = 1\n{rare}from\n{{% endif %}}"})
    assert found.matrix.count == 1024
    [problem] = found.check("files parse and compile")
    assert problem.startswith("a.py: invalid syntax")
    assert problem.endswith("(q0=d, q1=c, q2=b, q3=c, q4=d)")


def test_modes_are_those_of_git(tmp_path: Path) -> None:
    files = {"run.sh": "#!/bin/sh\n", "bad.sh": "#!/bin/sh\n"}
    write(tmp_path, QUESTIONS, files)
    (tmp_path / "template/run.sh").chmod(0o755)
    (tmp_path / "template/bad.sh").chmod(0o644)
    copier = CopierInside.of(tmp_path)
    problems = EveryCombination(Plan(copier, Matrix(copier))).check("scripts alone are executable")
    assert problems == ["bad.sh: has mode 644 (any answers)"]
