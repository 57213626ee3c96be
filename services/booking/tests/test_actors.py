"""Every route against every actor: who nobody has thought of is refused."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "/api/booking"
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
    "POST /appointment/rescheduling": "citizen",
    "GET /appointment/calendar": "citizen",
    "GET /appointment/data": "citizen",
    "POST /appointment/erasure": "citizen",
    "PUT /appointment/waiting": "citizen",
    "DELETE /appointment/waiting": "citizen",
    "POST /offices/{office}/waiting-list": "public",
    "GET /offer": "offer",
    "POST /offer/acceptance": "offer",
    "POST /offer/refusal": "offer",
}

#: What a route needs to be heard at all.
BODIES = {"POST /appointment/rescheduling": {"starts_at": "2026-06-03T12:00:00Z"}}


def routes(app: FastAPI) -> set[str]:
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path.removeprefix(PREFIX)}" for path, methods in paths.items() for method in methods}


async def test_every_route_has_its_actor_written_down(app: FastAPI) -> None:
    assert routes(app) == set(ROUTES)
    declared = [route for route in app.routes if isinstance(route, APIRoute)]
    shown = {f"{method} {route.path.removeprefix(PREFIX)}" for route in declared for method in route.methods or ()}
    assert shown <= set(ROUTES)


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


@pytest.mark.parametrize("route", ROUTES)
async def test_other_methods_are_refused(client: httpx.AsyncClient, route: str) -> None:
    path = route.split()[1].replace("{office}", "demo").replace("{hold_id}", str(uuid4()))
    allowed = {known.split()[0] for known in ROUTES if known.split()[1] == route.split()[1]}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - allowed:
        answer = await client.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["content-type"] == "application/problem+json"
