"""A template of 12 questions, 250 files and 1,000,000 valid combinations, shaped like the real one will be."""

from collections.abc import Iterator
from pathlib import Path

HEAD = """\
_subdirectory: template
_answers_file: .copier-answers.yml
_envops: {undefined: jinja2.StrictUndefined, keep_trailing_newline: true}
project_name: {type: str, default: my-agent, when: false}
cloud: {type: str, choices: [none, azure, aws, gcp], default: none}
secret_backend:
  type: str
  default: env
  choices:
    env: env
    vault: vault
    azure: {value: azure_key_vault, validator: "{% if cloud != 'azure' %}Needs cloud azure.{% endif %}"}
    aws: {value: aws_secrets_manager, validator: "{% if cloud != 'aws' %}Needs cloud aws.{% endif %}"}
    gcp: {value: gcp_secret_manager, validator: "{% if cloud != 'gcp' %}Needs cloud gcp.{% endif %}"}
queue:
  type: str
  default: database
  choices:
    database: database
    azure: {value: service_bus, validator: "{% if cloud != 'azure' %}Needs cloud azure.{% endif %}"}
    aws: {value: sqs, validator: "{% if cloud != 'aws' %}Needs cloud aws.{% endif %}"}
    gcp: {value: pubsub, validator: "{% if cloud != 'gcp' %}Needs cloud gcp.{% endif %}"}
state_store: {type: str, choices: [postgres, redis], default: postgres}
"""
PORTS = {
    "cloud": ["none", "azure", "aws", "gcp"],
    "secret_backend": ["env", "vault", "azure_key_vault", "aws_secrets_manager", "gcp_secret_manager"],
    "queue": ["database", "service_bus", "sqs", "pubsub"],
    "state_store": ["postgres", "redis"],
    **{
        name: [f"{name}_{letter}" for letter in "abcde"]
        for name in ("audit_sink", "model", "oidc", "telemetry", "vector_store")
    },
}
FEATURES = ("evaluation", "moderation", "streaming")
VALID = 1_000_000
FILES = 250
"""What the files amount to; the answers file is one of them."""


def write(folder: Path) -> Path:
    """Write the template there."""
    files = dict(_files())
    modules = [f"part_{number}" for number in range(FILES - len(files) - 3)]
    for before, name in zip([None, *modules], modules, strict=False):
        files[f"src/chassis/parts/{name}.py"] = _part(name, before)
    files["src/chassis/parts/__init__.py"] = '"""Parts."""\n'
    files["src/chassis/__main__.py"] = _main(modules[-1])
    files["{{ _copier_conf.answers_file }}.jinja"] = "{{ _copier_answers | to_nice_yaml -}}\n"
    for name, text in files.items():
        path = folder / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "copier.yml").write_text("".join([HEAD, *_questions(), *_exclusions()]))
    assert len(files) == FILES
    return folder


def _questions() -> Iterator[str]:
    for name in list(PORTS)[4:]:
        yield f"{name}: {{type: str, choices: [{', '.join(PORTS[name])}], default: {PORTS[name][0]}}}\n"
    for name in FEATURES:
        yield f"{name}: {{type: bool, default: false}}\n"


def _exclusions() -> Iterator[str]:
    yield "_exclude:\n"
    for port in PORTS:
        folder = f"/src/chassis/adapters/{port}"
        kept = [f"!{folder}/__init__.py", f"!{folder}/{{{{ {port} }}}}.py", f"!{folder}/{{{{ {port} }}}}_settings.py"]
        yield "  - |-\n" + "".join(f"    {line}\n" for line in [f"{folder}/*.py", *kept])
    for name in FEATURES:
        yield f'  - "{{% if not {name} %}}/src/chassis/{name}{{% endif %}}"\n'
        yield f'  - "{{% if not {name} %}}/docs/{name}.md{{% endif %}}"\n'


def _files() -> Iterator[tuple[str, str]]:
    yield "src/chassis/__init__.py", '"""The chassis."""\n'
    yield "src/chassis/adapters/__init__.py", '"""Adapters."""\n'
    yield (
        "ruff.toml",
        'target-version = "py311"\nline-length = 120\n\n[lint]\nselect = ["E", "F", "I", "B", "UP", "N", "D1"]\n',
    )
    yield "pyproject.toml.jinja", _pyproject()
    yield "src/chassis/selected.py.jinja", _selected()
    yield (
        "README.md.jinja",
        "# {{ project_name }}\n\nRuns on {{ cloud }} with {{ queue }}; see [docs](docs/cloud.md).\n",
    )
    yield "compose.yaml.jinja", _compose()
    for port, values in PORTS.items():
        yield f"src/chassis/adapters/{port}/__init__.py", f'"""Adapters of {port}."""\n'
        yield f"docs/{port}.md", f"# {port}\n\nBack to the [start](../README.md).\n"
        for value in values:
            yield f"src/chassis/adapters/{port}/{value}.py", _adapter(port, value)
            yield f"src/chassis/adapters/{port}/{value}_settings.py", _settings(value)
    for name in FEATURES:
        yield f"docs/{name}.md", f"# {name}\n"
        yield f"src/chassis/{name}/__init__.py", f'"""Feature {name}."""\n'
        yield f"src/chassis/{name}/__main__.py", f'"""Runs {name}."""\n\nimport lib_{name}\n\nprint(lib_{name})\n'


def _pyproject() -> str:
    items = [
        f'{{% if {port} == "{value}" %}}\n  "lib-{value.replace("_", "-")}",{{% endif %}}'
        for port, values in PORTS.items()
        for value in values
        if port != "state_store"
    ]
    items += [f'{{% if {name} %}}\n  "lib-{name}",{{% endif %}}' for name in FEATURES]
    return f'[project]\nname = "synthetic"\nversion = "0"\ndependencies = [{"".join(items)}\n]\n'


def _selected() -> str:
    lines = []
    for port in sorted(PORTS):
        lines.append(f"from chassis.adapters.{port}.{{{{ {port} }}}} import open_adapter as open_{port}\n")
        lines.append(
            f"from chassis.adapters.{port}.{{{{ {port} }}}}_settings import Settings as {port.title().replace('_', '')}Settings\n"
        )
    names = sorted([f"open_{port}" for port in PORTS] + [f"{port.title().replace('_', '')}Settings" for port in PORTS])
    items = "".join(f'    "{name}",\n' for name in names)
    return f'"""What was chosen."""\n\n{"".join(lines)}\n__all__ = [\n{items}]\n'


def _compose() -> str:
    return """services:
  app:
    image: app
{%- if state_store == "redis" %}
  redis:
    image: valkey
{%- endif %}
"""


def _adapter(port: str, value: str) -> str:
    library = "" if port == "state_store" else f"import lib_{value}\n\n"
    used = "None" if port == "state_store" else f"lib_{value}"
    return f'''"""The {value} adapter of {port}."""

{library}from chassis.adapters.{port}.{value}_settings import Settings


def open_adapter(settings: Settings) -> object:
    """Open it."""
    return {used}, settings
'''


def _settings(value: str) -> str:
    return f'"""Settings of {value}."""\n\n\nclass Settings:\n    """What {value} needs."""\n\n    url = "{value}://localhost"\n'


def _part(name: str, before: str | None) -> str:
    follows = f"from chassis.parts.{before} import work as earlier\n\n\n" if before else ""
    functions = "\n\n".join(
        f'def step_{n}(value: int) -> int:\n    """Step {n}."""\n    return value * {n} + 1\n' for n in range(6)
    )
    work = "    return earlier(value)\n" if before else "    return step_1(value)\n"
    gap = "" if before else "\n"
    return f'"""Part {name}."""\n\n{follows}{gap}{functions}\n\ndef work(value: int) -> int:\n    """Work."""\n{work}'


def _main(last: str) -> str:
    return f'"""Runs it all."""\n\nfrom chassis import selected\nfrom chassis.parts.{last} import work\n\nprint(work(1), selected.open_queue)\n'
