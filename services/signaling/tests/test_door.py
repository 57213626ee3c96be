"""What the WebSocket refuses, and with which code."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chassis.database import Database
from signaling.conversation import same_origin

Room = Callable[..., Awaitable[UUID]]
ORIGIN = "http://localhost:8080"


def url(instance: Any) -> str:
    return str(instance.url).replace("http", "ws") + "/ws"


async def code_after(instance: Any, *frames: str | bytes, seconds: float = 8) -> int:
    async with connect(url(instance), origin=ORIGIN) as socket:  # type: ignore[arg-type]
        try:
            for frame in frames:
                await socket.send(frame)
            async with asyncio.timeout(seconds):
                while True:
                    await socket.recv()
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else 1006


@pytest.mark.parametrize(
    "origin", [None, "http://localhost:8081", "https://localhost:8080", "http://evil.example", "null"]
)
async def test_pages_of_others_open_no_socket(instances: tuple[Any, Any], origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url(instances[0]), origin=origin):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403


def test_default_ports_are_the_same_origin() -> None:
    assert same_origin("https://amt.example", "https://amt.example:443/")
    assert not same_origin("https://amt.example.evil.org", "https://amt.example")
    assert not same_origin("https://amt.example:x", "https://amt.example")


async def test_a_ticket_works_once(instances: tuple[Any, Any], ticket: Any, room: Room) -> None:
    issued = await ticket(instances[0], "citizen", await room())
    hello = json.dumps({"type": "hello", "ticket": issued, "epoch": "e"})
    async with connect(url(instances[0]), origin=ORIGIN) as socket:  # type: ignore[arg-type]
        await socket.send(hello)
        assert json.loads(await socket.recv())["type"] == "welcome"
        assert await code_after(instances[1], hello) == 4401


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (json.dumps({"type": "hello", "ticket": "x" * 43, "epoch": "e"}), 4401),
        (json.dumps({"type": "hello", "ticket": "x", "epoch": "e"}), 4400),
        ('{"type":"heartbeat"}', 4400),
        ("nonsense", 4400),
        (b'{"type":"heartbeat"}', 4400),
        ("[" * 60_000, 4400),
        ("x" * 70_000, 4413),
    ],
)
async def test_strangers_are_shown_out(instances: tuple[Any, Any], frame: str | bytes, code: int) -> None:
    assert await code_after(instances[0], frame) == code


async def test_a_frame_beyond_all_measure_is_not_even_read(instances: tuple[Any, Any]) -> None:
    assert await code_after(instances[0], "x" * 200_000) == 1009


async def test_who_does_not_say_hello_is_shown_out_after_five_seconds(instances: tuple[Any, Any]) -> None:
    started = time.monotonic()
    assert await code_after(instances[0]) == 4401
    assert 4.5 < time.monotonic() - started < 7


async def test_silence_ends_after_five_seconds_and_the_other_side_hears_of_it(
    instances: tuple[Any, Any], enter: Any, room: Room
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[1], "clerk", appointment_id) as clerk,
        enter(instances[0], "citizen", appointment_id, silent=True) as citizen,
    ):
        await clerk.expect("peer-joined")
        started = time.monotonic()
        assert await citizen.closed() == 4408
        assert 4.5 < time.monotonic() - started < 7
        await clerk.expect("peer-left", seconds=2)


@pytest.mark.parametrize(
    "frame", ["{}", b"\x00", '{"type":"hello","ticket":"' + "x" * 43 + '","epoch":"e"}', "x" * 70_000]
)
async def test_a_participant_who_sends_nonsense_is_shown_out_and_the_other_stays(
    instances: tuple[Any, Any], enter: Any, room: Room, frame: str | bytes
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "clerk", appointment_id) as clerk,
        enter(instances[0], "citizen", appointment_id) as citizen,
    ):
        await clerk.expect("peer-joined")
        await citizen.socket.send(frame)
        assert await citizen.closed() == (4413 if len(frame) > 1000 else 4400)
        await clerk.expect("peer-left")
        assert await clerk.quiet("error", 0.2)


@pytest.mark.parametrize(("message", "count"), [('{"type":"restart-request"}', 400), ('{"type":"heartbeat"}', 400)])
async def test_a_flood_ends_the_flooder_only(
    instances: tuple[Any, Any], enter: Any, room: Room, message: str, count: int
) -> None:
    appointment_id = await room()
    async with (
        enter(instances[0], "clerk", appointment_id) as clerk,
        enter(instances[0], "citizen", appointment_id) as citizen,
    ):
        try:
            for _ in range(count):
                await citizen.socket.send(message)
        except ConnectionClosed:
            pass
        assert await citizen.closed() == 4429
        await clerk.expect("peer-left")


async def test_big_messages_count_for_more(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    offer = json.dumps({"type": "description", "description": {"type": "offer", "sdp": "x" * 60_000}})
    async with enter(instances[0], "clerk", await room()) as clerk:
        try:
            for _ in range(20):
                await clerk.socket.send(offer)
        except ConnectionClosed:
            pass
        assert await clerk.closed() == 4429


async def test_a_room_that_closed_after_the_ticket_was_issued_stays_closed(
    instances: tuple[Any, Any], ticket: Any, room: Room, database: Database
) -> None:
    appointment_id = await room()
    issued = await ticket(instances[0], "citizen", appointment_id)
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.rooms SET state = 'cancelled' WHERE appointment_id = :id", id=appointment_id)
    async with connect(url(instances[0]), origin=ORIGIN) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"type": "hello", "ticket": issued, "epoch": "e"}))
        assert json.loads(await socket.recv()) == {"type": "closed", "reason": "cancelled"}
        await socket.wait_closed()
        assert socket.close_code == 1000


async def test_a_citizen_who_was_never_invited_cannot_become_a_third(
    instances: tuple[Any, Any], enter: Any, room: Room, citizen_token: Callable[..., str]
) -> None:
    """There are two seats, and each needs a ticket for that very room: another link opens another room."""
    appointment_id, other = await room(), await room()
    token = citizen_token(other, "demo")
    answer = httpx.post(
        f"{instances[0].url}/tickets",
        json={"appointment_id": str(appointment_id)},
        headers={"Authorization": f"Bearer {token}"},
    )
    async with (
        enter(instances[0], "citizen", appointment_id) as citizen,
        connect(url(instances[0]), origin=ORIGIN) as third,  # type: ignore[arg-type]
    ):
        await third.send(json.dumps({"type": "hello", "ticket": answer.json()["ticket"], "epoch": "third"}))
        assert json.loads(await third.recv())["appointment_id"] == str(other)
        assert await citizen.quiet("peer-joined")


async def test_the_token_of_one_office_is_no_clerk_of_another(
    instances: tuple[Any, Any], room: Room, clerk_token: Callable[..., str]
) -> None:
    answer = httpx.post(
        f"{instances[0].url}/tickets",
        json={"appointment_id": str(await room("heidelberg"))},
        headers={"Authorization": f"Bearer {clerk_token('demo', clerk_id=uuid4())}"},
    )
    assert answer.status_code == 404
