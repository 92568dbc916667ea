"""A deployment of the sample agent: the broker that it wants, an API and two workers, on a database that is there.

Executed in a generated project. Prints its address and its environment as one line of JSON when it is ready, and ends as a
deployment does, its workers asked to stop first, when its input is closed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chassis.dev.environment import as_role, development_environment
from tests.chaos.fleet import STOP_SECONDS, Fleet

SETTINGS = {
    "CHASSIS__RUNS__LEASE_SECONDS": "5",
    "CHASSIS__RUNS__POLL_SECONDS": "2",
    "CHASSIS__RUNS__DRAIN_SECONDS": "1",
    "CHASSIS__SERVICE__NAME": "swapped",
}


def main() -> None:
    with TemporaryDirectory(prefix="chassis-deployment-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        with development_environment(Path(directory), {**os.environ, **SETTINGS}, "test") as owner:
            subprocess.run([sys.executable, "-m", "chassis", "migrate"], env=owner, check=True, stdout=sys.stderr)
            environment = as_role(owner, "app")
            fleet = Fleet(environment, Path(directory), workers=2)
            with fleet.running():
                fleet.wait_for_api()
                ours = {name: value for name, value in environment.items() if name.startswith("CHASSIS_")}
                print(json.dumps({"url": f"http://127.0.0.1:{fleet.port}", "environment": ours}), flush=True)
                sys.stdin.read()
                for worker in fleet.workers:
                    worker.terminate()
                for worker in fleet.workers:
                    worker.wait(STOP_SECONDS)


if __name__ == "__main__":
    main()
