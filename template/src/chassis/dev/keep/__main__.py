"""`python -m chassis.dev.keep DIRECTORY`: keep the audit log, with a stand-in for its collector in the same process tree.

For compose: the stand-in listens on loopback, and nothing but `audit keep` talks to it. What it gets is in DIRECTORY/audit.jsonl.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from chassis import selected
from chassis.import_strings import load_object

SINK = "CHASSIS__AUDIT_SINK__"


def main(directory: str) -> int:
    """Run until the process is ended."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(SINK)}
    with load_object(selected.DEV_AUDIT_SINK)(Path(directory), environ) as found:
        command = [sys.executable, "-m", "chassis", "audit", "keep"]
        keeper = subprocess.Popen(command, env={**environ, **found})  # noqa: S603 - our own command line
        # The first process of a container gets the signal alone, and would not pass it on.
        signal.signal(signal.SIGTERM, lambda _number, _frame: keeper.terminate())
        return keeper.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
