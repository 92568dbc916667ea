"""List the packages that the image installs, as CycloneDX and SPDX: `sbom.py FOLDER`.

Of what the lock says, not of what happens to be installed here: the packages are installed anew, without those for development.
The system below them is Debian's; the release lists that from the image itself.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SYFT = Path(".tools/delivery/bin/syft")
FORMATS = {"sbom.cdx.json": "cyclonedx-json", "sbom.spdx.json": "spdx-json"}


def main(folder: str) -> int:
    """Write both lists, and say how many packages are in each."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sbom-") as directory:
        source = _installed(Path(directory))
        outputs = [f"--output={form}={target / file}" for file, form in FORMATS.items()]
        environment = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        done = subprocess.run([SYFT, "scan", "--quiet", source, *outputs], env=environment, check=False)
    if done.returncode != 0:
        return 1
    cyclone = json.loads((target / "sbom.cdx.json").read_text(encoding="utf-8"))
    spdx = json.loads((target / "sbom.spdx.json").read_text(encoding="utf-8"))
    counted = len(cyclone["components"]), len(spdx["packages"])
    print(f"{target}/sbom.cdx.json: {counted[0]} components; {target}/sbom.spdx.json: {counted[1]} packages")
    return 0 if min(counted) > 0 else 1


def _installed(directory: Path) -> str:
    """Give what syft reads: the image where SBOM_OF names one, else what the lock installs."""
    if named := os.environ.get("SBOM_OF"):
        return named
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(directory / "packages")}
    command = [os.environ.get("UV", "uv"), "sync", "--quiet", "--locked", "--no-dev", "--no-install-project"]
    subprocess.run(command, env=environment, check=True)
    return f"dir:{directory / 'packages'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
