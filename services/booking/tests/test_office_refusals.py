"""Bad input to the office's routes gets problem details that name the field, and leaves nothing behind.

What all routes refuse alike is in test_refusals_everywhere.py.
"""

from typing import Any

import httpx
import pytest

#: The id of no appointment; the same in every process, because tests are named after it.
NOBODYS = "5b0c9a4e-7f0d-4b57-9d3a-1f4f6f4f2c11"
pytestmark = pytest.mark.asyncio(loop_scope="module")

ZEUGNIS = {"service_id": "fuehrungszeugnis"}
TABLES = ("appointment", "timetable", "blocked_time", "outbox", "idempotent_answers")

#: Every route that takes a body, with one that is granted.
BODIES: dict[str, dict[str, Any]] = {
    "PUT /office/timetable": {"version": 0, "clerks": [{"name": "A"}]},
    "POST /office/blocked-times": {
        "lane": 0,
        "starts_at": "2026-06-02T06:00:00Z",
        "ends_at": "2026-06-02T07:00:00Z",
        "reason": "leave",
    },
    "POST /office/appointments": {
        "services": [ZEUGNIS],
        "starts_at": "2026-06-02T06:00:00Z",
        "name": "Erika Mustermann",
        "email": "erika@example.org",
        "language": "de",
    },
    f"POST /office/appointments/{NOBODYS}/rescheduling": {"starts_at": "2026-06-02T06:00:00Z"},
    "POST /office/moves": {"lane": 0, "from": "2026-06-02T06:00:00Z", "to": "2026-06-02T07:00:00Z"},
}


@pytest.fixture
def ask(client: httpx.AsyncClient, signed_in: Any, stored: Any) -> Any:
    """`await ask("POST /office/moves", lane=7)`: what a lead is answered; `...` removes a field."""

    async def send(route: str, **changes: Any) -> httpx.Response:
        method, path = route.split()
        body = {key: value for key, value in (BODIES[route] | changes).items() if value is not ...}
        return await client.request(method, path, json=body, headers=signed_in("lead"))

    return send


async def nothing_is_left(stored: Any) -> bool:
    return [await stored(table) for table in TABLES] == [[]] * len(TABLES)


@pytest.mark.parametrize(
    ("route", "changes", "field"),
    [
        ("POST /office/appointments", {"services": [{"service_id": "hundesteuer"}]}, "services.0"),
        ("POST /office/appointments", {"services": [{"service_id": "beratung", "persons": 2}]},
         "services.0.persons"),
        ("POST /office/appointments", {"services": [ZEUGNIS | {"persons": 13}]}, "services.0.persons"),
        ("POST /office/appointments", {"services": [ZEUGNIS | {"options": {"belegart": "X"}}]},
         "services.0.options.belegart"),
        ("POST /office/appointments", {"starts_at": "2026-05-26T06:00:00Z"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "2026-06-02T05:55:00Z"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "2026-06-02T09:58:00Z"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "2026-06-04T06:00:00Z"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "2027-06-01T06:00:00Z"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
        ("POST /office/appointments", {"starts_at": "2026-06-02T06:00:00"}, "starts_at"),
        ("POST /office/appointments", {"lane": 6}, "starts_at"),
        ("POST /office/appointments", {"lane": -1}, "lane"),
        ("POST /office/appointments", {"lane": 10**9}, "lane"),
        ("POST /office/appointments", {"name": "x" * 5000}, "name"),
        ("POST /office/appointments", {"name": "Erika\r\nBcc: all@example.org"}, "name"),
        ("POST /office/appointments", {"email": "erika@"}, "email"),
        ("POST /office/appointments", {"email": ...}, "email"),
        ("POST /office/appointments", {"phone": "none"}, "phone"),
        ("POST /office/appointments", {"needs": ["wheelchair"]}, "needs.0"),
        ("POST /office/appointments", {"channel": "walk_in"}, "channel"),
        ("POST /office/appointments", {"hold_id": NOBODYS}, "hold_id"),
        ("POST /office/moves", {"to": "2026-06-02T06:00:00Z"}, "to"),
        ("POST /office/moves", {"to": "2028-06-02T06:00:00Z"}, "to"),
        ("POST /office/moves", {"from": "yesterday"}, "from"),
        ("POST /office/moves", {"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ("POST /office/moves", {"lane": "0; DROP TABLE"}, "lane"),
        ("POST /office/moves", {"dry_run": "perhaps"}, "dry_run"),
        ("PUT /office/timetable", {"version": 2**40}, "version"),
        ("PUT /office/timetable", {"clerks": [{"name": "x" * 5000}]}, "clerks.0.name"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
async def test_a_bad_field_is_named(ask: Any, stored: Any, route: str, changes: dict[str, Any], field: str) -> None:
    answer = await ask(route, **changes)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["type"] == f"urn:schalter:problem:{problem['code']}"
    assert await nothing_is_left(stored)


@pytest.mark.parametrize(
    "name", ["محمد بن عبد الله", "👩‍👩‍👧 Müller 🇩🇪", "O'Brien-Łukasz", "<b>& \"'; DROP TABLE", "=1+1"]
)
async def test_every_name_is_welcome(
    client: httpx.AsyncClient, ask: Any, signed_in: Any, edit_timetable: Any, name: str
) -> None:
    assert (await ask("POST /office/appointments", name=name)).status_code == 201
    saved = (await edit_timetable(clerks=[{"name": name}])).json()
    assert saved["clerks"][0]["name"] == name
    assert saved["conflicts"][0]["name"] == name
    week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())).json()
    assert name in {lane["name"] for lane in week["days"][1]["lanes"]}


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("week", {"day": "soon"}, "day"),
        ("week", {"day": "9999-12-31"}, "day"),
        ("week", {"day": "0001-01-01"}, "day"),
        ("slots", {}, "services"),
        ("slots", {"services": "hundesteuer"}, "services.0"),
        ("slots", {"services": "beratung:2"}, "services.0.persons"),
        ("slots", {"services": "anmeldung", "from": "2026-06-02", "to": "2026-06-01"}, "to"),
        ("slots", {"services": "anmeldung", "from": "9999-12-31"}, "from"),
        ("blocked-times", {"from": "2026-06-02", "to": "2028-06-02"}, "to"),
        ("blocked-times", {"from": "9999-12-31"}, "from"),
        ("statistics", {"from": "2026-06-02", "to": "2026-06-01"}, "to"),
        ("statistics", {"to": "9999-12-31"}, "to"),
        ("statistics.csv", {"language": "fr"}, "language"),
    ],
)
async def test_a_bad_query_is_named(
    client: httpx.AsyncClient, signed_in: Any, path: str, query: dict[str, str], field: str
) -> None:
    answer = await client.get(f"/office/{path}", params=query, headers=signed_in("lead"))
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("day", ["1971-01-01", "8999-12-31"])
async def test_weeks_far_away_are_empty(client: httpx.AsyncClient, signed_in: Any, day: str) -> None:
    week = await client.get("/office/week", params={"day": day}, headers=signed_in())
    assert week.status_code == 200, week.text
    assert all(lane["appointments"] == [] for each in week.json()["days"] for lane in each["lanes"])


@pytest.mark.parametrize("act", ["rescheduling", "cancellation", "no-show"])
@pytest.mark.parametrize("id_", ["1", "%00", "x" * 3000])
async def test_what_is_no_id_of_an_appointment(client: httpx.AsyncClient, signed_in: Any, act: str, id_: str) -> None:
    body = {"starts_at": "2026-06-02T06:00:00Z"} if act == "rescheduling" else None
    answer = await client.post(f"/office/appointments/{id_}/{act}", json=body, headers=signed_in())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "appointment_id")


@pytest.mark.parametrize(
    "route", ["POST /office/appointments", "POST /office/moves", f"POST /office/appointments/{NOBODYS}/rescheduling"]
)
async def test_an_act_that_would_hurt_if_repeated_needs_a_key(
    client: httpx.AsyncClient, signed_in: Any, stored: Any, route: str
) -> None:
    path = route.split()[1]
    body = BODIES.get(route, {"starts_at": "2026-06-02T06:00:00Z"})
    headers = {"Authorization": signed_in("lead")["Authorization"]}
    answer = await client.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert await nothing_is_left(stored)
