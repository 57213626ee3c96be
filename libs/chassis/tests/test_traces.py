"""Spans where everything passes: none without a collector, nobody's data in them, and nobody waits for them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from collector import Collector, collecting
from sqlmodel import text

from chassis import traces
from chassis.database import Database
from chassis.edge import Edge
from chassis.spans import Spans, _shape
from contracts.topology import SERVICES

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector
    traces.configure("booking", None, 1)


def begin(url: str, ratio: float = 1.0) -> Spans:
    spans = traces.configure("booking", url, ratio)
    assert spans
    return spans


async def ask(headers: list[tuple[bytes, bytes]], app: Any = None) -> None:
    async def answer(scope: Any, _: Any, send: Any) -> None:
        if app:
            await app()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(_: MutableMapping[str, Any]) -> None: ...

    await Edge(answer)({"type": "http", "method": "GET", "headers": headers}, receive, send)


def imported(statement: str) -> set[str]:
    """The modules of OpenTelemetry that a process has after `statement`."""
    code = f"{statement}\nimport sys; print(*(name for name in sys.modules if name.startswith('opentelemetry')))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("service", SERVICES)
def test_without_a_collector_nothing_of_opentelemetry_is_imported(service: str) -> None:
    """FastAPI and Redis' client import some of its names whenever it is installed; we none besides."""
    ours = imported(f"import {service}.app; from chassis import traces; traces.configure('x', None, 1.0)")
    assert ours <= imported("import fastapi, redis.asyncio")
    assert not [name for name in ours if name.startswith(("opentelemetry.exporter", "opentelemetry.sdk.trace."))]


async def test_a_request_is_a_span_and_what_it_asks_of_the_database_its_child(
    collector: Collector, database_url: str
) -> None:
    spans = begin(collector.url)
    database = Database(database_url)

    async def asks() -> None:
        async with database.transaction() as tx:
            await tx.rows("SELECT :planted AS told FROM pg_class LIMIT 1", planted="planted-parameter")
            await tx.execute("SELECT 'planted-literal'")
            await (await tx.session.connection()).execute(
                text("SELECT relname FROM pg_class WHERE relname = 'planted-session'")
            )

    await ask([(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())], asks)
    await ask([])
    await asyncio.sleep(0)
    await database.close()
    spans.close()
    told = {span.name: span for span in collector.spans if span.trace_id == TRACE}
    request = told["GET unmatched"]
    assert (request.parent_id, request.service) == (PARENT, "booking")
    assert {"BEGIN", "SELECT pg_class", "COMMIT"} <= told.keys()
    assert {span.parent_id for name, span in told.items() if name != "GET unmatched"} == {request.span_id}
    assert "planted" not in collector.raw
    assert [span.parent_id for span in collector.spans if span.trace_id != TRACE] == [""], "the first of its trace"


async def test_which_traces_are_told_follows_from_their_ids(collector: Collector) -> None:
    spans = begin(collector.url, 0.5)
    for low in ("0" * 15 + "1", "7" + "f" * 15, "8" + "0" * 15, "f" * 16):
        await ask([(b"traceparent", f"00-{TRACE[:16]}{low}-{PARENT}-01".encode())])
    spans.close()
    assert sorted(span.trace_id[16:] for span in collector.spans) == ["0" * 15 + "1", "7" + "f" * 15]


async def test_what_is_done_within_a_span_carries_it_on(collector: Collector) -> None:
    spans = begin(collector.url)
    with traces.carrying({"correlation_id": "abc", "traceparent": f"00-{TRACE}-{PARENT}-01"}):
        with traces.span("outer", "consumer"), traces.span("inner", "client"):
            within = traces.carried()
        assert traces.carried()["traceparent"] == f"00-{TRACE}-{PARENT}-01"
    with traces.span("nobody asked", "client"):
        assert "traceparent" not in structlog.contextvars.get_contextvars()
    with pytest.raises(ValueError, match="planted"), traces.span("first", "client", begins=True):
        raise ValueError("planted")
    spans.close()
    told = {span.name: span for span in collector.spans}
    assert told["inner"].parent_id == told["outer"].span_id
    assert within == {"correlation_id": "abc", "traceparent": f"00-{TRACE}-{told['inner'].span_id}-01"}
    assert told.keys() == {"outer", "inner", "first"}
    assert told["first"].failed
    assert "planted" not in collector.raw


@pytest.mark.parametrize("forged", ["", "00-zz", "x" * 55, f"00-{'é' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01"])
async def test_an_event_s_traceparent_of_another_form_is_as_none(collector: Collector, forged: str) -> None:
    """Whoever may publish writes its headers: no event fails for them, nor is its trace told."""
    spans = begin(collector.url)
    with traces.carrying({"correlation_id": "abc", "traceparent": forged}):
        assert "trace_id" not in structlog.contextvars.get_contextvars()
        assert traces.carried() == {"correlation_id": "abc"}
        with traces.span("handle", "consumer"):
            spans.statement("SELECT 1", 0.1)
        spans.past("publish", "producer", 0.1, parent=forged)
    spans.close()
    assert not collector.spans


def test_an_absent_collector_costs_one_warning_and_nobody_s_time(capsys: pytest.CaptureFixture[str]) -> None:
    from chassis import logging

    logging.configure("booking")
    spans = begin("http://127.0.0.1:9")
    began = time.monotonic()
    for _ in range(10_000):
        with traces.span("lost", "client", begins=True):
            pass
    assert time.monotonic() - began < 10
    time.sleep(3)
    closing = time.monotonic()
    spans.close()
    traces.configure("booking", None, 1)
    assert time.monotonic() - closing < 4
    said = capsys.readouterr().out.splitlines()
    assert len([line for line in said if "traces_not_taken" in line]) == 1
    assert len(said) == 1


@pytest.mark.parametrize(
    ("sql", "name", "shape"),
    [
        (
            "BEGIN; INSERT INTO inbox (a) VALUES ('it''s', 12)",
            "INSERT inbox",
            "INSERT INTO inbox (a) VALUES (?, ?)",
        ),
        ("WITH x AS (UPDATE message SET a = $1) SELECT 1", "UPDATE message", "UPDATE message SET a = $1"),
        ("WITH a AS (SELECT b FROM c) INSERT INTO d (e) SELECT b FROM a", "INSERT d", "INSERT INTO d (e)"),
        ("SELECT a FROM b FOR UPDATE SKIP LOCKED", "SELECT b", "FOR UPDATE SKIP LOCKED"),
        ("COMMIT", "COMMIT", "COMMIT"),
        ("SELECT a\n  FROM slot", "SELECT slot", "SELECT a FROM slot"),
    ],
)
def test_a_statement_is_told_by_its_shape(sql: str, name: str, shape: str) -> None:
    assert _shape(sql)[0] == name
    assert shape in _shape(sql)[1]
