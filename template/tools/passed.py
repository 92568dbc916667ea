"""Say whether every job that another one needs has succeeded; NEEDS holds GitHub's `toJSON(needs)`.

A job that was skipped counts only where it may be: ALLOWED_TO_SKIP names those, separated by spaces.
"""

import json
import os
import sys


def main() -> int:
    """Print each job and its result; 1 when one of them stands in the way, or when there is none."""
    jobs = {name: job["result"] for name, job in json.loads(os.environ.get("NEEDS") or "{}").items()}
    may_skip = os.environ.get("ALLOWED_TO_SKIP", "").split()
    for name, result in jobs.items():
        print(f"{name}: {result}")
    good = [result == "success" or (result == "skipped" and name in may_skip) for name, result in jobs.items()]
    if not good:
        print("no job was waited for", file=sys.stderr)
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
