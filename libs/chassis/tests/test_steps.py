"""Steps: one short line each, whole, in order, and never in anybody's way."""

import asyncio
import io
import json
import os
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from chassis import steps
from chassis.edge import Edge
from chassis.logging import redact


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines() if line]


@pytest.fixture
def stream() -> Any:
    stream = io.StringIO()
    steps.configure("booking", stream, on=True)
    yield stream
    steps.configure("", io.StringIO(), on=False)


async def ask(method: str, status: int, route: str | None = None) -> None:
    async def answer(scope: Any, _: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(_: Any) -> None: ...

    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": "/erika@example.org",
        "query_string": b"a=b",
        "headers": [],
    }
    if route is not None:
        scope["route"] = SimpleNamespace(path=route)
    await Edge(answer)(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "status", "is_told"),
    [("POST", 201, True), ("GET", 200, False), ("GET", 404, True), ("DELETE", 204, True)],
)
async def test_a_request_that_changes_something_or_fails_is_a_line(
    stream: io.StringIO, method: str, status: int, is_told: bool
) -> None:
    await ask(method, status)
    steps.flush()
    lines = told(stream)
    assert [(line["event"], line["method"], line["status"]) for line in lines] == [
        ("request", method, status)
    ] * is_told
    for line in lines:
        assert line["service"] == "booking"
        assert line["trace_id"]
        assert line["correlation_id"]
        assert redact(None, "", dict(line)) == line
        assert "erika" not in json.dumps(line)


async def test_who_asks_whether_it_is_ready_is_no_line_though_it_is_not(stream: io.StringIO) -> None:
    await ask("GET", 503, "/readyz")
    await ask("GET", 503, "/offices/{slug}")
    steps.flush()
    assert [line["route"] for line in told(stream)] == ["/offices/{slug}"]


async def test_lines_gather_for_a_moment(stream: io.StringIO) -> None:
    for number in range(3):
        steps.step("handled", correlation_id="abc", tries=number)
    assert told(stream) == []
    await asyncio.sleep(0.2)
    assert [line["tries"] for line in told(stream)] == [0, 1, 2]


async def test_many_are_not_kept_waiting(stream: io.StringIO) -> None:
    for _ in range(600):
        steps.step("handled", correlation_id="abc")
    assert len(told(stream)) >= 500


def test_without_a_loop_a_line_is_written_at_once(stream: io.StringIO) -> None:
    steps.step("handled", correlation_id=None)
    (line,) = told(stream)
    assert "correlation_id" not in line


async def test_a_stream_that_is_closed_is_no_request_s_matter(stream: io.StringIO) -> None:
    stream.close()
    steps.step("handled", correlation_id="abc")
    steps.flush()


def test_half_a_character_is_no_request_s_matter(stream: io.StringIO) -> None:
    steps.step("handled", correlation_id="\udcff")
    assert [line["event"] for line in told(stream)] == ["handled"]


class Slow(io.StringIO):
    """Takes half of what it is given, and then nothing, while nobody reads."""

    behind = True

    def write(self, text: str) -> int:
        if self.behind:
            super().write(text[: len(text) // 2])
            raise BlockingIOError(11, "again")
        return super().write(text)


async def test_who_reads_too_slowly_gets_it_with_the_next_lines() -> None:
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    read = b""
    with os.fdopen(writing, "w") as stream:
        written = steps.Steps("booking", stream)
        for number in range(2000):  # more than a pipe holds
            written.add("handled", {"tries": number})
            if number % 400 == 399:
                written.flush()
        for number in range(2000, 2003):
            with suppress(BlockingIOError):
                while got := os.read(reading, 1 << 20):
                    read += got
            written.add("handled", {"tries": number})
            written.flush()
    while got := os.read(reading, 1 << 20):
        read += got
    os.close(reading)
    whole = [line for line in read.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    tries = {json.loads(line)["tries"] for line in whole}
    assert tries >= set(range(1503, 2003)), "the newest are there"
    assert tries >= set(range(400)), "and what was taken before"


async def test_what_is_kept_for_them_does_not_grow() -> None:
    stream = Slow()
    written = steps.Steps("booking", stream)
    for number in range(3000):
        written.add("handled", {"tries": number})
    written.flush()
    stream.seek(0)
    stream.truncate()
    stream.behind = False
    written.add("last", {})
    written.flush()
    lines = told(stream)
    assert len(lines) == 501
    assert [lines[-2]["tries"], lines[-1]["event"]] == [2999, "last"]
