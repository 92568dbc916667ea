"""The figures of the README, each as a ratio to a baseline of the same run where there is one.

Whole processes, median of several runs. `make bench` prints them and writes build/bench.json.
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PORT = 8391
RUNS = 5
QUEUES = dict.fromkeys(("database", "redis", "rabbitmq"), "none") | {
    "service_bus": "azure",
    "sqs": "aws",
    "pubsub": "gcp",
}
"""Each with the cloud that it needs."""
Figures = dict[str, float | int | str]


def main() -> int:
    """Measure everything and print it."""
    figures: Figures = {}
    measure_combinations(figures)
    for module in ("packages", "charts"):
        figures |= measure_module(module)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory)
        place.chmod(0o755)
        measure_copy(place, figures)
        project = place / "project"
        run(["make", "--no-print-directory", ".venv/.ready"], project)
        measure_make_run(project, figures)
        for script in (
            "cold_start.py",
            "runs.py",
            "waiting.py",
            "streams.py",
            "checkpoints.py",
            "audit.py",
            "telemetry.py",
        ):
            figures |= measure_in(project, script)
        measure_queues(place, figures)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    for name, value in figures.items():
        print(f"{name:44} {value}")
    return 0


def measure_module(name: str) -> Figures:
    """Run a module beside this one, and give its figures."""
    command = [sys.executable, "-m", f"bench.{name}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure_combinations(figures: Figures) -> None:
    """Time the checks of every combination, and `make check` as a whole."""
    figures |= measure_module("combinations")
    started = time.perf_counter()
    run(["make", "--no-print-directory", "check"], ROOT)
    figures["make check: seconds (<= 90)"] = round(time.perf_counter() - started, 1)


def measure_copy(place: Path, figures: Figures) -> None:
    """Compare `copier copy` of this template with one of the same files without any Jinja."""
    repository = place / "template"
    run(["git", "clone", "-q", str(ROOT), str(repository)], place)
    project = place / "project"
    copy(repository, project)
    static = place / "static"
    shutil.copytree(project, static / "template")
    (static / "copier.yml").write_text("_subdirectory: template\n_templates_suffix: .never\n")
    commit(static)
    ours: list[float] = []
    bare: list[float] = []
    for number in range(RUNS + 1):  # alternately, so that a slow moment of the machine hits both; the first warms up
        for name, source, seconds in (("ours", repository, ours), ("bare", static, bare)):
            started = time.perf_counter()
            copy(source, place / f"{name}-{number}")
            seconds.append(time.perf_counter() - started)
    ours_median, bare_median = statistics.median(ours[1:]), statistics.median(bare[1:])
    files = sum(1 for path in project.rglob("*") if path.is_file())
    figures |= {
        "copy: files": files,
        "copy: seconds, median": round(ours_median, 2),
        "copy: files/s": round(files / ours_median),
        "copy: ratio to a static template (<= 1.15)": round(ours_median / bare_median, 3),
    }


def measure_make_run(project: Path, figures: Figures) -> None:
    """Time `make run` from the command to ready, the database made anew each time."""
    seconds = []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job, and so its children, would ignore it
    for _ in range(3):
        shutil.rmtree(project / ".dev", ignore_errors=True)
        started = time.perf_counter()
        process = subprocess.Popen(
            ["make", "--no-print-directory", "run", f"PORT={PORT}"],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if re.search(r"Ready after", line):
                seconds.append(time.perf_counter() - started)
                break
        os.killpg(process.pid, signal.SIGINT)
        process.wait(40)
    figures["make run: seconds to ready (<= 10)"] = round(statistics.median(seconds), 2)


def measure_in(project: Path, script: str) -> Figures:
    """Run a script in a generated project, and give its figures."""
    done = subprocess.run(
        [str(project / ".venv/bin/python"), str(ROOT / "bench/in_project" / script)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project}:{project / 'src'}", "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure_queues(place: Path, figures: Figures) -> None:
    """Measure each queue in a project of its own, one after the other."""
    for queue, cloud in QUEUES.items():
        project = place / queue
        copy(place / "template", project, f"--data=queue={queue}", f"--data=cloud={cloud}")
        run(["make", "--no-print-directory", ".venv/.ready"], project)
        figures |= measure_in(project, "wake_up.py")


def copy(template: Path, target: Path, *data: str) -> None:
    """Generate once."""
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD", *data]
    run([*command, str(template), str(target)], target.parent)


def commit(repository: Path) -> None:
    """Make a repository of a folder."""
    identity = ["-c", "user.name=b", "-c", "user.email=b@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        run(["git", *identity, *arguments], repository)


def run(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
