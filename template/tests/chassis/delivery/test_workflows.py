"""The workflows: what may run in them, with which rights, and that each of their commands works here too."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".github/workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))
# Every right that a job has beyond reading the repository, and nothing else has one.
RIGHTS = {
    ("ci.yml", "codeql"): {"actions": "read", "security-events": "write"},
    ("image.yml", "publish"): {"packages": "write", "id-token": "write", "attestations": "write"},
    ("release.yml", "image"): {"packages": "write", "id-token": "write", "attestations": "write"},
    ("release.yml", "verify"): {"packages": "read", "attestations": "read"},
    ("nightly.yml", "scorecard"): {"actions": "read", "security-events": "write"},
    ("chassis-update.yml", "update"): {"contents": "write", "pull-requests": "write"},
}
SCANNERS = ("aquasecurity/",)


def load(name: str) -> dict[str, Any]:
    # The base loader leaves `on` a string; the others read it as true.
    found: dict[str, Any] = yaml.load((FOLDER / name).read_text(), yaml.BaseLoader)  # noqa: S506 - makes nothing but strings
    return found


def jobs() -> list[Any]:
    return [pytest.param(name, job, id=f"{name}-{job}") for name in NAMES for job in load(name)["jobs"]]


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in load(name)["jobs"].values():
        yield from job.get("steps", [])


def test_there_are_these_workflows() -> None:
    assert {"ci.yml", "image.yml", "release.yml", "nightly.yml", "chassis-update.yml"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_that_a_job_does_not_ask_for(name: str) -> None:
    assert load(name)["permissions"] == {}


@pytest.mark.parametrize(("name", "job"), jobs())
def test_a_job_has_the_rights_it_needs_and_no_more(name: str, job: str) -> None:
    given = load(name)["jobs"][job]["permissions"]
    assert given == {"contents": "read", **RIGHTS.get((name, job), {})}


@pytest.mark.parametrize(("name", "job"), jobs())
def test_a_job_ends_in_time(name: str, job: str) -> None:
    found = load(name)["jobs"][job]
    assert "uses" in found or 0 < int(found["timeout-minutes"]) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_runs_do_not_pile_up(name: str) -> None:
    found = load(name)
    called = set(found["on"]) == {"workflow_call"}
    assert called or {"group", "cancel-in-progress"} == set(found["concurrency"])


@pytest.mark.parametrize("name", NAMES)
def test_no_workflow_of_strangers_code_holds_secrets(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(load(name)["on"])
    assert "secrets." not in text
    assert "secrets: inherit" not in text


@pytest.mark.parametrize("name", NAMES)
def test_no_step_keeps_credentials(name: str) -> None:
    for step in steps(name):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize(("name", "job"), jobs())
def test_a_scanner_shares_its_job_with_nothing_that_writes(name: str, job: str) -> None:
    found = load(name)["jobs"][job]
    scanners = [step for step in found.get("steps", []) if step.get("uses", "").startswith(SCANNERS)]
    for step in scanners:
        assert found["permissions"] == {"contents": "read"}
        assert "env" not in step
        assert step["with"]["exit-code"] == "1"
        assert step["with"]["cache"] == "false"


@pytest.mark.parametrize("name", NAMES)
def test_each_command_is_a_verb_of_the_makefile(name: str) -> None:
    for step in steps(name):
        if "run" in step:
            found = re.fullmatch(r"make ([a-z-]+)((?: [A-Z]+=[\w:./-]+)*)", step["run"])
            assert found, step["run"]
            assert found[1] in TARGETS, step["run"]


@pytest.mark.parametrize("name", ["ci.yml", "nightly.yml"])
def test_one_job_waits_for_all_others_and_runs_whatever_became_of_them(name: str) -> None:
    found = load(name)["jobs"]
    last = found["passed"]
    assert set(last["needs"]) == set(found) - {"passed"}
    assert last["if"] == "always()"
    assert last["steps"][-1]["run"] == "make passed"
    assert "toJSON(needs)" in last["steps"][-1]["env"]["NEEDS"]


def test_what_is_published_was_scanned_and_only_that_job_can_sign() -> None:
    found = load("image.yml")["jobs"]
    assert set(found["publish"]["needs"]) == {"build", "scan"}
    assert [name for name, job in found.items() if "id-token" in job["permissions"]] == ["publish"]
    pushed = next(step for step in found["publish"]["steps"] if step.get("id") == "push")
    assert "needs.build.outputs.sha256" in pushed["env"]["DIGEST"]
    assert not [step for step in found["publish"]["steps"] if step.get("run") == "make image"]


def test_a_release_is_verified_after_it_was_published() -> None:
    found = load("release.yml")["jobs"]
    assert found["verify"]["needs"] == "image"
    assert found["verify"]["steps"][-1]["run"] == "make image-verify"
    assert "needs.image.outputs.image" in found["verify"]["steps"][-1]["env"]["IMAGE"]


def test_updates_of_dependencies_wait_a_week() -> None:
    dependabot, renovate = ROOT / ".github/dependabot.yml", ROOT / "renovate.json"
    assert dependabot.exists() != renovate.exists()
    if renovate.exists():
        assert '"minimumReleaseAge": "7 days"' in renovate.read_text()
        return
    updates = yaml.safe_load(dependabot.read_text())["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"uv", "github-actions", "docker", "docker-compose"}
    assert [update["cooldown"]["default-days"] for update in updates] == [7] * len(updates)


def test_zizmor_finds_nothing_as_its_strictest_persona() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("zizmor")),
            "--offline",
            "--quiet",
            "--no-ignores",
            "--persona",
            "auditor",
            ".github",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
