"""A Postgres with an empty database, which outlives the deployments that use it; ends when its input is closed.

Executed in a generated project. Prints the environment that leads to it as one line of JSON.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chassis.dev.environment import DATABASE_URL, logins
from chassis.dev.postgres import create_database, postgres_server

NAME = "swapped"

if __name__ == "__main__":
    with TemporaryDirectory(prefix="chassis-database-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        with postgres_server(Path(directory)) as server:
            database = create_database(server, NAME)
            print(json.dumps({DATABASE_URL: database, **logins(database)}), flush=True)
            sys.stdin.read()
