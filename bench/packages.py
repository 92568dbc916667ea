"""How large the packages of the image are, unpacked and without compiled modules, for each distinct set of them.

`python -m bench.packages` prints a line a set, with the answers that lead to it, and the figures as JSON at the end.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.copier_cli import snapshot
from tests.copier_inside import CopierInside
from tests.matrix import Matrix
from tests.render import Plan
from tests.uv import uv


def main() -> int:
    """Install each set into a folder and count the bytes of its files."""
    figures: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="packages-") as directory:
        copier = CopierInside.of(snapshot(Path(directory) / "template"))
        matrix = Matrix(copier)
        plan = Plan(copier, matrix)
        seen: set[tuple[str, ...]] = set()
        for answers in matrix.each_value():
            loaded = tomllib.loads(plan.render(answers)["pyproject.toml"].content.decode())
            wanted = tuple(loaded["project"]["dependencies"])
            if wanted in seen:
                continue
            seen.add(wanted)
            name = matrix.describe(
                {
                    key: answers[key]
                    for key in ("queue", "state_store", "secret_backend", "audit_sink", "telemetry_backend")
                }
            )
            place = Path(directory) / str(len(seen))
            figures[name] = round(size(place, wanted, loaded["tool"]["uv"]["constraint-dependencies"]) / 1e6)
            print(f"{figures[name]:5} MB  {name}", flush=True)
    print(json.dumps({f"image packages MB, {name}": value for name, value in figures.items()}))
    return 0


def size(place: Path, wanted: tuple[str, ...], tested: list[str]) -> int:
    """Install these packages at their tested versions, and count."""
    place.mkdir()
    (place / "wanted.txt").write_text("\n".join(wanted))
    (place / "tested.txt").write_text("\n".join(tested))
    options = ["--quiet", "--target", "there", "--requirement", "wanted.txt", "--constraint", "tested.txt"]
    subprocess.run([uv(), "pip", "install", "--python", sys.executable, *options], cwd=place, check=True)
    found = sum(path.stat().st_size for path in (place / "there").rglob("*") if path.is_file())
    shutil.rmtree(place)
    return found


if __name__ == "__main__":
    sys.exit(main())
