"""A how-to page as steps that can be done and undone: its code blocks, each of which must be one of three kinds.

After "Create `path`:" a block is a whole file. After "Change `path`:" it is a diff whose place is found by its text. A `sh`
block is for the shell. Any other block is an error, and so is an announcement without its block: nothing on the page can
drift unnoticed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANNOUNCEMENT = re.compile(r"^(Create|Change) `([^`]+)`:$", re.MULTILINE)


class UnclearStepError(Exception):
    """The page holds something that is no step, or a step that cannot be done."""


@dataclass(frozen=True)
class Create:
    """Write a file."""

    path: str
    content: str

    def do(self, root: Path) -> None:
        """Write it, unless exactly this was done before."""
        file = root / self.path
        if file.exists() and file.read_text() != self.content:
            message = f"{self.path} is there already, and differs from the page"
            raise UnclearStepError(message)
        file.write_text(self.content)

    def undo(self, root: Path) -> None:
        """Remove it."""
        (root / self.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Change:
    """Replace lines in a file by others, where they occur once."""

    path: str
    before: str
    after: str

    def do(self, root: Path) -> None:
        """Replace them, unless exactly this was done before."""
        self._replace(root, self.before, self.after)

    def undo(self, root: Path) -> None:
        """Put back what stood there."""
        self._replace(root, self.after, self.before)

    def _replace(self, root: Path, old: str, new: str) -> None:
        file = root / self.path
        text = "\n" + file.read_text()
        if (text.count("\n" + old), text.count("\n" + new)) == (0, 1):
            return
        if text.count("\n" + old) != 1:
            message = f"{self.path}: these lines occur {text.count(chr(10) + old)} times, not once:\n{old}"
            raise UnclearStepError(message)
        file.write_text(text.replace("\n" + old, "\n" + new)[1:])


Step = Create | Change


@dataclass(frozen=True)
class HowTo:
    """What a page tells its reader to do."""

    steps: list[Step]
    commands: list[str]

    @classmethod
    def read(cls, page: str) -> "HowTo":
        """Take every block of a page as what its announcement and language say."""
        steps: list[Step] = []
        commands: list[str] = []
        end = 0
        for block in FENCE.finditer(page):
            announced = ANNOUNCEMENT.findall(page[end : block.start()])
            end = block.end()
            match [page[: block.start()].endswith("`:\n\n"), block[1], announced]:
                case [True, "python" | "markdown" | "json" | "text", [("Create", path)]]:
                    steps.append(Create(path, block[2]))
                case [True, "diff", [("Change", path)]]:
                    steps.append(Change(path, _side(block[2], "-"), _side(block[2], "+")))
                case [_, "sh", []]:
                    commands.append(block[2])
                case _:
                    message = f"no step consumes this block:\n{block[0]}"
                    raise UnclearStepError(message)
        rest = FENCE.sub("", page)
        if (
            re.search(r"```|^~~~|^ {4}", rest, re.MULTILINE)
            or ANNOUNCEMENT.search(page, end)
            or len(re.findall(r"^(?:Create|Change) ", rest, re.MULTILINE)) != len(steps)
        ):
            message = "code stands outside a fence, or an announcement has no block"
            raise UnclearStepError(message)
        return cls(steps, commands)

    def do(self, root: Path, without: Step | None = None) -> None:
        """Carry out the steps there in order; one may be left out, or taken back where it was done before."""
        for step in self.steps:
            if step == without:
                step.undo(root)
            else:
                step.do(root)


def _side(diff: str, sign: str) -> str:
    """Give the lines of a diff before (-) or after (+) it."""
    lines = diff.splitlines(keepends=True)
    if any(line[0] not in " -+" for line in lines):
        message = f"no diff:\n{diff}"
        raise UnclearStepError(message)
    return "".join(line[1:] for line in lines if line[0] in f" {sign}")
