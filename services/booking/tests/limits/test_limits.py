"""Grabbing bots gain nothing (S4): what is counted, when a proof of work is asked for, and when it is the end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from booking.limits.model import Limit

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
WIDE = Limit(proof_from=1000, at_most=1000, seconds=3600)
Send = Callable[..., Awaitable[httpx.Response]]
ASKED = (429, "proof_required")
END = (429, "limit_reached")


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


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
    assert levels == [0, 3, 6]


async def test_an_easy_proof_does_not_pass_where_a_hard_one_is_asked_for(send: Send, solved: Any) -> None:
    for _ in range(3):
        await send()
    easy = [solved((await send()).json()["challenge"]) for _ in range(2)]
    assert code(await send(proof=easy[0])) == (201, None)
    # Others behind the same address may come in between: one level is forgiven, two are not.
    assert code(await send(proof=easy[1])) == ASKED
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
        ("2001:db8:1:3::1", True),
        ("2001:db8:1:ff:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:100::1", False),
        ("2001:db8:0:ffff:ffff:ffff:ffff:ffff", False),
    ],
)
async def test_of_ipv6_the_first_56_bits_count_since_one_home_has_all_the_rest(
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
    windows = [key for key in keys if await redis.type(key) == "zset"]
    assert len(windows) == 3
    members = [member for key in windows for member in await redis.zrange(key, 0, -1)]
    for text in (*keys, *members, caplog.text, *capsys.readouterr()):
        assert "192.0.2" not in text
        assert "somebody" not in text
    left = [await redis.ttl(key) for key in keys]
    assert all(0 < seconds <= 86_400 for seconds in left)


async def test_the_pseudonyms_of_tomorrow_are_others(strict: FastAPI, clock: Any) -> None:
    names = strict.state.gate.names
    today = names.of_networks("192.0.2.1", clock.now)
    assert today == names.of_networks("192.0.2.1", clock.now + timedelta(hours=1))
    assert today != names.of_networks("192.0.2.1", clock.now + timedelta(days=1))


async def test_a_loop_of_booking_and_cancelling_under_one_address_costs_work_for_the_day(
    limited: Any, strict: FastAPI, send: Send, client: httpx.AsyncClient, clock: Any
) -> None:
    few = {"email": Limit(proof_from=2, at_most=3, seconds=86_400)}
    strict = limited(limits=strict.state.gate.limits.model_copy(update=few))
    for index in range(2):
        answer = await send(app=strict, address=f"198.51.100.{index}", email=["E@x.org", "e@X.ORG"][index])
        token = answer.json()["link"].split("#")[1]
        cancelled = await client.post("/appointment/cancellation", headers={"Authorization": f"Bearer {token}"})
        assert cancelled.status_code == 200
    clock.forward(hours=16)
    assert code(await send(app=strict, address="203.0.113.9", email="e@x.org")) == ASKED
    assert (await send(app=strict, address="203.0.113.9", email="another@x.org")).status_code == 201
    clock.forward(hours=8)
    later = (FIRST + timedelta(days=1)).isoformat()
    assert (await send(app=strict, address="203.0.113.9", email="e@x.org", starts_at=later)).status_code == 201


async def test_a_mailbox_that_nobody_has_confirmed_is_never_refused(
    limited: Any, strict: FastAPI, send: Send, solved: Any
) -> None:
    few = {"email": Limit(proof_from=1, at_most=2, seconds=86_400)}
    strict = limited(limits=strict.state.gate.limits.model_copy(update=few))
    levels = []
    for index in range(8):
        how = {"app": strict, "address": f"198.51.100.{index}"}
        answer = await send(**how)
        if code(answer) == ASKED:
            challenge = answer.json()["challenge"]
            levels.append(challenge["parameters"]["data"]["level"])
            answer = await send(**how, proof=solved(challenge))
        assert answer.status_code == 201
    assert levels == [0, 4, 4, 4, 4, 4, 4]


async def test_one_network_has_us_write_to_one_mailbox_only_so_often(
    limited: Any, strict: FastAPI, send: Send, solved: Any, clock: Any
) -> None:
    few = Limit(proof_from=1, at_most=2, seconds=3600)
    strict = limited(limits=strict.state.gate.limits.model_copy(update={"mailbox": few, "booking": WIDE}))
    assert (await send(app=strict)).status_code == 201
    assert (await send(app=strict, proof=solved((await send(app=strict)).json()["challenge"]))).status_code == 201
    refused = await send(app=strict)
    assert (code(refused), refused.json()["reason"]) == (END, "mailbox")
    assert (await send(app=strict, email="another@example.org")).status_code == 201
    assert (await send(app=strict, address="192.0.2.2")).status_code == 201  # its owner is not shut out
    clock.forward(hours=1)
    assert (await send(app=strict)).status_code == 201


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


@pytest.mark.usefixtures("come_to_work")
async def test_numbers_in_the_queue_are_limited(post: Send, order: Any, solved: Any) -> None:
    first, second, third = (order(starts_at=None, email=f"{name}@example.org") for name in "abc")
    assert (await post("walk-in", first)).status_code == 201
    asked = await post("walk-in", second)
    assert code(asked) == ASKED
    assert (await post("walk-in", second, proof=solved(asked.json()["challenge"]))).status_code == 201
    assert code(await post("walk-in", third)) == END


async def test_openapi_tells_of_header_and_challenge(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for path in ("holds", "appointments", "waiting-list", "walk-in"):
        operation = paths[f"/api/booking/offices/{{office}}/{path}"]["post"]
        assert "Proof-Of-Work" in [parameter["name"] for parameter in operation["parameters"]]
        assert "challenge" in str(operation["responses"]["429"])
