"""Where controls are broken: a committed tree of its own, in which a patch is applied, its test run, and all undone."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.copier_cli import git
from tests.generated.project import heed_interrupts, user_environment
from tests.sabotage.patch import Patch

SECONDS = 300
SHOWN = 3000  # characters of what a test said that could not run; what failed may be said far above, in a long line
PASSED, FAILED = 0, 1  # pytest's exit codes; 2, 4 and 5 are collection errors, wrong names and nothing to run
_FAILED = re.compile(r"^FAILED ", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One run of pytest; `code` is none when it did not end in time."""

    code: int | None
    output: str
    seconds: float


@dataclass(frozen=True)
class Proof:
    """What became of a test whose control was broken: `red` is wanted, `green` noticed nothing, `none` shows nothing."""

    patch: Patch
    verdict: Literal["red", "green", "none"]
    reason: str
    seconds: float


@dataclass(frozen=True)
class Ground:
    """A tree to break, and the Python that runs its tests."""

    root: Path
    python: Path
    strip: int  # how many folders of a patch's paths, with a/ and b/, this tree does not have
    workers: tuple[str, ...] = ()  # pytest's options for several tests at once, where they can run so

    def __post_init__(self) -> None:
        """Refuse a tree whose repository is another one, as it is where a git hook set GIT_DIR: `undo` would reset that."""
        found = Path(git(self.root, "rev-parse", "--absolute-git-dir").strip())
        assert found == self.root.resolve() / ".git", found

    def prove(self, patch: Patch, seconds: float = SECONDS) -> Proof:
        """Break the control, run the test that must notice, and undo it."""
        refusal = self.apply(patch)
        if refusal:
            return Proof(patch, "none", f"does not apply: {refusal}", 0.0)
        try:
            run = self.run([patch.test_there], "-x", seconds=seconds)
        finally:
            self.undo()
        if run.code == PASSED:
            return Proof(patch, "green", "did not notice", run.seconds)
        if run.code is None:
            return Proof(patch, "none", f"did not end within {seconds:.0f} s", run.seconds)
        # An error in a fixture ends with the same code as a failed test.
        if run.code != FAILED or not _FAILED.search(run.output):
            return Proof(
                patch, "none", f"could not run (pytest ended with {run.code}):\n{run.output[-SHOWN:]}", run.seconds
            )
        return Proof(patch, "red", "", run.seconds)

    def unbroken(self, patches: Iterable[Patch]) -> Run:
        """Run the tests of these patches with nothing broken: a test that always fails notices nothing either."""
        tests = sorted({patch.test_there for patch in patches})
        return self.run(tests, *self.workers, seconds=4 * SECONDS, bytecode=True)

    def apply(self, patch: Patch) -> str:
        """Apply a patch; return why it cannot be applied, nothing when it was."""
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", f"-p{self.strip}", patch.path],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return "" if done.returncode == 0 and self.changes() else done.stderr.strip() or "it changes nothing"

    def undo(self) -> None:
        """Make the tree what it was, whatever a patch or a test left in it; what git ignores stays."""
        git(self.root, "reset", "-q", "--hard")
        git(self.root, "clean", "-q", "-d", "--force")

    def changes(self) -> str:
        """List what differs from what was committed."""
        return git(self.root, "status", "--porcelain")

    def run(self, tests: Iterable[str], *options: str, seconds: float = SECONDS, bytecode: bool = False) -> Run:
        """Run these tests of the tree.

        Bytecode is known by the second and the size of its source, and a patch can leave both as they were: a broken
        tree writes none. An unbroken one does, so that no package is compiled again for each patch.
        """
        command = [str(self.python), "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *options, *tests]
        environment = {**user_environment(), "COLUMNS": "200", **({} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"})}
        heed_interrupts()
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            output, _ = process.communicate(timeout=seconds)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            output, code = _interrupted(process), None
        except BaseException:
            _interrupted(process)
            raise
        return Run(code, output, time.monotonic() - started)


def _interrupted(process: "subprocess.Popen[str]") -> str:
    """End pytest as Ctrl-C does, so that it stops the servers it started."""
    os.kill(process.pid, signal.SIGINT)
    try:
        return process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]
