"""The verbs that the workflows call do what they say, and find what they are there to find."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PIN = f"ghcr.io/acme/agent@sha256:{'a' * 64}"
RECORDER = """#!/bin/sh
for one in "$0" "$@"; do printf '%s\\n' "$one"; done | sed "1s#.*/##" | tr '\\n' ' ' >> "$RECORD"
echo >> "$RECORD"
case "$*" in *inspect*) echo "ghcr.io/acme/agent@sha256:{digest}";; *list*) echo 0;; esac
""".replace("{digest}", "a" * 64)


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs that only write down how they were called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "cosign", "gh"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("ENGINE", "docker")
    return tmp_path / "record"


def image(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(ROOT / "tools/image.py"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def verb(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call it as a workflow does."""
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("results", "allowed", "code"),
    [
        ({"lint": "success", "test": "success"}, "", 0),
        ({"lint": "success", "test": "failure"}, "", 1),
        ({"lint": "success", "test": "cancelled"}, "", 1),
        ({"lint": "success", "review": "skipped"}, "", 1),
        ({"lint": "success", "review": "skipped"}, "review", 0),
        ({"lint": "failure", "review": "skipped"}, "lint review", 1),
        ({}, "", 1),
    ],
)
def test_passed_is_said_of_jobs_that_all_succeeded(results: dict[str, str], allowed: str, code: int) -> None:
    needs = json.dumps({name: {"result": result, "outputs": {}} for name, result in results.items()})
    environment = {**os.environ, "NEEDS": needs, "ALLOWED_TO_SKIP": allowed}
    done = subprocess.run(
        ["make", "--no-print-directory", "passed"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == (code != 0), done.stderr


def test_the_image_gets_its_version_and_its_commit(recorded: Path) -> None:
    done = image("build", "agent:1")
    assert done.returncode == 0, done.stderr
    called = recorded.read_text()
    assert called.startswith("docker build --build-arg=VERSION=")
    assert " --build-arg=REVISION=" in called


def test_only_the_file_that_was_scanned_is_pushed(recorded: Path, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    archive.write_bytes(b"scanned")
    other = image("push", "ghcr.io/Acme/agent:v1", str(archive), hashlib.sha256(b"another").hexdigest())
    assert other.returncode == 1
    assert "it is not pushed" in other.stderr
    assert not recorded.exists()
    digest = hashlib.sha256(b"scanned").hexdigest()
    done = verb("image-push", "IMAGE=ghcr.io/Acme/agent:v1", f"ARCHIVE={archive}", f"DIGEST={digest}")
    assert done.returncode == 0, done.stderr
    assert "docker push ghcr.io/acme/agent:v1" in recorded.read_text()
    told = (tmp_path / "output").read_text()
    assert f"image={PIN}" in told
    assert f"digest=sha256:{'a' * 64}" in told


@pytest.mark.parametrize(
    "command", [("sign", "ghcr.io/acme/agent:v1", "build"), ("verify", "ghcr.io/acme/agent:v1", "acme/agent")]
)
def test_a_tag_is_neither_signed_nor_verified(recorded: Path, command: tuple[str, ...]) -> None:
    done = image(*command)
    assert done.returncode == 1
    assert "a tag can be moved" in done.stderr
    assert not recorded.exists()


def test_an_image_is_signed_with_both_lists_of_its_contents(recorded: Path) -> None:
    assert verb("image-sign", f"IMAGE={PIN}").returncode == 0
    assert recorded.read_text().splitlines() == [
        f"cosign sign --yes {PIN} ",
        f"cosign attest --yes --type=cyclonedx --predicate=build/sbom.cdx.json {PIN} ",
        f"cosign attest --yes --type=spdxjson --predicate=build/sbom.spdx.json {PIN} ",
    ]


def test_an_image_is_verified_as_what_one_workflow_of_this_repository_built_from_a_tag(recorded: Path) -> None:
    assert verb("image-verify", f"IMAGE={PIN}", "REPOSITORY=acme/agent").returncode == 0
    lines = recorded.read_text().splitlines()
    identity = (
        r"--certificate-identity-regexp=^https://github\.com/acme/agent/\.github/workflows/image\.yml@refs/tags/v"
    )
    assert [identity in line for line in lines] == [True, True, True, False]
    assert lines[0].startswith("cosign verify --")
    assert "--certificate-oidc-issuer=https://token.actions.githubusercontent.com" in lines[0]
    assert lines[3] == (
        f"gh attestation verify oci://{PIN} --repo=acme/agent"
        " --signer-workflow=acme/agent/.github/workflows/image.yml --deny-self-hosted-runners "
    )


def test_an_image_is_not_verified_without_its_repository(recorded: Path) -> None:
    done = image("verify", PIN, "")
    assert done.returncode == 1
    assert "name the repository" in done.stderr
    assert not recorded.exists()


def test_bandit_finds_what_it_is_there_for(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/careless.py").write_text("import subprocess\n\nsubprocess.run('ls ' + input(), shell=True)\n")
    options = ["--quiet", "--recursive", "src", "--severity-level", "medium", "--confidence-level", "medium"]
    assert f"bandit {' '.join(options[:3])}" in (ROOT / "Makefile").read_text()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("bandit")), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "B602" in done.stdout


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "AKIA" + "QWERTYUIOPASDFGH",
        "ghp_" + "a1B2" * 9,
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, secret: str) -> None:
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "config.py").write_text(f"VALUE = '{secret}'\n")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / ".gitignore").write_text(".venv\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    command = ["make", "--no-print-directory", "--assume-old=.venv/.ready", "secrets", "RUN=env PATH=.venv/bin:$(PATH)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "config.py" in done.stdout
    (tmp_path / "config.py").write_text("VALUE = 'AKIAIOSFODNN7EXAMPLE'\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
