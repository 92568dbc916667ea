"""Which names of a thread go when only some of its checkpoints are kept. Pure computation."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from chassis.adapters._redis_layout import name_of, parts_of

Headers = dict[tuple[str, str], dict[str, Any]]
"""What is readable of each checkpoint, by namespace and id."""


def doomed_by_count(keep_last: int) -> Callable[[int, str], bool]:
    """Doom what has so many newer ones in its namespace."""
    return lambda place, _checkpoint_id: place >= keep_last


def doomed_by_age(before: str) -> Callable[[int, str], bool]:
    """Doom what has a lower id, but never the newest."""
    return lambda place, checkpoint_id: place >= 1 and checkpoint_id < before


def headers_by_checkpoint(names: Sequence[bytes], headers: Sequence[dict[str, Any]]) -> Headers:
    """Put headers to their checkpoints; both come in the index's order."""
    checkpoints = [parts_of(name) for name in names if name[:1] == b"c"]
    return {
        (namespace, checkpoint_id): header
        for (_, namespace, checkpoint_id), header in zip(checkpoints, headers, strict=True)
    }


def names_to_drop(names: Sequence[bytes], headers: Headers, is_doomed: Callable[[int, str], bool]) -> list[bytes]:
    """Give the names that go: doomed checkpoints first, then what was written in their steps and channels only they have.

    With a checkpoint of the root goes what the subgraphs called from there have saved, whose namespaces hold the call's id
    after a ":". LangGraph needs the whole chain where a DeltaChannel is used (BaseCheckpointSaver.prune); such threads are
    left alone. Channels go by the checkpoints dropped: one that a concurrent step writes is not among them, and what that
    step takes over from the present checkpoint is kept with it.
    """
    if any(header["delta"] for header in headers.values()):
        return []
    by_namespace: defaultdict[str, list[str]] = defaultdict(list)
    for namespace, checkpoint_id in sorted(headers, reverse=True):
        by_namespace[namespace].append(checkpoint_id)
    aged = {
        (namespace, checkpoint_id)
        for namespace, ids in by_namespace.items()
        for place, checkpoint_id in enumerate(ids)
        if is_doomed(place, checkpoint_id)
    }
    doomed = aged | {key for key, header in headers.items() if ":" in key[0] and ("", header["root"]) in aged}
    freed = _channels(headers, doomed) - _channels(headers, headers.keys() - doomed)
    written = [name for name in names if name[:1] == b"w" and tuple(parts_of(name)[1:3]) in doomed]
    return [*(name_of("c", *key) for key in sorted(doomed)), *written, *sorted(freed)]


def _channels(headers: Headers, of: set[tuple[str, str]]) -> set[bytes]:
    return {
        name_of("b", key[0], channel, version) for key in of for channel, version in headers[key]["versions"].items()
    }
