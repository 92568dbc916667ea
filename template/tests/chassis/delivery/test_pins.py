"""What runs in CI, in the image and in compose is pinned, and `make pins` finds out what a tag means."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OLD = f"sha256:{'0' * 64}"
SOMETHING = "a" * 40


def pins(command: str, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", str(ROOT / "tools/pins.py"), command, "--root", str(root), *options],
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def registry(says: str | None = None) -> Iterator[str]:
    """A registry that wants an anonymous token, as the public ones do; it may lie about the digest."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                self.answer(200, b'{"token": "anonymous"}')
            elif self.headers.get("Authorization") != "Bearer anonymous":
                realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="here",scope="pull"'
                self.answer(401, b"", **{"WWW-Authenticate": realm})
            elif self.path != "/v2/library/python/manifests/3.14":
                self.answer(404, b"")
            else:
                assert "image.index" in self.headers["Accept"]
                self.answer(200, MANIFEST, **({"Docker-Content-Digest": says} if says else {}))

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def github(tmp_path: Path) -> tuple[str, str]:
    """A repository of an action with an annotated tag, and the commit behind it."""
    place = tmp_path / "github/acme/build"
    place.mkdir(parents=True)
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for command in (
        ("init", "-q"),
        (*identity, "commit", "-q", "--allow-empty", "-m", "first"),
        (*identity, "tag", "-a", "v1.2.3", "-m", "first"),
    ):
        subprocess.run(["git", *command], cwd=place, check=True, capture_output=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=place, check=True, capture_output=True, text=True)
    return f"file://{tmp_path}/github", commit.stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/.github/workflows").mkdir(parents=True)
    return tmp_path / "root"


def test_everything_here_is_pinned() -> None:
    done = pins("check", ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (".github/workflows/ci.yml", "      - uses: acme/build@v1", "acme/build@v1 is no commit"),
        (".github/workflows/ci.yml", f"      - uses: acme/build@{SOMETHING}", "no version stands beside its commit"),
        (".github/workflows/ci.yml", f"      - uses: acme/build@{SOMETHING[:7]} # v1.2.3", "is no commit"),
        ("Dockerfile", "FROM docker.io/library/python:3.14", "python:3.14 has no digest"),
        ("Dockerfile", "FROM python", "python is no full name with a tag"),
        ("compose.yaml", "    image: docker.io/library/python:3.14", "python:3.14 has no digest"),
        ("compose.yaml", "    image: python:3.14", "python:3.14 is no full name"),
        ("deploy/chart/values.yaml", "    image: ghcr.io/acme/postgresql:18.6", "postgresql:18.6 has no digest"),
    ],
)
def test_what_is_not_pinned_is_named(root: Path, file: str, line: str, said: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(f"# first\n{line}\n")
    done = pins("check", root)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}:2: ")
    assert said in done.stderr


def test_a_tag_of_an_action_becomes_its_commit(root: Path, github: tuple[str, str]) -> None:
    url, commit = github
    workflow = root / ".github/workflows/ci.yml"
    workflow.write_text("      - uses: acme/build/sub@v1.2.3\n        with:\n")
    done = pins("resolve", root, "--github", url)
    assert done.returncode == 0, done.stderr
    assert workflow.read_text() == f"      - uses: acme/build/sub@{commit} # v1.2.3\n        with:\n"
    assert pins("check", root).returncode == 0


def test_a_tag_that_moved_is_reported_and_not_followed(root: Path, github: tuple[str, str]) -> None:
    workflow = root / ".github/workflows/ci.yml"
    workflow.write_text(f"      - uses: acme/build@{SOMETHING} # v1.2.3\n")
    done = pins("resolve", root, "--github", github[0])
    assert done.returncode == 1
    assert f"v1.2.3 is now {github[1]}, no longer {SOMETHING}" in done.stderr
    assert SOMETHING in workflow.read_text()


def test_a_tag_that_is_not_there_is_reported(root: Path, github: tuple[str, str]) -> None:
    workflow = root / ".github/workflows/ci.yml"
    workflow.write_text("      - uses: acme/build@v9\n")
    done = pins("resolve", root, "--github", github[0])
    assert done.returncode == 1
    assert "acme/build: no tag v9" in done.stderr
    assert workflow.read_text() == "      - uses: acme/build@v9\n"


@pytest.mark.parametrize("before", ["", f"@{OLD}"])
@pytest.mark.parametrize("said", [DIGEST, None])
def test_a_tag_of_an_image_gets_the_digest_of_its_manifest(root: Path, before: str, said: str | None) -> None:
    with registry(said) as host:
        (root / "Dockerfile").write_text(f"FROM {host}/library/python:3.14{before} AS base\n")
        done = pins("resolve", root)
    assert done.returncode == 0, done.stderr
    assert (root / "Dockerfile").read_text() == f"FROM {host}/library/python:3.14@{DIGEST} AS base\n"


def test_a_registry_that_sends_something_else_is_not_believed(root: Path) -> None:
    with registry(OLD) as host:
        (root / "Dockerfile").write_text(f"FROM {host}/library/python:3.14\n")
        done = pins("resolve", root)
    assert done.returncode == 1
    assert "the registry says" in done.stderr
    assert "@sha256" not in (root / "Dockerfile").read_text()


def test_an_image_that_is_not_there_is_reported(root: Path) -> None:
    with registry() as host:
        (root / "compose.yaml").write_text(f"    image: {host}/library/python:9\n")
        done = pins("resolve", root)
    assert done.returncode == 1
    assert "python:9: HTTP Error 404" in done.stderr
