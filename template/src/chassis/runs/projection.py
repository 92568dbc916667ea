"""The state of a thread as the API answers it, kept by the worker with each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, bindparam, func, update

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


NOTHING = StateProjection(values=None, next_nodes=[], tasks=[], checkpoint_id=None, stored_checkpoint_id=None)

PROJECT = (
    update(threads)
    .where(threads.c.thread_id == bindparam("thread", type_=Uuid), bindparam("projected", type_=Boolean))
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
"""Stores a projection where there is one."""


def projected(thread_id: UUID, state: StateProjection | None) -> dict[str, Any]:
    """Give the values of `PROJECT`."""
    given = state or NOTHING
    return {
        "thread": thread_id,
        "projected": state is not None,
        "values": given.values,
        "next": given.next_nodes,
        "tasks": json.loads(json.dump_bytes(given.tasks)),
        "interrupts": json.loads(json.dump_bytes(given.interrupts)),
        "checkpoint_id": given.checkpoint_id,
        "stored": given.stored_checkpoint_id,
        "checkpoint_metadata": json.loads(json.dump_bytes(given.metadata)),
    }
