"""Pin actions and images: `pins.py check` names what is not pinned, `pins.py resolve` pins it and looks for moved tags.

An action is pinned to a commit with its version beside it, an image to a digest behind its tag. `resolve` asks the action's
repository and the image's registry, so it needs network. A digest follows its tag, since images are rebuilt under their tag;
a version of an action must never change, so a commit that its tag no longer names is reported and left as it is.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ACTION = re.compile(
    r"(?P<before>\buses: *)(?P<name>[\w.-]+/[\w./-]+)@(?P<ref>[\w.-]+)(?P<after> *# *(?P<version>\S+))?"
)
IMAGE = re.compile(
    r"(?P<before>^FROM +|^ *image: *)(?P<name>[\w./:-]+?/[\w./-]+):(?P<tag>[\w.-]+)(?P<digest>@sha256:[0-9a-f]{64})?"
)
OWN = ":dev"
"""The tag of the image that is built here."""
BARE = re.compile(r"^(FROM| *image:) +(?!scratch\b)(?P<name>[^\s$]+)")
STAGE = re.compile(r"^FROM +\S+ +AS +(?P<stage>\S+)", re.IGNORECASE)
COMMIT = re.compile(r"[0-9a-f]{40}")
VERSION = re.compile(r"v?\d+(\.\d+)*")
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
DOCKER_HUB = "registry-1.docker.io"
TIMEOUT_SECONDS = 30


class PinError(Exception):
    """What a tag means could not be found out; its message says why."""


def main(arguments: list[str]) -> int:
    """Check, or resolve; 1 when something is left to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("check", "resolve"))
    parser.add_argument("--root", type=Path, default=Path(), help="the project")
    parser.add_argument("--github", default="https://github.com", help="where the actions' repositories are")
    options = parser.parse_args(arguments)
    found = list(check(options.root) if options.command == "check" else resolve(options.root, options.github))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def places(root: Path) -> list[Path]:
    """Give the files that name actions and images."""
    workflows = sorted(root.glob(".github/**/*.y*ml"))
    images = (root / "Dockerfile", root / "compose.yaml", root / "deploy/chart/values.yaml")
    return [path for path in (*images, *workflows) if path.is_file()]


def check(root: Path) -> Iterator[str]:
    """Name every action without a commit or a version, and every image without a digest."""
    for path in places(root):
        stages: set[str] = set()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{path.relative_to(root)}:{number}:"
            action, image, bare, stage = ACTION.search(line), IMAGE.search(line), BARE.match(line), STAGE.match(line)
            if action and not COMMIT.fullmatch(action["ref"]):
                yield f"{where} {action['name']}@{action['ref']} is no commit; `make pins` pins it"
            elif action and not VERSION.fullmatch(action["version"] or ""):
                yield f"{where} {action['name']}: no version stands beside its commit"
            if image and not image["digest"]:
                yield f"{where} {image['name']}:{image['tag']} has no digest; `make pins` pins it"
            elif (
                bare
                and not image
                and bare["name"] not in stages
                and path.parent == root
                and not bare["name"].endswith(OWN)
            ):
                yield f"{where} {bare['name']} is no full name with a tag, such as docker.io/library/python:3.14.8"
            if stage:
                stages.add(stage["stage"])


def resolve(root: Path, github: str) -> Iterator[str]:
    """Pin what is not, and follow the tags of images; tell what moved and what could not be found out."""
    for path in places(root):
        problems: list[str] = []
        before = path.read_text(encoding="utf-8")
        after = "".join(_resolved(line, github, problems.append) for line in before.splitlines(keepends=True))
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{path.relative_to(root)}: changed")
        yield from (f"{path.relative_to(root)}: {problem}" for problem in problems)


def _resolved(line: str, github: str, report: Callable[[str], None]) -> str:
    try:
        if action := ACTION.search(line):
            return line[: action.start()] + _action(action, github, report) + line[action.end() :]
        if image := IMAGE.search(line):
            digest = digest_of(image["name"], image["tag"])
            return (
                line[: image.start()]
                + f"{image['before']}{image['name']}:{image['tag']}@{digest}"
                + line[image.end() :]
            )
    except PinError as error:
        report(str(error))
    return line


def _action(action: re.Match[str], github: str, report: Callable[[str], None]) -> str:
    pinned = COMMIT.fullmatch(action["ref"]) is not None
    version = action["version"] if pinned else action["ref"]
    if not version:
        report(f"{action['name']}: no version stands beside its commit")
        return action[0]
    commit = commit_of("/".join(action["name"].split("/")[:2]), version, github)
    if pinned and commit != action["ref"]:
        report(f"{action['name']}: {version} is now {commit}, no longer {action['ref']}; find out why before you move")
        return action[0]
    return f"{action['before']}{action['name']}@{commit} # {version}"


def commit_of(repository: str, tag: str, github: str) -> str:
    """Ask a repository which commit a tag names; an annotated tag names one behind itself."""
    asked = [f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"]
    done = subprocess.run(
        ["git", "ls-remote", f"{github}/{repository}", *asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    named = {name: sha for sha, _, name in (line.partition("\t") for line in done.stdout.splitlines())}
    if done.returncode != 0 or not named:
        message = f"{repository}: no tag {tag} ({done.stderr.strip() or 'the repository has none of this name'})"
        raise PinError(message)
    return named.get(asked[1]) or named[asked[0]]


def digest_of(name: str, tag: str) -> str:
    """Ask a registry for the manifest of a tag, and give the digest of what it sent."""
    host, _, path = name.partition("/")
    registry = DOCKER_HUB if host == "docker.io" else host
    scheme = "http" if registry.partition(":")[0] == "127.0.0.1" else "https"
    url = f"{scheme}://{registry}/v2/{path}/manifests/{tag}"
    try:
        body, said = _manifest(url, {"Accept": MANIFESTS})
    except (OSError, ValueError) as error:
        message = f"{name}:{tag}: {error}"
        raise PinError(message) from error
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if said and said != digest:
        message = f"{name}:{tag}: the registry says {said} and sent {digest}"
        raise PinError(message)
    return digest


def _manifest(url: str, headers: dict[str, str]) -> tuple[bytes, str | None]:
    """Fetch a manifest, with the anonymous token that public registries want."""
    try:
        return _get(url, headers)
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate", "")
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if error.code != 401 or not challenge.lower().startswith("bearer ") or "realm" not in wanted:  # noqa: PLR2004
            raise
        query = urllib.parse.urlencode({key: wanted[key] for key in ("service", "scope") if key in wanted})
        answer = json.loads(_get(f"{wanted['realm']}?{query}", {})[0])
        token = answer.get("token") or answer.get("access_token") or ""
        return _get(url, {**headers, "Authorization": f"Bearer {token}"})


def _get(url: str, headers: dict[str, str]) -> tuple[bytes, str | None]:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        message = f"{url} is not https"
        raise ValueError(message)
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read(), answer.headers.get("Docker-Content-Digest")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
