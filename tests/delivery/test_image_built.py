"""The image is built from its Dockerfile and started: as its user, read-only, without a capability, and it answers."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.delivery.built import Builder, builder
from tests.generated.project import installed, must, user_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machine() -> Builder:
    return builder()


def make(project: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=project,
        env=user_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


def test_full_the_image_answers(machine: Builder, template: Path, folder_for_servers: Path) -> None:
    project = installed(template, folder_for_servers, {})
    print(must(make(project, machine.build, "image", f"IMAGE={machine.image}"))[-300:])
    tried = must(make(project, machine.run, "image-try", f"IMAGE={machine.image}"))
    found = re.search(r"^inside: (\{.*\})$", tried, re.MULTILINE)
    assert found
    print(f"base: {machine.base}; {found[0]}")
    seen = json.loads(found[1].replace("'", '"'))
    assert (seen["uid"], seen["gid"]) == (10001, 10001)
    assert (seen["writable"], seen["rights"], seen["alone"], seen["tools"]) == ([], 0, "1", [])
    assert re.search(r"^\d+ tickets match\.", tried, re.MULTILINE)
    assert "the image answers" in tried
    archive = project / "build/image.tar"
    saved = must(make(project, machine.build, "image-save", f"IMAGE={machine.image}", f"ARCHIVE={archive}"))
    with archive.open("rb") as file:
        assert f"sha256={hashlib.file_digest(file, 'sha256').hexdigest()}" in saved
