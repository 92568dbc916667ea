"""What a reader of a generated project finds where the answers stand: each file is loaded by its own format's rules."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from itertools import zip_longest

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.decision_tree import Answers
from tests.render import File

Project = Mapping[str, File]
# The files that `read_back` loads; a text that stands in another one is out of its sight, and so in the wrong place.
CHART = "deploy/chart"
HOLDERS = {
    *(".copier-answers.yml", "Dockerfile", "LICENSE", "compose.yaml", "README.md", "SECURITY.md", "pyproject.toml"),
    *(f"{CHART}/{name}" for name in ("Chart.yaml", "README.md", "values.yaml")),
}
LICENCES = {"proprietary": "LicenseRef-Proprietary", "apache_2_0": "Apache-2.0", "mit": "MIT"}


class _Markdown(MarkdownIt):
    """Markdown as GitHub shows it, except that the addresses of links are left as they are written."""

    def __init__(self) -> None:
        super().__init__("gfm-like")
        assert self.linkify
        self.linkify.set({"fuzzy_link": False, "fuzzy_email": False})  # GitHub takes no bare name.tld for a link

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the parser's name
        return link


MARKDOWN = _Markdown()


def read_back(project: Project) -> dict[str, str]:
    """Load every file that holds an answer; give what is found, by place."""
    return {
        **_packaging(project),
        **_stored(project),
        **_image(project),
        **_compose(project),
        **_chart(project),
        **_pages(project),
        **_licence(project),
    }


def expected(answers: Answers) -> dict[str, str]:
    """Give what `read_back` has to find when these answers came out as plain text."""
    contact = answers["security_contact"]
    held_by = {"proprietary": "Copyright (c) {}. All rights reserved.", "mit": "Copyright (c) {}"}.get(
        answers["licence"]
    )
    return {
        "pyproject.toml name": answers["project_name"],
        "pyproject.toml description": answers["description"],
        "pyproject.toml licence": LICENCES[answers["licence"]],
        "pyproject.toml urls": str({"Repository": answers["repository_url"]}),
        **{f".copier-answers.yml {name}": value for name, value in answers.items()},
        "Dockerfile labels": str(
            {
                "org.opencontainers.image.title": answers["project_name"],
                "org.opencontainers.image.licenses": LICENCES[answers["licence"]],
                "org.opencontainers.image.source": answers["repository_url"],
                "org.opencontainers.image.version": "",
                "org.opencontainers.image.revision": "",
            }
        ),
        "Dockerfile service name": answers["project_name"],
        # There is none for Service Bus; see copier.yml.
        "compose.yaml name": answers["project_name"] if answers["queue"] != "service_bus" else "",
        "compose.yaml image": f"{answers['project_name']}:dev" if answers["queue"] != "service_bus" else "",
        "Chart.yaml name": answers["project_name"],
        "Chart.yaml description": answers["description"],
        "Chart.yaml sources": answers["repository_url"],
        "values.yaml image": f"ghcr.io/{answers['repository_owner'].lower()}/{answers['project_name']}",
        "values.yaml image in the chart's README.md": "found",
        "README.md heading": answers["project_name"],
        "README.md paragraph": answers["description"],
        "SECURITY.md paragraph": f"Report a vulnerability to <link_open>{contact}<link_close>."
        " Please do not open a public issue for it.",
        "SECURITY.md link": contact if contact.startswith("https:") else f"mailto:{contact}",
        "LICENSE holder": held_by.format(answers["organisation"]) if held_by else "",
    }


def changed_elsewhere(project: Project, before: Project, answers: Mapping[str, str]) -> list[str]:
    """Name what differs between two projects where no answer of the former one stands.

    `before` is the project of these answers. The file of answers is loaded, since long ones are folded there.
    """
    elsewhere = [] if project.keys() == before.keys() else ["the files"]
    for path in project.keys() & before.keys():
        if path not in HOLDERS:
            elsewhere += [path] if project[path] != before[path] else []
        elif path == ".copier-answers.yml":
            if _private(project[path]) != _private(before[path]):
                elsewhere.append(path)
        elif project[path] != before[path]:
            lines = [file.content.decode().split("\n") for file in (before[path], project[path])]
            elsewhere += [
                f"{path}: {old!r} became {new!r}"
                for old, new in zip_longest(*lines)
                if old != new and (new is None or not any(text in (old or "") for text in answers.values()))
            ]
    return elsewhere


def _packaging(project: Project) -> dict[str, str]:
    loaded = tomllib.loads(_text(project, "pyproject.toml"))["project"]
    return {
        "pyproject.toml name": loaded["name"],
        "pyproject.toml description": loaded["description"],
        "pyproject.toml licence": loaded["license"],
        "pyproject.toml urls": str(loaded["urls"]),
    }


def _stored(project: Project) -> dict[str, str]:
    loaded = _answers(project[".copier-answers.yml"].content)
    return {f".copier-answers.yml {name}": value for name, value in loaded.items() if not name.startswith("_")}


def _private(file: File) -> dict[str, str]:
    return {name: value for name, value in _answers(file.content).items() if name.startswith("_")}


@lru_cache(maxsize=10)
def _answers(content: bytes) -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(content)
    return loaded


def _image(project: Project) -> dict[str, str]:
    """Read the Dockerfile as a builder does: comments out, lines joined, `$NAME` replaced (nothing is set), unquoted."""
    lines = [line for line in _text(project, "Dockerfile").split("\n") if not line.lstrip().startswith("#")]
    found: dict[str, dict[str, str]] = {"LABEL": {}, "ENV": {}}
    for line in re.sub(r"\\[ \t]*\n", "", "\n".join(lines)).split("\n"):
        word, _, rest = line.partition(" ")
        if word in found:
            plain = re.sub(r"(?<!\\)\$(\{[^}]*\}|\w+)", "", rest)
            found[word].update(pair.partition("=")[::2] for pair in shlex.split(plain))
    return {"Dockerfile labels": str(found["LABEL"]), "Dockerfile service name": found["ENV"]["CHASSIS__SERVICE__NAME"]}


def _compose(project: Project) -> dict[str, str]:
    loaded = yaml.safe_load(_text(project, "compose.yaml")) if "compose.yaml" in project else {}
    image = loaded["services"]["api"]["image"] if loaded else ""
    return {"compose.yaml name": loaded.get("name", ""), "compose.yaml image": image}


def _chart(project: Project) -> dict[str, str]:
    loaded = yaml.safe_load(_text(project, f"{CHART}/Chart.yaml"))
    image = yaml.safe_load(_text(project, f"{CHART}/values.yaml"))["image"]["repository"]
    row = f"| `image.repository` | `{image}` |"
    return {
        "Chart.yaml name": loaded["name"],
        "Chart.yaml description": loaded["description"],
        "Chart.yaml sources": ", ".join(loaded["sources"]),
        "values.yaml image": image,
        "values.yaml image in the chart's README.md": "found" if row in _text(project, f"{CHART}/README.md") else "",
    }


def _pages(project: Project) -> dict[str, str]:
    readme = MARKDOWN.parse(_text(project, "README.md"))
    security = MARKDOWN.parse(_text(project, "SECURITY.md"))
    links = [str(child.attrs["href"]) for child in security[4].children or [] if child.type == "link_open"]
    return {
        "README.md heading": _shown(readme[0:2], "heading_open"),
        "README.md paragraph": _shown(readme[3:5], "paragraph_open"),
        "SECURITY.md paragraph": _shown(security[3:5], "paragraph_open"),
        "SECURITY.md link": ", ".join(links),
    }


def _shown(block: list[Token], kind: str) -> str:
    """Give the text of a block of this kind; whatever is no text is named, so that it cannot equal an answer."""
    opening, inline = block
    children = inline.children or []
    text = "".join(child.content if child.type == "text" else f"<{child.type}>{child.content}" for child in children)
    return text if opening.type == kind else f"<{opening.type}>{text}"


def _licence(project: Project) -> dict[str, str]:
    held = [line for line in _text(project, "LICENSE").split("\n") if line.startswith("Copyright (c) ")]
    return {"LICENSE holder": "\n".join(held)}


def _text(project: Project, path: str) -> str:
    return project[path].content.decode()
