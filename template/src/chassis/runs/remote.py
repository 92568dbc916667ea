"""Effects at another service: an intent before, a receipt after, and an intent without a receipt resolved as its tool says."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from langgraph.errors import GraphBubbleUp

from chassis.ports.fence import LeaseLostError
from chassis.runs.receipts import EffectRefusedError, ToolCall, storable
from chassis.runs.resolutions import Act, AskPerson, EffectUnknownError, LookUp, SameKey, Unknown, ask_person

log = structlog.get_logger()

PAUSES_SECONDS = (0.5, 1.0)
"""Between the tries of one execution. After them the run is tried again later, with pauses that grow."""
FRESH_SECONDS = 1.0
"""How old the proof that the run is still ours may be when the effect is asked for."""


class RemoteCall:
    """One execution of a tool call with an effect at another service."""

    def __init__(self, call: ToolCall, act: Act, unknown: Unknown, clock: Callable[[], float] = time.monotonic) -> None:
        """Do nothing yet. `clock` goes on while the process is frozen."""
        self._call = call
        self._act = act
        self._unknown = unknown
        self._clock = clock
        self._attempt = 0

    async def result(self) -> dict[str, Any]:
        """Give the call's result: from its receipt, from the other service, or from a person."""
        async with self._call.fenced() as session:
            known = await self._call.receipt(session)
        if known is not None and known.state == "done":
            return known.result
        self._attempt = known.result["attempt"] if known is not None else 0
        for pause in PAUSES_SECONDS:
            try:
                return await self._try()
            except EffectUnknownError:
                await asyncio.sleep(pause)
        return await self._try()

    async def _try(self) -> dict[str, Any]:
        if self._attempt == 0:
            return await self._do()
        if isinstance(self._unknown, SameKey):
            return await self._do(how="same_key")
        how = "look_up" if isinstance(self._unknown, LookUp) else "person"
        told = await self._found_out(self._unknown)
        if told is None:
            return await self._do(how=how, took_effect=False)
        return await self._settle("tool.resolved", told, how=how, took_effect=True)

    async def _found_out(self, unknown: LookUp | AskPerson) -> dict[str, Any] | None:
        if isinstance(unknown, AskPerson):
            return ask_person(self._call.tool, self._call.key, self._attempt, unknown.arguments)
        try:
            found = await unknown.find(self._call.key)
            if found is None:
                await asyncio.sleep(unknown.visible_within)
                found = await unknown.find(self._call.key)
        except (LeaseLostError, GraphBubbleUp):
            raise
        except Exception as error:
            raise self._unknown_after(error) from error
        return found

    async def _do(self, **resolved: Any) -> dict[str, Any]:
        await self._intend(resolved)
        try:
            result = await self._act(self._call.key)
        except EffectRefusedError as error:
            await self._settle("tool.called", {"detail": error.detail}, refused=True)
            raise
        except (LeaseLostError, GraphBubbleUp):
            raise
        except Exception as error:
            await self._call.note_failure(error)
            raise self._unknown_after(error) from error
        return await self._settle("tool.called", result)

    async def _intend(self, resolved: dict[str, Any]) -> None:
        """Commit the intent as the last thing before the effect, which also proves that the run is still ours.

        A process that was frozen meanwhile has to prove it again: what remains is a freeze between here and its request.
        """
        asked_at = self._clock()
        async with self._call.fenced() as session:
            receipt = await self._call.receipt(session)
            if receipt is None:
                receipt = self._call.new_receipt("intended", {"attempt": 0})
                session.add(receipt)
            self._attempt = receipt.result["attempt"] + 1
            receipt.result = {"attempt": self._attempt}
            if resolved:
                self._call.record(session, "tool.resolved", **resolved)
            self._call.record(session, "tool.intended", attempt=self._attempt)
        while self._clock() - asked_at > FRESH_SECONDS:
            asked_at = self._clock()
            async with self._call.fenced():
                pass

    async def _settle(
        self, action: str, result: dict[str, Any], *, refused: bool = False, **details: Any
    ) -> dict[str, Any]:
        """Write the receipt, from which every later execution is answered."""
        stored = storable(result)
        async with self._call.fenced() as session:
            receipt = await self._call.receipt(session)
            if receipt is None:
                message = "an effect is settled after it was intended"
                raise AssertionError(message)
            receipt.state, receipt.result = ("refused" if refused else "done"), stored
            self._call.record(session, action, "failure" if refused else "success", attempt=self._attempt, **details)
        return stored

    def _unknown_after(self, error: Exception) -> EffectUnknownError:
        log.warning("tool.outcome_unknown", tool=self._call.tool, attempt=self._attempt, error=type(error).__name__)
        return EffectUnknownError()
