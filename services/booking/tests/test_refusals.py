"""Bad input gets problem details that name the field, and leaves nothing behind."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from booking.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

ZEUGNIS = {"service_id": "fuehrungszeugnis"}


@pytest.fixture(scope="module", params=[True, False], ids=["express", "FastAPI alone"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Both ways of answering busy routes (docs/adr/0020)."""
    return settings.model_copy(update={"express": request.param})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"services": [{"service_id": "hundesteuer"}]}, "services.0"),
        ({"services": [ZEUGNIS, {"service_id": "Ünbekannt"}]}, "services.1.service_id"),
        ({"services": []}, "services"),
        ({"services": [ZEUGNIS] * 9}, "services"),
        ({"services": [ZEUGNIS | {"options": {"belegart": "X"}}]}, "services.0.options.belegart"),
        ({"services": [ZEUGNIS | {"options": {"colour": "red"}}]}, "services.0.options.colour"),
        ({"services": [ZEUGNIS | {"fee_cents": 0}]}, "services.0.fee_cents"),
        ({"starts_at": "2026-05-26T06:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-01T06:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-02T05:55:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-02T10:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-02T06:01:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-04T06:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-06-05T10:00:00Z"}, "starts_at"),
        ({"starts_at": "2027-06-01T06:00:00Z"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"starts_at": "2026-06-02T06:00:00"}, "starts_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": 10**30}, "starts_at"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 5000}, "name"),
        ({"name": "Erika\r\nBcc: all@example.org"}, "name"),
        ({"name": "Erika\u0000"}, "name"),
        ({"name": ["Erika"]}, "name"),
        ({"name": None}, "name"),
        ({"email": "erika"}, "email"),
        ({"email": "erika@"}, "email"),
        ({"email": "erika@example.org\r\nBcc: all@example.org"}, "email"),
        ({"email": "e" * 300 + "@example.org"}, "email"),
        ({"language": "fr"}, "language"),
        ({"name": "\u200b"}, "name"),
        ({"phone": "112"}, "phone"),
        ({"hold_id": "1"}, "hold_id"),
        ({"state": "completed"}, "state"),
        ({"office": "demo"}, "office"),
        ({"lane": 0}, "lane"),
        ({"link_generation": 7}, "link_generation"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value)[:50],
)
async def test_a_bad_field_is_named(
    client: httpx.AsyncClient, order: Any, stored: Any, changes: dict[str, object], field: str
) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await client.post("/offices/heidelberg/appointments", json=order(**changes), headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["type"] == f"urn:schalter:problem:{problem['code']}"
    for table in ("appointment", "outbox", "idempotent_answers"):
        assert await stored(table) == []


@pytest.mark.parametrize(
    "name",
    [
        "محمد بن عبد الله",
        "יעל כהן",
        "👩‍👩‍👧 Müller 🇩🇪",
        "Nguyễn Thị Ánh",
        "O'Brien-Łukasz",
        "李",
        "x" * 200,
        "<b>& \"'; DROP TABLE",
    ],
)
async def test_every_name_is_welcome(client: httpx.AsyncClient, book: Any, name: str) -> None:
    answer = await book(name=name)
    assert answer.status_code == 201, answer.text
    token = answer.json()["link"].split("#")[1]
    view = await client.get("/appointment", headers={"Authorization": f"Bearer {token}"})
    assert view.json()["name"] == name


async def test_a_lone_surrogate_is_refused(client: httpx.AsyncClient, stored: Any) -> None:
    body = (
        b'{"services":[{"service_id":"fuehrungszeugnis"}],"starts_at":"2026-06-02T06:00:00Z","name":"\\ud800",'
        b'"email":"e@example.org","language":"de"}'
    )
    headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
    answer = await client.post("/offices/heidelberg/appointments", content=body, headers=headers)
    assert answer.status_code == 422
    assert await stored("appointment") == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5000])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
    answer = await client.post("/offices/heidelberg/appointments", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ten_megabytes_are_refused(book: Any, stored: Any) -> None:
    answer = await book(name="x" * 10_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert await stored("appointment") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "services"),
        ({"services": "hundesteuer"}, "services.0"),
        ({"services": "fuehrungszeugnis", "from": "soon"}, "from"),
        ({"services": "fuehrungszeugnis", "from": "2026-06-02", "to": "2026-06-01"}, "to"),
        ({"services": "fuehrungszeugnis", "from": "2026-06-02", "to": "2027-06-01"}, "to"),
        ({"services": "fuehrungszeugnis", "hold": "x"}, "hold"),
    ],
)
async def test_a_bad_query_is_named(client: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    answer = await client.get("/offices/heidelberg/slots", params=query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "9999-12-31"])
async def test_days_far_away_have_no_slots(client: httpx.AsyncClient, day: str) -> None:
    answer = await client.get("/offices/demo/slots", params={"services": "fuehrungszeugnis", "from": day, "to": day})
    assert (answer.status_code, answer.json()["slots"]) == (200, [])


@pytest.mark.parametrize("path", ["/offices/atlantis", "/offices/atlantis/slots?services=anmeldung", "/offices/%00"])
async def test_there_are_no_other_offices(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "office_unknown")


async def test_a_hold_needs_a_slot_that_is_offered(client: httpx.AsyncClient) -> None:
    body = {"services": ["fuehrungszeugnis"], "starts_at": "2026-06-05T10:00:00Z"}
    answer = await client.post("/offices/heidelberg/holds", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "slot_not_offered")
    assert answer.json()["reason"] == "outside_hours"
    assert answer.json()["alternatives"]
