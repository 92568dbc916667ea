"""As whom SQS is asked, and to whom the service tells it."""

import asyncio
import os
import ssl
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
import trustme
from tests.support.aws.sqs_front import TOKEN, SqsFront
from tests.support.aws.sqs_pod import heard, lines, messages_of
from tests.support.aws.workload import nobody
from tests.support.queue.sqs import Broker
from tests.support.service import until

from chassis.container import Container
from chassis.dev.services import free_port
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

STATIC_KEY = "AKIAIOSFODNN7EXAMPLE"


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
