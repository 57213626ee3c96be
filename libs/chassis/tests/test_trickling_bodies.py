"""A body that comes a byte a second holds a connection, and is given up; over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from chassis import problems
from chassis.edge import Edge
from chassis.express import Express, express, ways
from chassis.http import Body
from schalter.embedded import free_port

PATIENCE = 1.0
router = APIRouter()
reached: list[str] = []


class Note(Body):
    text: str


@router.post("/plain")
async def plain(note: Note) -> Note:
    reached.append(note.text)
    return note


@router.post("/express")
@express
async def quick(note: Note) -> Note:
    reached.append(note.text)
    return note


@router.get("/long")
async def long() -> dict[str, str]:
    await asyncio.sleep(PATIENCE * 2)
    return {"text": "patience"}


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """The port of a service that waits a second for bodies."""
    inner = FastAPI()
    problems.install(inner)
    inner.include_router(router)
    edge = Edge(Express(inner, ways([router], "")), patience=PATIENCE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await inner(scope, receive, send)
            return
        scope["app"] = inner
        await edge(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=free_port(), log_config=None))
    running, watching = asyncio.create_task(server.serve()), asyncio.create_task(edge.watch())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.config.port
    finally:
        watching.cancel()
        server.should_exit = True
        await running


async def sent(port: int, head: str, *parts: bytes, pause: float = 0.0) -> tuple[bytes, bool]:
    """What is answered to a request whose body comes in `parts`, and whether the connection is closed then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}\r\nHost: x\r\nContent-Type: application/json\r\n\r\n".encode())
    answer = asyncio.create_task(reader.read(4096))
    for part in parts:
        if answer.done():
            break
        writer.write(part)
        await asyncio.sleep(pause)
    text = await asyncio.wait_for(answer, 10)
    while b"\r\n\r\n" in text and not text.endswith(b"}"):
        text += await asyncio.wait_for(reader.read(4096), 10)
    try:
        closed = await asyncio.wait_for(reader.read(1), 0.5) == b""
    except TimeoutError:
        closed = False
    writer.close()
    return text, closed


BODY = b'{"text": "a"}'
BYTES = tuple(bytes([byte]) for byte in BODY)
CHUNKS = tuple(b"1\r\n" + each + b"\r\n" for each in BYTES)


@pytest.mark.parametrize("route", ["/plain", "/express"])
@pytest.mark.parametrize(
    ("how", "parts"),
    [("Content-Length: 13", BYTES), ("Transfer-Encoding: chunked", CHUNKS), ("Content-Length: 13", ())],
    ids=["announced", "chunked", "nothing at all"],
)
async def test_what_trickles_is_given_up_and_its_connection_closed(
    route: str, how: str, parts: tuple[bytes, ...]
) -> None:
    reached.clear()
    async with served() as port:
        text, closed = await sent(port, f"POST {route} HTTP/1.1\r\n{how}", *parts, pause=0.3)
    assert text.startswith(b"HTTP/1.1 408 "), text
    assert b"application/problem+json" in text
    assert b'"code":"too_slow"' in text
    assert closed
    assert reached == []


@pytest.mark.parametrize("route", ["/plain", "/express"])
async def test_what_comes_in_pieces_but_in_time_is_read(route: str) -> None:
    async with served() as port:
        text, closed = await sent(port, f"POST {route} HTTP/1.1\r\nContent-Length: 13", BODY[:5], BODY[5:], pause=0.2)
    assert text.startswith(b"HTTP/1.1 200 "), text
    assert not closed


async def test_an_answer_may_take_longer_than_a_body() -> None:
    async with served() as port:
        text, _ = await sent(port, "GET /long HTTP/1.1")
    assert text.startswith(b"HTTP/1.1 200 "), text
