"""Over a real connection: an answer is one packet, connections end and change as ever."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from chassis.server import OnePacket


async def _short(_: Request) -> PlainTextResponse:
    return PlainTextResponse("short")


async def _long(_: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(1000):
            yield b"%5d" % number * 100
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where a uvicorn listens that answers with OnePacket."""
    routes = [Route("/short", _short), Route("/long", _long), WebSocketRoute("/echo", _echo)]
    config = uvicorn.Config(Starlette(routes=routes), http=OnePacket, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await task


async def asked(port: int, *paths: str, close: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**21)
    end = "Connection: close\r\n\r\n" if close else "\r\n"
    writer.write("".join(f"GET {path} HTTP/1.1\r\nHost: test\r\n{end}" for path in paths).encode())
    return reader, writer


async def test_head_and_body_come_together(port: int) -> None:
    reader, writer = await asked(port, "/short")
    packet = await reader.read(65536)
    assert packet.startswith(b"HTTP/1.1 200 OK\r\n")
    assert packet.endswith(b"\r\n\r\nshort")
    writer.close()


async def test_two_asked_at_once_are_answered_in_their_order(port: int) -> None:
    reader, writer = await asked(port, "/long", "/short")
    answers = await reader.readuntil(b"short")
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b"  999") < answers.index(b"short")
    writer.close()


async def test_an_answer_is_whole_before_the_connection_ends(port: int) -> None:
    for path, end in (("/short", b"short"), ("/long", b"  999\r\n0\r\n\r\n")):
        reader, writer = await asked(port, path, close=True)
        assert (await asyncio.wait_for(reader.read(), 10)).endswith(end)
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"nonsense\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_socket_opens_and_answers(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/echo") as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
