"""What an agent may call its tasks."""

from dataclasses import replace

import pytest
from tests.support.sample_agent import SAMPLE

from chassis.ports.errors import ConfigurationError


@pytest.mark.parametrize("name", ["agent", "", "Send", "send-mail", "1st", "x" * 64, "a\n"])
def test_a_task_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a task's name is lower-case letters, digits and _"):
        replace(SAMPLE, tasks={"fine": "a:b", name: "a:b"})


def test_other_names_are_fine() -> None:
    assert replace(SAMPLE, tasks={"send_mail_2": "a:b", "x" * 63: "a:b"}).tasks
