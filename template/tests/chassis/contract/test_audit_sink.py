"""What every audit sink must do; the chosen one is tested, on a collector of its kind."""

import datetime as dt

import pytest
from tests.support.audit_sink import CollectorUnderTest, event

from chassis import selected
from chassis.import_strings import load_object
from chassis.ports.audit_sink import AuditRecord, AuditSink
from chassis.ports.errors import ConfigurationError, UnavailableError

TEXTS = {
    "lines": "first\nsecond\r\nthird\u2028fourth\n",
    "unicode": "Grüße 🙂 \u202e мир \U0010ffff",
    "signs": "\"'\\ \t{}[]<>&,;\u0001\u001f\u007f",
    "json": '{"a": [1, null]}\n{"b": 2}',
}


def uids(collector: CollectorUnderTest) -> list[str]:
    return [record.uid for record in collector.received]


def padded(count: int, size: int) -> list[AuditRecord]:
    """Make records a little shorter than `size` bytes, however they are encoded."""
    return [event(number, padding="x" * (size * 9 // 10 - 2000)) for number in range(count)]


async def test_records_arrive_complete_and_in_order(collector: CollectorUnderTest, sink: AuditSink) -> None:
    records = [event(number, fruit="apple", sizes=[1, 2.5, None, {"deep": True}]) for number in range(30)]
    await sink.ship(records[:20])
    await sink.ship(records[20:])
    assert [record.body for record in collector.received] == [record.body for record in records]


async def test_the_id_is_where_the_collector_looks_for_it(collector: CollectorUnderTest, sink: AuditSink) -> None:
    records = [event(1), event(2, uid="head-2-0f"), event(3)]
    await sink.ship(records)
    assert uids(collector) == [record.uid for record in records]


async def test_a_record_that_comes_twice_is_recognised_by_its_id(
    collector: CollectorUnderTest, sink: AuditSink
) -> None:
    await sink.ship([event(1), event(2)])
    await sink.ship([event(2), event(3)])
    assert uids(collector) == [event(number).uid for number in (1, 2, 2, 3)]


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
async def test_texts_survive(collector: CollectorUnderTest, sink: AuditSink, text: str) -> None:
    await sink.ship([event(1), event(2, text=text), event(3)])
    assert [record.body["unmapped"]["details"] for record in collector.received] == [{}, {"text": text}, {}]


async def test_nothing_to_ship_is_fine(collector: CollectorUnderTest, sink: AuditSink) -> None:
    await sink.ship([])
    assert not collector.received
    assert collector.requests == 0


async def test_an_event_that_waited_for_a_month_arrives(collector: CollectorUnderTest, sink: AuditSink) -> None:
    old = event(1, when=dt.datetime.now(dt.UTC) - dt.timedelta(days=30))
    await sink.ship([old, event(2)])
    assert [record.body for record in collector.received][:1] == [old.body]
    assert len(collector.received) == 2


async def test_more_records_than_a_call_takes_are_several_calls(collector: CollectorUnderTest, sink: AuditSink) -> None:
    records = [event(number) for number in range(collector.bounds.records + 1)]
    await sink.ship(records)
    assert uids(collector) == [record.uid for record in records]
    assert 2 <= len(collector.calls) <= 10
    assert max(collector.calls) <= collector.bounds.records


async def test_more_bytes_than_a_call_takes_are_several_calls(collector: CollectorUnderTest, sink: AuditSink) -> None:
    size = min(collector.bounds.record_bytes, collector.bounds.call_bytes // 4)
    records = padded(3 * collector.bounds.call_bytes // size, size)
    await sink.ship(records)
    assert [record.body for record in collector.received] == [record.body for record in records]
    assert 3 <= len(collector.calls) <= len(records) / 2


async def test_a_record_that_is_too_long_arrives_without_its_details_and_marked(
    collector: CollectorUnderTest, sink: AuditSink
) -> None:
    size = collector.bounds.record_bytes + 1000
    if size > 100_000_000:
        pytest.skip("this collector takes records of any length")
    large = event(2, text='"' * (size // 2), more={"x": "y" * (size // 2)})
    await sink.ship([event(1), large, event(3)])
    assert uids(collector) == [event(number).uid for number in (1, 2, 3)]
    before, shortened, after = (record.body for record in collector.received)
    assert (before["unmapped"]["details"], after["unmapped"]["details"]) == ({}, {})
    assert "is_truncated" not in before["metadata"]
    metadata = shortened["metadata"]
    assert metadata["is_truncated"] is True
    assert metadata["untruncated_size"] >= size // 1000
    assert shortened["unmapped"] == {"event_id": 2}
    for name in ("time", "actor", "resources", "raw_data_hash"):
        assert shortened[name] == large.body[name]


async def test_a_record_that_is_long_in_every_part_arrives(collector: CollectorUnderTest, sink: AuditSink) -> None:
    size = collector.bounds.record_bytes + 1000
    if size > 100_000_000:
        pytest.skip("this collector takes records of any length")
    record = event(1)
    record.body["actor"]["user"]["uid"] = "ü" * size
    record.body["actor"]["user"]["groups"] = [{"name": f"role-{number}"} for number in range(size // 10)]
    await sink.ship([record])
    assert uids(collector) == [record.uid]
    assert collector.received[0].body["metadata"]["is_truncated"] is True


async def test_a_collector_that_is_not_there_is_unavailable(collector: CollectorUnderTest, sink: AuditSink) -> None:
    await sink.ship([event(1)])
    with collector.outage(), pytest.raises(UnavailableError, match=r"\.$"):
        await sink.ship([event(2)])
    await sink.ship([event(2)])
    assert uids(collector) == [event(1).uid, event(2).uid]


@pytest.mark.parametrize("status", [400, 404, 408, 413, 418, 429, 500, 502, 503, 504])
async def test_a_refusal_is_unavailability_that_names_the_status(
    collector: CollectorUnderTest, sink: AuditSink, status: int
) -> None:
    with collector.answers(status), pytest.raises(UnavailableError, match=f"answered {status}; .*\\.$") as caught:
        await sink.ship([event(1)])
    assert "own words" not in caught.value.detail
    await sink.ship([event(1)])
    assert uids(collector) == [event(1).uid]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(collector: CollectorUnderTest, sink: AuditSink, status: int) -> None:
    with (
        collector.answers(status, "/elsewhere"),
        pytest.raises(UnavailableError, match=f"answered {status}; redirects"),
    ):
        await sink.ship([event(1)])
    assert collector.requests == 1


@pytest.mark.parametrize("status", [203, 206, 226])
async def test_a_success_that_is_another_than_the_collectors_confirms_nothing(
    collector: CollectorUnderTest, sink: AuditSink, status: int
) -> None:
    with collector.answers(status), pytest.raises(UnavailableError, match=f"answered {status}"):
        await sink.ship([event(1)])


async def test_a_web_page_confirms_nothing(collector: CollectorUnderTest, sink: AuditSink) -> None:
    with collector.answers_a_web_page(), pytest.raises(UnavailableError, match="check that the address"):
        await sink.ship([event(1)])


async def test_an_answer_that_takes_too_long_is_unavailability(collector: CollectorUnderTest, sink: AuditSink) -> None:
    with collector.hangs(), pytest.raises(UnavailableError, match="did not answer within"):
        await sink.ship([event(1)])


async def test_a_part_is_not_all(collector: CollectorUnderTest, sink: AuditSink) -> None:
    records = [event(number) for number in range(5)]
    with collector.takes_a_part(), pytest.raises(UnavailableError):
        await sink.ship(records)
    await sink.ship(records)
    assert set(uids(collector)) == {record.uid for record in records}


async def test_nothing_is_confirmed_before_everything_is(collector: CollectorUnderTest, sink: AuditSink) -> None:
    records = [event(number) for number in range(collector.bounds.records + 1)]
    with collector.answers(503, after=1), pytest.raises(UnavailableError, match="503"):
        await sink.ship(records)
    assert len(collector.received) < len(records)
    await sink.ship(records)
    arrived = uids(collector)
    assert arrived[-len(records) :] == [record.uid for record in records]


async def test_a_rotated_token_is_used_after_one_refusal(collector: CollectorUnderTest, sink: AuditSink) -> None:
    await sink.ship([event(1)])
    before = collector.requests
    collector.rotate_token()
    await sink.ship([event(2)])
    assert uids(collector) == [event(1).uid, event(2).uid]
    assert collector.requests <= 2 * before + 1


async def test_a_token_that_is_refused_is_shown_to_nobody(
    collector: CollectorUnderTest, sink: AuditSink, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    await sink.ship([event(1)])
    before = collector.requests
    collector.revoke_token()
    with caplog.at_level(0), pytest.raises(UnavailableError, match=r"answered 40[13]; check the credential") as caught:
        await sink.ship([event(2)])
    assert collector.requests - before <= 2
    errors = _chain(caught.value)
    seen = f"{caught.value!r} {errors!r} {sink!r} {vars(sink)!r} {collector.settings!r} {caplog.text} {capsys.readouterr()}"
    for token in collector.tokens():
        assert token not in seen
    assert len(errors) == 1, "an error that goes along could show what was sent"


async def test_a_token_that_is_not_there_is_found_at_the_start(collector: CollectorUnderTest) -> None:
    collector.delete_token()
    with pytest.raises(ConfigurationError):
        async with load_object(selected.OPEN_AUDIT_SINK)(collector.settings, collector.context):
            pass


async def test_a_token_that_vanishes_is_an_outage(collector: CollectorUnderTest, sink: AuditSink) -> None:
    await sink.ship([event(1)])
    collector.delete_token()
    with pytest.raises(UnavailableError):
        await sink.ship([event(2)])


def _chain(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
