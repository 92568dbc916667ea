"""What `src/agent` may import: small, and kept stable across upgrades.

This module is safe for the API process. Tools and graphs, which only workers load, find the rest in
`chassis.api.graph`.
"""

from chassis.agent_spec import AgentSpec
from chassis.audit.record import record
from chassis.db.base import Base
from chassis.http.access import can, public
from chassis.http.boundary import Boundary, DataClass, Personal
from chassis.http.dependencies import CallerDependency as Caller
from chassis.http.dependencies import SessionDependency as Session
from chassis.http.etag import IfMatch, etag_of, if_match, not_modified
from chassis.http.idempotency import IdempotencyDependency as Idempotency
from chassis.http.pagination import Page, decode_cursor, encode_cursor
from chassis.http.problem import PROBLEM_RESPONSES
from chassis.jobs.accept import enqueue
from chassis.jobs.attempt import RetryLaterError
from chassis.jobs.schedule import Schedule
from chassis.jobs.tasks import TaskContext
from chassis.ports.errors import (
    ChassisError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PreconditionFailedError,
)
from chassis.ports.identity import Principal

__all__ = [
    "PROBLEM_RESPONSES",
    "AgentSpec",
    "Base",
    "Boundary",
    "Caller",
    "ChassisError",
    "ConflictError",
    "DataClass",
    "Idempotency",
    "IfMatch",
    "InvalidRequestError",
    "NotFoundError",
    "Page",
    "Personal",
    "PreconditionFailedError",
    "Principal",
    "RetryLaterError",
    "Schedule",
    "Session",
    "TaskContext",
    "can",
    "decode_cursor",
    "encode_cursor",
    "enqueue",
    "etag_of",
    "if_match",
    "not_modified",
    "public",
    "record",
]
