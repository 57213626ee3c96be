"""Seats, tickets and mailboxes on a real Redis, as two instances share them."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from chassis.redis import connect
from signaling import rooms as module
from signaling.relay import Kind, Mailbox
from signaling.rooms import Place, Rooms, Seat
from signaling.tickets import Claim, Tickets


@pytest_asyncio.fixture
async def other(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def rooms(redis: Redis) -> Rooms:
    await redis.flushdb()
    return Rooms(redis)


def seat(instance: str = "a", epoch: str = "e1") -> Seat:
    return Seat(instance, uuid4().hex[:16], epoch)


def place(role: str = "citizen", appointment_id: UUID | None = None) -> Place:
    return Place(appointment_id or uuid4(), "clerk" if role == "clerk" else "citizen")


async def test_taking_a_seat_tells_who_was_replaced_and_who_sits_opposite(rooms: Rooms, other: Redis) -> None:
    elsewhere = Rooms(other)
    here, first, second, clerk = place(), seat("a"), seat("b"), seat("b")
    assert await rooms.take(here, first) == (None, None)
    assert await elsewhere.take(here.opposite, clerk) == (None, first)
    assert await elsewhere.take(here, second) == (first, clerk)
    assert set(await rooms.seats(here.appointment_id)) == {second, clerk}


async def test_many_who_want_one_seat_at_once_replace_one_another_in_one_chain(rooms: Rooms, other: Redis) -> None:
    here = place()
    seats = [seat(f"i{number}") for number in range(40)]
    doors = [rooms, Rooms(other)]
    taken = await asyncio.gather(*(doors[number % 2].take(here, one) for number, one in enumerate(seats)))
    replaced = [old for old, _ in taken]
    holder = (await rooms.seats(here.appointment_id))[0]
    assert replaced.count(None) == 1
    assert {*replaced, holder} - {None} == set(seats)


async def test_only_the_holder_gives_a_seat_up(rooms: Rooms) -> None:
    here, old, new = place(), seat(), seat()
    await rooms.take(here, old)
    await rooms.take(here, new)
    assert await rooms.release(here, old) == (False, None)
    assert await rooms.release(here, new) == (True, None)
    assert await rooms.seats(here.appointment_id) == []


async def test_a_refresh_sees_replacement_and_the_seat_opposite(rooms: Rooms) -> None:
    here, mine, other_seat, clerk = place(), seat(), seat(), seat()
    await rooms.take(here, mine)
    await rooms.take(here.opposite, clerk)
    (found,) = await rooms.refresh([(here, mine)])
    assert (found.holder, found.peer) == (mine, clerk)
    await rooms.take(here, other_seat)
    (found,) = await rooms.refresh([(here, mine)])
    assert found.holder == other_seat


async def test_a_refresh_of_many_answers_in_order(rooms: Rooms) -> None:
    held = [(place(), seat()) for _ in range(600)]
    await asyncio.gather(*(rooms.take(*one) for one in held))
    assert [found.holder for found in await rooms.refresh(held)] == [one for _, one in held]


async def test_a_killed_instance_leaves_no_ghosts(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEAT_MS", 800)
    here, gone = place(), seat()
    await rooms.take(here, gone)
    assert await rooms.occupied([here]) == [True]
    async with asyncio.timeout(5):
        while await rooms.occupied([here]) == [True]:
            await asyncio.sleep(0.02)


async def test_after_a_loss_of_redis_the_living_sit_down_again(rooms: Rooms, redis: Redis) -> None:
    here, mine = place(), seat()
    await rooms.take(here, mine)
    await redis.flushdb()
    (found,) = await rooms.refresh([(here, mine)])
    assert found.holder == mine
    assert await rooms.seats(here.appointment_id) == [mine]


async def test_a_departure_is_handed_to_exactly_one_instance(
    rooms: Rooms, other: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [place() for _ in range(30)]
    for one in places:
        await rooms.take(one, seat())
    assert await rooms.due_departures() == [], "the grace has only begun"
    monkeypatch.setattr(module, "GRACE_MS", 0)
    for one in places:
        await rooms.take(one, seat())
    await asyncio.sleep(0.01)
    found = await asyncio.gather(*(door.due_departures() for door in (rooms, Rooms(other), rooms, Rooms(other))))
    handed = [one for batch in found for one in batch]
    assert len(handed) == len(places)
    assert set(handed) == set(places)


async def test_expecting_people_again_does_not_prolong_their_grace(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place()
    monkeypatch.setattr(module, "GRACE_MS", 30)
    await rooms.expect([here])
    monkeypatch.setattr(module, "GRACE_MS", 60_000)
    await rooms.expect([here])
    await asyncio.sleep(0.06)
    assert await rooms.due_departures() == [here]


async def test_clerks_at_work_are_counted_per_office_and_forgotten_when_silent(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await rooms.clerks_at_work("demo", ["c1", "c2"]) == {"c1", "c2"}
    assert await rooms.clerks_at_work("heidelberg") == set()
    monkeypatch.setattr(module, "SEAT_MS", 30)
    await rooms.clerks_at_work("demo", ["c1", "c2"])
    await asyncio.sleep(0.06)
    assert await rooms.clerks_at_work("demo") == set()


CLAIM = Claim(role="citizen", office="demo", appointment_id=uuid4(), clerk_id=None, generation=1, session="s1")


async def test_a_ticket_is_good_once_on_any_instance(redis: Redis, other: Redis) -> None:
    ticket = await Tickets(redis).issue(CLAIM)
    results = await asyncio.gather(*(Tickets(client).redeem(ticket) for client in (redis, other) * 5))
    assert [claim for claim in results if claim is not None] == [CLAIM]


async def test_a_ticket_dies_after_thirty_seconds_and_is_stored_as_a_hash_only(redis: Redis) -> None:
    await redis.flushdb()
    ticket = await Tickets(redis).issue(CLAIM)
    (key,) = await redis.keys("*")
    assert ticket not in key
    assert len(ticket) == 43
    assert 29_000 < await redis.pttl(key) <= 30_000
    await redis.pexpire(key, 1)
    await asyncio.sleep(0.02)
    assert await Tickets(redis).redeem(ticket) is None


async def test_mail_reaches_the_connection_of_the_other_instance_in_order(redis: Redis, other: Redis) -> None:
    got: asyncio.Queue[tuple[str, Kind, str]] = asyncio.Queue()
    offices: list[str] = []
    sender = Mailbox(redis, lambda *_: None, lambda _: None)
    receiver = Mailbox(other, lambda *mail: got.put_nowait(mail), offices.append)
    listening = asyncio.create_task(receiver.run())
    try:
        await receiver.listening.wait()
        to = Seat(receiver.instance, "c1", "e1")
        await sender.announce("demo")
        for number in range(50):
            await sender.send(to, "frame", f'{{"n": {number}}}')
        await sender.send(to, "admitted")
        frames = [await asyncio.wait_for(got.get(), 2) for _ in range(51)]
        assert frames[:50] == [("c1", "frame", f'{{"n": {number}}}') for number in range(50)]
        assert frames[50] == ("c1", "admitted", "")
        assert offices == ["demo"]
    finally:
        listening.cancel()
