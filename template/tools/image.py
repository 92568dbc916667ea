"""Build, save, push, sign and verify the image: `image.py build NAME:TAG`; docs/delivery.md says what each proves.

What is pushed is the file that was scanned: its SHA-256 travels beside it, and a file with another one is refused.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = ".github/workflows/image.yml"
"""The one workflow whose signature counts: nothing else in the repository can make its identity."""
PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


class ImageError(Exception):
    """The image cannot be what is asked for; the message says why."""


def main(arguments: list[str]) -> int:
    """Run one of the commands below."""
    commands: dict[str, Callable[..., None]] = {
        "build": build,
        "save": save,
        "push": push,
        "sign": sign,
        "verify": verify,
    }
    try:
        commands[arguments[0]](*arguments[1:])
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{Path(error.cmd[0]).name} failed; what it printed above says why", file=sys.stderr)
        return 1
    return 0


def build(name: str) -> None:
    """Build it, with the version and the commit in its labels; BUILD_OPTIONS are the builder's own."""
    labels = [f"--build-arg=VERSION={_version()}", f"--build-arg=REVISION={_revision()}"]
    # Docker's format, since OCI's has no place for HEALTHCHECK; docker builds it anyway.
    kind = [] if _engine().endswith("docker") else ["--format=docker"]
    run(_engine(), "build", *kind, *labels, *os.environ.get("BUILD_OPTIONS", "").split(), f"--tag={name}", ".")


def save(name: str, archive: str) -> None:
    """Write it to a file, and the file's SHA-256 where the workflow's next jobs find it."""
    place = Path(archive)
    place.parent.mkdir(parents=True, exist_ok=True)
    if _engine().endswith("buildah"):
        run(_engine(), "push", name, f"docker-archive:{archive}:{name}")
    else:
        run(_engine(), "save", f"--output={archive}", name)
    tell("sha256", _sha256(place))


def push(name: str, archive: str, expected: str) -> None:
    """Push the image of that file, and tell the digest under which the registry has it."""
    found = _sha256(Path(archive))
    if found != expected:
        message = f"{archive} is {found}, and {expected or 'nothing'} was scanned; it is not pushed"
        raise ImageError(message)
    run(_engine(), "load", f"--input={archive}")
    target = name.lower()
    if target != name:
        run(_engine(), "tag", name, target)
    run(_engine(), "push", target)
    digests = run(_engine(), "inspect", '--format={{join .RepoDigests " "}}', target).split()
    here = [digest for digest in digests if digest.startswith(f"{target.rpartition(':')[0]}@")]
    if len(here) != 1:
        message = f"the registry gave {target} no digest of its own: {digests}"
        raise ImageError(message)
    tell("image", here[0])
    tell("name", here[0].partition("@")[0])
    tell("digest", here[0].partition("@")[2])


def sign(image: str, lists: str) -> None:
    """Sign it with the identity of the workflow that runs, and attach the lists of its contents, signed as well."""
    _require_digest(image)
    run("cosign", "sign", "--yes", image)
    for kind, file in (("cyclonedx", "sbom.cdx.json"), ("spdxjson", "sbom.spdx.json")):
        run("cosign", "attest", "--yes", f"--type={kind}", f"--predicate={Path(lists) / file}", image)


def verify(image: str, repository: str) -> None:
    """Refuse an image that this repository's workflow has not built from a tag, signed and attested."""
    _require_digest(image)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ImageError("name the repository: make image-verify REPOSITORY=owner/name")
    identity = rf"^https://github\.com/{re.escape(repository)}/{re.escape(WORKFLOW)}@refs/tags/v"
    who = (f"--certificate-identity-regexp={identity}", f"--certificate-oidc-issuer={ISSUER}")
    run("cosign", "verify", *who, image)
    for kind in ("cyclonedx", "spdxjson"):
        run("cosign", "verify-attestation", f"--type={kind}", *who, image)
    workflow = f"--signer-workflow={repository}/{WORKFLOW}"
    run("gh", "attestation", "verify", f"oci://{image}", f"--repo={repository}", workflow, "--deny-self-hosted-runners")
    print(f"{image} is what {repository} has built")


def run(*command: str) -> str:
    """Run a program, and give what it wrote; what it says to people goes to the terminal."""
    if shutil.which(command[0]) is None:
        message = f"{command[0]} is not installed"
        raise ImageError(message)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def tell(name: str, value: str) -> None:
    """Print a result, and give it to the workflow where one runs."""
    print(f"{name}={value}")
    if output := os.environ.get("GITHUB_OUTPUT"):
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")


def _engine() -> str:
    named = os.environ.get("ENGINE")
    found = named or next((name for name in ("docker", "podman", "buildah") if shutil.which(name)), None)
    if found is None:
        raise ImageError("an image is built with docker, podman or buildah; install one of them")
    return found


def _require_digest(image: str) -> None:
    if not PINNED.fullmatch(image):
        message = f"'{image}' is no digest; a tag can be moved: name@sha256:..."
        raise ImageError(message)


def _version() -> str:
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return found[1] if found else "0.0.0"


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
