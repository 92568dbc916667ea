"""Who the service is for Google Cloud Pub/Sub, to whom it talks, and what production refuses."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from tests.support.gcp.pubsub import NAME, PROJECT, GrantedPubSub, settings

from chassis.container import Container
from chassis.dev.pubsub import PubSubServer
from chassis.dev.services import free_port
from chassis.ports.errors import UnavailableError
from chassis.selected import open_queue
from chassis.settings_loader import InvalidSettingsError, load_settings

pytestmark = pytest.mark.slow


async def test_a_login_that_expired_is_renewed(cloud: GrantedPubSub, container: Container) -> None:
    woken = asyncio.Event()
    async with open_queue(settings(cloud), container.adapter_context) as queue, queue.listen(woken.set):
        await queue.publish(uuid4())
        await asyncio.wait_for(woken.wait(), 60)
        cloud.identity.expired.update(cloud.identity.issued)
        woken.clear()
        await queue.publish(uuid4())
        await asyncio.wait_for(woken.wait(), 60)


async def test_without_an_identity_it_is_unavailable(gke: GrantedPubSub, container: Container) -> None:
    gke.identity.silent = True
    async with open_queue(settings(gke), container.adapter_context) as queue:
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
    assert gke.server.calls == []


async def test_a_server_that_nobody_vouches_for_is_told_nothing(
    gke: GrantedPubSub, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1; by any other name the same server is a stranger."""
    monkeypatch.setenv("NO_PROXY", "localhost")
    endpoint = gke.endpoint.replace("127.0.0.1", "localhost")
    async with open_queue(settings(gke, endpoint=endpoint), container.adapter_context) as queue:
        for asked in (queue.publish(uuid4()), queue.check()):
            with pytest.raises(UnavailableError):
                await asked
    assert gke.server.calls == []


async def test_the_sdks_variable_for_emulators_does_not_turn_tls_off(
    gke: GrantedPubSub, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = PubSubServer(gke.store)
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    listening = emulator.started(address)
    async with open_queue(settings(gke), container.adapter_context) as queue:
        await queue.publish(uuid4())
    listening.stop(None).wait()
    assert emulator.calls == []
    assert gke.server.calls == ["test", "publish"]


async def test_production_refuses_a_login_that_gcloud_left_behind(
    gke: GrantedPubSub, container: Container, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    person = {"type": "authorized_user", "client_id": "x", "client_secret": "hunter2", "refresh_token": "hunter2"}
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "gcloud/application_default_credentials.json").write_text(json.dumps(person))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    async with open_queue(settings(gke), container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert "a person's login, which is refused in production" in str(caught.value.__cause__)
    assert gke.server.calls == []


def problems(**changes: str) -> list[str]:
    """Give what is wrong with these settings in production."""
    values = {"PROJECT": PROJECT, "TOPIC": NAME, "SUBSCRIPTION": NAME, **changes}
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings({f"CHASSIS__QUEUE__{name}": value for name, value in values.items()})
    return [problem for problem in caught.value.problems if "QUEUE" in problem]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"EMULATOR": "127.0.0.1:8085"}, {"TOPIC": "projects/my-project/topics/x"}, {"SUBSCRIPTION": "1"}),
        *({"PROJECT": "My Project"}, {"ENDPOINT": "http://pubsub.internal"}, {"MONITORING_ENDPOINT": "u:p@monitoring"}),
    ],
    ids=str,
)
def test_production_refuses_wrong_settings(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert not problems()
    assert len(problems(**wrong)) == 1


def test_production_refuses_a_key_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps({"type": "service_account", "private_key": "hunter2"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    [problem] = problems()
    assert "a service account's key in the file that GOOGLE_APPLICATION_CREDENTIALS names is refused" in problem
    assert "hunter2" not in problem
