"""The Azure Monitor sink's own behaviour, and its laptop's endpoint compared with Microsoft's documents.

Statuses: "Tutorial: Send data to Azure Monitor Logs using REST API", "Troubleshooting"; limits: "Azure Monitor service limits",
"Logs Ingestion API"; both learn.microsoft.com/azure/azure-monitor.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.audit_sink import event
from tests.support.audit_sink.azure_monitor import AzureCollector
from tests.support.audit_sink.azure_monitor import endpoint as open_endpoint

from chassis.adapters._azure_identity import NoAzureIdentityError
from chassis.adapters.audit_sink.azure_monitor import open_audit_sink
from chassis.dev.audit_sink.azure_monitor import RULE, STREAM, Collector
from chassis.dev.collector import Answer, Kept, Request
from chassis.ports.errors import UnavailableError
from chassis.selected import AuditSinkSettings

PAGE = Path("docs/audit-sink-azure_monitor.md").read_text()
PATH = f"/dataCollectionRules/{RULE}/streams/{STREAM}"


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureCollector]:
    with open_endpoint(tmp_path, monkeypatch) as opened:
        yield opened


def post(collector: Collector, body: Any, token: str = "good", path: str = PATH) -> Answer:
    collector.accepted.add("good")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return collector.answer(Request("POST", path, {"api-version": "2023-01-01"}, headers, content))


def test_the_laptops_endpoint_answers_as_documented() -> None:
    kept: list[Kept] = []
    collector = Collector(kept.extend)
    assert post(collector, [{"Uid": "1", "Record": {}}]) == Answer(204)
    assert post(collector, {"Uid": "2", "Record": {}}).status == 204, "an object is one row"
    assert post(collector, b"[").status == 400
    assert post(collector, [{}], token="other").status == 401
    assert post(collector, [{}], path="/dataCollectionRules/dcr-1/streams/Custom-X").status == 404
    assert post(collector, [{"Uid": "x" * 1_000_000}]).status == 413
    assert [record.uid for record in kept] == ["1", "2"]


def test_an_identity_without_a_role_on_the_rule_is_forbidden() -> None:
    collector = Collector(lambda _: None)
    collector.grants = False
    query = {"api-version": "2019-08-01", "resource": "https://monitor.azure.com"}
    given = collector.answer(Request("GET", "/msi/token", query, {"x-identity-header": collector.header}, b""))
    assert post(collector, [{}], token=json.loads(given.body)["access_token"]).status == 403


def test_fields_above_64_kb_are_cut_and_unknown_columns_dropped_with_success() -> None:
    kept: list[Kept] = []
    row = {"Uid": "1", "Other": "dropped", "Record": {"text": "x" * 70_000}}
    assert post(Collector(kept.extend), [row]).status == 204
    assert len(kept[0].body["Record"]) == 64 * 1024
    assert set(kept[0].body) == {"Record"}


async def test_a_row_has_the_columns_of_the_page(endpoint: AzureCollector) -> None:
    async with open_audit_sink(endpoint.settings, endpoint.context) as sink:
        await sink.ship([record := event(1)])
    [request] = endpoint.seen
    assert (request.path, dict(request.query)) == (PATH, {"api-version": "2023-01-01"})
    [row] = json.loads(request.body)
    assert row == {
        "TimeGenerated": record.time.isoformat(),
        "Uid": record.uid,
        "Action": "run.accepted",
        "Record": record.body,
    }
    assert list(row) == re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE), "whoever makes the table follows the page"


async def test_a_token_is_kept_until_it_is_refused(endpoint: AzureCollector) -> None:
    async with open_audit_sink(endpoint.settings, endpoint.context) as sink:
        for number in range(5):
            await sink.ship([event(number)])
        assert len(endpoint.vendor.given) == 1
        endpoint.rotate_token()
        await sink.ship([event(5)])
    assert len(endpoint.vendor.given) == 2


async def test_an_identity_endpoint_that_fails_is_an_outage(
    endpoint: AzureCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    async with open_audit_sink(endpoint.settings, endpoint.context) as sink:
        with pytest.raises(UnavailableError, match="gives this service no token") as caught:
            await sink.ship([event(1)])
    assert caught.value.__context__ is None
    assert endpoint.requests == 0


async def test_a_process_without_an_identity_does_not_start(
    endpoint: AzureCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    with pytest.raises(NoAzureIdentityError, match="Azure gives this process no identity"):
        async with open_audit_sink(endpoint.settings, endpoint.context):
            pass


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("a.westeurope-1.ingest.monitor.azure.com", "https://monitor.azure.com/.default"),
        ("a.usgovvirginia-1.ingest.monitor.azure.us", "https://monitor.azure.us/.default"),
        ("a.chinaeast2-1.ingest.monitor.azure.cn", "https://monitor.azure.cn/.default"),
    ],
)
def test_tokens_are_those_of_the_endpoints_cloud(host: str, scope: str) -> None:
    settings = AuditSinkSettings.model_validate(
        {"url": f"https://{host}", "rule_id": RULE}, context={"environment": "production"}
    )
    assert settings.scope == scope


@pytest.mark.parametrize("host", ["collector.internal", "monitor.azure.com.evil.example", "ingest.monitor.azure.com"])
def test_production_sends_its_token_to_azure_only(host: str) -> None:
    with pytest.raises(ValidationError, match="followed by"):
        AuditSinkSettings.model_validate(
            {"url": f"https://{host}", "rule_id": RULE}, context={"environment": "production"}
        )
