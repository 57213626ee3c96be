"""A proof of work is good once, for ten minutes, for one office and one act; and it is what is left without Redis."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from booking.limits import store
from booking.limits.model import Limits
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
Send = Callable[..., Awaitable[httpx.Response]]
ASKED = (429, "proof_required")


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_a_solution_is_good_once(send: Send, solved: Any, challenge: Any, stored: Any) -> None:
    proof = solved(challenge)
    assert (await send(proof=proof)).status_code == 201
    before = len(await stored("appointment"))
    replayed = await send(proof=proof)
    assert code(replayed) == ASKED
    assert replayed.json()["challenge"]["parameters"]["nonce"] != challenge["parameters"]["nonce"]
    assert len(await stored("appointment")) == before


async def test_of_twenty_replays_at_once_one_passes(send: Send, solved: Any, challenge: Any, stored: Any) -> None:
    proof = solved(challenge)
    answers = await asyncio.gather(*(send(proof=proof) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 429: 19}
    assert len(await stored("appointment")) == 4


async def test_the_same_request_with_the_same_proof_gets_the_same_answer(
    send: Send, solved: Any, challenge: Any
) -> None:
    key, proof, at = uuid4().hex, solved(challenge), (FIRST + timedelta(hours=5)).isoformat()
    first, again = [await send(key=key, proof=proof, starts_at=at) for _ in range(2)]
    assert (first.status_code, first.text) == (201, again.text)


async def test_a_proof_is_not_spent_on_what_failed(send: Send, solved: Any, challenge: Any) -> None:
    proof = solved(challenge)
    assert code(await send(proof=proof, starts_at="2020-01-01T00:00:00Z")) == (422, "slot_not_offered")
    assert (await send(proof=proof)).status_code == 201


@pytest.mark.parametrize(("age", "status"), [(timedelta(minutes=10, seconds=-1), 201), (timedelta(minutes=10), 429)])
async def test_a_challenge_is_good_for_ten_minutes(
    send: Send, solved: Any, challenge: Any, clock: Any, age: timedelta, status: int
) -> None:
    proof = solved(challenge)
    clock.now += age
    assert (await send(proof=proof)).status_code == status


async def test_a_proof_for_another_office_or_act_is_none(send: Send, hold: Send, solved: Any, challenge: Any) -> None:
    for _ in range(3):
        await send(office="clerks-2")
    assert code(await send(office="clerks-2", proof=solved(challenge))) == ASKED
    for _ in range(2):
        await hold()
    assert code(await hold(proof=solved(challenge))) == ASKED


@pytest.mark.parametrize("proof", ["", "x", "bm90IGpzb24=", "e30=", "W10=", "bnVsbA==", "A" * 4096])
async def test_nonsense_is_no_proof(send: Send, challenge: Any, proof: str) -> None:
    assert code(await send(proof=proof)) == ASKED


async def test_a_proof_that_is_too_long_to_be_one_is_refused_by_name(send: Send) -> None:
    answer = await send(proof="A" * 4097)
    assert code(answer) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "Proof-Of-Work"


async def test_spent_proofs_are_forgotten_when_they_have_expired(
    send: Send, solved: Any, challenge: Any, database: Database, clock: Any, stored: Any
) -> None:
    await send(proof=solved(challenge))
    for minutes, left in ((9, 1), (11, 0)):
        async with database.transaction() as tx:
            await store.forget_spent(tx, clock.now + timedelta(minutes=minutes))
        assert len(await stored("spent_proof")) == left


async def test_without_redis_every_booking_costs_a_proof_and_none_is_refused(
    limited: Any, send: Send, solved: Any
) -> None:
    lost = limited(redis_url="redis://127.0.0.1:1/0")
    proof = None
    for _ in range(8):
        asked = await send(app=lost)
        assert code(asked) == ASKED
        proof = solved(asked.json()["challenge"])
        assert (await send(app=lost, proof=proof)).status_code == 201
    assert code(await send(app=lost, proof=proof)) == ASKED  # a replay is still a replay


@pytest.mark.parametrize("path", ["cancellation", "erasure"])
async def test_without_redis_whoever_cancels_or_wants_to_be_erased_needs_no_proof(
    path: str, limited: Any, send: Send
) -> None:
    link = (await send()).json()["link"]
    lost = limited(redis_url="redis://127.0.0.1:1/0", limits=Limits())
    transport = httpx.ASGITransport(lost, raise_app_exceptions=False, client=("192.0.2.1", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as citizen:
        answer = await citizen.post(f"/appointment/{path}", headers={"Authorization": f"Bearer {link.split('#')[-1]}"})
    assert answer.is_success, answer.text
