"""Every combination of answers, exhaustively; a problem names the file and the answers."""

import pytest

from tests.every_combination import CHECKS, EveryCombination
from tests.render import Plan


@pytest.fixture(scope="session")
def every(plan: Plan) -> EveryCombination:
    return EveryCombination(plan)


@pytest.mark.parametrize("name", CHECKS)
def test_in_every_combination(every: EveryCombination, name: str) -> None:
    problems = every.check(name)
    assert not problems, "\n" + "\n".join(problems)
