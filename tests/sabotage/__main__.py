"""`make sabotage`: break each control once, and show the test that turns red."""

import argparse
import sys
import time
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from tests.copier_cli import ROOT
from tests.generated.project import open_folder
from tests.sabotage.ground import Proof
from tests.sabotage.grounds import Grounds
from tests.sabotage.patch import Patch, PatchError, patch_files

COLUMNS = 80
NAME = 38


def main() -> int:
    """Try the patches asked for; return 1 when a control can be broken unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="only patches whose area or name contains this")
    only = parser.parse_args().only
    try:
        patches = [Patch.read(path) for path in patch_files(only)]
    except PatchError as error:
        print(error, file=sys.stderr)
        return 2
    if not patches:
        print(f"No patch in tests/sabotage has '{only}' in its name.", file=sys.stderr)
        return 2
    _say(f"Breaking one control after the other: {len(patches)} patches.")
    started = time.monotonic()
    with open_folder() as folder:
        problems = [*_try_all(patches, Grounds(folder, say=_say))]
    seconds = time.monotonic() - started
    red = len(patches) - len([problem for problem in problems if isinstance(problem, Proof)])
    _say(f"\n{red} of {len(patches)} controls cannot be broken unnoticed; {seconds:.0f} s.")
    for problem in problems:
        _say(f"\n{_explained(problem) if isinstance(problem, Proof) else problem}")
    return 1 if problems else 0


def _try_all(patches: list[Patch], grounds: Grounds) -> list[Proof | str]:
    """Show a line a patch as it is tried, and return what is wrong."""
    problems: list[Proof | str] = []
    # The repository first: it is quick.
    ordered = sorted(patches, key=lambda patch: (patch.of_project, patch.answers))
    for where, group in groupby(ordered, attrgetter("where")):
        side = list(group)
        ground = grounds.of(side[0])
        _say(f"Nothing broken yet: the named tests of the {where} must pass ...")
        run = ground.unbroken(side)
        if run.code != 0:
            problems.append(f"With nothing broken, tests of the {where} fail:\n{run.output}")
            _say("They do not; what they say stands at the end.")
        for patch in side:
            proof = ground.prove(patch)
            _say(_line(proof))
            if proof.verdict != "red":
                problems.append(proof)
    return problems


def _line(proof: Proof) -> str:
    """Give a line that fits a terminal; what is cut off stands in the patch."""
    file, _, function = proof.patch.test.partition("::")
    test = function or Path(file).name
    verdict = proof.verdict if proof.verdict == "red" else proof.verdict.upper()
    return _cut(f"{verdict:<5} {proof.seconds:5.1f}  {_cut(proof.patch.name, NAME):<{NAME}}  {test}", COLUMNS)


def _explained(proof: Proof) -> str:
    patch = proof.patch
    reason = f"{patch.test} {proof.reason}" if proof.verdict == "green" else proof.reason
    return f"{patch.path.relative_to(ROOT)}\n  breaks: {patch.breaks}\n  {reason}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
