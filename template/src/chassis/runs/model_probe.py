"""The smallest question to the model, asked by a worker for nobody."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from chassis.jobs.schedule import SYSTEM
from chassis.runs.model_seen import LONGEST_SECONDS, ModelCalls
from chassis.runs.steps import StepRecorder
from chassis.telemetry.prices import PriceTable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = structlog.get_logger()

QUESTION = "Answer with the one word: ok"
"""No limit of tokens goes with it: what that is called, and how low it may be, differs between providers."""


def asking(model: "BaseChatModel", calls: ModelCalls, prices: PriceTable) -> Callable[[], Awaitable[None]]:
    """Give what asks once. Its time, tokens and money are counted as a run's are, for the tenant `system`."""

    async def ask() -> None:
        began = time.monotonic()
        recorder = StepRecorder(SYSTEM, prices, calls)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await model.ainvoke(QUESTION, {"callbacks": [recorder]})
        except TimeoutError:
            calls.saw(calls.model, time.monotonic() - began, succeeded=False)
            log.warning("model.probe_failed", error="TimeoutError")
        except Exception as error:  # noqa: BLE001 - a provider's SDK may raise anything; the recorder has seen it
            log.warning("model.probe_failed", error=type(error).__name__)

    return ask
