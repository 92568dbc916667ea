"""Pruning of checkpoints by age."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from chassis.checkpoints.settings import CheckpointSettings
from chassis.ports.checkpoints import Checkpoints

if TYPE_CHECKING:
    from chassis.jobs.tasks import Task, TaskContext

BATCH = 1000
"""Threads at a time; the rest waits for the next time."""


def pruning(checkpoints: Checkpoints, settings: CheckpointSettings) -> "Task":
    """Make the task that prunes the threads that nothing was written to for so long."""

    async def prune(_task: "TaskContext") -> dict[str, Any]:
        older = dt.datetime.now(dt.UTC) - dt.timedelta(days=settings.keep_days)
        return {"count": await checkpoints.prune_older(older, BATCH)}

    return prune
