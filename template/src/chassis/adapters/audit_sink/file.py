"""The audit log as lines of JSON, appended to a file or written to standard output."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from chassis.adapters.audit_sink.file_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink
from chassis.ports.errors import UnavailableError


class FileSink:
    """Appends, and confirms when the file system has it."""

    def __init__(self, path: Path | None) -> None:
        """Take the file; none means standard output."""
        self._path = path

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Write the records."""
        data = b"".join(orjson.dumps(record.body) + b"\n" for record in records)
        try:
            await asyncio.to_thread(self._append, data)
        except OSError as error:
            message = f"The audit log cannot be written to {self._path or 'standard output'}: {error.strerror}."
            raise UnavailableError(message) from error

    def _append(self, data: bytes) -> None:
        if self._path is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        with self._path.open("ab") as file:
            if file.tell() and not _ends_a_line(self._path):
                file.write(b"\n")  # a write that was cut short stays apart from what comes again
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, _context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    yield FileSink(settings.path)
