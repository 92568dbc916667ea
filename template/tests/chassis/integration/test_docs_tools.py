"""docs/tools.md, carried out: its tool, as it stands there, against another service."""

import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.worker_process import ledger_server

from chassis.jobs.lease import claim
from chassis.jobs.tables import AGENT_RUN
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.context import RunContext
from chassis.runs.resolutions import ANSWER_SCHEMA
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PAGE = Path("docs/tools.md").read_text()


@pytest.fixture
async def context(environment: Mapping[str, str]) -> AsyncIterator[RunContext]:
    async with open_container(await isolated_settings(environment, "docstools"), agent=SAMPLE) as container:
        request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
        async with container.sessions.begin() as session:
            run = await accept(session, container.kinds, Principal("t", "ada", ("admin",)), None, request)
        [lease] = await claim(container.sessions, "w", [AGENT_RUN], 1, 60)
        yield RunContext(lease, run.thread_id, container.sessions, container.spool)


async def test_the_tool_sends_one_letter_however_often_it_is_called(
    context: RunContext, environment: Mapping[str, str], tmp_path: Path
) -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    page: dict[str, Any] = {"__name__": "page"}
    exec(snippet, page)  # noqa: S102 - our own page
    paths = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join([".", "src"])}
    with ledger_server(paths, tmp_path) as url:
        page["LETTERS"] = url
        runtime = SimpleNamespace(context=context, tool_call_id="call_1")
        send = page["send_letter"].coroutine
        letters = [await send(recipient="Ada", text="Hello", runtime=runtime) for _ in range(2)]
    assert letters == [{"letter": 0}] * 2
    assert len((tmp_path / "effects.jsonl").read_text().splitlines()) == 1


def test_the_answers_that_it_shows_have_the_form_that_is_asked_for() -> None:
    assert [name for name in ANSWER_SCHEMA["properties"] if f'"{name}"' not in PAGE] == []
