"""Every route that takes a body, found in the OpenAPI document: what it refuses, by field, leaving nothing behind."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from chassis.tokens import TokenSigner

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "/api/booking"
PERSON = {
    "services": [{"service_id": "fuehrungszeugnis"}],
    "name": "Erika Mustermann",
    "email": "erika@example.org",
    "language": "de",
}
AT = "2026-06-02T06:00:00Z"

#: Route -> a body that is granted. A route that is missing here fails the first test.
BODIES: dict[str, dict[str, Any]] = {
    "POST /offices/{office}/holds": {"services": ["fuehrungszeugnis"], "starts_at": AT},
    "POST /offices/{office}/appointments": PERSON | {"starts_at": AT},
    "POST /offices/{office}/waiting-list": PERSON,
    "POST /offices/{office}/walk-in": PERSON,
    "POST /offices/{office}/lost-links": {"reference": "DE-7K3M9Q", "email": "erika@example.org"},
    "POST /reservation/mail": {"email": "erika@example.com"},
    "POST /appointment/holds": {"starts_at": AT},
    "POST /appointment/rescheduling": {"starts_at": AT},
    "POST /appointment/contact": {"email": "erika@example.com"},
    "POST /offer/refusal": {"leave_list": False},
    "PUT /office/timetable": {"version": 0},
    "POST /office/blocked-times": {"lane": 0, "starts_at": AT, "ends_at": "2026-06-02T07:00:00Z", "reason": "leave"},
    "POST /office/appointments": PERSON | {"starts_at": AT},
    "POST /office/appointments/{appointment_id}/rescheduling": {"starts_at": AT},
    "POST /office/appointments/{appointment_id}/contact": {"email": "erika@example.com"},
    "POST /office/moves": {"lane": 0, "from": AT, "to": "2026-06-02T07:00:00Z"},
}
TABLES = (
    *(
        "appointment",
        "timetable",
        "blocked_time",
        "freed_slot",
        "waiting_entry",
        "slot_offer",
        "spent_proof",
        "walk_in",
        "link_request",
    ),
    *("outbox", "idempotent_answers"),
)


@pytest.fixture
def send(client: httpx.AsyncClient, app: FastAPI, keys: Any, clock: Any, signed_in: Any) -> Any:
    """`await send(route, json=...)`: as somebody who may be heard there, though their appointment may not exist."""

    async def ask(route: str, **request: Any) -> httpx.Response:
        method, path = route.split()
        operation = app.openapi()["paths"][PREFIX + path][method.lower()]
        headers = signed_in("lead", "demo")
        for scheme in (name for required in operation.get("security", []) for name in required):
            if scheme != "clerk":
                signer = TokenSigner(keys.link.private, issuer="booking", audience=scheme)
                claims = {"sub": str(uuid4()), "office": "demo", "gen": 1}
                token = signer.sign(claims, now=clock.now, expires_at=clock.now.replace(year=2036))
                headers |= {"Authorization": f"Bearer {token}"}
        path = path.format(office="demo", appointment_id=uuid4())
        return await client.request(method, path, headers=headers | request.pop("headers", {}), **request)

    return ask


async def test_every_route_with_a_body_is_known_here(app: FastAPI) -> None:
    found = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    assert found == set(BODIES)


@pytest.mark.parametrize("route", BODIES)
async def test_unknown_fields_huge_bodies_and_what_is_no_object(send: Any, stored: Any, route: str) -> None:
    unknown = await send(route, json=BODIES[route] | {"is_admin": True})
    assert (unknown.status_code, [error["field"] for error in unknown.json()["errors"]]) == (422, ["is_admin"])

    huge = await send(route, json=BODIES[route] | {"name": "x" * 10_000_000})
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")

    for content in (b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"services": [{"service_id": "\\ud800"}]}'):
        answer = await send(route, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), content
        assert answer.headers["content-type"] == "application/problem+json"

    for table in TABLES:
        assert await stored(table) == [], table


PERSONS = [route for route, body in BODIES.items() if "name" in body]


@pytest.mark.parametrize("route", PERSONS)
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"services": [{"service_id": "hundesteuer"}]}, "services.0"),
        ({"services": [{"service_id": "Ünbekannt"}]}, "services.0.service_id"),
        ({"services": []}, "services"),
        ({"services": [{"service_id": "beratung", "persons": 2}]}, "services.0.persons"),
        ({"name": "x" * 5000}, "name"),
        ({"name": "Erika\r\nBcc: all@example.org"}, "name"),
        ({"email": "erika@"}, "email"),
        ({"email": "e" * 300 + "@example.org"}, "email"),
        ({"name": "Erika\u202eMustermann"}, "name"),
        ({"phone": "+"}, "phone"),
        ({"phone": "112"}, "phone"),
        ({"language": "fr"}, "language"),
        ({"needs": ["wheelchair"]}, "needs.0"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_whoever_gives_a_name_learns_which_field_is_wrong(
    send: Any, stored: Any, route: str, changes: dict[str, Any], field: str
) -> None:
    answer = await send(route, json=BODIES[route] | changes)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    for table in TABLES:
        assert await stored(table) == [], table


@pytest.mark.parametrize("route", PERSONS)
async def test_what_nobody_sees_in_a_name_is_refused_by_its_name(send: Any, route: str) -> None:
    answer = await send(route, json=BODIES[route] | {"name": "Erika\u202eMustermann"})
    (error,) = answer.json()["errors"]
    assert error["code"] == "invisible_character"
    assert "RIGHT-TO-LEFT OVERRIDE (U+202E)" in error["message"]


@pytest.mark.parametrize("route", PERSONS)
@pytest.mark.parametrize("zone", ["Etc/Unknown", "Mars/Olympus_Mons", "../../etc/passwd", "", 7, None, "x" * 5000])
@pytest.mark.usefixtures("come_to_work")
async def test_a_time_zone_that_nobody_knows_is_the_offices(send: Any, route: str, zone: object) -> None:
    answer = await send(route, json=BODIES[route] | {"time_zone": zone})
    assert answer.status_code in (201, 200), answer.text


@pytest.mark.parametrize("route", PERSONS)
@pytest.mark.usefixtures("come_to_work")
async def test_what_pasting_brings_along_is_taken_off(send: Any, route: str) -> None:
    typed = {
        "name": "  Erika \u00a0 Mustermann ",
        "email": "\u200b erika @ example.org\ufeff",
        "phone": "\u202a0041 79 123 45 67",
    }
    answer = await send(route, json=BODIES[route] | typed)
    assert answer.status_code in (201, 200), answer.text


@pytest.mark.parametrize("route", PERSONS)
@pytest.mark.parametrize("name", ["محمد بن عبد الله", "👩‍👩‍👧 Müller 🇩🇪", "x" * 200])
@pytest.mark.usefixtures("come_to_work")
async def test_every_name_is_welcome(send: Any, route: str, name: str) -> None:
    answer = await send(route, json=BODIES[route] | {"name": name})
    assert answer.status_code in (201, 200), answer.text
