"""What goes wrong with Pub/Sub, in one sentence each."""

from typing import Literal

from google.api_core import exceptions
from kombu.exceptions import OperationalError

from chassis.adapters._gcp_identity import login_trouble

Side = Literal["topic", "subscription"]
What = Side | Literal["metrics"]
NEEDED: dict[Side, tuple[str, str]] = {
    "topic": ("pubsub.topics.publish", "roles/pubsub.publisher"),
    "subscription": ("pubsub.subscriptions.consume", "roles/pubsub.subscriber"),
}
"""The permission for each, and the role that has it: Pub/Sub, "Access control with IAM", "Required permissions"."""


class PubSubError(OperationalError):
    """Pub/Sub did not do what was asked; the message says why, and what helps."""


def not_allowed(side: Side, name: str) -> PubSubError:
    """Say which right is missing."""
    permission, role = NEEDED[side]
    message = (
        f"This service's identity has no {permission} on {name}; grant it {role} there, "
        "and see that it exists (docs/queue-pubsub.md)."
    )
    return PubSubError(message)


def explained(what: What, name: str, error: Exception) -> PubSubError:
    """Say what is wrong with a topic or a subscription, or with the count of its messages."""
    trouble = login_trouble(error)
    if trouble:
        return PubSubError(trouble)
    if isinstance(error, exceptions.PermissionDenied):
        if what != "metrics":
            return not_allowed(what, name)
        return PubSubError(
            f"This service may not ask Cloud Monitoring about {name}; grant it roles/monitoring.viewer on the project."
        )
    if isinstance(error, exceptions.NotFound):
        return PubSubError(f"There is no {name}; create it (docs/queue-pubsub.md).")
    asked = "Cloud Monitoring" if what == "metrics" else "Pub/Sub"
    last = error.cause if isinstance(error, exceptions.RetryError) else error
    kind = type(last).__name__
    return PubSubError(f"{asked} does not answer for {name} now ({kind}); try again shortly.")
