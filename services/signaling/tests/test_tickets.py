"""POST /tickets and /check/results: who gets in, and what everybody else hears."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.database import Database
from signaling.turn import LIFETIME

Room = Callable[..., Awaitable[UUID]]


@pytest.fixture
def http(instances: tuple[Any, Any]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=instances[0].url) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_citizen_gets_a_ticket_and_credentials_of_their_own(
    http: httpx.Client, room: Room, citizen_token: Callable[..., str]
) -> None:
    token = citizen_token(await room(), "demo")
    first, second = (http.post("/tickets", json={}, headers=bearer(token)).json() for _ in range(2))
    assert first["role"] == "citizen"
    assert first["ticket"] != second["ticket"]
    stun, turn = first["ice_servers"]
    assert stun == {"urls": ["stun:turn.example.org"]}
    expires, session = turn["username"].split(":")
    assert session != second["ice_servers"][1]["username"].split(":")[1]
    assert int(expires) <= time.time() + LIFETIME.total_seconds()


async def test_a_clerk_gets_tickets_for_rooms_of_their_office_and_its_lobby(
    http: httpx.Client, room: Room, clerk_token: Callable[..., str]
) -> None:
    mine, theirs = await room("demo"), await room("heidelberg")
    headers = bearer(clerk_token("demo"))
    assert http.post("/tickets", json={"appointment_id": str(mine)}, headers=headers).json()["role"] == "clerk"
    assert http.post("/tickets", json={"lobby": True}, headers=headers).status_code == 201
    for unknown in (theirs, uuid4()):
        answer = http.post("/tickets", json={"appointment_id": str(unknown)}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lobby": False},
        {"lobby": True, "appointment_id": str(uuid4())},
        {"appointment_id": "1"},
        {"lobby": True, "role": "admin"},
        [],
    ],
)
async def test_a_clerks_request_that_makes_no_sense_is_refused(
    http: httpx.Client, clerk_token: Callable[..., str], body: object
) -> None:
    answer = http.post("/tickets", json=body, headers=bearer(clerk_token("demo")))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_gets_in_without_a_good_token(
    http: httpx.Client, room: Room, citizen_token: Callable[..., str]
) -> None:
    token = citizen_token(await room(), "demo")
    expired = citizen_token(await room(), "demo", ttl=-60)
    tampered = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    for headers in ({}, bearer("x"), bearer(expired), bearer(tampered), {"Authorization": f"Basic {token}"}):
        answer = http.post("/tickets", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


async def test_a_link_with_the_wrong_office_or_generation_opens_nothing(
    http: httpx.Client, room: Room, citizen_token: Callable[..., str]
) -> None:
    appointment_id = await room("demo", generation=2)
    answer = http.post("/tickets", json={}, headers=bearer(citizen_token(appointment_id, "demo", gen=1)))
    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")
    answer = http.post("/tickets", json={}, headers=bearer(citizen_token(appointment_id, "heidelberg", gen=2)))
    assert (answer.status_code, answer.json()["code"]) == (503, "room_not_ready")


async def test_a_link_that_is_quicker_than_the_event_is_asked_to_come_back(
    http: httpx.Client, citizen_token: Callable[..., str]
) -> None:
    answer = http.post("/tickets", json={}, headers=bearer(citizen_token(uuid4(), "demo")))
    assert (answer.status_code, answer.json()["code"]) == (503, "room_not_ready")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [("cancelled", 410, "link_expired"), ("completed", 409, "room_closed"), ("aborted", 409, "room_closed")],
)
async def test_a_room_that_is_over_lets_nobody_in(
    http: httpx.Client,
    room: Room,
    citizen_token: Callable[..., str],
    clerk_token: Callable[..., str],
    database: Database,
    state: str,
    status: int,
    code: str,
) -> None:
    appointment_id = await room()
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE ours.rooms SET state = :state WHERE appointment_id = :id", state=state, id=appointment_id
        )
    asked = [
        http.post("/tickets", json={}, headers=bearer(citizen_token(appointment_id, "demo"))),
        http.post("/tickets", json={"appointment_id": str(appointment_id)}, headers=bearer(clerk_token("demo"))),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(status, code)] * 2


async def test_the_waiting_room_opens_when_the_office_says(
    http: httpx.Client, room: Room, citizen_token: Callable[..., str], offices: Any
) -> None:
    early = offices["heidelberg"].booking.join_early_minutes
    too_early = await room("heidelberg", starts_in=early + 5)
    answer = http.post("/tickets", json={}, headers=bearer(citizen_token(too_early, "heidelberg")))
    assert (answer.status_code, answer.json()["code"]) == (409, "too_early")
    assert answer.json()["joinable_from"].endswith("Z")
    in_time = await room("heidelberg", starts_in=early - 1)
    assert http.post("/tickets", json={}, headers=bearer(citizen_token(in_time, "heidelberg"))).status_code == 201


async def test_what_the_check_found_reaches_the_office(
    http: httpx.Client,
    room: Room,
    citizen_token: Callable[..., str],
    published: Callable[..., Awaitable[list[dict[str, Any]]]],
) -> None:
    appointment_id = await room(starts_in=60 * 24)
    found = {"outcome": "limited", "rtt_ms": 38, "camera": True, "microphone": False, "network": True}
    headers = bearer(citizen_token(appointment_id, "demo"))
    assert http.post("/check/results", json=found, headers=headers).status_code == 204
    (event,) = await published(appointment_id)
    assert event.pop("at")
    assert event == {
        "subject": "signaling.check_finished.v1",
        "office": "demo",
        "appointment_id": str(appointment_id),
        **found,
    }


@pytest.mark.parametrize("change", [{"outcome": "great"}, {"rtt_ms": -1}, {"camera": None}, {"gen": 7}])
async def test_a_check_result_that_is_none_is_refused(
    http: httpx.Client, room: Room, citizen_token: Callable[..., str], change: dict[str, object]
) -> None:
    found = {"outcome": "good", "rtt_ms": None, "camera": True, "microphone": True, "network": True}
    headers = bearer(citizen_token(await room(), "demo"))
    answer = http.post("/check/results", json=found | change, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(change))
