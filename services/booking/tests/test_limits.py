"""Grabbing bots gain nothing (S4): what is counted, when a proof of work is asked for, and when it is the end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from redis.asyncio import Redis

from booking.app import build
from booking.limits import store
from booking.limits.model import Limit, Limits
from booking.settings import Settings
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDE = Limit(proof_from=1000, at_most=1000, seconds=3600)
LIMITS = Limits(
    hold=Limit(proof_from=2, at_most=4, seconds=1200),
    booking=Limit(proof_from=3, at_most=6, seconds=3600),
    waiting_list=Limit(proof_from=1, at_most=2, seconds=3600),
    walk_in=Limit(proof_from=1, at_most=2, seconds=3600),
    email=WIDE,
    work=2,
)
OFFICE = "clerks-5"
FIRST = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
Send = Callable[..., Awaitable[httpx.Response]]


def limited(app: FastAPI, settings: Settings, **changes: object) -> FastAPI:
    """The same service with limits that are easily reached; it shares the database of `app`."""
    other = build(settings.model_copy(update={"limits": LIMITS} | changes), clock=app.state.clock)
    other.state.database = app.state.database
    return other


@pytest.fixture(scope="module")
def strict(app: FastAPI, settings: Settings) -> FastAPI:
    return limited(app, settings)


@pytest.fixture
def post(strict: FastAPI, client: object) -> Send:
    """`await post(path, body, address=, proof=, key=, office=, app=)`: somebody behind `address` asks for something."""

    async def ask(
        path: str,
        body: dict[str, object],
        *,
        address: str = "192.0.2.1",
        proof: str | None = None,
        key: str | None = None,
        office: str = OFFICE,
        app: FastAPI = strict,
        method: str = "POST",
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
        headers = {"Idempotency-Key": key or uuid4().hex} | ({"Proof-Of-Work": proof} if proof else {})
        async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking/offices") as citizen:
            return await citizen.request(method, f"/{office}/{path}", json=body, headers=headers)

    return ask


@pytest.fixture
def send(post: Send, order: Callable[..., dict[str, object]]) -> Send:
    """`await send(address=, proof=, key=, office=, **changes)`: somebody books, every time another slot."""
    starts = iter(FIRST + timedelta(minutes=5 * index) for index in range(10_000))

    async def book(*, starts_at: str | None = None, email: str = "erika@example.org", **how: Any) -> httpx.Response:
        at = starts_at or next(starts).isoformat()
        return await post("appointments", order(starts_at=at, email=email), **how)

    return book


@pytest.fixture
def hold(post: Send) -> Send:
    """`await hold(hold_id=, ...)`: somebody holds a slot."""
    starts = iter(FIRST + timedelta(minutes=5 * index) for index in range(10_000))

    async def place(hold_id: str | None = None, **how: Any) -> httpx.Response:
        body = {"services": ["fuehrungszeugnis"], "starts_at": next(starts).isoformat()}
        return await post("holds", body | ({"hold_id": hold_id} if hold_id else {}), **how)

    return place


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


ASKED = (429, "proof_required")
END = (429, "limit_reached")


# ---- per network address


async def test_from_the_soft_limit_on_a_booking_costs_a_proof_of_work(send: Send, solved: Any) -> None:
    assert [(await send()).status_code for _ in range(3)] == [201, 201, 201]
    asked = await send()
    assert code(asked) == ASKED
    assert asked.headers["content-type"] == "application/problem+json"
    assert (await send(proof=solved(asked.json()["challenge"]))).status_code == 201


async def test_at_the_hard_limit_no_proof_helps_until_the_window_has_moved_on(
    send: Send, solved: Any, clock: Any
) -> None:
    for _ in range(3):
        await send()
        clock.forward(minutes=5)
    for _ in range(3):
        assert (await send(proof=solved((await send()).json()["challenge"]))).status_code == 201
    refused = await send()
    assert code(refused) == END
    assert refused.headers["retry-after"] == str(45 * 60)
    clock.forward(minutes=45, seconds=-1)
    assert code(await send()) == END
    clock.forward(seconds=1)
    assert code(await send()) == ASKED


async def test_the_work_doubles_as_the_hard_limit_comes_nearer(send: Send, solved: Any) -> None:
    levels = []
    for _ in range(6):
        answer = await send()
        if code(answer) == ASKED:
            challenge = answer.json()["challenge"]
            levels.append(challenge["parameters"]["data"]["level"])
            assert (await send(proof=solved(challenge))).status_code == 201
    assert levels == [0, 1, 2]


async def test_an_easy_proof_does_not_pass_where_a_hard_one_is_asked_for(send: Send, solved: Any) -> None:
    for _ in range(3):
        await send()
    easy = [solved((await send()).json()["challenge"]) for _ in range(3)]
    # Others behind the same address may come in between: one level is forgiven, two are not.
    assert [code(await send(proof=proof))[0] for proof in easy[:2]] == [201, 201]
    assert code(await send(proof=easy[2])) == ASKED
    assert (await send(proof=solved((await send()).json()["challenge"]))).status_code == 201


@pytest.mark.parametrize(
    ("others", "shared"),
    [
        ("192.0.2.1", True),
        ("::ffff:192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8::1", False),
    ],
)
async def test_an_ipv4_address_counts_alone(send: Send, others: str, shared: bool) -> None:
    for _ in range(3):
        await send(address="192.0.2.1")
    assert code(await send(address=others)) == (ASKED if shared else (201, None))


@pytest.mark.parametrize(
    ("others", "shared"),
    [
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::", True),
        ("2001:db8:1:3::1", False),
        ("2001:db8:1:1:ffff:ffff:ffff:ffff", False),
    ],
)
async def test_of_ipv6_the_first_64_bits_count_since_one_household_has_all_the_rest(
    send: Send, others: str, shared: bool
) -> None:
    for _ in range(3):
        await send(address="2001:db8:1:2::1")
    assert code(await send(address=others)) == (ASKED if shared else (201, None))


async def test_whoever_has_no_readable_address_escapes_nothing(send: Send) -> None:
    for address in ("", "unix:", "nonsense"):
        assert (await send(address=address)).status_code == 201
    assert code(await send(address="???")) == ASKED


async def test_each_office_counts_for_itself(send: Send) -> None:
    for _ in range(3):
        await send()
    assert (await send(office="clerks-2")).status_code == 201


async def test_of_fifty_at_once_no_more_pass_than_there_is_room_for(send: Send) -> None:
    answers = await asyncio.gather(*(send() for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 3, 429: 47}


async def test_what_failed_does_not_count(send: Send, stored: Any) -> None:
    for _ in range(5):
        assert code(await send(starts_at="2020-01-01T00:00:00Z")) == (422, "slot_not_offered")
        assert code(await send(email="nobody"))[0] == 422
    assert [(await send()).status_code for _ in range(3)] == [201, 201, 201]
    assert code(await send()) == ASKED


async def test_a_repeated_request_counts_once_and_needs_no_proof(send: Send) -> None:
    key, at = uuid4().hex, FIRST.isoformat()
    first = await send(key=key, starts_at=at)
    for _ in range(2):
        await send(address="192.0.2.1")
    assert code(await send()) == ASKED
    again = await send(key=key, starts_at=at)
    assert (again.status_code, again.text) == (201, first.text)


async def test_nothing_that_names_a_person_or_a_network_is_stored(
    send: Send, app: FastAPI, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(4):
        await send(address="192.0.2.77", email="somebody@example.org")
    redis: Redis = app.state.redis
    keys = [key async for key in redis.scan_iter("*limit*")]
    assert len(keys) == 2
    members = [member for key in keys for member in await redis.zrange(key, 0, -1)]
    for text in (*keys, *members, caplog.text, *capsys.readouterr()):
        assert "192.0.2" not in text
        assert "somebody" not in text
    left = [await redis.ttl(key) for key in keys]
    assert all(0 < seconds <= 86_400 for seconds in left)


async def test_the_pseudonyms_of_tomorrow_are_others(strict: FastAPI, clock: Any) -> None:
    names = strict.state.gate.names
    today = names.of_address("192.0.2.1", clock.now)
    assert today == names.of_address("192.0.2.1", clock.now + timedelta(hours=1))
    assert today != names.of_address("192.0.2.1", clock.now + timedelta(days=1))


# ---- proofs


@pytest_asyncio.fixture(loop_scope="module")
async def challenge(send: Send) -> Any:
    """A challenge for a booking at `OFFICE`."""
    for _ in range(3):
        await send()
    return (await send()).json()["challenge"]


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


# ---- without Redis


async def test_without_redis_every_booking_costs_a_proof_and_none_is_refused(
    app: FastAPI, settings: Settings, send: Send, solved: Any
) -> None:
    lost = limited(app, settings, redis_url="redis://127.0.0.1:1/0")
    proof = None
    for _ in range(8):
        asked = await send(app=lost)
        assert code(asked) == ASKED
        proof = solved(asked.json()["challenge"])
        assert (await send(app=lost, proof=proof)).status_code == 201
    assert code(await send(app=lost, proof=proof)) == ASKED  # a replay is still a replay


# ---- per e-mail address


async def test_a_loop_of_booking_and_cancelling_under_one_address_ends(
    app: FastAPI, settings: Settings, send: Send, solved: Any, client: httpx.AsyncClient, clock: Any
) -> None:
    few = Limits(booking=WIDE, email=Limit(proof_from=2, at_most=3, seconds=86_400), work=2)
    strict = limited(app, settings, limits=few)
    proof = None
    for index in range(3):
        how = {"app": strict, "address": f"198.51.100.{index}", "email": ["e@x.org", "E@x.org", "e@X.ORG"][index]}
        answer = await send(**how)
        if code(answer) == ASKED:
            proof = solved(answer.json()["challenge"])
            answer = await send(**how, proof=proof)
        token = answer.json()["link"].split("#")[1]
        cancelled = await client.post("/appointment/cancellation", headers={"Authorization": f"Bearer {token}"})
        assert cancelled.status_code == 200
    assert proof is not None
    refused = await send(app=strict, address="203.0.113.9", email="e@x.org")
    assert code(refused) == END
    assert int(refused.headers["retry-after"]) == 86_400
    assert (await send(app=strict, address="203.0.113.9", email="another@x.org")).status_code == 201
    clock.forward(days=1)
    later = (FIRST + timedelta(days=1)).isoformat()
    again = await send(app=strict, address="203.0.113.9", email="e@x.org", starts_at=later)
    assert again.status_code == 201


# ---- holds, waiting list, walk-in


async def test_slots_are_not_hoarded_by_holding_them(hold: Send, solved: Any) -> None:
    assert [(await hold()).status_code for _ in range(2)] == [201, 201]
    for _ in range(2):
        asked = await hold()
        assert code(asked) == ASKED
        assert (await hold(proof=solved(asked.json()["challenge"]))).status_code == 201
    assert code(await hold()) == END


async def test_moving_and_giving_back_a_hold_costs_nothing(hold: Send, post: Send) -> None:
    mine = str(uuid4())
    for _ in range(5):
        assert (await hold(mine)).status_code == 201
    for _ in range(5):
        placed = await hold()
        assert placed.status_code == 201
        given_back = await post(f"holds/{placed.json()['hold_id']}", {}, method="DELETE")
        assert given_back.status_code == 204


async def test_entries_in_the_waiting_list_are_limited(post: Send, order: Any, solved: Any) -> None:
    body = order(starts_at=None)
    assert (await post("waiting-list", body)).status_code == 201
    asked = await post("waiting-list", body | {"email": "b@example.org"})
    assert code(asked) == ASKED
    proof = solved(asked.json()["challenge"])
    assert (await post("waiting-list", body | {"email": "b@example.org"}, proof=proof)).status_code == 201
    assert code(await post("waiting-list", body | {"email": "c@example.org"})) == END


async def test_numbers_in_the_queue_are_limited(post: Send, order: Any, solved: Any) -> None:
    first, second, third = (order(starts_at=None, email=f"{name}@example.org") for name in "abc")
    assert (await post("walk-in", first)).status_code == 201
    asked = await post("walk-in", second)
    assert code(asked) == ASKED
    assert (await post("walk-in", second, proof=solved(asked.json()["challenge"]))).status_code == 201
    assert code(await post("walk-in", third)) == END


# ---- what it says of itself


async def test_openapi_tells_of_header_and_challenge(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for path in ("holds", "appointments", "waiting-list", "walk-in"):
        operation = paths[f"/api/booking/offices/{{office}}/{path}"]["post"]
        assert "Proof-Of-Work" in [parameter["name"] for parameter in operation["parameters"]]
        assert "challenge" in str(operation["responses"]["429"])
