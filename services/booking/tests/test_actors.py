"""Every route against every actor: who nobody has thought of is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from routes import routes

from chassis.tokens import TokenSigner
from contracts.booking import ConfirmationAsked

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "/api/booking"
SLOT = "2026-06-02T06:00:00Z"
ALIVE, GONE = "alive", "gone"

#: Route -> what is needed to get past the door. A route that is missing here fails the test below.
ROUTES = {
    "GET /offices": "public",
    "GET /offices/{office}": "public",
    "GET /offices/{office}/slots": "public",
    "POST /offices/{office}/holds": "public",
    "POST /offices/{office}/holds/{hold_id}/extension": "public",
    "DELETE /offices/{office}/holds/{hold_id}": "public",
    "POST /offices/{office}/appointments": "public",
    "GET /appointment": "citizen",
    "POST /appointment/cancellation": "citizen",
    "GET /appointment/slots": "citizen",
    "POST /appointment/holds": "citizen",
    "POST /appointment/rescheduling": "citizen",
    "POST /appointment/contact": "citizen",
    "PUT /appointment/reminders": "citizen",
    "DELETE /appointment/reminders": "citizen",
    "GET /appointment/calendar": "citizen",
    "GET /appointment/data": "citizen",
    "POST /appointment/erasure": "citizen",
    "GET /reservation": "reservation",
    "POST /reservation/mail": "reservation",
    "GET /confirmation": "confirmation",
    "POST /confirmation": "confirmation",
    "POST /offices/{office}/lost-links": "public",
    "PUT /appointment/waiting": "citizen",
    "DELETE /appointment/waiting": "citizen",
    "POST /offices/{office}/waiting-list": "public",
    "GET /waiting": "waiting",
    "GET /waiting/data": "waiting",
    "POST /waiting/departure": "waiting",
    "GET /offer": "offer",
    "POST /offer/acceptance": "offer",
    "POST /offer/refusal": "offer",
    "GET /offices/{office}/walk-in": "public",
    "POST /offices/{office}/walk-in": "public",
    "POST /walk-in/presence": "walk_in",
    "POST /walk-in/departure": "walk_in",
    "GET /office/timetable": "clerk",
    "PUT /office/timetable": "lead",
    "GET /office/blocked-times": "clerk",
    "POST /office/blocked-times": "own lane",
    "DELETE /office/blocked-times/{blocked_id}": "own lane",
    "GET /office/week": "clerk",
    "GET /office/slots": "clerk",
    "POST /office/appointments": "clerk",
    "GET /office/appointments/{appointment_id}": "clerk",
    "GET /office/appointments/{appointment_id}/slots": "clerk",
    "POST /office/appointments/{appointment_id}/rescheduling": "clerk",
    "POST /office/appointments/{appointment_id}/contact": "clerk",
    "POST /office/appointments/{appointment_id}/cancellation": "clerk",
    "POST /office/appointments/{appointment_id}/no-show": "clerk",
    "POST /office/appointments/{appointment_id}/resumption": "clerk",
    "POST /office/moves": "lead",
    "GET /office/statistics": "lead",
    "GET /office/statistics.csv": "lead",
}

#: Where it is not the token of the same name.
TOKENS = {"public": "", "own lane": "clerk"}

#: What a route needs to be heard at all.
BODIES = {
    "POST /appointment/holds": {"starts_at": "2026-06-03T12:00:00Z"},
    "POST /appointment/rescheduling": {"starts_at": "2026-06-03T12:00:00Z"},
    "POST /appointment/contact": {"email": "erika@example.com"},
}


async def test_every_route_has_its_actor_written_down(app: FastAPI) -> None:
    """What is tried below is what the application asks for, of every route that it has."""
    asked = {
        f"{route.method} {route.path.removeprefix(PREFIX)}": "lead" if route.lead else ",".join(route.actors)
        for route in routes(app)
    }
    assert asked == {route: TOKENS.get(actor, actor) for route, actor in ROUTES.items()}


@pytest.mark.parametrize("route", ROUTES)
async def test_public_routes_ask_nobody_and_citizens_routes_say_so(app: FastAPI, route: str) -> None:
    method, path = route.split()
    operation = app.openapi()["paths"][PREFIX + path][method.lower()]
    assert ("security" in operation) == (ROUTES[route] != "public")


@pytest.mark.parametrize("route", [route for route, actor in ROUTES.items() if actor == "citizen"])
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "token_invalid"),
        ("garbage", 401, "token_invalid"),
        ("clerk", 401, "token_invalid"),
        ("expired", 401, "token_invalid"),
        ("unsigned", 401, "token_invalid"),
        ("other citizen", 404, "appointment_unknown"),
        ("other office", 404, "appointment_unknown"),
        ("older link", 410, "link_expired"),
        ("owner", 200, None),  # or 204, where there is nothing to say
    ],
)
async def test_who_may_act_on_an_appointment(
    client: httpx.AsyncClient,
    book: Any,
    stored: Any,
    citizen_token: Any,
    clerk_token: Any,
    route: str,
    who: str,
    status: int,
    code: str | None,
    clock: Any,
) -> None:
    booked = (await book()).json()
    appointment = booked["appointment_id"]
    token = booked["link"].split("#")[1]
    header, claims, _ = token.split(".")
    long = 10 * 365 * 24 * 3600
    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "clerk": clerk_token("heidelberg", ttl=long),
        "expired": token,
        "unsigned": f"{header}.{claims}.",
        "other citizen": citizen_token(uuid4(), "heidelberg", ttl=long),
        "other office": citizen_token(appointment, "demo", ttl=long),
        "older link": citizen_token(appointment, "heidelberg", gen=0, ttl=long),
        "owner": token,
    }
    if who == "expired":
        clock.forward(days=60)
    given = tokens[who]
    method, path = route.split()
    headers = {"Idempotency-Key": uuid4().hex} | ({"Authorization": f"Bearer {given}"} if given else {})
    body = BODIES.get(route)
    answer = await client.request(method, path, headers=headers, json=body)
    assert (200 if answer.is_success else answer.status_code) == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert [row["state"] for row in await stored("appointment")] == ["booked"]


@pytest.mark.parametrize("route", [route for route, actor in ROUTES.items() if actor == "offer"])
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "token_invalid"),
        ("garbage", 401, "token_invalid"),
        ("the appointment's link", 401, "token_invalid"),
        ("clerk", 401, "token_invalid"),
        ("signed by casework", 401, "token_invalid"),
        ("expired", 401, "token_invalid"),
        ("unsigned", 401, "token_invalid"),
        ("another offer", 404, "offer_unknown"),
        ("another office", 404, "offer_unknown"),
        ("owner", 200, None),
    ],
)
async def test_who_may_answer_an_offer(
    client: httpx.AsyncClient,
    room: Any,
    stored: Any,
    keys: Any,
    clerk_token: Any,
    route: str,
    who: str,
    status: int,
    code: str | None,
    clock: Any,
) -> None:
    gone = await room.book(datetime(2026, 6, 2, 8, tzinfo=UTC), "Gone")
    waiting = await room.wait(datetime(2026, 6, 2, 10, tzinfo=UTC), "Anna")
    await room.cancel(gone)
    await room.round()
    token = (await room.newest())["Authorization"].removeprefix("Bearer ")
    header, claims, _ = token.split(".")
    (offer,) = await stored("slot_offer")
    long = clock.now + timedelta(days=3650)

    def signed(by: str = keys.link.private, **changes: str) -> str:
        said = {"sub": str(offer["id"]), "office": "town"} | changes
        return TokenSigner(by, issuer="booking", audience="offer").sign(said, now=clock.now, expires_at=long)

    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "the appointment's link": waiting["Authorization"].removeprefix("Bearer "),
        "clerk": clerk_token("town", role="admin", ttl=10 * 365 * 24 * 3600),
        "signed by casework": signed(keys.clerk.private),
        "expired": token,
        "unsigned": f"{header}.{claims}.",
        "another offer": signed(sub=str(uuid4())),
        "another office": signed(office="heidelberg"),
        "owner": token,
    }
    if who == "expired":
        clock.now = offer["starts_at"] + timedelta(seconds=6)
    given = tokens[who]
    method, path = route.split()
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    body: dict[str, Any] | None = {} if method == "POST" else None
    answer = await client.request(method, path, headers=headers, json=body)
    assert (200 if answer.is_success else answer.status_code) == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert offer["state"] == "open"
        assert "booking.rescheduled.v1" not in [row["subject"] for row in await stored("outbox")]


@pytest.mark.parametrize("route", [route for route, actor in ROUTES.items() if actor == "waiting"])
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "token_invalid"),
        ("garbage", 401, "token_invalid"),
        ("citizen", 401, "token_invalid"),
        ("clerk", 401, "token_invalid"),
        ("offeree", 401, "token_invalid"),
        ("signed by casework", 401, "token_invalid"),
        ("expired", 401, "token_invalid"),
        ("unsigned", 401, "token_invalid"),
        ("another entry", 410, "waiting_over"),
        ("another office", 410, "waiting_over"),
        ("one who has an appointment", 410, "waiting_over"),
        ("owner", 200, None),
    ],
)
async def test_who_may_see_and_leave_the_waiting_list(
    client: httpx.AsyncClient,
    room: Any,
    order: Any,
    stored: Any,
    keys: Any,
    citizen_token: Any,
    clerk_token: Any,
    route: str,
    who: str,
    status: int,
    code: str | None,
    clock: Any,
) -> None:
    await room.wait(datetime(2026, 6, 2, 10, tzinfo=UTC), "Anna")
    token = (await room.joins("Berta", last="2026-06-03"))["Authorization"].removeprefix("Bearer ")
    entries = {row["appointment_id"] is None: row["id"] for row in await stored("waiting_entry")}
    header, claims, _ = token.split(".")
    long = clock.now + timedelta(days=3650)

    def signed(by: str = keys.link.private, audience: str = "waiting", **changes: str) -> str:
        said = {"sub": str(entries[True]), "office": "town"} | changes
        return TokenSigner(by, issuer="booking", audience=audience).sign(said, now=clock.now, expires_at=long)

    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "citizen": citizen_token(entries[True], "town", ttl=10**8),
        "clerk": clerk_token("town", role="admin", ttl=10**8),
        "offeree": signed(audience="offer"),
        "signed by casework": signed(keys.clerk.private),
        "expired": token,
        "unsigned": f"{header}.{claims}.",
        "another entry": signed(sub=str(uuid4())),
        "another office": signed(office="heidelberg"),
        "one who has an appointment": signed(sub=str(entries[False])),
        "owner": token,
    }
    if who == "expired":
        clock.now = datetime(2026, 6, 3, 22, 0, 6, tzinfo=UTC)  # the day after the last one asked for, in Berlin
    given = tokens[who]
    method, path = route.split()
    answer = await client.request(method, path, headers={"Authorization": f"Bearer {given}"} if given else {})
    assert (200 if answer.is_success else answer.status_code) == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert {row["state"] for row in await stored("waiting_entry")} == {"waiting"}


@pytest.mark.parametrize(
    "route", [route for route, actor in ROUTES.items() if actor in ("reservation", "confirmation")]
)
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "token_invalid"),
        ("garbage", 401, "token_invalid"),
        ("clerk", 401, "token_invalid"),
        ("the other's", 401, "token_invalid"),
        ("an appointment's link", 401, "token_invalid"),
        ("signed by casework", 401, "token_invalid"),
        ("expired", 401, "token_invalid"),
        ("unsigned", 401, "token_invalid"),
        ("another reservation", 410, "not_confirmed_in_time"),
        ("another office", 410, "not_confirmed_in_time"),
        ("owner", 200, None),
    ],
)
async def test_who_may_look_after_a_reservation_and_who_may_confirm_it(
    client: httpx.AsyncClient,
    book: Any,
    stored: Any,
    keys: Any,
    clerk_token: Any,
    citizen_token: Any,
    route: str,
    who: str,
    status: int,
    code: str | None,
    clock: Any,
) -> None:
    booked = (await book("careful")).json()
    (row,) = [row for row in await stored("outbox") if row["subject"] == ConfirmationAsked.SUBJECT]
    own = {
        "reservation": booked["link"].split("#")[1],
        "confirmation": ConfirmationAsked.model_validate_json(row["body"]).confirm_token,
    }
    actor = ROUTES[route]
    token = own[actor]
    header, claims, _ = token.split(".")
    long = clock.now + timedelta(days=3650)

    def signed(by: str = keys.link.private, **changes: str) -> str:
        said = {"sub": booked["appointment_id"], "office": "careful", "gen": 0} | changes
        return TokenSigner(by, issuer="booking", audience=actor).sign(said, now=clock.now, expires_at=long)

    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "clerk": clerk_token("careful", role="admin", ttl=10**8),
        "the other's": own["confirmation" if actor == "reservation" else "reservation"],
        "an appointment's link": citizen_token(booked["appointment_id"], "careful", ttl=10**8),
        "signed by casework": signed(keys.clerk.private),
        "expired": token,
        "unsigned": f"{header}.{claims}.",
        "another reservation": signed(sub=str(uuid4())),
        "another office": signed(office="demo"),
        "owner": token,
    }
    if who == "expired":
        clock.forward(days=2)
    given = tokens[who]
    method, path = route.split()
    headers = {"Idempotency-Key": uuid4().hex} | ({"Authorization": f"Bearer {given}"} if given else {})
    answer = await client.request(method, path, headers=headers, json={} if path.endswith("/mail") else None)
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert "booking.completed.v1" not in [row["subject"] for row in await stored("outbox")]


@pytest.mark.usefixtures("come_to_work")
@pytest.mark.parametrize("route", [route for route, actor in ROUTES.items() if actor == "walk_in"])
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("nobody", 401, "token_invalid"),
        ("garbage", 401, "token_invalid"),
        ("citizen", 401, "token_invalid"),
        ("clerk", 401, "token_invalid"),
        ("offeree", 401, "token_invalid"),
        ("expired", 401, "token_invalid"),
        ("unsigned", 401, "token_invalid"),
        ("other number", 404, "ticket_unknown"),
        ("other office", 404, "ticket_unknown"),
        ("owner", 200, None),
    ],
)
async def test_who_may_act_on_a_number_in_the_queue(
    client: httpx.AsyncClient,
    app: FastAPI,
    order: Any,
    stored: Any,
    clock: Any,
    citizen_token: Any,
    clerk_token: Any,
    route: str,
    who: str,
    status: int,
    code: str | None,
) -> None:
    clock.now = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
    # The one clerk is in a conversation, so that the number stays in the queue.
    at = {"starts_at": clock.now.isoformat()}
    for path, changes in (("appointments", at), ("walk-in", {"starts_at": None})):
        body = order(**changes)
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await client.post(f"/offices/clerks-1/{path}", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
    token = answer.json()["ticket"]
    [number] = await stored("walk_in")
    header, claims, _ = token.split(".")
    long = {"now": clock.now, "expires_at": clock.now + timedelta(days=900)}
    tickets, offices = app.state.walk_in.tickets, app.state.deps.offer_links
    ticket = {"sub": str(number["id"]), "office": "clerks-1"}
    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "citizen": citizen_token(number["id"], "clerks-1", ttl=10**8),
        "clerk": clerk_token("clerks-1", ttl=10**8),
        "offeree": offices.sign(ticket, **long),
        "expired": token,
        "unsigned": f"{header}.{claims}.",
        "other number": tickets.sign(ticket | {"sub": str(uuid4())}, **long),
        "other office": tickets.sign(ticket | {"office": "clerks-2"}, **long),
        "owner": token,
    }
    if who == "expired":
        clock.forward(days=2)
    given = tokens[who]
    method, path = route.split()
    answer = await client.request(method, path, headers={"Authorization": f"Bearer {given}"} if given else {})
    assert (200 if answer.is_success else answer.status_code) == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert [row["state"] for row in await stored("walk_in")] == ["waiting"]


OFFICE = [route for route, actor in ROUTES.items() if actor in ("clerk", "lead", "own lane")]


async def _ask_office(client: httpx.AsyncClient, order: Any, route: str, headers: dict[str, str], ids: Any) -> Any:
    """Asks an office's route for something that is granted to whoever may."""
    method, path = route.split()
    bodies: dict[str, Any] = {
        "POST /office/blocked-times": {
            "lane": 1,
            "starts_at": "2026-06-09T06:00:00Z",
            "ends_at": "2026-06-09T07:00:00Z",
            "reason": "sick",
        },
        "POST /office/appointments": order(starts_at="2026-06-02T08:00:00Z"),
        "POST /office/appointments/{appointment_id}/rescheduling": {"starts_at": "2026-06-03T12:00:00Z"},
        "POST /office/appointments/{appointment_id}/contact": {"email": "erika@example.com"},
        "POST /office/moves": {"lane": 0, "from": "2026-06-02T00:00:00Z", "to": "2026-06-03T00:00:00Z"},
    }
    if route == "PUT /office/timetable":
        held = await client.get("/office/timetable", headers=headers)
        bodies[route] = held.json() if held.is_success else {"version": 0}
    params = {"services": "fuehrungszeugnis"} if path == "/office/slots" else {}
    return await client.request(
        method, path.format(**ids), headers=headers, json=bodies.get(route), params=params | {"day": "2026-06-02"}
    )


@pytest.mark.parametrize("route", OFFICE)
@pytest.mark.parametrize(
    "who",
    ["nobody", "garbage", "citizen", "expired", "unsigned", "admin of another office", "clerk", "lead", "admin"],
)
async def test_who_may_act_for_an_office(
    client: httpx.AsyncClient,
    book: Any,
    order: Any,
    stored: Any,
    clerk_token: Any,
    route: str,
    who: str,
    clock: Any,
) -> None:
    booked = (await book()).json()
    long = 10 * 365 * 24 * 3600
    lead = clerk_token("heidelberg", role="lead", ttl=long)
    block = {"lane": 5, "starts_at": "2026-06-08T22:00:00Z", "ends_at": "2026-06-09T22:00:00Z", "reason": "sick"}
    blocked = await client.post("/office/blocked-times", json=block, headers={"Authorization": f"Bearer {lead}"})
    ids = {"appointment_id": booked["appointment_id"], "blocked_id": blocked.json()["id"]}
    if route.endswith(("no-show", "resumption")):
        clock.now = datetime(2026, 6, 2, 6, 10, tzinfo=UTC)
    if route.endswith("resumption"):
        missed = f"/office/appointments/{booked['appointment_id']}/no-show"
        await client.post(missed, headers={"Authorization": f"Bearer {lead}", "Idempotency-Key": uuid4().hex})
    header, claims, _ = lead.split(".")
    tokens = {
        "nobody": None,
        "garbage": "x.y.z",
        "citizen": booked["link"].split("#")[1],
        "expired": clerk_token("heidelberg", role="lead", ttl=60, now=clock.now - timedelta(hours=1)),
        "unsigned": f"{header}.{claims}.",
        "admin of another office": clerk_token("demo", role="admin", ttl=long),
        "clerk": clerk_token("heidelberg", role="clerk", ttl=long),
        "lead": lead,
        "admin": clerk_token("heidelberg", role="admin", ttl=long),
    }
    given = tokens[who]
    headers = {"Idempotency-Key": uuid4().hex} | ({"Authorization": f"Bearer {given}"} if given else {})
    before = {table: await _of_heidelberg(stored, table) for table in ("appointment", "timetable", "blocked_time")}
    answer = await _ask_office(client, order, route, headers, ids)
    if who in ("nobody", "garbage", "citizen", "expired", "unsigned"):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    elif who == "clerk" and ROUTES[route] != "clerk":
        assert (answer.status_code, answer.json()["code"]) == (403, "role_missing")
    elif who == "admin of another office" and "{appointment_id}" in route:
        assert (answer.status_code, answer.json()["code"]) == (404, "appointment_unknown")
    else:
        assert answer.is_success, answer.text
    if who not in ("clerk", "lead", "admin") or (who == "clerk" and ROUTES[route] != "clerk"):
        after = {table: await _of_heidelberg(stored, table) for table in before}
        assert after == before
        assert booked["reference"] not in answer.text


async def test_a_hold_is_its_own_offices(app: FastAPI, client: httpx.AsyncClient) -> None:
    """The id is right, the office is not: the hold stays as it is."""
    wish = {"services": ["fuehrungszeugnis"], "starts_at": SLOT}
    held = (await client.post("/offices/heidelberg/holds", json=wish)).json()
    asked = [route for route in routes(app) if "{hold_id}" in route.path]
    assert len(asked) >= 2
    for route in asked:
        path = route.path.removeprefix(PREFIX).format(office="demo", hold_id=held["hold_id"])
        answer = await client.request(route.method, path)
        assert answer.status_code == (204 if route.method == "DELETE" else 404), str(route)
    still = await client.post(f"/offices/heidelberg/holds/{held['hold_id']}/extension")
    assert still.status_code == 200, still.text


async def _of_heidelberg(stored: Any, table: str) -> list[Any]:
    return [row for row in await stored(table) if row["office"] == "heidelberg"]


@pytest.mark.parametrize("route", ROUTES)
async def test_other_methods_are_refused(client: httpx.AsyncClient, route: str) -> None:
    path = route.split()[1].replace("{office}", "demo").replace("{hold_id}", str(uuid4()))
    allowed = {known.split()[0] for known in ROUTES if known.split()[1] == route.split()[1]}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - allowed:
        answer = await client.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["content-type"] == "application/problem+json"
