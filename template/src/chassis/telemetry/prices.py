"""What calls of models cost. A price that nobody has set is not 0: such calls are counted apart, and alerted on."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.settings import ModelPrice
from chassis.telemetry.metrics import MODEL_COST, MODEL_TOKENS, MODEL_UNPRICED, model_label, tenant_label

MILLION = 1_000_000
REASONS = ("no_price", "no_usage")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took; None where the provider did not say. Of the input, `cached` tokens were read from a cache."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0


class PriceTable:
    """Prices by the model's name."""

    def __init__(self, prices: Mapping[str, ModelPrice]) -> None:
        """Take the settings' table."""
        self._prices = prices

    def count_from_nothing(self, model: str) -> None:
        """Say that no call of this model was of unknown cost yet: else Prometheus does not see that the first one was."""
        for reason in REASONS:
            MODEL_UNPRICED.add(0, {"model": model_label(model), "reason": reason})

    def cost(self, model: str, usage: Usage) -> float | None:
        """Give the US dollars of a call; None where the price or what it took is not known."""
        price = self._prices.get(model)
        if price is None or usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = price.input if price.cached_input is None else price.cached_input
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * price.input + usage.cached_tokens * cached + usage.output_tokens * price.output) / MILLION

    def count(self, model: str, tenant: str, usage: Usage) -> float | None:
        """Count a call's tokens and money, and give the money."""
        labels = {"model": model_label(model), "tenant": tenant_label(tenant)}
        for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            if tokens is not None:
                MODEL_TOKENS.add(tokens, {**labels, "type": kind})
        cost = self.cost(model, usage)
        if cost is None:
            no_price, no_usage = REASONS
            reason = no_price if model not in self._prices else no_usage
            MODEL_UNPRICED.add(1, {"model": labels["model"], "reason": reason})
        else:
            MODEL_COST.add(cost, labels)
        return cost
