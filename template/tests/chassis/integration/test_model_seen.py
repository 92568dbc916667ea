"""How the model is, as workers note it: what runs saw, and where nothing ran, one small call of one worker."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from sqlalchemy import delete, update
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import serving, working

from chassis.container import Container
from chassis.db.engine import Sessions
from chassis.management.checks import deep_checks
from chassis.management.looking import Found
from chassis.runs import model_probe
from chassis.runs.model_probe import asking
from chassis.runs.model_seen import ModelCalls, ModelSeen, last_call, note, probe
from chassis.settings import Settings
from chassis.telemetry.prices import PriceTable
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

MODEL = "local-planner-1"
PRICES = PriceTable({})


class Model(BaseChatModel):
    """A model that fails, or hangs, when it is told to."""

    model_name: str = MODEL
    does: Callable[[], Any]

    @property
    def _llm_type(self) -> str:
        return "test"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def _generate(self, *_given: Any, **_more: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessageChunk(content="ok"))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        await self.does()
        yield ChatGenerationChunk(message=AIMessageChunk(content="ok"))

    async def _agenerate(self, *_given: Any, **_more: Any) -> ChatResult:
        await self.does()
        return self._generate()


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> Settings:
    return await isolated_settings(environment, "model-seen")


@pytest.fixture
async def container(own: Settings) -> AsyncIterator[Container]:
    async with open_container(own, agent=SAMPLE) as container:
        async with container.sessions.begin() as session:
            await session.execute(delete(ModelSeen))
        yield container


async def told(container: Container) -> Found:
    found = await deep_checks(container).told["model"]()
    assert isinstance(found, Found)
    return found


async def test_a_call_that_was_seen_is_told_with_its_time_and_an_old_one_is_not(container: Container) -> None:
    assert await told(container) == Found("unknown")
    calls = ModelCalls(MODEL)
    calls.saw(MODEL, 1.5, succeeded=True)
    calls.saw("another", 9, succeeded=False)
    await note(container.sessions, calls)
    found = await told(container)
    assert (found.state, found.seconds) == ("ok", 1.5)
    assert found.age_seconds is not None
    assert found.age_seconds < 60
    async with container.sessions.begin() as session:
        await session.execute(update(ModelSeen).values(seen_at=ModelSeen.created_at - dt.timedelta(hours=1)))
    assert (await told(container)).state == "unknown"


async def test_an_earlier_call_of_another_worker_does_not_replace_a_later_one(container: Container) -> None:
    early, late = ModelCalls(MODEL), ModelCalls(MODEL)
    early.saw(MODEL, 1, succeeded=False)
    await asyncio.sleep(0.05)
    late.saw(MODEL, 2, succeeded=True)
    await note(container.sessions, late)
    await note(container.sessions, early)
    assert (await told(container)).state == "ok"


async def test_of_many_idle_workers_one_asks_and_none_after_a_run_has(container: Container) -> None:
    asked = 0

    async def answer() -> None:
        nonlocal asked
        asked += 1

    calls = [ModelCalls(MODEL) for _ in range(5)]
    ask = [asking(Model(does=answer), one, PRICES) for one in calls]
    await asyncio.gather(*(probe(container.sessions, one, 60, asks) for one, asks in zip(calls, ask, strict=True)))
    assert asked == 1
    assert (await told(container)).state == "ok"
    await forget_asking(container.sessions)
    await probe(container.sessions, calls[0], 60, ask[0])
    assert asked == 1, "a call was seen a moment ago"
    await probe(container.sessions, calls[0], 0, ask[0])
    assert asked == 2


async def forget_asking(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(update(ModelSeen).values(asked_at=None))


async def fails() -> None:
    message = "401 Incorrect API key provided: sk-abc"
    raise RuntimeError(message)


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("does", [fails, hangs])
async def test_a_model_that_fails_or_hangs_is_unavailable(
    container: Container, does: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_probe, "LONGEST_SECONDS", 0.2)
    calls = ModelCalls(MODEL)
    async with asyncio.timeout(30):
        await probe(container.sessions, calls, 60, asking(Model(does=does), calls, PRICES))
    assert (await told(container)).state == "unavailable"


async def test_a_worker_asks_an_idle_model_when_it_is_told_to_and_the_api_knows(own: Settings) -> None:
    idle = own.model_copy(update={"model": own.model.model_copy(update={"probe_seconds": 60.0})})
    async with serving(idle, SAMPLE) as service:
        async with service.container.sessions.begin() as session:
            await session.execute(delete(ModelSeen))
        async with working(service.container), asyncio.timeout(30):
            while await last_call(service.container.sessions, MODEL) is None:  # noqa: ASYNC110 - a row knows no events
                await asyncio.sleep(0.05)
        async with service.http() as http:
            model = (await http.get("/health/deep")).json()["checks"]["model"]
    assert model["status"] == "ok"
    assert model["milliseconds"] > 0


async def test_a_worker_asks_nothing_unless_it_is_told_to(container: Container) -> None:
    assert container.settings.model.probe_seconds is None
    quick = container.settings.model_copy(
        update={"telemetry": container.settings.telemetry.model_copy(update={"measure_seconds": 0.1})}
    )
    async with working(replace(container, settings=quick)):
        await asyncio.sleep(1)
    assert await last_call(container.sessions, MODEL) is None
