"""docs/audit.md, carried out: each attempt on a copy of a sealed log, and what `audit verify` says of it."""

import ast
import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.support.audit import KEY, copy_database, keeper_environment, keeping, report_on, until_sealed, write
from tests.support.isolation import OWNER_URL, isolated_environment

from chassis.audit.canonical import COLUMNS, GENESIS, chained, digest_of
from chassis.audit.signing import Head, SigningKey
from chassis.commands.audit import read_heads
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PAGE = Path("docs/audit.md").read_text()
ATTEMPTS = re.findall(r"^([^\n]+):\n\n```(sql|python)\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class SealedLog:
    """Where a sealed log lies, and the heads that left the database."""

    url: str
    heads: Sequence[Head]

    def copy(self) -> str:
        return copy_database(self.url, "audit_attacked")


@pytest.fixture(scope="module")
async def log(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> SealedLog:
    own = await isolated_environment(environment, "audit")
    sink = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    for first, last in ((1, 20), (21, 40)):  # a keeper that stops signs what it has sealed
        async with open_container(load_settings(own)) as container:
            await write(container.sessions, first, last)
            with keeper_environment(own, sink, CHASSIS__AUDIT__HEAD_EVENTS="20") as keeper:
                async with keeping(keeper):
                    await until_sealed(container.sessions)
    return SealedLog(own[OWNER_URL], [head for head in read_heads(sink) if head.sequence])


async def rewrite(url: str, statement: str, *, heads: bool = False, key: str | None = None) -> None:
    """Change events and compute the chain anew, as whoever has the database and our code can."""
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
        await connection.execute(statement)
        columns = ", ".join(f"e.{name}" for name in COLUMNS)
        rows = await connection.execute(
            f"SELECT {columns}, s.sequence FROM audit_event e JOIN audit_seal s USING (event_id) ORDER BY s.sequence"
        )
        chain, chains = GENESIS, {0: GENESIS}
        for row in await rows.fetchall():
            digest = digest_of(row)
            chain = chains[row["sequence"]] = chained(chain, digest)
            await connection.execute(
                "UPDATE audit_seal SET digest = %s, chain = %s WHERE sequence = %s", (digest, chain, row["sequence"])
            )
        if not heads:
            return
        for row in await (await connection.execute("SELECT * FROM audit_head")).fetchall():
            forged = Head(**{**row, "chain": chains[row["sequence"]]})
            if key is not None:
                forged = SigningKey(key.encode().ljust(32)).sign(
                    forged.number, forged.sequence, forged.chain, forged.signed_at
                )
            await connection.execute(
                "UPDATE audit_head SET chain = %s, key_id = %s, signature = %s WHERE number = %s",
                (forged.chain, forged.key_id, forged.signature, forged.number),
            )


async def attempt(url: str, kind: str, code: str) -> None:
    if kind == "sql":
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute(code)
        return
    [awaited] = ast.parse(code).body
    call = awaited.value.value  # type: ignore[attr-defined]
    assert call.func.id == "rewrite"
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    await rewrite(url, ast.literal_eval(call.args[0]), **keywords)


async def test_a_log_that_nobody_touched_is_whole(log: SealedLog) -> None:
    report = await report_on(log.url, log.heads)
    assert report.problems == []
    assert (report.sealed, report.unsealed) == (40, 0)
    assert report.newest is not None
    assert (report.newest.sequence, report.newest.number, len(log.heads)) == (40, 2, 2)


@pytest.mark.parametrize(("title", "kind", "code", "expected"), ATTEMPTS, ids=[title for title, *_ in ATTEMPTS])
async def test_an_attempt_is_seen(log: SealedLog, title: str, kind: str, code: str, expected: str) -> None:
    url = await asyncio.to_thread(log.copy)
    await attempt(url, kind, code)
    outside = log.heads if "Kept head" in expected else ()
    found = (await report_on(url, outside)).problems
    patterns = [re.escape(line).replace("…", ".+") for line in expected.splitlines()]
    assert len(found) == len(patterns), f"{title}: {found}"
    for problem, pattern in zip(found, patterns, strict=True):
        assert re.fullmatch(pattern, problem), title


def test_the_page_has_the_attempts() -> None:
    assert len(ATTEMPTS) >= 14
    assert PAGE.count("```sql") + PAGE.count("```python") == len(ATTEMPTS), "an attempt has no outcome"


async def test_a_rotated_key_vouches_for_what_an_older_one_signed(log: SealedLog) -> None:
    url = await asyncio.to_thread(log.copy)
    new = SigningKey(b"another key of thirty-two bytes.")
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
        row = await (await connection.execute("SELECT * FROM audit_head ORDER BY number DESC LIMIT 1")).fetchone()
        assert row is not None
        head = new.sign(row["number"] + 1, row["sequence"], row["chain"], row["signed_at"])
        await connection.execute(
            "INSERT INTO audit_head VALUES (%s, %s, %s, %s, %s, %s)",
            (head.number, head.sequence, head.chain, head.signed_at, head.key_id, head.signature),
        )
    assert (await report_on(url, key=new)).problems == []
    assert "which is not the one in use" in (await report_on(url, key=KEY)).problems[0]
