"""What reaches a connection: what is meant for it, once, and wherever it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

import chassis.redis
from schalter.embedded import free_port
from signaling.hub import Hub
from signaling.protocol import DEAD_SECONDS
from signaling.rooms import Refreshed, Seat
from signaling.sockets import Watcher

Somebody = Callable[..., Any]
JOINED = {"type": "peer-joined", "epoch": "clerk-page"}
LEFT = {"type": "peer-left"}


@pytest_asyncio.fixture
async def hub(redis: Redis) -> Hub:
    await redis.flushdb()
    return Hub(redis)


@asynccontextmanager
async def listening(hub: Hub) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.mailbox.run())
    try:
        await hub.mailbox.listening.wait()
        yield
    finally:
        task.cancel()


def watcher(somebody: Somebody, office: str = "demo") -> Watcher:
    one = somebody("clerk", office=office)
    return Watcher(one.office, one.actor, one.clerk_id, one.session, one.transport, one.allowance, one.heard)


async def test_who_sits_opposite_is_told_once_per_change(hub: Hub, somebody: Somebody) -> None:
    citizen, clerk, other = somebody(), somebody("clerk"), somebody("clerk")
    hub.add(citizen)
    for _ in range(2):
        hub.deliver(citizen.seat.connection, "joined", str(clerk.seat))
    assert citizen.transport.heard() == [JOINED]
    hub.deliver(citizen.seat.connection, "left", str(other.seat))
    assert (citizen.transport.heard(), citizen.peer) == ([], clerk.seat), "somebody else's end is not theirs"
    for _ in range(2):
        hub.deliver(citizen.seat.connection, "left", str(clerk.seat))
    assert (citizen.transport.heard(), citizen.peer) == ([LEFT], None)


async def test_being_let_in_is_told_once_per_change_and_the_place_in_the_queue_anew(
    hub: Hub, somebody: Somebody
) -> None:
    citizen = somebody(waiting="you are the next")
    hub.add(citizen)
    for kind in ("admitted", "admitted", "dismissed", "dismissed"):
        hub.deliver(citizen.seat.connection, kind, "")
    assert [frame["type"] for frame in citizen.transport.heard()] == ["admitted", "dismissed"]
    assert citizen.waiting == ""


async def test_only_a_newer_step_is_shown(hub: Hub, somebody: Somebody) -> None:
    citizen = somebody()
    hub.add(citizen)
    for step in ("talk 0", "talk 0", "payment 2", "application 1"):
        hub.deliver(citizen.seat.connection, "stage", step)
    assert [(frame["stage"], frame["revision"]) for frame in citizen.transport.heard()] == [("talk", 0), ("payment", 2)]


@pytest.mark.parametrize(("kind", "reason"), [("moved", "rescheduled"), ("renewed", "expired")])
async def test_a_new_link_shows_out_whoever_came_by_an_older_one(
    hub: Hub, somebody: Somebody, kind: Any, reason: str
) -> None:
    older, newest = somebody(generation=1, admitted=True), somebody(generation=2, admitted=True)
    clerk = somebody("clerk", admitted=True)
    for one in (older, newest, clerk):
        hub.add(one)
        hub.deliver(one.seat.connection, kind, "2")
    assert older.transport.heard() == [{"type": "closed", "reason": reason}]
    assert older.transport.closed == (1000, reason)
    for one in (newest, clerk):
        assert (one.transport.heard(), one.transport.closed) == ([{"type": "dismissed"}], None)


async def test_whoever_is_replaced_is_told_by_another_code(hub: Hub, somebody: Somebody) -> None:
    for reason, code in (("completed", 1000), ("replaced", 4409)):
        one = somebody()
        hub.add(one)
        hub.deliver(one.seat.connection, "closed", reason)
        assert (one.transport.heard(), one.transport.closed) == ([{"type": "closed", "reason": reason}], (code, reason))


async def test_what_comes_for_somebody_who_is_gone_is_ignored(hub: Hub, somebody: Somebody) -> None:
    citizen, clerk = somebody(), watcher(somebody)
    for one in (citizen, clerk):
        hub.add(one)
        hub.remove(one)
        hub.remove(one)
    hub.deliver(citizen.seat.connection, "frame", "{}")
    assert citizen.transport.heard() == []
    assert list(hub.connections) == []


async def test_who_is_silent_for_too_long_is_cut_off(hub: Hub, somebody: Somebody) -> None:
    quiet, dead, lobby = somebody(heard=100.0), somebody(heard=99.9), watcher(somebody)
    for one in (quiet, dead, lobby):
        hub.add(one)
    hub.drop_silent(100.0 + DEAD_SECONDS)
    assert [one.transport.closed for one in (quiet, dead)] == [None, (4408, "no heartbeat")]
    assert lobby.transport.closed  # type: ignore[attr-defined]  # a `Wire`


async def test_without_redis_everybody_is_told_to_come_again(hub: Hub, somebody: Somebody) -> None:
    citizen = somebody()
    hub.add(citizen)
    hub.drop_all()
    assert [frame["code"] for frame in citizen.transport.heard()] == ["unavailable"]
    assert citizen.transport.closed == (1013, "unavailable")


async def test_a_refresh_that_finds_nothing_new_tells_nothing(hub: Hub, somebody: Somebody) -> None:
    clerk = somebody("clerk")
    same, lonely, replaced = somebody(peer=clerk.seat), somebody(peer=clerk.seat), somebody()
    held = [same, lonely, replaced]
    found = [Refreshed(same.seat, clerk.seat), Refreshed(lonely.seat, None), Refreshed(clerk.seat, None)]
    hub.refreshed(held, found)
    assert [one.transport.heard() for one in held] == [[], [LEFT], [{"type": "closed", "reason": "replaced"}]]


async def test_a_message_goes_to_the_other_side_wherever_that_is(hub: Hub, redis: Redis, somebody: Somebody) -> None:
    far = Hub(redis)
    near, there = somebody("clerk"), somebody("clerk", instance=far.mailbox.instance)
    gone = Seat(hub.mailbox.instance, "gone", "page")
    hub.add(near)
    far.add(there)
    async with listening(far):
        for peer in (near.seat, there.seat, gone, None):
            await hub.relay(somebody(peer=peer), '{"type": "x"}')
        async with asyncio.timeout(5):
            while not there.transport.frames:
                await asyncio.sleep(0.01)
    assert (near.transport.heard(), there.transport.heard()) == ([{"type": "x"}], [{"type": "x"}])


async def test_everybody_in_a_room_is_told_on_all_instances(hub: Hub, redis: Redis, somebody: Somebody) -> None:
    appointment_id, far = uuid4(), Hub(redis)
    citizen = somebody("citizen", appointment_id, instance=hub.mailbox.instance)
    clerk = somebody("clerk", appointment_id, instance=far.mailbox.instance)
    stranger = somebody(instance=hub.mailbox.instance)
    for where, one in ((hub, citizen), (far, clerk), (hub, stranger)):
        where.add(one)
        await where.rooms.take(one.place, one.seat)
    async with listening(far):
        await hub.tell_room(appointment_id, "admitted")
        async with asyncio.timeout(5):
            while not clerk.admitted:
                await asyncio.sleep(0.01)
    assert (citizen.admitted, stranger.admitted) == (True, False)


async def test_while_redis_is_away_those_who_are_here_are_told_all_the_same(somebody: Somebody) -> None:
    nowhere = chassis.redis.connect(f"redis://127.0.0.1:{free_port()}")
    hub = Hub(nowhere)
    citizen = somebody(instance=hub.mailbox.instance)
    stranger = somebody(instance=hub.mailbox.instance)
    hub.add(citizen)
    hub.add(stranger)
    await hub.tell_room(citizen.appointment_id, "admitted")
    await hub.tell(somebody("clerk", instance="far").seat, "admitted")
    await hub.announce("demo")
    assert (citizen.admitted, stranger.admitted) == (True, False)
    await nowhere.aclose()


async def test_an_instance_that_does_not_hear_its_mailbox_is_not_ready(hub: Hub) -> None:
    with pytest.raises(ConnectionError):
        await hub.ping()
    async with listening(hub):
        await hub.ping()
        await hub.announce("demo")
        await asyncio.wait_for(hub.office_changed.wait(), 5)
    assert hub.changed_offices == {"demo"}
