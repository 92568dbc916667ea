"""Breaking a control on purpose turns a named test red; a control that can be broken unnoticed is none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.copier_cli import ROOT, commit_all, git
from tests.sabotage.ground import Ground
from tests.sabotage.grounds import Grounds
from tests.sabotage.patch import FOLDER, Patch, PatchError, patch_files

FILES = patch_files()
each_patch = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


@each_patch
def test_a_patch_names_its_test_and_still_applies(path: Path) -> None:
    patch = Patch.read(path)
    assert patch.test_exists(), f"{patch.test} is not there; has it been renamed?"
    assert not patch.misfits, "a generated project does not have these files as they are here"
    checked = ["git", "apply", "--check", "--whitespace=nowarn", str(path)]
    done = subprocess.run(checked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\nMake it anew: docs/how-to/add-a-sabotage.md"


def test_no_patch_lies_where_it_is_not_found() -> None:
    assert sorted(FOLDER.rglob("*.patch")) == sorted(FILES)
    assert {Patch.read(path).of_project for path in FILES} == {True, False}


# --- The proof itself, on a tree of one guard and one test -----------------------------------------------------------

GUARD = "def may(role):\n    # Only they.\n    return role == 'owner'\n"
CHECK = """import pytest
from guard import may

@pytest.fixture
def role():
    assert may('owner')
    return 'guest'

def test_guests_may_not(role):
    assert not may(role)
"""
EDITS = {
    "open to all": ("return role == 'owner'", "return True"),
    "another comment": ("# Only they.", "# Only those."),
    "closed to all": ("return role == 'owner'", "return False"),
    "no Python": ("return role == 'owner'", "return ("),
}
GUESTS = "test_guard.py::test_guests_may_not"
EXPECTED = [
    ("open to all", GUESTS, "red", ""),
    ("another comment", GUESTS, "green", "did not notice"),
    ("closed to all", GUESTS, "none", "could not run"),  # its fixture fails, and pytest ends with 1 all the same
    ("no Python", GUESTS, "none", "could not run"),
    ("open to all", "test_guard.py::test_that_is_not_there", "none", "could not run (pytest ended with 4)"),
]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "guard.py").write_text(GUARD)
    (root / "test_guard.py").write_text(CHECK)
    (root / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\naddopts = -p no:copie -p no:hypothesispytest -p no:xdist\n"
    )
    commit_all(root)
    return Ground(root, Path(sys.executable), strip=1)


def written(ground: Ground, path: Path, edit: tuple[str, str], test: str) -> Patch:
    (ground.root / "guard.py").write_text(GUARD.replace(*edit))
    path.write_text(f"Breaks: a guard\nTest: {test}\n\n{git(ground.root, 'diff', '-U1')}")
    ground.undo()
    return Patch.read(path)


@pytest.mark.parametrize(("edit", "test", "verdict", "reason"), EXPECTED)
def test_only_a_failed_test_is_a_proof(
    ground: Ground, tmp_path: Path, edit: str, test: str, verdict: str, reason: str
) -> None:
    patch = written(ground, tmp_path / "a.patch", EDITS[edit], test)
    proof = ground.prove(patch)
    assert (proof.verdict, reason in proof.reason) == (verdict, True), proof.reason
    assert not ground.changes()
    assert (ground.root / "guard.py").read_text() == GUARD


def test_a_patch_whose_place_has_changed_is_no_proof(ground: Ground, tmp_path: Path) -> None:
    patch = written(ground, tmp_path / "a.patch", EDITS["open to all"], "test_guard.py")
    (ground.root / "guard.py").write_text(GUARD.replace("owner", "admin"))
    commit_all(ground.root)
    proof = ground.prove(patch)
    assert proof.verdict == "none"
    assert "does not apply" in proof.reason


def test_a_test_without_an_end_is_no_proof(ground: Ground, tmp_path: Path) -> None:
    endless = ("return role == 'owner'", "return __import__('time').sleep(600)")
    proof = ground.prove(written(ground, tmp_path / "a.patch", endless, "test_guard.py"), seconds=3)
    assert (proof.verdict, proof.reason) == ("none", "did not end within 3 s")
    assert not ground.changes()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Breaks: x\n\ndiff --git a/x b/x\n",
        "Breaks: x\nTest: \n\ndiff --git a/x b/x\n",
        "Breaks: x\nTest: y\nTest: z\n\ndiff --git a/x b/x\n",
        "Breaks: x\nTest: y\nAnswers: redis\n\ndiff --git a/x b/x\n",
        "Breaks: x\nTest: y\n\ndiff --git x x\n",
    ],
)
def test_a_patch_that_lacks_something_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.patch"
    path.write_text(text)
    with pytest.raises(PatchError, match=r"some\.patch: (needs one line|needs `Answers|holds no diff)"):
        Patch.read(path)


# --- The proof of every patch, as `make sabotage` has it -------------------------------------------------------------


@pytest.fixture(scope="module")
def grounds(folder_for_servers: Path) -> Grounds:
    return Grounds(folder_for_servers)


@pytest.mark.slow
@pytest.mark.parametrize("where", sorted({Patch.read(path).where for path in FILES}))
def test_full_nothing_broken_and_the_named_tests_pass(grounds: Grounds, where: str) -> None:
    patches = [patch for patch in map(Patch.read, FILES) if patch.where == where]
    run = grounds.of(patches[0]).unbroken(patches)
    assert run.code == 0, run.output


@pytest.mark.slow
@each_patch
def test_full_a_broken_control_turns_its_test_red(grounds: Grounds, path: Path) -> None:
    patch = Patch.read(path)
    ground = grounds.of(patch)
    proof = ground.prove(patch)
    assert proof.verdict == "red", f"{patch.test} {proof.reason}"
    assert not ground.changes()
