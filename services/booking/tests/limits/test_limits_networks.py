"""Whoever has many IPv6 networks works for what one address gets for nothing, and is not refused: others may live
there. With the limits as shipped."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from booking.limits.model import Limit, Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def shipped(limited: Any) -> FastAPI:
    app: FastAPI = limited(limits=Limits())
    return app


async def held(app: FastAPI, hold: Send, addresses: Iterable[str]) -> int:
    """How many holds there are for nothing, with four from each of these addresses."""
    answers = [await hold(app=app, address=address) for address in addresses for _ in range(4)]
    assert {answer.status_code for answer in answers} <= {201, 429}
    return [answer.status_code for answer in answers].count(201)


async def test_ten_networks_of_one_home_hold_as_much_as_one_without_work(shipped: FastAPI, hold: Send) -> None:
    assert await held(shipped, hold, (f"2001:db8:0:{each:x}::1" for each in range(10))) == 12


async def test_a_tunnel_with_many_homes_networks_holds_four_times_as_much_without_work(
    shipped: FastAPI, hold: Send
) -> None:
    assert await held(shipped, hold, (f"2001:db8:0:{each:x}00::1" for each in range(16))) == 48


async def test_one_home_writes_to_one_mailbox_so_often_whichever_of_its_networks_it_comes_from(
    limited: Any, send: Send
) -> None:
    free = Limit(proof_from=9, at_most=9, seconds=3600)
    app = limited(limits=Limits(booking=free, email=free, mailbox=Limit(proof_from=3, at_most=3, seconds=3600)))
    answers = [await send(app=app, address=f"2001:db8:0:{each:x}::1") for each in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[-1].json()["reason"] == "mailbox"


async def test_the_networks_around_an_address_refuse_nobody(limited: Any, send: Send, solved: Any) -> None:
    few, free = Limit(proof_from=1, at_most=2, seconds=3600), Limit(proof_from=99, at_most=99, seconds=3600)
    app = limited(limits=Limits(booking=few, email=free, mailbox=free, work=1))
    assert (await send(app=app, address="2001:db8::1")).status_code == 201
    for each in range(1, 12):
        address = f"2001:db8:0:{each:x}::1"
        asked = await send(app=app, address=address)
        assert asked.json()["code"] == "proof_required"
        proof = solved(asked.json()["challenge"])
        assert (await send(app=app, address=address, proof=proof)).status_code == 201
