"""LangGraph's checkpoint ids are UUIDs of version 6: their text sorts by time, and the greatest is a thread's present state."""

import datetime as dt

from langgraph.checkpoint.base import id as ids

EPOCH = dt.datetime(1582, 10, 15, tzinfo=dt.UTC)
"""Where the count of 100 ns begins (RFC 9562, 5.1)."""


LAST = "_last_v6_timestamp"
"""LangGraph's own variable, for which it has no function; should it change, the contract suite notices."""


def id_at(moment: dt.datetime) -> str:
    """Give the lowest id that a checkpoint of this moment can have."""
    ticks = (moment - EPOCH) // dt.timedelta(microseconds=1) * 10
    digits = f"{ticks:015x}"
    return f"{digits[:8]}-{digits[8:12]}-6{digits[12:]}-0000-000000000000"


def witness(checkpoint_id: str) -> None:
    """See to it that ids made here from now on are greater than this one, whatever this machine's clock says.

    Otherwise, what a worker whose clock is behind saves would sort before what another one has saved, and would never be
    read again. LangGraph makes each id greater than the last one made in its process, which is told of this one as well.
    """
    try:
        digits = checkpoint_id.replace("-", "")
        ticks = int(digits[:12] + digits[13:16], 16)
    except ValueError:
        return  # not LangGraph's
    last: int | None = getattr(ids, LAST)
    setattr(ids, LAST, max(last or 0, ticks))
