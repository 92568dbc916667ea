"""Which failures are the infrastructure's: such a job is tried again later."""

import psycopg
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SqlalchemyPoolTimeout

from chassis.ports.errors import UnavailableError

TRANSIENT = (DBAPIError, SqlalchemyPoolTimeout, psycopg.Error, PoolTimeout, UnavailableError, OSError)
"""What a loop that has to go on expects of the database, the pools and the broker."""


def is_transient(error: BaseException) -> bool:
    """Say whether trying the same step again later may well succeed."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    return isinstance(error, psycopg.OperationalError | PoolTimeout | SqlalchemyPoolTimeout | UnavailableError)
