"""A hold and its count are one step, and so is giving it back: nobody holds uncounted, no proof is lost."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
Send = Callable[..., Awaitable[httpx.Response]]
ASKED = (429, "proof_required")


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def living(app: FastAPI) -> int:
    deps = app.state.deps
    return len(await deps.calendar.holds.active("clerks-5", 0, 2**33))


async def test_giving_back_and_holding_at_once_lets_nobody_hold_uncounted(
    strict: FastAPI, hold: Send, post: Send
) -> None:
    async def grab() -> None:
        mine = str(uuid4())
        await hold(mine)
        await asyncio.gather(post(f"holds/{mine}", {}, method="DELETE"), hold(mine), hold(mine))

    await asyncio.gather(*(grab() for _ in range(30)))
    assert await living(strict) <= 2  # as many as cost nothing
    assert code(await hold()) == ASKED or await living(strict) <= 2


async def test_of_fifty_holds_at_once_as_many_live_as_are_counted(strict: FastAPI, hold: Send) -> None:
    answers = await asyncio.gather(*(hold() for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 2, 429: 48}
    assert await living(strict) == 2


async def test_a_repeated_hold_with_its_own_id_and_proof_answers_as_the_first_time(
    hold: Send, post: Send, solved: Any
) -> None:
    for _ in range(2):
        await hold()
    proof = solved((await hold()).json()["challenge"])
    mine = {"services": ["fuehrungszeugnis"], "starts_at": "2026-06-02T09:00:00Z", "hold_id": str(uuid4())}
    first, again = [await post("holds", mine, proof=proof) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert {**again.json(), "expires_at": None} == {**first.json(), "expires_at": None}
    assert (await post("holds", mine)).status_code == 201  # nor does a repetition need any proof
    assert code(await hold(proof=proof)) == ASKED  # for another slot it is spent


async def test_a_slot_that_is_taken_does_not_burn_the_proof(hold: Send, post: Send, solved: Any) -> None:
    wish = {"services": ["fuehrungszeugnis"], "starts_at": "2026-06-02T09:00:00Z"}
    for index in range(5):  # five clerks
        assert (await post("holds", wish, address=f"198.51.100.{index}")).status_code == 201
    for _ in range(2):
        await hold()
    proof = solved((await hold()).json()["challenge"])
    taken = await post("holds", wish, proof=proof)
    assert code(taken) == (409, "slot_taken")
    assert (await hold(proof=proof)).status_code == 201
    assert code(await hold(proof=proof)) == ASKED


async def test_of_twenty_holds_with_one_proof_at_once_one_lives(strict: FastAPI, hold: Send, solved: Any) -> None:
    for _ in range(2):
        await hold()
    proof = solved((await hold()).json()["challenge"])
    answers = await asyncio.gather(*(hold(proof=proof) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 429: 19}
    assert await living(strict) == 3


async def test_a_hold_that_lives_on_by_moving_stays_counted(hold: Send, clock: Any) -> None:
    mine = str(uuid4())
    for _ in range(3):
        assert (await hold(mine)).status_code == 201
        clock.forward(minutes=15)
    assert (await hold()).status_code == 201
    assert code(await hold()) == ASKED


async def test_a_request_that_fails_does_not_take_back_what_its_twin_is_counted_for(
    send: Send, strict: FastAPI, stored: Any
) -> None:
    """Under one Idempotency-Key a booking that fails and one that succeeds, at once, over and over."""
    for _ in range(8):
        key = uuid4().hex
        await asyncio.gather(send(key=key, starts_at="2020-01-01T00:00:00Z"), send(key=key))
    booked = len(await stored("appointment"))
    assert booked <= 3  # as many as cost nothing
    for _ in range(3 - booked):
        assert (await send()).status_code == 201
    assert code(await send()) == ASKED


async def test_a_hold_that_moves_ends_when_it_would_have(hold: Send, app: FastAPI) -> None:
    """Twenty minutes at most, else one proof keeps a slot from others for ever."""
    mine, ends = str(uuid4()), []
    for _ in range(4):
        assert (await hold(mine)).status_code == 201
        ends.append((await app.state.redis.get(f"booking:{{clerks-5}}:hold:{mine}")).split()[-1])
        await asyncio.sleep(0.01)
    assert len(set(ends)) == 1


async def test_a_hold_near_its_end_lives_no_longer_by_moving(hold: Send, app: FastAPI) -> None:
    mine = str(uuid4())
    await hold(mine)
    key, ten_seconds = f"booking:{{clerks-5}}:hold:{mine}", 10_000
    lane, low, high, ends = (await app.state.redis.get(key)).split()
    await app.state.redis.set(key, f"{lane} {low} {high} {int(ends) - 20 * 60_000 + ten_seconds}", px=ten_seconds)
    assert (await hold(mine)).status_code == 201
    assert 0 < await app.state.redis.pttl(key) <= ten_seconds


async def test_a_hold_that_is_over_is_a_new_one_and_costs_what_a_new_one_does(hold: Send, app: FastAPI) -> None:
    mine = str(uuid4())
    for each in (mine, str(uuid4())):
        assert (await hold(each)).status_code == 201
    await app.state.redis.delete(f"booking:{{clerks-5}}:hold:{mine}")
    assert code(await hold(mine)) == ASKED
