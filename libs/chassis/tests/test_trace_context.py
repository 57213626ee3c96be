"""What a stranger sends as trace context travels on only in the form that the W3C gives it."""

import re
from collections.abc import MutableMapping
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from chassis.edge import Edge

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FORM = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


async def bound_by(sent: bytes | None, kind: str = "http") -> dict[str, Any]:
    """What is bound to everything that such a request logs and publishes."""
    seen: dict[str, Any] = {}

    async def app(*_: object) -> None:
        seen.update(structlog.contextvars.get_contextvars())

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(_: MutableMapping[str, Any]) -> None: ...

    headers = [] if sent is None else [(b"traceparent", sent)]
    await Edge(app)({"type": kind, "method": "GET", "headers": headers}, receive, send)
    return seen


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("version_and_flags", [("00", "01"), ("00", "00"), ("cc", "ff")])
async def test_a_trace_is_carried_on(kind: str, version_and_flags: tuple[str, str]) -> None:
    version, flags = version_and_flags
    sent = f"{version}-{TRACE}-{PARENT}-{flags}"
    bound = await bound_by(sent.encode(), kind)
    assert (bound["traceparent"], bound["trace_id"]) == (sent, TRACE)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "sent",
    [
        None,
        b"",
        b"x" * 14_000,
        f"00-{TRACE}-{PARENT}-01-{'x' * 14_000}".encode(),
        f"00-{TRACE.upper()}-{PARENT}-01".encode(),
        f"00-{'0' * 32}-{PARENT}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"ff-{TRACE}-{PARENT}-01".encode(),
        f"00-{TRACE}-{PARENT}-01\n".encode(),
        f"00-{TRACE}-{PARENT}".encode(),
        f"00-{TRACE[:-1]}\xb2-{PARENT}-01".encode("latin-1"),
    ],
    ids=lambda sent: repr(sent)[:40],
)
async def test_what_is_no_trace_gets_a_new_one(sent: bytes | None, kind: str) -> None:
    first, second = await bound_by(sent, kind), await bound_by(sent, kind)
    assert FORM.fullmatch(first["traceparent"])
    assert first["trace_id"] == first["traceparent"].split("-")[1] != second["trace_id"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_what_comes_after_a_request_does_not_carry_its_trace(kind: str) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="of whoever serves it"):
        await bound_by(f"00-{TRACE}-{PARENT}-01".encode(), kind)
        assert structlog.contextvars.get_contextvars() == {"trace_id": "of whoever serves it"}


@given(st.binary(max_size=80))
async def test_nothing_else_reaches_events_and_logs(sent: bytes) -> None:
    bound = await bound_by(sent)
    assert FORM.fullmatch(bound["traceparent"])
    assert re.fullmatch(r"[0-9a-f]{32}", bound["trace_id"])
    assert re.fullmatch(r"[0-9A-Za-z]{8,64}", bound["correlation_id"])
