"""Idempotency keys: a request that is sent again accepts nothing again.

The key is stored in the transaction that accepts the job, so both are there or neither, whatever dies in between. Its row
refers to the job, and what is answered the second time is the job as it is then.
"""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base
from chassis.jobs.tables import Job
from chassis.ports.errors import ConflictError, InvalidRequestError
from chassis.ports.identity import Principal

BATCH = 1000


class RememberedKey(Base):
    """A key that a caller has sent, and the job that was accepted with it; scoped to the caller within its tenant."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index(None, "created_at"),)

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    job_id: Mapped[UUID] = mapped_column("run_id", ForeignKey(Job.job_id, ondelete="CASCADE"), index=True)


class KeyReusedError(InvalidRequestError):
    """This Idempotency-Key came with another request before; send the same request again, or make a new key."""


class KeyInFlightError(ConflictError):
    """The first request with this Idempotency-Key is being accepted at this moment; try again shortly."""


@dataclass
class Idempotency:
    """What a request says about being sent again.

    key: None where the caller sent none; then nothing is remembered.
    fingerprint: the same for the same request only.
    keep_seconds: for how long keys are remembered.
    replayed: whether an earlier request's job is being answered.
    """

    key: str | None = None
    fingerprint: str = ""
    keep_seconds: float = 86_400
    replayed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What the answer has to say about it."""
        return {"Idempotency-Replayed": "true"} if self.replayed else {}

    async def earlier(self, session: AsyncSession, principal: Principal) -> UUID | None:
        """Give the job that an earlier request with this key was accepted as; until the commit, the key is ours.

        Raise `KeyInFlightError` while that request's transaction is open, and `KeyReusedError` when it was another request.
        """
        if self.key is None:
            return None
        scope = f"idempotency\x1f{principal.tenant_id}\x1f{principal.subject}\x1f{self.key}"
        # Asked for, not waited for: who waits would hold a connection that the first request may need.
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(scope, 0)))):
            raise KeyInFlightError
        known = await session.get(RememberedKey, (principal.tenant_id, principal.subject, self.key))
        if known is None:
            return None
        if await session.scalar(select(func.now() - dt.timedelta(seconds=self.keep_seconds) > known.created_at)):
            await session.delete(known)  # the sweeper would have, too
            await session.flush()
            return None
        if known.fingerprint != self.fingerprint:
            raise KeyReusedError
        self.replayed = True
        return known.job_id

    async def remember(self, session: AsyncSession, principal: Principal, job_id: UUID) -> None:
        """Store the key with the job, which has been inserted in the same transaction."""
        if self.key is not None:
            session.add(
                RememberedKey(
                    key=self.key,
                    fingerprint=self.fingerprint,
                    job_id=job_id,
                    tenant_id=principal.tenant_id,
                    owner_id=principal.subject,
                )
            )
            await session.flush()


async def forget_old_keys(session: AsyncSession, keep_seconds: float) -> int:
    """Delete keys that nobody needs to be protected by any longer, at most 1000 at once; return how many."""
    columns = (RememberedKey.tenant_id, RememberedKey.owner_id, RememberedKey.key)
    old = select(*columns).where(RememberedKey.created_at < func.now() - dt.timedelta(seconds=keep_seconds))
    batch = old.limit(BATCH).with_for_update(skip_locked=True)
    statement = delete(RememberedKey).where(tuple_(*columns).in_(batch)).returning(RememberedKey.key)
    found = await session.scalars(statement.execution_options(synchronize_session=False))
    return len(found.all())
