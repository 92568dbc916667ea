"""What only the file sink has: lines, standard output, and a write that was cut short."""

import json
import os
from pathlib import Path

import pytest
from tests.support.audit_sink import event

from chassis.adapters.audit_sink.file import FileSink


async def test_each_record_is_a_line(tmp_path: Path) -> None:
    await FileSink(tmp_path / "audit.jsonl").ship([event(1, text="two\nlines"), event(2)])
    lines = (tmp_path / "audit.jsonl").read_text().split("\n")
    assert [json.loads(line)["metadata"]["sequence"] for line in lines[:-1]] == [1, 2]
    assert lines[-1] == ""


async def test_a_line_that_was_cut_short_stays_apart_from_what_comes_again(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    records = [event(1), event(2)]
    await FileSink(file).ship(records[:1])
    os.truncate(file, file.stat().st_size - 20)
    await FileSink(file).ship(records)
    torn, *whole = file.read_text().splitlines()
    assert [json.loads(line) for line in whole] == [record.body for record in records]
    with pytest.raises(json.JSONDecodeError):
        json.loads(torn)


async def test_without_a_file_it_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    await FileSink(None).ship([event(7)])
    assert json.loads(capfdbinary.readouterr().out)["metadata"]["sequence"] == 7
