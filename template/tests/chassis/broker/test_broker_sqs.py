"""What is asked of SQS in particular: as whom, for what, and what a refusal costs."""

import asyncio
import json
import os
import re
import ssl
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
import trustme
from tests.support.aws.sqs_front import TOKEN, SqsFront
from tests.support.aws.workload import nobody, pod
from tests.support.queue.sqs import Broker
from tests.support.service import until

from chassis.container import Container
from chassis.dev.services import free_port
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

STATIC_KEY = "AKIAIOSFODNN7EXAMPLE"
LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
"""Which characters a message may have: SQS API Reference, "SendMessage"."""


@pytest.fixture
def front(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsFront]:
    """SQS as a pod with a role sees it."""
    nobody(tmp_path, monkeypatch)
    front = SqsFront(broker.endpoint)
    with front.listening():
        pod(front, tmp_path, monkeypatch)
        yield front


@pytest.fixture
def queue_settings(broker: Broker, front: SqsFront) -> QueueSettings:
    values = {"region": broker.region, "url": broker.url, "endpoint_url": front.url}
    return QueueSettings.model_validate(values, context={"environment": "test"})


def lines(logs: list[MutableMapping[str, Any]], event: str) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"] == event]


async def heard(queue: RunQueue, woken: asyncio.Event) -> None:
    woken.clear()
    await queue.publish(uuid4())
    await asyncio.wait_for(woken.wait(), 10)


def messages_of(error: BaseException | None) -> list[str]:
    """Give what an error says, and what its causes say."""
    found = []
    while error:
        found.append(str(error))
        error = error.__cause__ or error.__context__
    return found


async def test_four_things_are_asked_of_one_queue_and_nothing_is_created(
    broker: Broker, front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    """They are the rights that docs/queue-sqs.md gives to the role; one of the others is refused to it."""
    woken = asyncio.Event()
    async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(woken.set):
        await heard(queue, woken)
        await queue.check()
        await until(lambda: "DeleteMessageBatch" in front.asked)
        assert await queue.depth() == 0
    assert set(front.asked) == {"GetQueueAttributes", "SendMessage", "ReceiveMessage", "DeleteMessageBatch"}
    assert len(front.issued) == 1, "one login is for all connections"
    broker.admin.delete_queue(QueueUrl=broker.url)
    async with open_queue(queue_settings, container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert any("The specified queue does not exist" in said for said in messages_of(caught.value))
    assert "QueueUrls" not in broker.admin.list_queues()


async def test_a_message_is_text_that_sqs_takes(
    broker: Broker, queue_settings: QueueSettings, container: Container
) -> None:
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.publish(uuid4())
    [message] = broker.admin.receive_message(QueueUrl=broker.url)["Messages"]
    assert LEGAL.fullmatch(message["Body"])
    assert len(message["Body"]) < 2000


async def test_a_login_that_expired_is_renewed_and_costs_nothing(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    woken = asyncio.Event()
    async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(woken.set):
        await heard(queue, woken)
        front.expired.update(front.issued)
        await asyncio.gather(*(queue.publish(uuid4()) for _ in range(8)))
        await heard(queue, woken)
        assert len(front.issued) == 2, "one of them logs in for all"


async def test_what_a_refused_signature_repeats_is_told_to_nobody(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    front.failing = (403, "SignatureDoesNotMatch")
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(lambda: None):
            with pytest.raises(UnavailableError) as caught:
                await queue.publish(uuid4())
            await until(lambda: bool(lines(logs, "queue.unreachable")))
    assert any("check its role and its clock" in said for said in messages_of(caught.value))
    assert TOKEN not in f"{messages_of(caught.value)} {logs}"


async def test_a_publish_that_is_refused_is_unavailable(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    front.denied.add("sqs:SendMessage")
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.check()
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert any("not authorized to perform: sqs:sendmessage on resource" in said for said in messages_of(caught.value))
    assert front.asked.count("SendMessage") == 1, "what is not allowed is not tried again at once"


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("GetQueueAttributes", "queue.unreachable"),
        ("ReceiveMessage", "queue.connection_lost"),
        ("DeleteMessage", "queue.connection_lost"),
    ],
)
async def test_a_listener_that_is_refused_says_which_right_it_misses_and_tries_again(
    broker: Broker,
    front: SqsFront,
    queue_settings: QueueSettings,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    event: str,
) -> None:
    front.denied.add(f"sqs:{action}")
    broker.hurry(monkeypatch)  # so that what could not be deleted comes again
    broker.put("runs", b"a first message")
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(woken.set):
            await until(lambda: len(lines(logs, event)) > 1)
            assert not woken.is_set()
            front.denied.clear()
            await heard(queue, woken)
    assert not lines(logs, "queue.listening_anew")
    assert all(f"not authorized to perform: sqs:{action.lower()} on" in line["error"] for line in lines(logs, event))
    assert all("\n" not in line["error"] for line in lines(logs, event))
    assert [line["retry_seconds"] for line in lines(logs, event)][:2] == [1, 2], "each pause is longer"


async def test_whatever_somebody_else_sent_is_deleted_at_once(
    broker: Broker, queue_settings: QueueSettings, container: Container
) -> None:
    """Bodies that made kombu's own reader raise, so that the batch came back for ever, or whose queue it did not know."""
    bodies: list[Any] = [
        {"properties": 5},
        {"properties": {"delivery_info": 5}},
        {"properties": {"delivery_info": {"routing_key": "another"}}},
        {"properties": {}, "body": "?", "headers": [1]},
        {"properties": {"body_encoding": "none"}, "headers": {"compression": "none"}},
        5,
    ]
    for body in bodies:
        broker.put("runs", json.dumps(body).encode())
    broker.put("runs", b"[" * 100_000)
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue:
            woken = asyncio.Event()
            async with queue.listen(woken.set):
                await until(lambda: len(lines(logs, "queue.foreign_message")) == len(bodies) + 1)
                assert not woken.is_set()
                await heard(queue, woken)
    assert broker.count("ApproximateNumberOfMessages") + broker.unconfirmed() == 0
    assert not lines(logs, "queue.listening_anew") + lines(logs, "queue.connection_lost")


async def test_a_listener_that_waits_ends_soon(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    async with open_queue(queue_settings, container.adapter_context) as queue:
        async with queue.listen(lambda: None):
            await until(lambda: front.asked.count("ReceiveMessage") > 1)
            begun = time.monotonic()
        assert time.monotonic() - begun < 3


async def test_the_environment_leads_messages_nowhere_else(
    broker: Broker, front: SqsFront, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", front.url)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")  # so that the real address is not reached
    values = {"region": broker.region, "url": f"https://sqs.{broker.region}.amazonaws.com/123456789012/runs"}
    async with open_queue(QueueSettings.model_validate(values), container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert front.asked == []
    assert any("proxy" in said for said in messages_of(caught.value))


@pytest.mark.parametrize("certificate", ["right", "of another host", "of another authority"])
async def test_a_certificate_is_checked_before_anything_is_said(
    broker: Broker, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: str
) -> None:
    authority = trustme.CA()
    nobody(tmp_path, monkeypatch)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAPROBE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    front = SqsFront(broker.endpoint)
    front.issued.append("ASIAPROBE")
    front.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer = trustme.CA() if certificate == "of another authority" else authority
    issuer.issue_cert("elsewhere.example" if certificate == "of another host" else "127.0.0.1").configure_cert(
        front.tls
    )
    values = {
        "region": broker.region,
        "url": "https://sqs.example/123456789012/runs",
        "endpoint_url": front.url.replace("http:", "https:"),
    }
    with front.listening():
        async with open_queue(QueueSettings.model_validate(values), container.adapter_context) as queue:
            if certificate == "right":
                await queue.publish(uuid4())
            else:
                with pytest.raises(UnavailableError) as caught:
                    await queue.publish(uuid4())
                assert any("SSL validation failed" in said for said in messages_of(caught.value))
    assert bool(front.asked) == (certificate == "right")


async def test_production_refuses_a_static_key_from_any_source(
    broker: Broker,
    front: SqsFront,
    queue_settings: QueueSettings,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What the ids begin with: AWS STS API Reference, "GetAccessKeyInfo"."""
    for variable in [name for name in os.environ if name.startswith("AWS_CONTAINER")]:
        monkeypatch.delenv(variable)
    (tmp_path / "key").write_text(f"[default]\naws_access_key_id = {STATIC_KEY}\naws_secret_access_key = hunter2\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "key"))
    values = {
        "region": broker.region,
        "url": "https://sqs.example/123456789012/runs",
        "endpoint_url": "https://127.0.0.1:1",
    }
    async with open_queue(QueueSettings.model_validate(values), container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert any("long-term access key, which is refused in production" in said for said in messages_of(caught.value))
    assert not any(STATIC_KEY in said for said in messages_of(caught.value))
    front.issued.append(STATIC_KEY)
    async with open_queue(queue_settings, container.adapter_context) as queue:  # of another environment
        await queue.publish(uuid4())


async def test_no_credentials_at_all_say_what_to_do(
    queue_settings: QueueSettings, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [name for name in os.environ if name.startswith("AWS_CONTAINER")]:
        monkeypatch.delenv(variable)
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(lambda: None):
            await until(lambda: bool(lines(logs, "queue.unreachable")))
            with pytest.raises(UnavailableError):
                await queue.check()
    assert "give the workload a role" in lines(logs, "queue.unreachable")[0]["error"]
