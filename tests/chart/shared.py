"""What the template's own tests know of charts, for tests over all combinations: the same rules, not others."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[2] / "template"
NEEDED = {
    "tests.support.manifests": "tests/support/manifests.py",
    "tests.support.pod_rules": "tests/support/pod_rules.py",
    "tests.support.release_rules": "tests/support/release_rules.py",
    "tests.support.helm": "tests/support/helm.py",
    "tests.chassis.chart.test_chart_refusals": "tests/chassis/chart/test_chart_refusals.py",
}


@cache
def shared(name: str) -> Any:
    """Give a module of the template's tests, in the order in which they need each other."""
    for module, path in NEEDED.items():
        if module not in sys.modules:
            spec = importlib.util.spec_from_file_location(module, TEMPLATE / path)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[module])
    return sys.modules[name]


def breaches(manifests: list[dict[str, Any]]) -> list[str]:
    """Give every breach of the rules for releases."""
    found: list[str] = shared("tests.support.release_rules").breaches(manifests)
    return found


def refusals() -> dict[str, tuple[dict[str, Any], str]]:
    """Give values that are wrong, and what is said of them."""
    found: dict[str, tuple[dict[str, Any], str]] = shared("tests.chassis.chart.test_chart_refusals").REFUSED
    return found
