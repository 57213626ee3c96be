"""Who is on duty when, for what: shifts, skills, seasons, special days and pauses, as citizens meet them."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

TUE = {"weekday": "tue", "opens": "08:00", "closes": "12:00"}
EARLY = TUE | {"closes": "10:00"}
LATE = TUE | {"opens": "09:00"}


@pytest.fixture
def slots(client: httpx.AsyncClient) -> Any:
    """`await slots("2026-06-02", "anmeldung")`: the starts of a day's free slots, in UTC, like "06:00"."""

    async def ask(day: str, *services: str) -> list[str]:
        query = {"services": list(services or ("fuehrungszeugnis",)), "from": day}
        answer = await client.get("/offices/heidelberg/slots", params=query)
        assert answer.status_code == 200, answer.text
        return [slot["starts_at"][11:16] for slot in answer.json()["slots"]]

    return ask


def clerk(lane: int, *shifts: dict[str, Any], skills: list[str] | None = None) -> dict[str, Any]:
    return {"lane": lane, "name": f"Clerk {lane}", "shifts": list(shifts), "skills": skills}


async def test_slots_are_where_somebody_is_on_duty_for_the_whole_appointment(edit_timetable: Any, slots: Any) -> None:
    await edit_timetable(clerks=[clerk(0, TUE | {"opens": "09:00", "closes": "10:00"})])
    anmeldung = await slots("2026-06-02", "anmeldung")  # 15 minutes
    assert (anmeldung[0], anmeldung[-1]) == ("07:00", "07:45")


async def test_shifts_of_two_clerks_cover_the_morning_but_no_appointment_changes_hands(
    edit_timetable: Any, slots: Any, book: Any
) -> None:
    await edit_timetable(clerks=[clerk(0, TUE | {"closes": "10:00"}), clerk(1, TUE | {"opens": "10:00"})])
    starts = await slots("2026-06-02", "anmeldung")
    assert "07:45" in starts
    assert {"07:50", "07:55"}.isdisjoint(starts), "would begin with one clerk and end with the other"
    assert "08:00" in starts
    refused = await book(starts_at="2026-06-02T07:50:00Z", services=[{"service_id": "anmeldung"}])
    assert (refused.status_code, refused.json()["reason"]) == (422, "nobody_on_duty")


async def test_two_shifts_that_touch_are_one(edit_timetable: Any, slots: Any) -> None:
    await edit_timetable(clerks=[clerk(0, TUE | {"closes": "10:00"}, TUE | {"opens": "10:00"})])
    assert "07:50" in await slots("2026-06-02", "anmeldung")


async def test_a_shift_beyond_the_opening_hours_opens_nothing(edit_timetable: Any, slots: Any) -> None:
    await edit_timetable(clerks=[clerk(0, TUE | {"opens": "00:00", "closes": "24:00"})])
    starts = await slots("2026-06-02")
    assert (starts[0], starts[-1]) == ("06:00", "09:55")


async def test_a_shift_of_a_season(edit_timetable: Any, slots: Any) -> None:
    await edit_timetable(clerks=[clerk(0, EARLY | {"valid_until": "2026-06-08"}, LATE | {"valid_from": "2026-06-09"})])
    first, second = await slots("2026-06-02"), await slots("2026-06-09")
    assert (first[0], first[-1]) == ("06:00", "07:55")
    assert (second[0], second[-1]) == ("07:00", "09:55")


async def test_a_service_has_slots_where_somebody_is_trained_for_it(
    edit_timetable: Any, slots: Any, book: Any, stored: Any
) -> None:
    await edit_timetable(
        clerks=[clerk(0, EARLY, skills=["anmeldung"]), clerk(1, LATE, skills=["reisepass", "anmeldung"])]
    )
    anmeldung, reisepass = await slots("2026-06-02", "anmeldung"), await slots("2026-06-02", "reisepass")
    assert (anmeldung[0], anmeldung[-1]) == ("06:00", "09:45")
    assert reisepass[0] == "07:00"
    assert (await slots("2026-06-02", "anmeldung", "reisepass"))[0] == "07:00", "one appointment is one clerk"
    assert await slots("2026-06-02", "fuehrungszeugnis") == []
    for _ in range(2):
        answer = await book(starts_at="2026-06-02T07:00:00Z", services=[{"service_id": "anmeldung"}])
        assert answer.status_code == 201
    assert {row["lane"] for row in await stored("appointment")} == {0, 1}
    assert "07:00" not in await slots("2026-06-02", "reisepass"), "the only one who could is busy"
    refused = await book(starts_at="2026-06-02T07:00:00Z", services=[{"service_id": "reisepass"}])
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")


async def test_booked_is_what_is_offered(edit_timetable: Any, slots: Any, book: Any) -> None:
    """Whatever the timetable says, a slot that is shown can be booked, and one that is not shown cannot."""
    await edit_timetable(
        clerks=[
            clerk(0, TUE | {"opens": "08:10", "closes": "08:40"}, skills=["anmeldung"]),
            clerk(1, TUE | {"opens": "08:30", "closes": "09:00"}, skills=["reisepass"]),
        ]
    )
    shown = await slots("2026-06-02", "anmeldung")
    assert shown == ["06:10", "06:15", "06:20", "06:25"]
    for minute in range(0, 60, 5):
        at = f"06:{minute:02}"
        answer = await book(starts_at=f"2026-06-02T{at}:00Z", services=[{"service_id": "anmeldung"}])
        if at not in shown:
            assert (answer.status_code, answer.json()["reason"]) == (422, "nobody_on_duty")
    assert await slots("2026-06-02", "anmeldung") == []


async def test_a_special_day_is_above_holiday_closure_and_weekday(edit_timetable: Any, slots: Any) -> None:
    assert await slots("2026-06-04") == [], "Corpus Christi"
    await edit_timetable(
        special_days=[
            {"day": "2026-06-04", "hours": [{"opens": "10:00", "closes": "11:00"}], "note": {"de": "Ja", "en": "Yes"}},
            {
                "day": "2026-06-06",
                "hours": [{"opens": "10:00", "closes": "10:30"}, {"opens": "11:00", "closes": "11:05"}],
            },
            {"day": "2026-06-09", "hours": []},
        ],
        closures=[{"first": "2026-06-04", "last": "2026-06-09"}],
    )
    assert (await slots("2026-06-04"))[:1] == ["08:00"]
    assert await slots("2026-06-06") == ["08:00", "08:05", "08:10", "08:15", "08:20", "08:25", "09:00"], "a Saturday"
    assert await slots("2026-06-09") == []
    assert await slots("2026-06-10") != []


async def test_the_week_says_why_a_day_is_closed(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any
) -> None:
    note = {"de": "Betriebsausflug", "en": "Staff outing"}
    await edit_timetable(
        special_days=[{"day": "2026-06-03", "hours": [], "note": note}],
        closures=[{"first": "2026-06-01", "last": "2026-06-02", "reason": {"de": "Umzug", "en": "Moving"}}],
    )
    week = (await client.get("/office/week", params={"day": "2026-06-01"}, headers=signed_in())).json()
    assert [(day["closed"], day["note"] and day["note"]["en"]) for day in week["days"]] == [
        ("closure", "Moving"),
        ("closure", "Moving"),
        ("closure", "Staff outing"),
        ("holiday", "Corpus Christi"),
        ("weekly", None),
        ("weekly", None),
        ("weekly", None),
    ]
    assert all(day["offered_minutes"] == 0 for day in week["days"])


async def test_the_load_of_a_week_is_duty_less_what_is_blocked(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, order: Any
) -> None:
    await edit_timetable(clerks=[clerk(0, EARLY), clerk(1, LATE)])
    lead = signed_in("lead")
    for lane, low, high in ((0, "05:00", "06:30"), (1, "09:00", "09:30"), (1, "09:15", "12:00")):
        body = {
            "lane": lane,
            "starts_at": f"2026-06-02T{low}:00Z",
            "ends_at": f"2026-06-02T{high}:00Z",
            "reason": "other",
        }
        assert (await client.post("/office/blocked-times", json=body, headers=lead)).status_code == 201
    booked = order(services=[{"service_id": "anmeldung"}], starts_at="2026-06-02T08:00:00Z")
    assert (await client.post("/office/appointments", json=booked, headers=signed_in())).status_code == 201
    week = (await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())).json()
    tuesday = week["days"][1]
    assert tuesday["lanes"][0]["on_duty"] == [{"starts_at": "2026-06-02T06:00:00Z", "ends_at": "2026-06-02T08:00:00Z"}]
    assert tuesday["offered_minutes"] == (120 - 30) + (180 - 60)
    assert tuesday["booked_minutes"] == 15
    assert [len(lane["blocked"]) for lane in tuesday["lanes"]] == [1, 2]


async def test_a_clerk_who_books_for_a_lane_gets_that_lane_or_a_reason(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, order: Any, stored: Any
) -> None:
    await edit_timetable(clerks=[clerk(0, EARLY), clerk(1, LATE, skills=["reisepass"])])
    answer = await client.post("/office/appointments", json=order(lane=1), headers=signed_in())
    assert (answer.status_code, answer.json()["reason"]) == (422, "nobody_on_duty")
    answer = await client.post("/office/appointments", json=order(lane=0), headers=signed_in())
    assert answer.status_code == 201
    answer = await client.post("/office/appointments", json=order(lane=0), headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert len(await stored("appointment")) == 1


async def test_the_page_tells_what_is_closed_today_and_in_the_two_months_to_come(
    client: httpx.AsyncClient, edit_timetable: Any
) -> None:
    _, ends_today, on_the_last_day, _ = closures = [
        {"first": "2026-05-20", "last": "2026-05-22"},
        {"first": "2026-05-26", "last": "2026-06-01"},
        {"first": "2026-07-31", "last": "2026-07-31"},
        {"first": "2026-08-01", "last": "2026-08-02"},
    ]
    assert (await edit_timetable(closures=closures)).status_code == 200
    told = (await client.get("/offices/heidelberg")).json()["closures"]
    assert [(each["first"], each["last"]) for each in told] == [
        (each["first"], each["last"]) for each in (ends_today, on_the_last_day)
    ]
