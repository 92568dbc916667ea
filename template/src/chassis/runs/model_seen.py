"""How the model answered last: noted by workers, so that processes that know no model can say how it is.

Every call of a run is seen, and costs nothing more. Only where none was made for `model.probe_seconds`, one worker makes one.
"""

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base
from chassis.db.engine import Sessions, single_statement
from chassis.jobs.schedule import SYSTEM

OWNER = "model-probe"
LONGEST_SECONDS = 20.0
"""A probe that took so long has failed."""


class ModelSeen(Base):
    """The last call of a model that a worker has noted.

    asked_at: when a worker last took it upon itself to make a call for nobody.
    seen_at: when the last call ended; `seconds` and `succeeded` are that call's.
    """

    __tablename__ = "model_seen"

    model: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[dt.datetime | None]
    seen_at: Mapped[dt.datetime | None]
    seconds: Mapped[float | None]
    succeeded: Mapped[bool | None]


@dataclass(frozen=True, slots=True)
class LastCall:
    """A call: how long it took, whether it was answered, and how long ago it ended."""

    seconds: float
    succeeded: bool
    age_seconds: float


@dataclass
class ModelCalls:
    """What the worker in this process saw of one model since it last noted it."""

    model: str
    _last: tuple[float, bool, float] | None = field(default=None, repr=False)

    def saw(self, model: str, seconds: float, *, succeeded: bool) -> None:
        """See a call that has just ended; those of other models are passed over."""
        if model == self.model:
            self._last = (seconds, succeeded, time.monotonic())

    def take(self) -> LastCall | None:
        """Give the last call, once."""
        last, self._last = self._last, None
        return last and LastCall(last[0], last[1], time.monotonic() - last[2])


async def last_call(sessions: Sessions, model: str) -> LastCall | None:
    """Read what was noted of a model."""
    age = func.extract("epoch", func.clock_timestamp() - ModelSeen.seen_at)
    statement = select(ModelSeen.seconds, ModelSeen.succeeded, age).where(
        ModelSeen.model == model, ModelSeen.seen_at.is_not(None)
    )
    async with single_statement(sessions) as session:
        row = (await session.execute(statement)).one_or_none()
    return None if row is None else LastCall(float(row[0] or 0), bool(row[1]), float(row[2]))


async def note(sessions: Sessions, calls: ModelCalls) -> None:
    """Write down what this worker saw last, unless another one has written of a later call."""
    call = calls.take()
    if call is None:
        return
    seen = {
        "seen_at": func.clock_timestamp() - dt.timedelta(seconds=call.age_seconds),
        "seconds": call.seconds,
        "succeeded": call.succeeded,
    }
    statement = insert(ModelSeen).values(model=calls.model, tenant_id=SYSTEM, owner_id=OWNER, **seen)
    newer = ModelSeen.seen_at.is_(None) | (ModelSeen.seen_at < statement.excluded.seen_at)
    taken = {name: statement.excluded[name] for name in seen}
    async with sessions.begin() as session:
        await session.execute(statement.on_conflict_do_update(index_elements=["model"], set_=taken, where=newer))


async def probe(
    sessions: Sessions, calls: ModelCalls, idle_seconds: float, ask: Callable[[], Awaitable[object]]
) -> None:
    """Make a call where no worker saw one, nor made one, for so long. `ask` shows its call to `calls`, as a run does."""
    if not await _claimed(sessions, calls.model, idle_seconds):
        return
    await ask()
    await note(sessions, calls)


async def _claimed(sessions: Sessions, model: str, idle_seconds: float) -> bool:
    """Take it upon this worker, in one statement, so that one of many does."""
    now = func.clock_timestamp()
    statement = insert(ModelSeen).values(model=model, tenant_id=SYSTEM, owner_id=OWNER, asked_at=now)
    latest = func.greatest(ModelSeen.asked_at, ModelSeen.seen_at)  # which passes over what is null
    idle = latest.is_(None) | (latest < now - dt.timedelta(seconds=idle_seconds))
    claim = statement.on_conflict_do_update(index_elements=["model"], set_={"asked_at": now}, where=idle)
    async with sessions.begin() as session:
        return await session.scalar(claim.returning(ModelSeen.model)) is not None
