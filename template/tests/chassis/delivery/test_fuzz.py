"""The targets of `make fuzz`, with a little made-up input and without atheris."""

import random
from collections.abc import Callable

import pytest
from tests.fuzz.targets import SEEDS, TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_seeds_and_what_is_made_of_them_are_read_or_refused(target: Callable[[bytes], None]) -> None:
    chance = random.Random(7)  # noqa: S311 - made-up input, no secret
    for seed in SEEDS:
        target(seed)
        for _ in range(100):
            data = bytearray(seed)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.choice(b'{}[]",:0123456789eE.-\\u\x00\xff abc')
            target(bytes(data))
