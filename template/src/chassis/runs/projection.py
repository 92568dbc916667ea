"""The state of a thread as the API answers it, kept by the worker with each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import json
from chassis.runs.tables import threads


@dataclass(frozen=True, slots=True)
class StateProjection:
    """What `GET /threads/{id}/state` needs of a LangGraph state snapshot."""

    values: Any
    next_nodes: list[str]
    tasks: list[dict[str, Any]]
    checkpoint_id: str | None
    stored_checkpoint_id: str | None
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_checkpoint_event(cls, payload: Mapping[str, Any]) -> "StateProjection":
        """Read the payload of LangGraph's stream mode `checkpoints`.

        It comes while the checkpoint is being stored. The one before it was stored: with durability `sync` a step does not
        begin sooner.
        """
        configurable = (payload.get("config") or {}).get("configurable", {})
        before = (payload.get("parent_config") or {}).get("configurable", {})
        return cls(
            values=payload["values"],
            next_nodes=list(payload["next"]),
            tasks=[dict(task) for task in payload["tasks"]],
            checkpoint_id=configurable.get("checkpoint_id"),
            stored_checkpoint_id=before.get("checkpoint_id"),
            metadata=dict(payload.get("metadata") or {}),
        )

    @property
    def interrupts(self) -> dict[str, list[Any]]:
        """The interrupts that wait for somebody, by task."""
        return {task["id"]: list(task["interrupts"]) for task in self.tasks if task.get("interrupts")}


PROJECT = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread", type_=Uuid))
    .values(
        {
            "values": bindparam("values"),
            "next": bindparam("next"),
            "tasks": bindparam("tasks"),
            "interrupts": bindparam("interrupts"),
            "checkpoint_id": bindparam("checkpoint_id"),
            "stored_checkpoint_id": func.coalesce(bindparam("stored", type_=Text), threads.c.stored_checkpoint_id),
            "checkpoint_metadata": bindparam("checkpoint_metadata"),
            "state_at": func.now(),
            "updated_at": func.now(),
        }
    )
)


async def project(session: AsyncSession, thread_id: UUID, state: StateProjection) -> None:
    """Store the projection within the caller's transaction."""
    await session.execute(
        PROJECT,
        {
            "thread": thread_id,
            "values": state.values,
            "next": state.next_nodes,
            "tasks": json.loads(json.dump_bytes(state.tasks)),
            "interrupts": json.loads(json.dump_bytes(state.interrupts)),
            "checkpoint_id": state.checkpoint_id,
            "stored": state.stored_checkpoint_id,
            "checkpoint_metadata": json.loads(json.dump_bytes(state.metadata)),
        },
    )
