"""What a tool declares about its effects at another service: how an intent without a receipt is resolved.

docs/tools.md says what each way guarantees, and what it does not.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph.types import interrupt

from chassis.ports.errors import UnavailableError

Act = Callable[[str], Awaitable[dict[str, Any]]]
"""Asks the other service for the effect, under the key it is given, and returns what is to be kept of the answer."""
Find = Callable[[str], Awaitable[dict[str, Any] | None]]
"""Asks the other service for the effect that was made under a key; None says that there is none."""


class EffectUnknownError(UnavailableError):
    """Whether this took effect at the other service is not known yet; that is found out when the run is tried again."""


@dataclass(frozen=True, slots=True)
class SameKey:
    """Act again with the same key, for services that do a thing once a key.

    Never twice, whatever dies or freezes, for as long as the other service remembers its keys.
    """


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the other service whether the effect is there, and act again only if it is not.

    As good as its answer: what was asked for and cannot be seen yet is done again. And a worker that freezes between its last
    proof of the lease and its request may, when it wakes up, do what another has done meanwhile.

    visible_within: seconds after which an effect that was asked for is found, or never will be. A "no" is doubted for so long.
    """

    find: Find
    visible_within: float = 5.0


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Park the run, as `interrupted`, until a person has said whether it took effect.

    A person decides, from what can be seen; a frozen worker may prove them wrong as it may a look-up.

    arguments: what the person has to know of the call; whoever may read the thread sees them.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)


Unknown = SameKey | LookUp | AskPerson

ANSWER_SCHEMA = {
    "type": "object",
    "required": ["attempt", "outcome"],
    "properties": {
        "attempt": {"type": "integer", "description": "the attempt that the question is about"},
        "outcome": {"enum": ["done", "not_done"], "description": "not_done: then it is done now"},
        "result": {"type": "object", "description": "what the tool answers; only with done, and needed there"},
    },
}


def ask_person(tool: str, key: str, attempt: int, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what a person said the call's result is, None when it did not take effect; park the run until somebody has.

    A person's answer is replayed when the run is executed again after a crash, by then perhaps about an attempt it knew
    nothing of. So an answer names its attempt, and one that does not, or names another, is passed over.
    """
    question = {
        "question": f"Did this call of {tool} take effect? Its answer never came.",
        "tool": tool,
        "key": key,
        "attempt": attempt,
        "arguments": dict(arguments),
    }
    while True:
        match interrupt(question, response_schema=ANSWER_SCHEMA):
            case {"attempt": number, "outcome": "done", "result": dict() as result} if number == attempt:
                return result
            case {"attempt": number, "outcome": "not_done"} if number == attempt:
                return None
