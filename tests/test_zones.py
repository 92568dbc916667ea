"""Whose files are whose: updates and recopies leave the user's zone alone, and switch whole files elsewhere."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.copier_cli import ROOT, commit_all, copier, copy, git
from tests.copier_yml import configuration

ZONES = yaml.safe_load((ROOT / "template/zones.yml").read_text())


@pytest.fixture(scope="module")
def release(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of two versions; the second changes files of both zones."""
    copied = Path(shutil.copytree(template, tmp_path_factory.mktemp("release") / "template"))
    publish(copied)
    return copied


@pytest.fixture(scope="module")
def grown_once(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the first version in which a user has worked."""
    project = copy(release, tmp_path_factory.mktemp("grown") / "grown", {}, "--vcs-ref", "v0.0.1")
    (project / "src/agent/graph.py").write_text('"""Mine."""\n')
    (project / "src/agent/mine.py").write_text("MINE = True\n")
    shutil.rmtree(project / "src/agent/tools")
    (project / "tests/agent/test_questions.py").unlink()
    (project / "local.mk").write_text("mine:\n\techo mine\n")
    readme = (project / "README.md").read_text()
    (project / "README.md").write_text(readme + "\n## Ours\n\nA section of ours.\n")
    commit_all(project, "worked")
    return project


@pytest.fixture
def grown(grown_once: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(grown_once, tmp_path / "grown"))


def publish(release: Path) -> None:
    """Change both zones in a next version of the template."""
    with (release / "template/src/chassis/wiring.py").open("a") as file:
        file.write("\n# hardened\n")
    for path in ("src/agent/graph.py", "tests/agent/test_questions.py", "src/agent/tools/read.py", "local.mk"):
        with (release / "template" / path).open("a") as file:
            file.write("\n# new example\n")
    (release / "template/src/agent/extra.py").write_text('"""A new seed file."""\n')
    (release / "template/src/chassis/extra.py").write_text('"""A new file of the chassis."""\n')
    commit_all(release, "next")
    git(release, "tag", "v0.0.2")


def update(project: Path, *options: str) -> None:
    done = copier("update", "--defaults", "--quiet", *options, cwd=project)
    assert done.returncode == 0, done.stderr


def assert_user_zone_untouched(project: Path) -> None:
    assert (project / "src/agent/graph.py").read_text() == '"""Mine."""\n'
    assert (project / "src/agent/mine.py").read_text() == "MINE = True\n"
    assert (project / "local.mk").read_text() == "mine:\n\techo mine\n"
    assert "A section of ours." in (project / "README.md").read_text()


def test_an_update_renews_the_chassis_and_leaves_the_users_zone_alone(grown: Path) -> None:
    update(grown)
    assert (grown / "src/chassis/wiring.py").read_text().endswith("# hardened\n")
    assert (grown / "src/chassis/extra.py").exists()
    assert_user_zone_untouched(grown)
    assert not (grown / "src/agent/tools").exists()
    assert not (grown / "src/agent/extra.py").exists()
    assert not (grown / "tests/agent/test_questions.py").exists()
    changed = [line[3:] for line in git(grown, "status", "--porcelain").splitlines()]
    assert not [
        path for path in changed if path.startswith(("src/agent", "tests/agent", "migrations/agent", "local.mk"))
    ]
    assert not list(grown.rglob("*.rej"))


def test_a_switched_answer_swaps_the_adapters_and_nothing_of_the_users(grown: Path) -> None:
    queue = grown / "src/chassis/adapters/queue"
    assert (queue / "database.py").exists()
    update(grown, "--vcs-ref", "v0.0.1", "--data", "queue=redis")
    assert {path.name for path in queue.glob("*.py")} == {"__init__.py", "redis.py", "redis_settings.py"}
    assert "queue.redis import open_queue" in (grown / "src/chassis/selected.py").read_text()
    assert "celery[redis]" in (grown / "pyproject.toml").read_text()
    assert_user_zone_untouched(grown)
    commit_all(grown, "switched")
    update(grown, "--vcs-ref", "v0.0.1", "--data", "queue=database")
    assert {path.name for path in queue.glob("*.py")} == {"__init__.py", "database.py", "database_settings.py"}


def test_a_recopy_does_not_clobber_the_users_zone(grown: Path) -> None:
    done = copier("recopy", "--defaults", "--quiet", "--overwrite", cwd=grown)
    assert done.returncode == 0, done.stderr
    assert (grown / "src/agent/graph.py").read_text() == '"""Mine."""\n'
    assert (grown / "src/agent/mine.py").exists()
    assert (grown / "local.mk").read_text() == "mine:\n\techo mine\n"


def test_copier_obeys_the_one_rule_file() -> None:
    yours = [f"/{path}" for path in ZONES["yours"]]
    assert configuration()["_skip_if_exists"] == yours
    guarded = [line for line in configuration()["_exclude"] if "_copier_operation == 'update'" in line]
    assert guarded == [f"{{% if _copier_operation == 'update' %}}{path}{{% endif %}}" for path in yours]


def test_every_named_path_exists(project: Path) -> None:
    for path in [*ZONES["yours"], *ZONES["merged"], ".copier-answers.yml"]:
        assert (project / path).exists(), path
