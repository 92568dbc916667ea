"""A sabotage: a patch that breaks one control, and the test that must notice."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.copier_cli import ROOT

FOLDER = ROOT / "tests/sabotage"
TEMPLATE = "template/"
_HEADER = re.compile(r"^(Breaks|Test|Answers): (\S.*)$", re.MULTILINE)
_ANSWERS = re.compile(r"(\w+=\w+)( \w+=\w+)*")
_TOUCHED = re.compile(r"^diff --git a/(.+) b/\1$", re.MULTILINE)


class PatchError(Exception):
    """A sabotage is not written as docs/how-to/add-a-sabotage.md says."""


@dataclass(frozen=True)
class Patch:
    """A patch against the repository's root, and the one test that it must turn red."""

    path: Path
    breaks: str
    test: str
    answers: str
    """Those of the generated project in which it is tried, such as `queue=redis`, where the defaults will not do."""
    touched: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Patch":
        """Read a patch; say in one sentence what is missing."""
        head, found, diff = path.read_text().partition("diff --git ")
        touched = tuple(_TOUCHED.findall(found + diff))
        headers = _HEADER.findall(head)
        if sorted(name for name, _ in headers if name != "Answers") != ["Breaks", "Test"]:
            message = f"{path}: needs one line `Breaks: ...` and one line `Test: ...` before the diff"
            raise PatchError(message)
        answers = " ".join(text.strip() for name, text in headers if name == "Answers")
        if answers and not _ANSWERS.fullmatch(answers):
            message = f"{path}: needs `Answers: name=value name=value`, not {answers!r}"
            raise PatchError(message)
        if not touched:
            message = f"{path}: holds no diff with a/ and b/ before its paths, as `git diff` writes it by default"
            raise PatchError(message)
        named = dict(headers)
        return cls(path, named["Breaks"].strip(), named["Test"].strip(), answers, touched)

    @property
    def name(self) -> str:
        """Give its area and name."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def of_project(self) -> bool:
        """Tell whether the test is one of the generated project, where the patch is applied then."""
        return self.test.startswith(TEMPLATE)

    @property
    def where(self) -> str:
        """Name the tree in which it is tried."""
        if not self.of_project:
            return "template repository"
        return f"generated project ({self.answers or 'defaults'})"

    @property
    def test_there(self) -> str:
        """Give the test as the tree calls it in which it is run."""
        return self.test.removeprefix(TEMPLATE)

    @cached_property
    def misfits(self) -> list[str]:
        """Name the files that a patch for the generated project cannot touch: they are not in it as they are here."""
        if not self.of_project:
            return []
        return [
            name
            for name in self.touched
            if not name.startswith(TEMPLATE) or name.endswith(".jinja") or (ROOT / f"{name}.jinja").exists()
        ]

    def test_exists(self) -> bool:
        """Tell whether the file of the test is there and, where the test is named, a function of that name in it."""
        file, _, function = self.test.partition("[")[0].partition("::")
        if not (ROOT / file).is_file():
            return False
        function = function.rpartition("::")[2]
        return not function or re.search(rf"\bdef {function}\(", (ROOT / file).read_text()) is not None


def patch_files(only: str = "") -> list[Path]:
    """List the patches whose area or name contains this, in order."""
    found = sorted(FOLDER.glob("*/*.patch"), key=lambda path: path.with_suffix(""))
    return [path for path in found if only in f"{path.parent.name}/{path.stem}"]
