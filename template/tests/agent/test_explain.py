"""What the model is told of a tool's error, and what ends the step instead."""

from typing import Any, cast

import pytest

from agent.graph import explain
from chassis.api import ConflictError, NotFoundError
from chassis.api.graph import EffectRefusedError, EffectUnknownError
from chassis.ports.fence import LeaseLostError

REQUEST = cast("Any", None)


@pytest.mark.parametrize("error", [NotFoundError("No such ticket."), ConflictError("x"), EffectRefusedError("No.")])
def test_what_was_wrong_with_the_call_is_told(error: Any) -> None:
    assert explain(error, REQUEST) == error.detail


@pytest.mark.parametrize("error", [LeaseLostError(), EffectUnknownError(), ValueError("a secret detail")])
def test_what_is_no_fault_of_the_call_is_not_the_models_to_deal_with(error: Exception) -> None:
    assert explain(error, REQUEST) is None
