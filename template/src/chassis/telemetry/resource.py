"""Who says what a trace, a figure or a log line says."""

import os
import socket
from collections.abc import Mapping
from uuid import uuid4

from opentelemetry.sdk.resources import Resource

from chassis.settings import ServiceSettings


def process_resource(service: ServiceSettings, process: str, more: Mapping[str, str] | None = None) -> Resource:
    """Describe this process; `process` is its command, such as `serve`, `more` what a backend wants to be told besides."""
    return Resource.create(
        {
            **(more or {}),
            "service.name": service.name,
            "service.version": service.version,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}",
            "chassis.process": process,
        }
    )
