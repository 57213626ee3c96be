"""Clerks act on behalf of citizens, in their own office alone."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.booking import BookingCancelled, BookingCompleted, BookingNoShow, BookingRescheduled

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_clerk_books_for_a_citizen_who_called(
    client: httpx.AsyncClient, signed_in: Any, order: Any, stored: Any
) -> None:
    headers = signed_in()
    answer = await client.post("/office/appointments", json=order(lane=3), headers=headers)
    assert answer.status_code == 201, answer.text
    assert "link" not in answer.json()
    again = await client.post("/office/appointments", json=order(lane=3), headers=headers)
    assert again.json() == answer.json()
    (row,) = await stored("appointment")
    assert (row["channel"], row["lane"]) == ("office", 3)
    (event,) = await stored("outbox")
    assert BookingCompleted.model_validate_json(event["body"]).channel == "office"
    assert event["headers"]["ce-actor"].startswith("clerk:")


async def test_the_week(client: httpx.AsyncClient, signed_in: Any, book: Any) -> None:
    booked = (await book()).json()
    answer = await client.get("/office/week", params={"day": "2026-06-04"}, headers=signed_in())
    assert answer.status_code == 200, answer.text
    week = answer.json()
    assert (week["time_zone"], week["monday"], len(week["days"])) == ("Europe/Berlin", "2026-06-01", 7)
    tuesday, thursday = week["days"][1], week["days"][3]
    assert tuesday["hours"] == [{"starts_at": "2026-06-02T06:00:00Z", "ends_at": "2026-06-02T10:00:00Z"}]
    assert (tuesday["offered_minutes"], tuesday["booked_minutes"]) == (6 * 240, 5)
    (brief,) = [brief for lane in tuesday["lanes"] for brief in lane["appointments"]]
    assert (brief["reference"], brief["name"]) == (booked["reference"], "Erika Mustermann")
    assert brief["services"] == [{"service_id": "fuehrungszeugnis", "persons": 1}]
    assert (thursday["closed"], thursday["note"]) == ("holiday", {"de": "Fronleichnam", "en": "Corpus Christi"})
    assert week["conflicts"] == []


async def test_moving_cancelling_and_missing(
    client: httpx.AsyncClient, signed_in: Any, book: Any, stored: Any, clock: Any
) -> None:
    moved, cancelled, missed = [(await book()).json()["appointment_id"] for _ in range(3)]
    answer = await client.post(
        f"/office/appointments/{moved}/rescheduling", json={"starts_at": "2026-06-03T12:00:00Z"}, headers=signed_in()
    )
    assert (answer.status_code, answer.json()["starts_at"]) == (200, "2026-06-03T12:00:00Z")
    for _ in range(2):
        answer = await client.post(f"/office/appointments/{cancelled}/cancellation", headers=signed_in())
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    clock.now = datetime(2026, 6, 2, 6, 9, tzinfo=UTC)
    answer = await client.post(f"/office/appointments/{missed}/no-show", headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (409, "too_early")
    clock.forward(minutes=1)
    for _ in range(2):
        answer = await client.post(f"/office/appointments/{missed}/no-show", headers=signed_in())
        assert (answer.status_code, answer.json()["state"]) == (200, "no_show")
    subjects = [row["subject"] for row in sorted(await stored("outbox"), key=lambda row: row["id"])]
    assert subjects[3:] == [event.SUBJECT for event in (BookingRescheduled, BookingCancelled, BookingNoShow)]


async def test_a_clerk_sees_how_to_reach_the_citizen_and_nobody_of_another_office_does(
    client: httpx.AsyncClient, signed_in: Any, book: Any, clock: Any
) -> None:
    booked = await book(phone="06221 58000", needs=["companion"])
    path = f"/office/appointments/{booked.json()['appointment_id']}"
    seen = await client.get(path, headers=signed_in())
    assert seen.status_code == 200, seen.text
    reach = {key: seen.json()[key] for key in ("name", "email", "phone", "language", "needs")}
    assert reach == {
        "name": "Erika Mustermann",
        "email": "erika@example.org",
        "phone": "+49622158000",
        "language": "de",
        "needs": ["companion"],
    }
    week = await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())
    assert not any(secret in week.text for secret in ("erika@", "+49622158000")), "lists carry no addresses"

    other = await client.get(path, headers=signed_in("admin", office="demo"))
    assert (other.status_code, other.json()["code"]) == (404, "appointment_unknown")
    clock.now = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
    await client.post(f"{path}/no-show", headers=signed_in())
    link = {"Authorization": f"Bearer {booked.json()['link'].split('#')[1]}"}
    assert (await client.post("/appointment/erasure", headers=link)).status_code == 204
    erased = (await client.get(path, headers=signed_in())).json()
    assert (erased["name"], erased["email"], erased["phone"]) == (None, None, None)


@pytest.mark.parametrize(
    ("options", "field"),
    [({"belegart": "X"}, "services.0.options.belegart"), ({"colour": "N"}, "services.0.options.colour")],
)
async def test_one_rule_of_options_for_clerks_and_citizens(
    client: httpx.AsyncClient, signed_in: Any, order: Any, options: dict[str, str], field: str
) -> None:
    wrong = order(services=[{"service_id": "fuehrungszeugnis", "options": options}])
    key = {"Idempotency-Key": "one-rule-for-both-0001"}
    clerk = await client.post("/office/appointments", json=wrong, headers=signed_in())
    citizen = await client.post("/offices/heidelberg/appointments", json=wrong, headers=key)
    assert clerk.status_code == citizen.status_code == 422
    assert [error["field"] for error in clerk.json()["errors"]] == [field]
    assert clerk.json()["errors"] == citizen.json()["errors"]


async def test_the_week_says_which_lane_is_ones_own(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any
) -> None:
    me = str(uuid4())
    clerk, lead = signed_in(clerk_id=me), signed_in("lead")
    await edit_timetable(clerks=[{"lane": 0, "name": "A", "clerk_id": me}, {"lane": 1, "name": "B"}])
    shown = [
        (await client.get("/office/week", params={"day": "2026-06-02"}, headers=headers)).json()["days"][1]["lanes"]
        for headers in (clerk, lead)
    ]
    assert [[lane["mine"] for lane in lanes] for lanes in shown] == [[True, False], [False, False]]


@pytest.mark.parametrize("act", ["rescheduling", "cancellation", "no-show"])
async def test_another_offices_appointment_does_not_exist(
    client: httpx.AsyncClient, signed_in: Any, book: Any, stored: Any, act: str
) -> None:
    booked = (await book()).json()["appointment_id"]
    body = {"starts_at": "2026-06-03T12:00:00Z"} if act == "rescheduling" else None
    answer = await client.post(
        f"/office/appointments/{booked}/{act}", json=body, headers=signed_in("admin", office="demo")
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "appointment_unknown")
    assert [row["state"] for row in await stored("appointment")] == ["booked"]


async def test_free_slots_for_clerks_begin_now(client: httpx.AsyncClient, signed_in: Any, clock: Any) -> None:
    clock.now = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
    query = {"services": "fuehrungszeugnis"}
    clerks = await client.get("/office/slots", params=query, headers=signed_in())
    public = await client.get("/offices/heidelberg/slots", params=query)
    assert clerks.json()["slots"][0]["starts_at"] == "2026-06-02T06:00:00Z"
    assert public.json()["slots"][0]["starts_at"] == "2026-06-02T07:00:00Z"


async def test_an_appointment_does_not_stand_in_its_own_way(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, book: Any, order: Any
) -> None:
    await edit_timetable(clerks=[{"lane": 0, "name": "A"}])
    booked = await book(services=[{"service_id": "anmeldung"}])
    path = f"/office/appointments/{booked.json()['appointment_id']}"
    query = {"from": "2026-06-02"}
    others = await client.get("/office/slots", params=query | {"services": "anmeldung"}, headers=signed_in())
    own = await client.get(f"{path}/slots", params=query, headers=signed_in())
    assert [answer.json()["slots"][0]["starts_at"][11:16] for answer in (others, own)] == ["06:15", "06:00"]
    body = {"starts_at": "2026-06-02T06:05:00Z", "lane": 0}
    moved = await client.post(f"{path}/rescheduling", json=body, headers=signed_in())
    assert (moved.status_code, moved.json()["ends_at"]) == (200, "2026-06-02T06:20:00Z")


async def test_what_clerks_do_is_logged_without_anybodys_name(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, order: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await edit_timetable(clerks=[{"lane": 0, "name": "Frau Geheim"}])
    booked = await client.post("/office/appointments", json=order(phone="06221 58000"), headers=signed_in())
    wish = {"lane": 0, "from": "2026-06-01T22:00:00Z", "to": "2026-06-02T22:00:00Z"}
    block = {"lane": 0, "starts_at": wish["from"], "ends_at": wish["to"], "reason": "sick", "note": "Grippe"}
    await client.post("/office/blocked-times", json=block, headers=signed_in("lead"))
    assert (await client.post("/office/moves", json=wish, headers=signed_in("lead"))).json()["moved"]
    path = f"/office/appointments/{booked.json()['appointment_id']}/cancellation"
    assert (await client.post(path, headers=signed_in())).status_code == 200
    for event in ("timetable_saved", "lane_blocked", "appointments_moved"):
        assert event in caplog.text
    for secret in ("Geheim", "Erika", "Mustermann", "erika@", "58000", "Grippe", "sick"):
        assert secret not in caplog.text


async def test_the_week_keeps_showing_who_is_booked_with_a_clerk_who_has_left(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, order: Any
) -> None:
    booked = await client.post("/office/appointments", json=order(lane=0), headers=signed_in())
    await edit_timetable(clerks=[{"lane": 1, "name": "B"}])
    week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())).json()
    monday, tuesday = (day["lanes"] for day in week["days"][:2])
    assert [(lane["lane"], lane["name"]) for lane in monday] == [(1, "B")]
    assert [(lane["lane"], lane["name"], len(lane["on_duty"])) for lane in tuesday] == [(1, "B", 1), (0, "", 0)]
    assert tuesday[1]["appointments"][0]["reference"] == booked.json()["reference"]


async def test_the_week_shows_what_took_place_without_the_name_once_it_was_erased(
    client: httpx.AsyncClient, signed_in: Any, book: Any, clock: Any
) -> None:
    missed, erased, cancelled = [await book() for _ in range(3)]
    cancel = f"/office/appointments/{cancelled.json()['appointment_id']}/cancellation"
    assert (await client.post(cancel, headers=signed_in())).status_code == 200
    clock.now = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
    for answer in (missed, erased):
        await client.post(f"/office/appointments/{answer.json()['appointment_id']}/no-show", headers=signed_in())
    link = {"Authorization": f"Bearer {erased.json()['link'].split('#')[1]}"}
    assert (await client.post("/appointment/erasure", headers=link)).status_code == 204
    week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())).json()
    briefs = [brief for lane in week["days"][1]["lanes"] for brief in lane["appointments"]]
    shown = {brief["reference"]: (brief["state"], brief["name"]) for brief in briefs}
    assert shown == {
        missed.json()["reference"]: ("no_show", "Erika Mustermann"),
        erased.json()["reference"]: ("no_show", None),
    }
    assert week["conflicts"] == [], "what is over is no conflict"
