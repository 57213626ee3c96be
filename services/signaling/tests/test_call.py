"""The waiting room and the call over real WebSockets, on one instance and across two."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

Room = Callable[..., Awaitable[UUID]]
Published = Callable[..., Awaitable[list[dict[str, Any]]]]
OFFER = {"type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"}
ANSWER = {"type": "answer", "sdp": "v=0\r\n"}
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}


@pytest.fixture(params=["one instance", "two instances"])
def doors(request: pytest.FixtureRequest, instances: tuple[Any, Any]) -> tuple[Any, Any]:
    """Where the citizen and where the clerk connect."""
    first, second = instances
    return (first, first) if request.param == "one instance" else (first, second)


async def test_a_whole_call(
    doors: tuple[Any, Any], enter: Any, room: Room, published: Published, soon: Callable[..., Awaitable[Any]]
) -> None:
    appointment_id = await room()
    clerk_id = uuid4()
    async with enter(doors[0], "citizen", appointment_id, epoch="c1") as citizen:
        welcome = citizen.heard[0]
        assert welcome == {
            "type": "welcome",
            "role": "citizen",
            "office": "demo",
            "appointment_id": str(appointment_id),
            "self": {"epoch": "c1"},
            "admitted": False,
            "peer": None,
            "stage": None,
            "heartbeat_seconds": 2,
            "takes_path": True,
        }
        assert (await citizen.expect("waiting"))["ahead"] == 0
        async with enter(doors[1], "clerk", appointment_id, epoch="k1", clerk_id=clerk_id) as clerk:
            assert clerk.heard[0]["peer"] == {"present": True, "epoch": "c1"}
            await citizen.expect("peer-joined", epoch="k1")
            await citizen.saw("waiting", clerk_present=True, estimate_seconds=None)

            for early in (citizen, clerk):
                await early.send(type="description", description=OFFER)
                await early.expect("error", code="not_admitted")
            await clerk.send(type="admit")
            await clerk.expect("admitted")
            await citizen.expect("admitted")
            await clerk.send(type="admit")  # once more changes nothing

            await clerk.send(type="description", description=OFFER)
            assert await citizen.expect("description", epoch="k1") == {
                "type": "description",
                "description": OFFER,
                "epoch": "k1",
            }

            async def started() -> bool:
                return any(e["subject"] == "signaling.call_started.v1" for e in await published(appointment_id))

            assert await clerk.quiet("description")
            assert not await started(), "an offer alone is no call"
            await citizen.send(type="description", description=ANSWER)
            await citizen.send(type="candidate", candidate=CANDIDATE)
            await citizen.send(type="candidate", candidate=None)
            await citizen.send(type="restart-request")
            assert (await clerk.next()) == {"type": "description", "description": ANSWER, "epoch": "c1"}
            relayed = (await clerk.next())["candidate"]
            assert relayed == {**CANDIDATE, "usernameFragment": None}
            assert (await clerk.next())["candidate"] is None
            assert (await clerk.next()) == {"type": "restart-request"}

            await soon(started)
            await clerk.send(type="dismiss")
            await clerk.expect("dismissed")
            await citizen.expect("dismissed")
            await citizen.expect("waiting")
            await citizen.send(type="candidate", candidate=None)
            await citizen.expect("error", code="not_admitted")

            await citizen.send(type="leave")
            await citizen.expect("closed", reason="left")
            assert await citizen.closed() == 1000
            await clerk.expect("peer-left")

    events = await published(appointment_id)
    assert [(e["subject"].split(".")[1], e.get("role")) for e in events] == [
        ("participant_waiting", "citizen"),
        ("participant_waiting", "clerk"),
        ("admitted", None),
        ("call_started", None),
        ("call_ended", None),
        ("participant_waiting", "citizen"),
        ("participant_left", "citizen"),
    ]
    assert events[2]["clerk_id"] == str(clerk_id)
    assert 0 <= events[4]["seconds"] < 10


async def test_a_reload_keeps_the_admission_and_is_told_from_a_reconnect(
    doors: tuple[Any, Any], enter: Any, room: Room, published: Published
) -> None:
    appointment_id = await room()
    async with enter(doors[1], "clerk", appointment_id) as clerk:
        async with enter(doors[0], "citizen", appointment_id, epoch="page-1"):
            await clerk.expect("peer-joined", epoch="page-1")
            await clerk.send(type="admit")
            await clerk.expect("admitted")
        await clerk.expect("peer-left")
        async with enter(doors[1], "citizen", appointment_id, epoch="page-1") as again:
            assert again.heard[0]["admitted"] is True
            await clerk.expect("peer-joined", epoch="page-1")
        async with enter(doors[0], "citizen", appointment_id, epoch="page-2") as reloaded:
            assert reloaded.heard[0]["admitted"] is True
            await clerk.expect("peer-joined", epoch="page-2")
            await clerk.send(type="description", description=OFFER)
            await reloaded.expect("description")
    subjects = [(e["subject"], e.get("role")) for e in await published(appointment_id)]
    assert subjects.count(("signaling.participant_waiting.v1", "citizen")) == 1
    assert ("signaling.participant_left.v1", "citizen") not in subjects


async def test_the_same_role_replaces_the_earlier_connection_wherever_it_is(
    instances: tuple[Any, Any], enter: Any, room: Room
) -> None:
    appointment_id = await room()
    first, second = instances
    async with (
        enter(second, "clerk", appointment_id) as clerk,
        enter(first, "citizen", appointment_id, epoch="one") as one,
    ):
        await clerk.expect("peer-joined", epoch="one")
        async with enter(second, "citizen", appointment_id, epoch="two") as two:
            await one.expect("closed", reason="replaced")
            assert await one.closed() == 4409
            await clerk.expect("peer-joined", epoch="two")
            await clerk.send(type="admit")
            await two.expect("admitted")
            # the replaced one's end is not the end of the seat
            assert await clerk.quiet("peer-left")


async def test_two_rooms_do_not_hear_each_other(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    first, second = instances
    here, there = await room(), await room()
    async with (
        enter(first, "citizen", here) as citizen,
        enter(first, "clerk", here) as clerk,
        enter(first, "citizen", there) as stranger,
        enter(second, "clerk", there) as strangers_clerk,
    ):
        for one in (clerk, strangers_clerk):
            await one.send(type="admit")
            await one.expect("admitted")
        await stranger.expect("admitted")
        await clerk.send(type="description", description=OFFER)
        await citizen.expect("description")
        assert await stranger.quiet("description")
        assert not [m for m in strangers_clerk.heard if m["type"] == "description"]


async def test_admitting_nobody_is_refused(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    async with enter(instances[0], "clerk", await room()) as clerk:
        await clerk.send(type="admit")
        await clerk.expect("error", code="nobody_waiting")
        await clerk.send(type="dismiss")
        assert await clerk.quiet("error")


@pytest.mark.parametrize("message", ["admit", "dismiss"])
async def test_a_citizen_cannot_let_themselves_in(
    instances: tuple[Any, Any], enter: Any, room: Room, message: str
) -> None:
    async with enter(instances[0], "citizen", await room()) as citizen:
        await citizen.send(type=message)
        await citizen.expect("error", code="forbidden")
        assert await citizen.closed() == 4403


async def test_the_lobby_shows_who_waits_to_the_clerks_of_the_office_alone(
    doors: tuple[Any, Any], enter: Any, room: Room
) -> None:
    here, elsewhere = await room("demo", starts_in=5), await room("heidelberg")
    async with (
        enter(doors[1], "lobby") as lobby,
        enter(doors[0], "citizen", elsewhere, office="heidelberg"),
        enter(doors[0], "citizen", here) as citizen,
    ):
        assert lobby.heard[0]["appointment_id"] is None

        async def shown(**fields: object) -> None:
            while True:
                waiting = (await lobby.expect("lobby"))["waiting"]
                assert str(elsewhere) not in {entry["appointment_id"] for entry in waiting}
                mine = [entry for entry in waiting if entry["appointment_id"] == str(here)]
                if mine and fields.items() <= mine[0].items():
                    return
                if not mine and not fields:
                    return

        await shown(admitted=False, present=True)
        await citizen.saw("waiting", clerk_present=True)
        async with enter(doors[1], "clerk", here) as clerk:
            await clerk.send(type="admit")
            await shown(admitted=True, present=True)
        await lobby.send(type="admit")
        await lobby.expect("error", code="forbidden")
        await citizen.send(type="leave")
        await citizen.closed()
        await shown()


async def test_those_who_wait_are_told_their_place(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    early, late = await room(starts_in=1), await room(starts_in=2)
    async with enter(instances[0], "citizen", late) as second:
        await second.expect("waiting", ahead=0)
        async with enter(instances[1], "citizen", early) as first:
            await first.expect("waiting", ahead=0)
            await second.expect("waiting", ahead=1)
            await first.send(type="leave")
            await first.closed()
        await second.expect("waiting", ahead=0)


async def test_fresh_turn_credentials_for_a_restart(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    async with enter(instances[0], "citizen", await room()) as citizen:
        await citizen.send(type="ice-servers")
        servers = (await citizen.expect("ice-servers"))["ice_servers"]
        assert servers[1]["username"].split(":")[1]
        assert "username" not in servers[0]


async def test_a_heartbeat_is_answered_at_once(instances: tuple[Any, Any], enter: Any, room: Room) -> None:
    async with enter(instances[0], "citizen", await room(), silent=True) as citizen:
        for frame in ('{"type":"heartbeat"}', '{ "type" : "heartbeat" }'):
            await citizen.socket.send(frame)
            async with asyncio.timeout(1):
                while "heartbeat" not in str(await citizen.socket.recv()):
                    pass
