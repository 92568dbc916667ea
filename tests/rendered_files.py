"""Every file of the template that is Jinja, and why it has to be. An unlisted one is red."""

REASONS = {
    "{{ _copier_conf.answers_file }}.jinja": "holds the answers, which updates start from",
    "Dockerfile.jinja": "labels carry the project's name and address",
    "LICENSE.jinja": "one of three texts, with the organisation's name",
    "README.md.jinja": "begins with the project's name and description",
    "SECURITY.md.jinja": "names the security contact",
    "deploy/chart/Chart.yaml.jinja": "the project's name, description and address",
    "deploy/chart/README.md.jinja": "documents the values below, piece by piece",
    "deploy/chart/values.schema.json.jinja": "the settings of the chosen adapters, and the values of the chosen cloud",
    "deploy/chart/values.yaml.jinja": "the image's name, and the values that only some choices have",
    "deploy/chart/values/production.yaml.jinja": "an example that needs the settings of the chosen adapters",
    "compose.yaml.jinja": "one service for each chosen backend, and the settings that lead to them",
    "pyproject.toml.jinja": "name, description, and the dependencies of the chosen adapters",
    "src/chassis/selected.py.jinja": "names the chosen adapters; the only Python among these",
}
