"""What a step that failed, or was cut off, leaves behind: that it failed, and nothing else."""

from collections.abc import Sequence
from typing import Any

from langgraph.checkpoint.serde.types import ERROR


def worth_keeping(writes: Sequence[tuple[str, Any]]) -> Sequence[tuple[str, Any]]:
    """Leave out what a failed step had written by then.

    LangGraph 1.2 stores it beside the error. When the run is tried again, it passes over the error and takes the rest for all
    that the step has to say: a step that was cut off between its state and its conditional edge would end the graph.
    """
    failures = [write for write in writes if write[0] == ERROR and isinstance(write[1], BaseException)]
    return failures or writes
