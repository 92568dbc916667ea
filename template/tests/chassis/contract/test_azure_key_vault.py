"""What is particular to Azure Key Vault, beyond what every secret backend must do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from pydantic import ValidationError
from tests.support.azure.identity import CLIENT_ID
from tests.support.secret_backend.azure_key_vault import KeyVault, managed_identity, workload_identity

from chassis.adapters._azure_identity import PLATFORM_VARIABLES
from chassis.adapters._azure_settings import STATIC_CREDENTIALS
from chassis.adapters.secret_backend.azure_key_vault import KeyVaultSecretBackend
from chassis.ports.secrets import SecretBackend, SecretDeniedError, SecretNotFoundError, SecretUnavailableError
from chassis.selected import SecretSettings, open_secret_backend

VAULT = "https://my-agent.vault.azure.net"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    with managed_identity(tmp_path, monkeypatch) as store:
        yield store


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    with workload_identity(tmp_path, monkeypatch) as store:
        yield store


async def read(store: KeyVault, name: str = "probe") -> str:
    async with open_secret_backend(store.settings) as backend:
        return (await backend.read(name)).reveal()


def settings(environment: str = "production", **values: Any) -> SecretSettings:
    return SecretSettings.model_validate({"vault_url": VAULT, **values}, context={"environment": environment})


@pytest.mark.parametrize(
    "url",
    [
        *("https://a.vault.azure.net", "https://a.vault.azure.cn/", "https://a.vault.usgovcloudapi.net:443"),
        pytest.param("https://A.VAULT.azure.net", id="capitals"),
    ],
)
def test_production_takes_a_vault_of_each_cloud(url: str) -> None:
    assert str(settings(vault_url=url).vault_url).startswith("https://a.vault.")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://a.vault.azure.net",
            "https://a.vault.azure.net.evil.example",
            "https://evil.example/.vault.azure.net",
        ),
        *("https://vault.azure.net", "https://a.b.vault.azure.net", "https://evilvault.azure.net", "https://localhost"),
        *("https://a.vault.azure.net:8443", "https://a.vault.azure.net/secrets", "https://u:p@a.vault.azure.net"),
        *(
            "https://a.vault.azure.net?x=.vault.azure.net",
            "https://a.managedhsm.azure.net",
            "https://key-vault.invalid",
        ),
    ],
)
def test_production_takes_nothing_else_for_a_vault(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(vault_url=url)


@pytest.mark.parametrize("variable", STATIC_CREDENTIALS)
def test_production_refuses_credentials_that_outlive_a_leak(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "hunter2")
    with pytest.raises(ValidationError, match=rf"remove {variable} from the environment") as caught:
        settings()
    assert "hunter2" not in str(caught.value)
    assert settings("development").vault_url.host == "my-agent.vault.azure.net"


@pytest.mark.parametrize("prefix", ["-a", "a_", "a/b", "a\n", "ä", "a" * 64])
def test_a_prefix_is_the_beginning_of_a_name(prefix: str) -> None:
    with pytest.raises(ValidationError):
        settings(prefix=prefix)


async def test_nothing_is_asked_before_a_secret_is(store: KeyVault) -> None:
    async with open_secret_backend(store.settings):
        assert (store.azure.vault.requests, store.azure.identities.requests) == ([], 0)


async def test_without_an_identity_of_the_platform_no_other_is_looked_for(
    store: KeyVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in PLATFORM_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hunter2")
    store.put("probe", "a value")
    with pytest.raises(SecretDeniedError, match="Azure gives this process no identity"):
        await read(store)
    assert store.azure.vault.requests == []


async def test_a_pod_without_its_token_is_told_so(pod: KeyVault, tmp_path: Path) -> None:
    (tmp_path / "azure-identity-token").unlink()
    with pytest.raises(SecretDeniedError, match="federated token, which AZURE_FEDERATED_TOKEN_FILE names"):
        await read(pod)


async def test_a_login_that_is_refused_is_denied_after_one_more_attempt(pod: KeyVault) -> None:
    pod.azure.identities.assertion = "another"
    with pytest.raises(SecretDeniedError, match="the login of this service is refused"):
        await read(pod)
    assert pod.azure.identities.requests == 2


async def test_a_federated_token_that_ended_is_read_anew(pod: KeyVault, tmp_path: Path) -> None:
    """The SDK keeps it in memory for ten minutes, also where Entra refuses it."""
    pod.put("probe", "a value")
    async with open_secret_backend(pod.settings) as backend:
        await backend.read("probe")
        pod.azure.identities.assertion = "the next"
        (tmp_path / "azure-identity-token").write_text("the next")
        pod.expire_login()
        assert (await backend.read("probe")).reveal() == "a value"


async def test_a_rejected_token_is_replaced_once_and_not_again_and_again(store: KeyVault) -> None:
    store.put("probe", "a value")
    async with open_secret_backend(store.settings) as backend:
        await backend.read("probe")
        store.azure.identities.accepts_no_token = True
        before = store.azure.identities.requests
        with pytest.raises(SecretDeniedError, match="the login of this service is refused"):
            await backend.read("probe")
    assert store.azure.identities.requests == before + 1


async def test_a_token_is_used_until_it_ends(store: KeyVault) -> None:
    store.put("probe", "a value")
    async with open_secret_backend(store.settings) as backend:
        for _ in range(3):
            await backend.read("probe")
    assert store.azure.identities.requests == 1


async def test_the_assigned_identity_is_asked_for_by_its_id(store: KeyVault) -> None:
    store.put("probe", "a value")
    values = {"vault_url": store.azure.vault.url, "prefix": "agent-", "client_id": CLIENT_ID.replace("5", "6")}
    store.settings = SecretSettings.model_validate(values, context={"environment": "test"})
    with pytest.raises(SecretUnavailableError, match=r"set secrets\.client_id"):
        await read(store)


@pytest.mark.parametrize("where", ["managed", "workload"])
async def test_an_identity_that_cannot_be_asked_is_an_outage(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = {"managed": managed_identity, "workload": workload_identity}[where]
    with opener(tmp_path, monkeypatch) as store:
        store.put("probe", "a value")
        server = {"managed": store.azure.endpoint, "workload": store.azure.entra}[where]
        with server.down(), pytest.raises(SecretUnavailableError, match="or to what gives its tokens"):
            await read(store)


@pytest.mark.parametrize("status", [400, 404, 408, 429, 500, 502, 503, 504])
async def test_an_answer_that_says_nothing_about_the_secret_is_an_outage(store: KeyVault, status: int) -> None:
    """404 too: without the code SecretNotFound it is not Key Vault's. Nobody waits as long as the server asks for."""
    store.put("probe", "a value")
    store.azure.vault.failing = [status]
    with pytest.raises(SecretUnavailableError, match=f"answers {status}"):
        await read(store)
    assert await read(store) == "a value"


async def test_a_connection_that_broke_is_opened_again(store: KeyVault) -> None:
    store.put("probe", "a value")
    async with open_secret_backend(store.settings) as backend:
        await backend.read("probe")
        store.azure.key_vault.cut_next = True
        assert (await backend.read("probe")).reveal() == "a value"


async def test_a_disabled_secret_is_denied_with_what_to_do(store: KeyVault) -> None:
    store.azure.vault.put("agent-probe", "a value", enabled=False)
    with pytest.raises(SecretDeniedError, match="'probe' is disabled; enable agent-probe in the Key Vault localhost"):
        await read(store)


@pytest.mark.parametrize("inner", ["ForbiddenByRbac", "AccessDenied", "ForbiddenByFirewall"])
async def test_a_denial_names_the_role_and_the_network(store: KeyVault, inner: str) -> None:
    store.azure.vault.forbidden["agent-probe"] = inner
    with pytest.raises(SecretDeniedError, match=r"the role Key Vault Secrets User .* network rules"):
        await read(store)


@pytest.mark.parametrize("attributes", [{"exp": 1}, {"nbf": 4_000_000_000}], ids=["expired", "not yet valid"])
async def test_a_secret_outside_its_dates_is_used_and_told_of(store: KeyVault, attributes: dict[str, int]) -> None:
    store.azure.vault.put("agent-probe", "a value", **attributes)
    with structlog.testing.capture_logs() as logs:
        assert await read(store) == "a value"
    assert [(entry["event"], entry["secret"]) for entry in logs] == [("secrets.outside_its_dates", "probe")]
    assert "a value" not in str(logs)


async def test_a_secret_that_was_recovered_is_there_again(store: KeyVault) -> None:
    store.put("probe", "a value")
    store.delete("probe")
    store.azure.vault.recover("agent-probe")
    assert await read(store) == "a value"


async def test_a_name_that_no_vault_can_hold_is_absent(store: KeyVault) -> None:
    with pytest.raises(SecretNotFoundError, match="at most 127 characters"):
        await read(store, "a" * 122)
    assert store.azure.vault.requests == []


class Rerouted(HttpTransport[Any, Any]):
    """Asks the stand-in where the client means to ask a Key Vault, as a false entry in the DNS would."""

    def __init__(self, meant: str, asked: str) -> None:
        self._meant, self._asked = meant, asked
        self._transport = RequestsTransport()

    def __exit__(self, *_details: object) -> None:
        self.close()

    def open(self) -> None:
        self._transport.open()

    def close(self) -> None:
        self._transport.close()

    def send(self, request: Any, **options: Any) -> Any:
        meant = request.url
        request.url = meant.replace(self._meant, self._asked)
        try:
            return self._transport.send(request, **options)
        finally:
            request.url = meant


@pytest.mark.parametrize(("vault", "resource"), [("mine", "vault.azure.net"), ("false", "management.azure.com")])
async def test_no_token_is_asked_for_that_is_worth_something_elsewhere(
    store: KeyVault, vault: str, resource: str
) -> None:
    """The SDK compares the host with the resource of the challenge; see aka.ms/azsdk/blog/vault-uri."""
    store.azure.vault.resource = f"https://{resource}"
    store.azure.vault.put("probe", "a value")
    of_it = settings(vault_url=f"https://{vault}.vault.azure.net")
    with Rerouted(str(of_it.vault_url).rstrip("/"), store.azure.vault.url) as transport:
        backend = KeyVaultSecretBackend(of_it, transport)
        if vault == "mine":
            assert (await backend.read("probe")).reveal() == "a value"
        else:
            with pytest.raises(SecretDeniedError, match="does not answer as a Key Vault"):
                await backend.read("probe")
            assert store.azure.identities.requests == 0


async def test_no_error_shows_a_token_or_what_the_vault_says_of_the_caller(store: KeyVault) -> None:
    store.azure.vault.forbidden["agent-probe"] = "ForbiddenByRbac"
    async with open_secret_backend(store.settings) as backend:
        shown = await _error(backend)
    assert not [token for token in store.azure.identities.given if token in shown]
    assert store.azure.identities.header not in shown
    assert "Caller" not in shown


async def _error(backend: SecretBackend) -> str:
    with pytest.raises(SecretDeniedError) as caught:
        await backend.read("probe")
    return f"{caught.value} {caught.value!r} {caught.value.detail} {backend!r}"
