"""`python -m chassis.dev <command>`: a chassis command with the services of this machine found or started."""

import os
import subprocess
import sys
from pathlib import Path

from chassis.dev.attach import attached
from chassis.dev.environment import as_role, development_environment
from chassis.ports.errors import ChassisError

DIRECTORY = Path(".dev/scratch")
RUNNING = Path(".dev")


def main(arguments: list[str]) -> int:
    """Start what is needed, migrate, run the command, and end what was started; `audit` looks at what runs."""
    try:
        if arguments[:1] == ["audit"]:
            environment = as_role(attached(RUNNING), "auditor")
            return subprocess.run(  # noqa: S603 - our own command line
                [sys.executable, "-m", "chassis", *arguments], env=environment, check=False
            ).returncode
        with development_environment(DIRECTORY.resolve(), os.environ) as environment:
            for command in (["migrate"], arguments):
                done = subprocess.run(  # noqa: S603 - our own command line
                    [sys.executable, "-m", "chassis", *command], env=environment, check=False
                )
                if done.returncode != 0:
                    return done.returncode
    except ChassisError as error:
        print(error.detail, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
