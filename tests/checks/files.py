"""What must be true of each distinct file on its own: it parses, is formatted, lints clean, and has the right mode."""

import configparser
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from tests.matrix import Matrix
from tests.variants import Variant

FIRST_PARTY = ["chassis", "agent"]

HELM = "deploy/chart/templates"


class _StrictLoader(yaml.CSafeLoader):
    """YAML in which a key occurs once; the standard loader lets the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(names) != len(set(names)):
            raise yaml.constructor.ConstructorError(None, None, f"a key occurs twice in {names}", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def broken_syntax(variants: Iterable[Variant], matrix: Matrix) -> Iterator[str]:
    """Find files that their reader does not accept."""
    for variant in variants:
        try:
            text = variant.file.content.decode()
            if (reader := _reader(variant.path, text)) is not None:
                reader(text)
        except (SyntaxError, ValueError, yaml.YAMLError, configparser.Error) as error:
            yield f"{variant.path}: {str(error).splitlines()[0]} ({matrix.describe(variant.cube)})"


def untidy_text(variants: Iterable[Variant], matrix: Matrix) -> Iterator[str]:
    """Find files whose last line has no end, or several; and line ends of another system."""
    for variant in variants:
        content = variant.file.content
        if content and (not content.endswith(b"\n") or content.endswith(b"\n\n") or b"\r" in content):
            yield f"{variant.path}: does not end in exactly one line feed ({matrix.describe(variant.cube)})"


def left_over_templates(variants: Iterable[Variant], matrix: Matrix) -> Iterator[str]:
    """Find Jinja that was not rendered: a tag, or the name of a question in braces."""
    names = "|".join(map(re.escape, matrix.copier.questions))
    named = re.compile(rf"{{{{-? *(?:{names}|_copier_\w+)\b")
    tag = re.compile(r"\{[{%#]")
    for variant in variants:
        # An answer may hold braces; what surrounds it is the same beside plain answers.
        if all(variant.cube.get(name, values[0]) == values[0] for name, values in matrix.texts.items()):
            pattern = tag if variant.entry.trees or variant.entry.source.suffix == ".jinja" else named
            if found := pattern.search(variant.file.content.decode(errors="replace")):
                yield f"{variant.path}: '{found[0]}' was not rendered ({matrix.describe(variant.cube)})"


def wrong_modes(variants: Iterable[Variant], matrix: Matrix) -> Iterator[str]:
    """Find scripts that cannot be executed, and executables that are no script."""
    for variant in variants:
        script = variant.file.content.startswith(b"#!")
        if script != bool(variant.file.mode & 0o111) or variant.file.mode & 0o022:
            yield f"{variant.path}: has mode {variant.file.mode & 0o777:o} ({matrix.describe(variant.cube)})"


def ruff_findings(variants: Iterable[Variant], matrix: Matrix, *command: str) -> Iterator[str]:
    """Find what `ruff <command>` has to say, by the project's own configuration.

    The variants of one path are laid out in layers; each has the packages around what it holds.
    """
    known = list(variants)
    configuration = next((variant.file.content for variant in known if variant.path == "ruff.toml"), b"")
    packages = {variant.path: variant for variant in known if variant.path.endswith("/__init__.py")}
    python = sorted((variant for variant in known if variant.path.endswith(".py")), key=attrgetter("path"))
    with tempfile.TemporaryDirectory() as folder:
        where: dict[str, Variant] = {}
        for _, alike in groupby(python, key=attrgetter("path")):
            for number, variant in enumerate(alike):
                layer = Path(folder, str(number))
                _put(layer / variant.path, variant.file.content)
                where[str(layer / variant.path)] = variant
                for parent in PurePosixPath(variant.path).parents:
                    package = packages.get(f"{parent}/__init__.py")
                    if package is not None and not (layer / package.path).exists():
                        _put(layer / package.path, package.file.content)
                        where[str(layer / package.path)] = package
        for layer in Path(folder).iterdir():
            (layer / "ruff.toml").write_bytes(configuration)
        # A layer does not hold all packages, so ruff is told which are ours instead of finding them.
        ours = f"lint.isort.known-first-party={json.dumps(FIRST_PARTY)}"
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", ours, "--no-cache", "--quiet", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        for line in (done.stdout + done.stderr).splitlines():
            place_of = next((place for place in where if place in line), None)
            if place_of is None:
                yield line
            else:
                variant = where[place_of]
                yield f"{line.replace(place_of, variant.path)} ({matrix.describe(variant.cube)})"


def _put(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def _reader(path: str, text: str) -> Callable[[str], object] | None:
    pure = PurePosixPath(path)
    if text.startswith(("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash", "#!/usr/bin/env sh")):
        return _with("bash", "-n")
    if pure.name in ("Makefile", "local.mk"):
        return _with("make", "--dry-run", "--question", "--file=-", "--eval=chassis-nothing:", "chassis-nothing")
    readers: dict[str, Callable[[str], object]] = {
        ".py": lambda source: compile(source, path, "exec", dont_inherit=True),
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yml": _yaml,
        ".yaml": _yaml,
        ".ini": _ini,
        ".importlinter": _ini,
    }
    if pure.is_relative_to(HELM):
        return None  # Go's templates, which become YAML when Helm renders them; the tests of the chart do
    return readers.get(pure.suffix or pure.name)


def _yaml(text: str) -> None:
    list(yaml.load_all(text, _StrictLoader))


def _ini(text: str) -> None:
    configparser.RawConfigParser(strict=True).read_string(text)


def _with(*command: str) -> Callable[[str], None]:
    def read(text: str) -> None:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or done.stderr:
            raise ValueError(done.stderr.strip() or f"{command[0]} refuses it")

    return read
