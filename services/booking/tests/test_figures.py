"""What Prometheus is told of the offices' work follows what really happened there, and nothing of other offices."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from booking import figures

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEN = datetime(2026, 6, 2, 8, tzinfo=UTC)  # Tuesday, 10:00 in Berlin
MINE = "/appointment"


def told(name: str, office: str = "heidelberg", **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"schalter_booking_{name}", {"office": office, **labels})
    assert value is not None, "it is there from the start"
    return value


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#')[-1]}", "Idempotency-Key": uuid4().hex}


async def test_bookings_moves_and_cancellations_count_by_office_and_by_whom(
    client: httpx.AsyncClient, book: Any, signed_in: Any, order: Any
) -> None:
    before = {name: told(f"{name}_total", channel="citizen") for name in ("bookings", "moves", "cancellations")}
    by_office, elsewhere = (told("bookings_total", office, channel="office") for office in ("heidelberg", "demo"))
    link = bearer((await book()).json()["link"])
    again = await book(starts_at="2026-06-02T06:15:00Z", email="other@example.org")
    assert again.status_code == 201
    moved = await client.post(f"{MINE}/rescheduling", headers=link, json={"starts_at": "2026-06-02T07:00:00Z"})
    assert moved.status_code == 200, moved.text
    link = bearer(moved.json()["link"])
    assert (await client.post(f"{MINE}/cancellation", headers=link)).status_code == 200
    assert (await client.post(f"{MINE}/cancellation", headers=link)).status_code == 410, "counted once"
    assert told("bookings_total", channel="citizen") == before["bookings"] + 2
    assert told("moves_total", channel="citizen") == before["moves"] + 1
    assert told("cancellations_total", channel="citizen") == before["cancellations"] + 1
    body = order(starts_at="2026-06-02T08:00:00Z", email="third@example.org")
    answer = await client.post("/office/appointments", headers=signed_in(), json=body)
    assert answer.status_code == 201, answer.text
    assert told("bookings_total", channel="office") == by_office + 1
    assert told("bookings_total", office="demo", channel="office") == elsewhere


async def test_what_has_to_be_confirmed_counts_once_it_is(book: Any) -> None:
    before = told("bookings_total", office="careful", channel="citizen")
    assert (await book("careful")).status_code == 201
    assert told("bookings_total", office="careful", channel="citizen") == before


async def test_who_does_not_come_counts_once_and_so_does_who_comes_after_all(
    client: httpx.AsyncClient, book: Any, signed_in: Any, clock: Any
) -> None:
    before, before_resumed = told("no_shows_total"), told("no_shows_resumed_total")
    made = (await book()).json()
    clock.now = datetime(2026, 6, 2, 6, 15, tzinfo=UTC)
    address = f"/office/appointments/{made['appointment_id']}/no-show"
    for _ in range(2):
        await client.post(address, headers=signed_in())
    assert told("no_shows_total") == before + 1
    address = address.replace("no-show", "resumption")
    assert (await client.post(address, headers=signed_in())).status_code == 200
    assert told("no_shows_resumed_total") == before_resumed + 1


async def test_free_slots_are_those_that_citizens_are_shown(
    app: FastAPI, client: httpx.AsyncClient, book: Any, clock: Any
) -> None:
    deps = app.state.deps
    bookable = deps.offices["clerks-1"]

    async def count() -> tuple[float, float]:
        await figures.count(deps, app.state.database, bookable, clock())
        week, month = (told("free_slots", office="clerks-1", days=days) for days in ("7", "28"))
        return week, month

    shortest = min(bookable.services.values(), key=lambda service: service.minutes).id
    query = {"services": shortest, "from": "2026-06-01", "to": "2026-06-29"}
    shown = (await client.get("/offices/clerks-1/slots", params=query)).json()["slots"]
    soon = [slot for slot in shown if datetime.fromisoformat(slot["starts_at"]) < clock() + timedelta(days=7)]
    end = clock() + timedelta(days=28)
    assert await count() == (len(soon), len([s for s in shown if datetime.fromisoformat(s["starts_at"]) < end]))
    assert 0 < len(soon) < len(shown)
    assert (await book("clerks-1", starts_at=soon[-1]["starts_at"])).status_code == 201
    assert (await count())[0] < len(soon)


async def test_who_waits_is_counted_in_their_office_alone(app: FastAPI, room: Any, clock: Any) -> None:
    deps = app.state.deps
    await room.wait(TEN, "Anna")
    await room.joins("Berta")
    for office in ("town", "demo"):
        await figures.count(deps, app.state.database, deps.offices[office], clock())
    assert (told("waiting_list", office="town"), told("waiting_list", office="demo")) == (2, 0)
