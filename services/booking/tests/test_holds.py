"""Holds on a real Redis: atomic against capacity, expiring, and gone without harm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from booking.slots.holds import Hold, Holds, HoldsLostError, connect
from booking.timetable.model import BusyTime
from chassis.problems import Problem

NOW = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)
START = int(NOW.timestamp()) + 3600
END = START + 900


@pytest.fixture
async def holds(redis_url: str) -> AsyncIterator[Holds]:
    redis = connect(redis_url)
    await redis.flushdb()
    yield Holds(redis)
    await redis.aclose()


async def place(
    holds: Holds,
    hold_id: UUID | None = None,
    start: int = START,
    end: int = END,
    *,
    office: str = "demo",
    capacity: int = 1,
    taken: tuple[int, ...] = (),
) -> Hold | None:
    lanes = [lane for lane in range(capacity) if lane not in taken]
    placed = await holds.place(office, hold_id or uuid4(), (start, end), lanes=lanes, now=NOW)
    assert not isinstance(placed, Problem)
    return placed


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_hold_takes_a_lane_for_five_minutes(holds: Holds) -> None:
    hold = await place(holds)
    assert hold
    assert (hold.lane, hold.start, hold.end) == (0, START, END)
    assert hold.expires_at == NOW + timedelta(minutes=5)
    assert [held.busy for held in await holds.active("demo", START, END)] == [BusyTime(0, START, END)]


@pytest.mark.parametrize("capacity", [1, 2, 5])
async def test_fifty_at_once_get_exactly_as_many_holds_as_there_are_clerks(holds: Holds, capacity: int) -> None:
    placed = await asyncio.gather(*(place(holds, capacity=capacity) for _ in range(50)))
    assert sorted(hold.lane for hold in placed if hold) == list(range(capacity))


async def test_lanes_with_appointments_are_left_alone(holds: Holds) -> None:
    hold = await place(holds, capacity=3, taken=(0, 2))
    assert hold
    assert hold.lane == 1
    assert await place(holds, capacity=3, taken=(0, 2)) is None


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [
        (START - 900, START, True),
        (END, END + 900, True),
        (START - 900, START + 1, False),
        (END - 1, END + 900, False),
        (START + 60, END - 60, False),
        (START - 7 * 3600, END + 60, False),
    ],
)
async def test_only_overlapping_holds_exclude_each_other(holds: Holds, start: int, end: int, fits: bool) -> None:
    await place(holds)
    assert (await place(holds, start=start, end=end) is not None) == fits


async def test_two_offices_never_see_each_other(holds: Holds) -> None:
    hold = await place(holds)
    assert hold
    assert await place(holds, office="heidelberg")
    assert await holds.find("heidelberg", hold.id, now=NOW) is None
    assert len(await holds.active("heidelberg", START, END)) == 1


async def test_repeating_a_hold_changes_nothing(holds: Holds) -> None:
    hold_id = uuid4()
    first, second = await place(holds, hold_id, capacity=9), await place(holds, hold_id, capacity=9)
    assert first
    assert second
    assert first.lane == second.lane
    assert len(await holds.active("demo", START, END)) == 1


async def test_a_hold_moves_with_its_citizen(holds: Holds) -> None:
    hold_id = uuid4()
    await place(holds, hold_id)
    moved = await place(holds, hold_id, END, END + 900)
    assert moved
    assert await place(holds)
    assert await place(holds, start=END, end=END + 900) is None


async def test_a_hold_moves_within_its_own_time(holds: Holds) -> None:
    hold_id = uuid4()
    await place(holds, hold_id)
    assert await place(holds, hold_id, START + 300, END + 300)
    assert [held.busy for held in await holds.active("demo", START, END)] == [BusyTime(0, START + 300, END + 300)]


async def test_a_hold_that_cannot_move_stays(holds: Holds) -> None:
    hold_id = uuid4()
    await place(holds, hold_id)
    await place(holds, start=END, end=END + 900)
    assert await place(holds, hold_id, END, END + 900) is None
    assert await holds.find("demo", hold_id, now=NOW)
    assert await place(holds) is None


async def test_a_released_slot_is_free_at_once_and_releasing_twice_is_no_error(holds: Holds) -> None:
    hold_id = uuid4()
    await place(holds, hold_id)
    await holds.release("demo", hold_id)
    await holds.release("demo", hold_id)
    assert await holds.find("demo", hold_id, now=NOW) is None
    assert await place(holds)


async def test_an_expired_hold_frees_its_slot(redis_url: str, holds: Holds) -> None:
    redis = connect(redis_url)
    brief = Holds(redis, ttl=timedelta(milliseconds=60))
    await place(brief)

    async def taken_over() -> bool:
        return await place(holds) is not None

    await until(taken_over)
    assert len(await holds.active("demo", START, END)) == 1
    await redis.aclose()


async def test_extension_renews_the_time_but_not_beyond_the_limit(redis_url: str, holds: Holds) -> None:
    redis = connect(redis_url)
    short = Holds(redis, ttl=timedelta(seconds=2), limit=timedelta(seconds=2))
    hold = await place(short)
    assert hold
    longer = Holds(redis, ttl=timedelta(minutes=5), limit=timedelta(minutes=20))
    extended = await longer.extend("demo", hold.id, now=NOW)
    assert extended
    assert extended.expires_at <= NOW + timedelta(seconds=2)

    generous = await place(longer, start=END, end=END + 900)
    assert generous
    await redis.pexpire(f"booking:{{demo}}:hold:{generous.id}", 1000)
    extended = await longer.extend("demo", generous.id, now=NOW)
    assert extended
    assert extended.expires_at == NOW + timedelta(minutes=5)
    await redis.aclose()


async def test_extending_a_hold_that_is_gone_says_so(holds: Holds) -> None:
    assert await holds.extend("demo", uuid4(), now=NOW) is None


async def test_without_redis_every_call_says_so_quickly() -> None:
    redis = connect("redis://127.0.0.1:1/0")
    lost = Holds(redis)
    async with asyncio.timeout(2):
        for _ in range(20):
            with pytest.raises(HoldsLostError):
                await lost.active("demo", START, END)
    await redis.aclose()


async def test_holds_come_back_with_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking.slots.holds.PAUSE_SECONDS", 0.05)
    redis = connect(redis_url)
    holds = Holds(redis)
    await redis.flushall()
    for connection in await redis.client_list():
        await redis.client_kill_filter(_id=connection["id"], skipme=False)

    async def placed() -> bool:
        try:
            return await place(holds, uuid4()) is not None
        except HoldsLostError:
            return False

    await until(placed)
    await redis.script_flush()
    assert await place(holds, start=END, end=END + 900)
    await redis.aclose()
