"""compose.yaml of every combination that it depends on: the settings lead to what it starts, and strangers to nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.matrix import Matrix
from tests.render import Plan

READS = ("queue", "state_store", "secret_backend", "audit_sink")


@pytest.fixture(scope="module")
def rendered(plan: Plan) -> list[dict[str, dict[str, Any]]]:
    """The services of each distinct file."""
    texts = {text for answers in combinations(plan.matrix) if (text := _compose(plan, answers))}
    assert len(texts) >= 2 * 6 * 10
    return [yaml.safe_load(text)["services"] for text in sorted(texts)]


def combinations(matrix: Matrix) -> Iterator[Any]:
    seen = set()
    for answers in matrix.combinations():
        found = tuple(answers[name] for name in READS)
        if found not in seen:
            seen.add(found)
            yield answers


def _compose(plan: Plan, answers: Any) -> str:
    found = plan.render(answers).get("compose.yaml")
    return found.content.decode() if found else ""


def test_hosts_of_the_settings_are_services(rendered: list[dict[str, dict[str, Any]]]) -> None:
    for services in rendered:
        environment: dict[str, str] = services["api"]["environment"]
        urls = [str(value) for value in environment.values() if "://" in str(value) and ".invalid" not in str(value)]
        hosts = {url.partition("://")[2].rpartition("@")[2].partition("/")[0].partition(":")[0] for url in urls}
        hosts |= {str(value).partition(":")[0] for name, value in environment.items() if name.endswith("__EMULATOR")}
        assert "postgres" in hosts <= set(services)


def test_nothing_but_loopback_can_reach_it(rendered: list[dict[str, dict[str, Any]]]) -> None:
    for services in rendered:
        for service in services.values():
            assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_image_is_pinned_or_built_here(rendered: list[dict[str, dict[str, Any]]]) -> None:
    for services in rendered:
        for service in services.values():
            assert "build" in service or "@sha256:" in service["image"]
