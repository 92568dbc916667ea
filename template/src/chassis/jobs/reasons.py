"""Why a job ended that did not end by itself, in the words its caller reads."""

from typing import Any

CANCELLED = {"error": "Cancelled", "message": "Somebody who may do so cancelled it."}
TIMED_OUT = {
    "error": "TimeLimitExceeded",
    "message": "It took longer than its time limit; ask for less, or raise runs.time_limit_seconds.",
}


def exhausted(attempts: int, last: dict[str, Any] | None) -> dict[str, Any]:
    """Say why a job is dead; `last` is how its last attempt failed, where that attempt lived to tell."""
    reason = f"the last said: {last['message']}" if last else "their workers all went silent."
    return {"error": "AttemptsExhausted", "message": f"Given up after {attempts} attempts; {reason}"}
