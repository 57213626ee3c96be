"""The sending side of a socket: it holds nobody up, ends after what was said, and cuts off who does not read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.websockets import WebSocket

from signaling import sockets as module
from signaling.sockets import Allowance, Outgoing


class Browser:
    """The other end: it reads when it is let to."""

    def __init__(self) -> None:
        self.read: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.read.append(message)

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.read if message["type"] == "websocket.send"]

    @property
    def codes(self) -> list[int]:
        return [message["code"] for message in self.read if message["type"] == "websocket.close"]


@asynccontextmanager
async def connected(browser: Browser) -> AsyncIterator[tuple[Outgoing, "asyncio.Task[None]", "asyncio.Task[bool]"]]:
    """The transport, the task that writes, and the one that reads."""
    socket = WebSocket({"type": "websocket"}, browser.receive, browser.send)
    await socket.accept()
    reader = asyncio.create_task(asyncio.Event().wait())
    transport = Outgoing(socket, reader)  # type: ignore[arg-type]  # a task all the same
    writer = asyncio.create_task(transport.run())
    try:
        yield transport, writer, reader
    finally:
        reader.cancel()
        writer.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_close_comes_after_what_was_said_and_the_first_one_counts() -> None:
    browser = Browser()
    async with connected(browser) as (transport, writer, _):
        transport.send("one")
        await until(lambda: browser.texts == ["one"])
        transport.send("two")
        transport.close(4409, "replaced")
        transport.close(1000, "done")
        transport.send("too late")
        assert transport.closing
        await transport.finish(writer)
    assert (browser.texts, browser.codes) == (["one", "two"], [4409])


async def test_who_says_goodbye_first_is_not_waited_for() -> None:
    browser = Browser()
    async with connected(browser) as (transport, writer, _):
        await asyncio.sleep(0)
        await asyncio.wait_for(transport.finish(writer), 1)
        assert writer.done()
    assert browser.codes == []


@pytest.mark.parametrize(("behind", "codes"), [(256, []), (257, [4408])])
async def test_a_reader_may_be_so_far_behind_and_no_further(behind: int, codes: list[int]) -> None:
    browser = Browser()
    async with connected(browser) as (transport, _, __):
        browser.reads.clear()
        transport.send("first")
        await asyncio.sleep(0)  # on its way
        for number in range(behind):
            transport.send(str(number))
        browser.reads.set()
        await until(lambda: len(browser.texts) == 257 and (not codes or browser.codes))
    assert browser.codes == codes


async def test_a_socket_that_does_not_close_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.01)
    browser = Browser()
    async with connected(browser) as (transport, writer, reader):
        browser.reads.clear()
        transport.close(1000, "done")
        await asyncio.wait({reader}, timeout=5)
        assert reader.cancelled()
        await asyncio.wait_for(transport.finish(writer), 5)
        assert writer.done()


async def test_who_closes_in_time_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.02)
    async with connected(Browser()) as (transport, writer, reader):
        transport.close(1000, "done")
        await transport.finish(writer)
        await asyncio.sleep(0.05)
        assert not reader.done()


def test_messages_are_allowed_at_a_rate_and_some_at_once() -> None:
    allowance = Allowance(rate=2, burst=3, now=100.0)
    assert [allowance.spend(10, 100.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.spend(10, 101.0) for _ in range(2)] == [True, False], "who asks too early pays for that as well"
    assert [allowance.spend(10, 1000.0) for _ in range(4)] == [True, True, True, False], "no more is saved up"


def test_a_large_message_counts_as_several() -> None:
    for size, left in ((4095, 4), (4096, 3), (3 * 4096, 1)):
        allowance = Allowance(rate=0, burst=5, now=0.0)
        assert allowance.spend(size, 0.0)
        assert [allowance.spend(1, 0.0) for _ in range(left + 1)] == [True] * left + [False]
