"""The base error of the service.

An exception's docstring states cause and remedy, and is its message when none is given. `status` and `title` are
all that the HTTP edge needs to answer with problem+json (RFC 9457), so there is one mapping and no table of handlers.
"""

import inspect
from typing import ClassVar


class ChassisError(Exception):
    """The service failed in a way it has no better words for; the log has the details."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str | None = None) -> None:
        """Take `detail`, or the class's docstring where there is nothing more specific to say."""
        self.detail = detail or " ".join(inspect.getdoc(type(self) or "").split())  # type: ignore[union-attr]
        super().__init__(self.detail)


class NotFoundError(ChassisError):
    """There is nothing here under that id, or you may not see it."""

    status = 404
    title = "Not found"


class ConflictError(ChassisError):
    """The request conflicts with the present state; read it again and decide anew."""

    status = 409
    title = "Conflict"


class PreconditionFailedError(ChassisError):
    """Somebody changed this in the meantime; read it again and repeat the change with the new ETag."""

    status = 412
    title = "Precondition failed"


class PreconditionRequiredError(ChassisError):
    """Changing this needs an If-Match header with the ETag you read, so that no one's change is overwritten."""

    status = 428
    title = "Precondition required"


class InvalidRequestError(ChassisError):
    """The request is well-formed but asks for something that cannot be."""

    status = 422
    title = "Invalid request"


class UnsupportedError(ChassisError):
    """This server does not support that part of the protocol."""

    status = 501
    title = "Not supported"


class UnauthenticatedError(ChassisError):
    """Who you are could not be established; send valid credentials."""

    status = 401
    title = "Not authenticated"


class ForbiddenError(ChassisError):
    """You are known, but your roles do not allow this."""

    status = 403
    title = "Forbidden"


class UnavailableError(ChassisError):
    """Something this service depends on does not answer; try again shortly."""

    status = 503
    title = "Unavailable"


class ConfigurationError(ChassisError):
    """The service cannot start with this configuration."""
