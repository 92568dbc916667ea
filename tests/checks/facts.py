"""What a file says about others: modules it imports or names, names it defines, links, dependencies it declares."""

import ast
import re
import sys
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import pairwise
from pathlib import PurePosixPath

from markdown_it import MarkdownIt

# Packages of ours, and the folder in which each is found.
ROOTS = {"chassis": "src/", "agent": "src/", "tests": ""}
# What is imported by another name than it is distributed under, the longest name first.
DISTRIBUTIONS = {
    "azure.keyvault.secrets": "azure-keyvault-secrets",
    "azure.servicebus": "azure-servicebus",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
    "langgraph.checkpoint.conformance": "langgraph-checkpoint-conformance",
    "google.cloud.secretmanager_v1": "google-cloud-secret-manager",
    "google.cloud.monitoring_v3": "google-cloud-monitoring",
    "opentelemetry.exporter.prometheus": "opentelemetry-exporter-prometheus",
    "langgraph.checkpoint.postgres": "langgraph-checkpoint-postgres",
    "azure.core": "azure-identity",
    "azure.identity": "azure-identity",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.iam.v1": "grpc-google-iam-v1",
    "google.oauth2": "google-auth",
    "google.pubsub_v1": "google-cloud-pubsub",
    "opentelemetry.proto": "opentelemetry-proto",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "langgraph.checkpoint": "langgraph",
    "google.protobuf": "protobuf",
    "botocore": "boto3",
    "grpc": "grpcio",
    "kombu": "celery",
    "langchain_core": "langchain",
    "opentelemetry": "opentelemetry-api",
    "openai": "langchain-openai",
    "psycopg_pool": "psycopg",
    "starlette": "fastapi",
    "yaml": "pyyaml",
}
# Where packages are started and not imported: servers that come as wheels.
STARTERS = "src/chassis/dev/"
MODULE_NAME = re.compile(r"(?:chassis|agent)(?:\.\w+)+(?::\w+)?")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
MARKDOWN = MarkdownIt("commonmark")


@dataclass(frozen=True)
class Facts:
    """What one content says."""

    imports: frozenset[tuple[str, str]] = frozenset()
    """(module, name) of each import of ours; the name is empty for a plain `import`."""
    named: frozenset[str] = frozenset()
    """Modules of ours that are named in a string, with `:name` where one is given (an import string)."""
    packages: frozenset[str] = frozenset()
    """Distributions whose packages are imported."""
    words: frozenset[str] = frozenset()
    """Strings that could name a package that is started and not imported."""
    defines: frozenset[str] = frozenset()
    """Names that can be imported from it."""
    links: frozenset[str] = frozenset()
    anchors: frozenset[str] = frozenset()

    def __or__(self, other: "Facts") -> "Facts":
        """Give what both say."""
        return Facts(*(getattr(self, one.name) | getattr(other, one.name) for one in fields(Facts)))

    @cached_property
    def meant(self) -> frozenset[str]:
        """Give every module of ours that may be meant: `from a.b import c` can mean `a.b.c`."""
        imported = {f"{module}.{name}".removesuffix(".") for module, name in self.imports}
        named = {text.partition(":")[0] for text in self.named}
        return frozenset(imported | named | {module for module, _ in self.imports})

    @cached_property
    def used(self) -> frozenset[str]:
        """Give every distribution that may be used: imported, or named in a string."""
        return self.packages | {word.replace("_", "-") for word in self.words}


@cache
def facts(path: str, content: bytes) -> Facts:
    """Read a file's facts."""
    if path.endswith(".py"):
        try:
            return _python(ast.parse(content), starts=path.startswith(STARTERS))
        except SyntaxError:
            return Facts()  # which another check reports
    if path.endswith(".md"):
        return _markdown(content.decode())
    return Facts()


def module_paths(module: str) -> tuple[str, str]:
    """Give the two places in which a module of ours can be."""
    stem = ROOTS[module.partition(".")[0]] + module.replace(".", "/")
    return f"{stem}.py", f"{stem}/__init__.py"


def module_of(path: str) -> str | None:
    """Name the module that a file of ours is; None for anything else."""
    pure = PurePosixPath(path.removeprefix("src/"))
    if pure.suffix != ".py" or pure.parts[0] not in ROOTS or (pure.parts[0] != "tests") != path.startswith("src/"):
        return None
    return ".".join(pure.parent.parts if pure.stem == "__init__" else (*pure.parent.parts, pure.stem))


def _markdown(text: str) -> Facts:
    tokens = MARKDOWN.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    links = {str(child.attrs["href"]) for child in inline if child.type == "link_open"}
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return Facts(
        links=frozenset(link for link in links if not ADDRESS.match(link)),
        anchors=frozenset(map(_anchor, headings)),
    )


def _python(tree: ast.Module, *, starts: bool) -> Facts:
    imports: set[tuple[str, str]] = set()
    packages: set[str] = set()
    named: set[str] = set()
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = []
            if MODULE_NAME.fullmatch(node.value):
                named.add(node.value)
            elif starts and node.value.isidentifier():
                words.add(node.value)
        else:
            continue
        for module, name in found:
            top = module.partition(".")[0]
            if top in ROOTS:
                imports.add((module, name))
            elif top not in sys.stdlib_module_names:
                packages.add(_distribution(module))
    return Facts(
        imports=frozenset(imports),
        named=frozenset(named),
        packages=frozenset(packages),
        words=frozenset(words),
        defines=frozenset(_defined(tree.body)),
    )


def _distribution(module: str) -> str:
    for name, distribution in DISTRIBUTIONS.items():
        if f"{module}.".startswith(f"{name}."):
            return distribution
    return module.partition(".")[0].replace("_", "-")


def _defined(body: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            names |= _defined(node.body) | _defined(getattr(node, "orelse", []))
        else:
            names.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return names


def _anchor(title: str) -> str:
    """Give the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
