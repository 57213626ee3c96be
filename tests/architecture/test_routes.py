"""Every route against every kind of visitor, read from the applications: one that nobody has thought of is refused."""

import importlib
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from routes import Route, body_of, others, routes

from chassis.tokens import TokenSigner
from contracts.actors import Addressee, Booker, Citizen, Clerk, LinkHolder, Listed, Offeree, WalkIn
from contracts.topology import SERVICES
from schalter.chores import stand_ins, standing_in
from schalter.running.home import Home

ACTORS = (Citizen, Booker, Addressee, Offeree, Listed, WalkIn, Clerk)

#: Routes that anybody may call, and why.
PUBLIC = {
    "GET /api/booking/offices": "what a town offers is public",
    "GET /api/booking/offices/{office}": "what a town offers is public",
    "GET /api/booking/offices/{office}/slots": "free slots are public; they name nobody",
    "POST /api/booking/offices/{office}/holds": "booking needs no account; a hold is named by an unguessable id",
    "DELETE /api/booking/offices/{office}/holds/{hold_id}": "the unguessable id is the right to it",
    "POST /api/booking/offices/{office}/holds/{hold_id}/extension": "the unguessable id is the right to it",
    "POST /api/booking/offices/{office}/appointments": "booking needs no account; it answers with the link",
    "POST /api/booking/offices/{office}/waiting-list": "waiting needs no account; offers go to the address given",
    "POST /api/booking/offices/{office}/lost-links": "who has lost the link has none to show; it is mailed",
    "GET /api/booking/offices/{office}/walk-in": "how many wait is public; it names nobody",
    "POST /api/booking/offices/{office}/walk-in": "who has no appointment has no link yet; it answers with a ticket",
    "POST /api/casework/session": "signing in",
    "POST /api/casework/session/refresh": "the cookie is the right to it",
    "DELETE /api/casework/session": "the cookie is the right to it; without one there is nothing to end",
    "POST /api/payment/webhooks/paypal": "signed by the provider",
}
#: Who decides for the office: leads and administrators alone.
LEADS = {
    "PUT /api/booking/office/timetable",
    "POST /api/booking/office/moves",
    "GET /api/booking/office/statistics",
    "GET /api/booking/office/statistics.csv",
    "GET /api/notify/preview",
    "GET /api/notify/preview/{kind}",
}
#: What answers beside the routes: for those who run the service, and a socket whose first message shows a ticket.
BESIDE = {("Route", path) for path in ("/healthz", "/readyz", "/metrics", "/api/{service}/openapi.json")}
SOCKETS = {("APIWebSocketRoute", "/api/signaling/ws")}


@pytest.fixture(scope="module")
def apps() -> Iterator[Mapping[str, FastAPI]]:
    with standing_in(Home.find()):
        yield {service: importlib.import_module(f"{service}.app").build() for service in SERVICES}


@pytest.fixture(scope="module")
def everything(apps: Mapping[str, FastAPI]) -> list[tuple[FastAPI, Route]]:
    return [(app, route) for app in apps.values() for route in routes(app)]


def test_every_route_names_its_actor_or_is_public_for_a_reason(everything: list[tuple[FastAPI, Route]]) -> None:
    """Also one that the schema does not show."""
    open_to_all = {str(route) for _, route in everything if not route.actors}
    assert open_to_all == set(PUBLIC)
    known = {actor.AUDIENCE for actor in ACTORS}
    assert not [str(route) for _, route in everything if route.actors - known]


def test_nothing_answers_that_is_not_described(apps: Mapping[str, FastAPI]) -> None:
    for service, app in apps.items():
        shown = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
        assert {str(route) for route in routes(app)} == shown, "a route is hidden from the schema"
        beside = {(kind, path.replace(f"/api/{service}/", "/api/{service}/")) for kind, path in others(app) - SOCKETS}
        assert beside == BESIDE


def test_what_is_for_leads_is_written_down(everything: list[tuple[FastAPI, Route]]) -> None:
    assert {str(route) for _, route in everything if route.lead} == LEADS


@pytest.mark.parametrize("service", SERVICES)
async def test_whoever_is_not_meant_gets_no_further_than_the_door(apps: Mapping[str, FastAPI], service: str) -> None:
    """Nobody, somebody with a token of another kind, of another issuer, expired, unsigned, or for another purpose.

    Nothing stands behind these applications, so that a request which is let through fails otherwise.
    """
    app = apps[service]
    let_in = []
    for route in routes(app):
        for who, token in _strangers(route).items() if route.actors else ():
            answer = await _ask(app, route, token)
            if (answer.status_code, answer.json().get("code")) != (401, "token_invalid"):
                let_in.append((str(route), who, answer.status_code))
    assert not let_in


@pytest.mark.parametrize("service", ["booking", "notify"])
async def test_a_clerk_who_decides_nothing_is_told_so(apps: Mapping[str, FastAPI], service: str) -> None:
    app = apps[service]
    for route in routes(app):
        if route.lead:
            answer = await _ask(app, route, _signed(Clerk))
            assert (answer.status_code, answer.json()["code"]) == (403, "role_missing"), str(route)


async def _ask(app: FastAPI, route: Route, token: str | None) -> httpx.Response:
    headers = {"Idempotency-Key": uuid4().hex} | ({"Authorization": f"Bearer {token}"} if token else {})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(route.method, _filled(route.path), headers=headers, json=body_of(app, route))


def _filled(path: str) -> str:
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, "heidelberg" if part == "{office}" else str(uuid4()))
    return path


def _strangers(route: Route) -> dict[str, str | None]:
    """Tokens that are not good for `route`."""
    found: dict[str, str | None] = {"nobody": None, "garbage": "x.y.z"}
    for actor in ACTORS:
        name = actor.AUDIENCE
        if name not in route.actors:
            found[f"{name}: another kind"] = _signed(actor)
            continue
        header, claims, signature = _signed(actor).split(".")
        found[f"{name}: unsigned"] = f"{header}.{claims}."
        found[f"{name}: altered"] = f"{header}.{claims[:-2]}.{signature}"
        found[f"{name}: expired"] = _signed(actor, expired=True)
        found[f"{name}: of nobody's key"] = _signed(actor, key=OTHER_KEY)
        found[f"{name}: of another issuer"] = _signed(actor, issuer="somebody")
    return found


def _signed(
    actor: type[LinkHolder | Clerk],
    *,
    expired: bool = False,
    key: str | None = None,
    issuer: str | None = None,
) -> str:
    claims: dict[str, Any] = {"sub": str(uuid4()), "office": "heidelberg", "gen": 1}
    if actor is Clerk:
        claims |= {"role": "clerk", "display_name": "Karl Amt", "sid": str(uuid4())}
    key = key or os.environ["SCHALTER_CLERK_PRIVATE_KEY" if actor is Clerk else "SCHALTER_LINK_PRIVATE_KEY"]
    now = datetime.now(UTC)
    signer = TokenSigner(key, issuer=issuer or actor.ISSUER, audience=actor.AUDIENCE)
    return signer.sign(claims, now=now, expires_at=now + timedelta(hours=-1 if expired else 1))


OTHER_KEY = stand_ins(Home.find())["SCHALTER_LINK_PRIVATE_KEY"]
