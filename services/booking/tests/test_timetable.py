"""The timetable: edited whole by leads, in force at once, and honest about what it leaves behind."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from booking.app import build
from booking.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "00000000-0000-4000-8000-0000000000aa"
CLOSED = {"first": "2026-06-02", "last": "2026-06-03"}
TUE = {"weekday": "tue", "opens": "08:00", "closes": "12:00"}


async def slots(client: httpx.AsyncClient, day: str, service: str = "fuehrungszeugnis") -> list[str]:
    query = {"services": service, "from": day}
    answer = await client.get("/offices/heidelberg/slots", params=query)
    return [slot["starts_at"][11:16] for slot in answer.json()["slots"]]


async def held(client: httpx.AsyncClient, signed_in: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get("/office/timetable", headers=signed_in())).json()
    return answer


async def test_until_somebody_edits_it_the_offices_file_holds(client: httpx.AsyncClient, signed_in: Any) -> None:
    timetable = await held(client, signed_in)
    assert (timetable["version"], timetable["observes_holidays"]) == (0, True)
    assert timetable["opening_hours"][0] == TUE | {"valid_from": None, "valid_until": None}
    assert timetable["clerks"][5] == {"lane": 5, "name": "6", "clerk_id": None, "skills": None, "shifts": []}
    assert "next_lane" not in timetable


async def test_an_edit_holds_at_once_and_says_who_made_it(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, stored: Any
) -> None:
    assert (await slots(client, "2026-06-02"))[0] == "06:00"
    answer = await edit_timetable(opening_hours=[TUE | {"opens": "09:00"}])
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await held(client, signed_in)) | {"conflicts": []}
    assert (await slots(client, "2026-06-02"))[0] == "07:00"
    (row,) = await stored("timetable")
    assert (row["version"], row["changed_by"][:6]) == (1, "clerk:")
    shown = (await client.get("/offices/heidelberg")).json()
    assert shown["opening_hours"] == [TUE | {"opens": "09:00"}]


async def test_an_edit_holds_at_once_in_every_process(
    app: FastAPI, settings: Settings, client: httpx.AsyncClient, edit_timetable: Any, order: Any, stored: Any
) -> None:
    """The other process heard nothing of the edit: what it reads brings the version along."""
    other = build(settings, clock=app.state.clock)
    other.state.database = app.state.database
    transport = httpx.ASGITransport(other, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/booking") as elsewhere:
        assert (await slots(elsewhere, "2026-06-02"))[0] == "06:00"
        assert (await edit_timetable(opening_hours=[TUE | {"opens": "09:00"}])).status_code == 200
        key = {"Idempotency-Key": uuid4().hex}
        refused = await elsewhere.post("/offices/heidelberg/appointments", json=order(), headers=key)
        assert (refused.status_code, refused.json()["reason"]) == (422, "outside_hours")
        assert (await edit_timetable(opening_hours=[TUE | {"opens": "10:00"}])).status_code == 200
        assert (await slots(elsewhere, "2026-06-02"))[0] == "08:00"
        booked = await elsewhere.post(
            "/offices/heidelberg/appointments", json=order(starts_at="2026-06-02T08:00:00Z"), headers=key
        )
        assert booked.status_code == 201, booked.text


async def test_of_two_leads_the_second_is_told(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any, stored: Any
) -> None:
    timetable = await held(client, signed_in)
    saved = await asyncio.gather(
        *(client.put("/office/timetable", json=timetable, headers=signed_in("lead")) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in saved) == [200, 409, 409, 409, 409]
    refused = [answer.json() for answer in saved if answer.status_code == 409]
    assert {(problem["code"], problem["version"]) for problem in refused} == {("timetable_changed", 1)}
    assert (await edit_timetable()).json()["version"] == 2
    assert [row["version"] for row in await stored("timetable")] == [2]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"opening_hours": [TUE, TUE | {"opens": "11:59", "closes": "13:00"}]}, ["opening_hours.0", "opening_hours.1"]),
        (
            {"opening_hours": [TUE | {"valid_until": "2026-07-31"}, {}, TUE | {"valid_from": "2026-07-31"}]},
            ["opening_hours.0", "opening_hours.2"],
        ),
        ({"opening_hours": [TUE | {"opens": "12:00"}]}, ["opening_hours.0"]),
        ({"opening_hours": [TUE | {"opens": "08:00:30"}]}, ["opening_hours.0"]),
        ({"opening_hours": [TUE | {"weekday": "Dienstag"}]}, ["opening_hours.0.weekday"]),
        ({"opening_hours": [TUE | {"valid_from": "2026-07-02", "valid_until": "2026-07-01"}]}, ["opening_hours.0"]),
        ({"special_days": [{"day": "2026-06-02", "hours": []}] * 2}, ["special_days.1.day"]),
        (
            {"special_days": [{"day": "2026-06-02", "hours": [{"opens": "08:00", "closes": "10:00"}] * 2}]},
            ["special_days.0"],
        ),
        ({"closures": [{"first": "2026-06-03", "last": "2026-06-02"}]}, ["closures.0"]),
        ({"closures": [CLOSED | {"reason": {"de": "Umzug"}}]}, ["closures.0.reason.en"]),
        ({"closures": [CLOSED | {"reason": {"de": "x" * 301, "en": "x"}}]}, ["closures.0.reason"]),
        ({"clerks": [{"name": "A", "skills": ["anmeldung", "hundesteuer"]}]}, ["clerks.0.skills.1"]),
        ({"clerks": [{"name": "A", "lane": 77}]}, ["clerks.0.lane"]),
        ({"clerks": [{"name": "A", "lane": 1}, {"name": "B", "lane": 1}]}, ["clerks.1.lane"]),
        ({"clerks": [{"name": "A", "clerk_id": ME}, {"name": "B", "clerk_id": ME}]}, ["clerks.1.clerk_id"]),
        ({"clerks": [{"name": "A", "shifts": [TUE, TUE]}]}, ["clerks.0.shifts.0", "clerks.0.shifts.1"]),
        ({"clerks": [{"name": "A\u0000"}]}, ["clerks.0.name"]),
        ({"clerks": [{"name": ""}]}, ["clerks.0.name"]),
        ({"clerks": [{"name": "A"}] * 201}, ["clerks"]),
        ({"next_lane": 0}, ["next_lane"]),
        ({"version": -1}, ["version"]),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
async def test_a_timetable_that_contradicts_itself_is_refused_by_field(
    edit_timetable: Any, stored: Any, changes: dict[str, Any], fields: list[str]
) -> None:
    hours = changes.get("opening_hours", [])
    if {} in hours:  # one of Wednesday in between, so that positions matter
        hours[hours.index({})] = TUE | {"weekday": "wed"}
    answer = await edit_timetable(**changes)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert await stored("timetable") == []


async def test_hours_that_touch_or_hold_at_different_times_are_no_contradiction(edit_timetable: Any) -> None:
    summer = TUE | {"closes": "24:00", "valid_from": "2026-07-01", "valid_until": "2026-08-31"}
    answer = await edit_timetable(
        opening_hours=[
            TUE | {"valid_until": "2026-06-30"},
            TUE | {"opens": "12:00", "closes": "13:00", "valid_until": "2026-06-30"},
            summer,
            TUE | {"valid_from": "2026-09-01"},
        ]
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["opening_hours"][2] == summer


async def test_a_new_clerk_gets_a_lane_that_never_was_anybodys(
    client: httpx.AsyncClient, signed_in: Any, edit_timetable: Any
) -> None:
    first = (await edit_timetable(clerks=[{"name": "A"}, {"lane": 2, "name": "C"}])).json()
    assert [clerk["lane"] for clerk in first["clerks"]] == [6, 2]
    second = (await edit_timetable(clerks=[first["clerks"][1], {"name": "B"}, {"name": "D"}])).json()
    assert [clerk["lane"] for clerk in second["clerks"]] == [2, 7, 8], "6 was somebody's, if only for a minute"
    back = await edit_timetable(clerks=[{"lane": 6, "name": "A"}])
    assert [clerk["lane"] for clerk in back.json()["clerks"]] == [6], "who was removed comes back to what was theirs"
    answer = await edit_timetable(clerks=[{"lane": 9, "name": "A"}])
    assert [error["field"] for error in answer.json()["errors"]] == ["clerks.0.lane"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clerks": [{"lane": 1, "name": "B"}]}, "lane_removed"),
        ({"clerks": [{"lane": 0, "name": "A", "shifts": [TUE | {"opens": "09:00"}]}]}, "off_shift"),
        ({"clerks": [{"lane": 0, "name": "A", "skills": ["anmeldung"]}]}, "skill_missing"),
        ({"closures": [{"first": "2026-06-01", "last": "2026-06-05"}]}, "closed"),
        ({"special_days": [{"day": "2026-06-02", "hours": [{"opens": "09:00", "closes": "10:00"}]}]}, "closed"),
        ({"opening_hours": [TUE | {"opens": "08:05"}]}, "closed"),
        ({"opening_hours": [TUE, TUE | {"opens": "12:00", "closes": "13:00"}]}, None),
    ],
)
async def test_appointments_that_nobody_is_there_for_now_are_told(
    client: httpx.AsyncClient,
    signed_in: Any,
    order: Any,
    edit_timetable: Any,
    stored: Any,
    changes: dict[str, Any],
    reason: str | None,
) -> None:
    booked = await client.post("/office/appointments", json=order(lane=0), headers=signed_in())
    answer = await edit_timetable(**changes)
    assert answer.status_code == 200, answer.text
    conflicts = answer.json()["conflicts"]
    assert [conflict["reason"] for conflict in conflicts] == ([reason] if reason else [])
    week = await client.get("/office/week", params={"day": "2026-06-02"}, headers=signed_in())
    assert week.json()["conflicts"] == conflicts
    for conflict in conflicts:
        assert conflict["reference"] == booked.json()["reference"]
    assert [row["state"] for row in await stored("appointment")] == ["booked"], "it stays until somebody moves it"


async def test_what_is_over_is_no_conflict(edit_timetable: Any, book: Any, clock: Any) -> None:
    await book()
    clock.forward(days=2)
    assert (await edit_timetable(clerks=[])).json()["conflicts"] == []


# Blocked times


@pytest.fixture
def block(client: httpx.AsyncClient, signed_in: Any) -> Any:
    """`await block(role="lead", lane=0, ...)`: blocks Tuesday from 08:00 to 09:00."""

    async def post(role: str = "lead", office: str = "heidelberg", **wish: Any) -> httpx.Response:
        body = {"lane": 0, "starts_at": "2026-06-02T06:00:00Z", "ends_at": "2026-06-02T07:00:00Z", "reason": "sick"}
        headers = signed_in(role, office, clerk_id=wish.pop("clerk_id", ME))
        return await client.post("/office/blocked-times", json=body | wish, headers=headers)

    return post


async def test_a_blocked_time_takes_the_slots_and_names_who_was_booked(
    client: httpx.AsyncClient, signed_in: Any, order: Any, block: Any, edit_timetable: Any
) -> None:
    await edit_timetable(clerks=[{"lane": 0, "name": "A"}])
    booked = await client.post("/office/appointments", json=order(), headers=signed_in())
    answer = await block(note="Zahnarzt ist es nicht")
    assert answer.status_code == 201, answer.text
    conflicts = answer.json()["conflicts"]
    assert [(c["reference"], c["reason"]) for c in conflicts] == [(booked.json()["reference"], "blocked")]
    assert (await slots(client, "2026-06-02"))[0] == "07:00"
    assert (await client.post("/office/appointments", json=order(), headers=signed_in())).status_code == 409

    gone = f"/office/blocked-times/{answer.json()['id']}"
    for _ in range(2):
        assert (await client.delete(gone, headers=signed_in("lead"))).status_code == 204
    assert (await slots(client, "2026-06-02"))[0] == "06:05"
    assert (await client.delete(f"/office/blocked-times/{uuid4()}", headers=signed_in())).status_code == 204


async def test_blocking_the_same_again_changes_nothing(block: Any, stored: Any) -> None:
    answers = await asyncio.gather(*(block() for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await stored("blocked_time")) == 1
    await block(ends_at="2026-06-02T08:00:00Z")
    assert len(await stored("blocked_time")) == 2


async def test_a_clerk_blocks_their_own_time_and_no_others(
    client: httpx.AsyncClient, signed_in: Any, block: Any, edit_timetable: Any, stored: Any
) -> None:
    others = (await block()).json()
    assert (await block("clerk")).json()["code"] == "role_missing"
    await edit_timetable(clerks=[{"lane": 0, "name": "A", "clerk_id": ME}, {"lane": 1, "name": "B"}])
    mine = await block("clerk", reason="leave")
    assert mine.status_code == 201, mine.text
    assert (await block("clerk", lane=1)).json()["code"] == "role_missing"
    assert (await block("clerk", clerk_id=str(uuid4()))).json()["code"] == "role_missing"
    foreign = (await block(lane=1)).json()["id"]
    refused = await client.delete(f"/office/blocked-times/{foreign}", headers=signed_in(clerk_id=ME))
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")
    for id_ in (mine.json()["id"], others["id"]):
        assert (await client.delete(f"/office/blocked-times/{id_}", headers=signed_in(clerk_id=ME))).status_code == 204
    assert [str(row["id"]) for row in await stored("blocked_time")] == [foreign]


async def test_a_blocked_time_of_another_office_does_not_exist(
    client: httpx.AsyncClient, signed_in: Any, block: Any, stored: Any
) -> None:
    theirs = (await block()).json()["id"]
    for role in ("clerk", "lead"):
        gone = await client.delete(f"/office/blocked-times/{theirs}", headers=signed_in(role, "demo"))
        assert gone.status_code == 204
    assert [str(row["id"]) for row in await stored("blocked_time")] == [theirs]


async def test_why_a_colleague_is_away_is_no_business_of_the_others(
    client: httpx.AsyncClient, signed_in: Any, block: Any, edit_timetable: Any
) -> None:
    await edit_timetable(clerks=[{"lane": 0, "name": "A", "clerk_id": ME}])
    await block(note="bis Freitag")

    async def seen(headers: dict[str, str]) -> set[tuple[str, str | None]]:
        listed = await client.get("/office/blocked-times", params={"from": "2026-06-02"}, headers=headers)
        week = await client.get("/office/week", params={"day": "2026-06-02"}, headers=headers)
        blocked = [*listed.json()["blocked_times"], *week.json()["days"][1]["lanes"][0]["blocked"]]
        assert len(blocked) == 2
        return {(row["reason"], row["note"]) for row in blocked}

    assert await seen(signed_in("lead")) == {("sick", "bis Freitag")}
    assert await seen(signed_in(clerk_id=ME)) == {("sick", "bis Freitag")}
    assert await seen(signed_in(clerk_id=str(uuid4()))) == {("other", None)}


async def test_another_offices_blocked_times_do_not_exist(
    client: httpx.AsyncClient, signed_in: Any, block: Any, stored: Any
) -> None:
    id_ = (await block()).json()["id"]
    stranger = signed_in("admin", "demo")
    assert (await client.delete(f"/office/blocked-times/{id_}", headers=stranger)).status_code == 204
    query = {"from": "2026-06-02"}
    assert (await client.get("/office/blocked-times", params=query, headers=stranger)).json()["blocked_times"] == []
    assert len(await stored("blocked_time")) == 1
    mine = await client.get("/office/blocked-times", params=query, headers=signed_in("lead"))
    assert [row["id"] for row in mine.json()["blocked_times"]] == [id_]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"lane": 6}, "lane"),
        ({"lane": -1}, "lane"),
        ({"ends_at": "2026-06-02T06:00:00Z"}, "ends_at"),
        ({"ends_at": "2028-06-02T06:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-06-02T06:00:00"}, "starts_at"),
        ({"reason": "hangover"}, "reason"),
        ({"note": "x" * 201}, "note"),
        ({"note": "\u202e\u0000"}, "note"),
        ({"created_by": "somebody else"}, "created_by"),
    ],
)
async def test_a_bad_blocked_time_is_refused_by_field(block: Any, stored: Any, wish: Any, field: str) -> None:
    answer = await block(**wish)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await stored("blocked_time") == []
