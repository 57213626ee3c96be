"""What people hear at the door, and what comes of what they do, while the database or Redis is away."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

import chassis.redis
from chassis.clock import utc_now
from schalter.embedded import free_port
from signaling.conversation import Door
from signaling.hub import Hub
from signaling.presence import Presence
from signaling.protocol import Admit, Dismiss, ProtocolError
from signaling.settings import Settings
from signaling.tickets import Claim, Tickets

PASSES = pytest.mark.parametrize(("trouble", "passes"), [(ConnectionResetError, True), (KeyError, False)])


@pytest.fixture
def door(settings: Settings, redis: Redis) -> Callable[[type[Exception]], Door]:
    """`door(KeyError)`: whoever asks the database meets this."""

    def build(trouble: type[Exception]) -> Door:
        def transactions() -> Any:
            raise trouble

        hub = Hub(redis)
        return Door(settings, hub, Presence(hub, transactions, utc_now), Tickets(redis), transactions, utc_now)

    return build


@PASSES
async def test_who_comes_in_is_told_to_come_again(
    door: Any, somebody: Any, trouble: type[Exception], passes: bool
) -> None:
    claim = Claim(role="citizen", office="demo", appointment_id=uuid4(), clerk_id=None, generation=1, session="s")
    wire, entered = somebody().transport, door(trouble)
    with pytest.raises(ProtocolError if passes else KeyError) as refused:
        await entered._enter(claim, "page", wire)
    assert [frame["code"] for frame in wire.heard()] == (["unavailable"] if passes else [])
    assert list(entered.hub.connections) == []
    if passes:
        assert (refused.value.code, refused.value.reason) == (1013, "unavailable")  # type: ignore[attr-defined]


@PASSES
@pytest.mark.parametrize("act", [Admit(type="admit"), Dismiss(type="dismiss")])
async def test_a_clerk_whose_act_is_not_stored_is_told_and_nobody_else(
    door: Any, somebody: Any, trouble: type[Exception], passes: bool, act: Any
) -> None:
    busy = door(trouble)
    clerk, citizen = somebody("clerk", admitted=True), somebody()
    clerk.peer = citizen.seat
    for one in (clerk, citizen):
        busy.hub.add(one)
    if passes:
        await busy._act(clerk, act)
    else:
        with pytest.raises(KeyError):
            await busy._act(clerk, act)
    assert [frame["code"] for frame in clerk.transport.heard()] == (["unavailable"] if passes else [])
    assert (clerk.admitted, clerk.transport.closed, citizen.transport.heard()) == (True, None, [])


@PASSES
async def test_a_goodbye_is_one_all_the_same(door: Any, somebody: Any, trouble: type[Exception], passes: bool) -> None:
    left = door(trouble)
    citizen = somebody(instance=left.hub.mailbox.instance)
    left.hub.add(citizen)
    await left.hub.rooms.take(citizen.place, citizen.seat)
    if passes:
        await left._leave(citizen)
    else:
        with pytest.raises(KeyError):
            await left._leave(citizen)
    assert await left.hub.rooms.occupied([citizen.place]) == [False]
    assert list(left.hub.connections) == []


async def test_without_redis_the_seat_is_given_up_by_itself_and_nobody_hears_an_error(
    settings: Settings, somebody: Any
) -> None:
    nowhere = chassis.redis.connect(f"redis://127.0.0.1:{free_port()}")
    hub = Hub(nowhere)

    def transactions() -> Any:
        raise AssertionError("Redis is asked first")

    door = Door(settings, hub, Presence(hub, transactions, utc_now), Tickets(nowhere), transactions, utc_now)
    citizen = somebody(instance=hub.mailbox.instance)
    hub.add(citizen)
    await door._leave(citizen)
    assert list(hub.connections) == []
    await nowhere.aclose()
