"""Who came first is called first, by a clerk who really has time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from booking.offices.model import in_turn
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)  # Tuesday, 12:00 in Berlin
FIVE_MINUTES = "fuehrungszeugnis"
QUARTER = "personalausweis"
Json = dict[str, Any]
Take = Callable[..., Awaitable[Json]]


async def test_the_first_one_is_called_and_their_appointment_begins_this_minute(
    client: httpx.AsyncClient, take: Take, call: Any, present: Any, stored: Any, clock: Any
) -> None:
    clock.now = NOON + timedelta(seconds=42)
    ticket = await take(needs=["interpreter"])
    assert (ticket["ahead"], ticket["estimate_seconds"]) == (0, 0)
    assert (await present(ticket))["state"] == "waiting"
    assert await call() == 1
    called = await present(ticket)
    assert (called["state"], called["ahead"], called["estimate_seconds"]) == ("called", 0, None)
    page, token = called["link"].split("#")
    assert page == "http://localhost:8080/clerks-1/appointment"
    appointment = (await client.get("/appointment", headers={"Authorization": f"Bearer {token}"})).json()
    assert appointment["starts_at"] == "2026-06-02T10:00:00Z"
    assert appointment["ends_at"] == "2026-06-02T10:05:00Z"
    assert (appointment["channel"], appointment["needs"]) == ("walk_in", ["interpreter"])
    published = [row for row in await stored("outbox") if row["subject"] == "booking.completed.v1"]
    assert len(published) == 1
    assert b'"channel":"walk_in"' in published[0]["body"]
    [row] = await stored("walk_in")
    assert (row["state"], row["called_at"]) == ("called", clock.now)
    assert str(row["appointment_id"]) == appointment["appointment_id"]


async def test_one_clerk_has_one_caller_at_a_time_in_the_order_of_their_numbers(
    take: Take, call: Any, present: Any, end: Any, pass_time: Any
) -> None:
    first, second, third = [await take() for _ in range(3)]
    assert [await call(), await call()] == [1, 0]
    assert [(await present(ticket))["state"] for ticket in (first, second, third)] == ["called", "waiting", "waiting"]
    assert [(await present(ticket))["ahead"] for ticket in (second, third)] == [0, 1]
    await end("completed")  # sooner than planned: nobody waits for the rest of five minutes
    await pass_time(1, second, third)
    assert await call() == 1
    assert [(await present(ticket))["state"] for ticket in (second, third)] == ["called", "waiting"]


async def test_every_free_clerk_gets_one(take: Take, call: Any, present: Any) -> None:
    tickets = [await take(office="clerks-2") for _ in range(3)]
    assert await call("clerks-2") == 2
    assert [(await present(ticket))["state"] for ticket in tickets] == ["called", "called", "waiting"]


async def test_somebody_is_overtaken_only_by_those_who_fit_where_they_do_not(
    take: Take, call: Any, present: Any, book: Any
) -> None:
    at = NOON + timedelta(minutes=10)
    assert (await book("clerks-1", starts_at=at.isoformat())).status_code == 201
    long, short, shorter = await take(QUARTER), await take(FIVE_MINUTES), await take(FIVE_MINUTES)
    assert await call() == 1
    assert [(await present(ticket))["state"] for ticket in (long, short, shorter)] == ["waiting", "called", "waiting"]


async def test_who_needs_a_specialist_finds_them_free(
    take: Take, call: Any, present: Any, edit_timetable: Any, stored: Any
) -> None:
    clerks = [{"lane": 0, "name": "Ada"}, {"lane": 1, "name": "Ben", "skills": [FIVE_MINUTES]}]
    await edit_timetable("clerks-2", clerks=clerks)
    anybody, specialist = await take(FIVE_MINUTES, "clerks-2"), await take(QUARTER, "clerks-2")
    assert await call("clerks-2") == 2
    assert [(await present(ticket))["state"] for ticket in (anybody, specialist)] == ["called", "called"]
    minutes = {row["lane"]: row["ends_at"] - row["starts_at"] for row in await stored("appointment")}
    assert minutes == {0: timedelta(minutes=15), 1: timedelta(minutes=5)}


async def test_a_hold_of_somebody_else_is_respected(
    client: httpx.AsyncClient, take: Take, call: Any, book: Any
) -> None:
    body = {"services": [FIVE_MINUTES], "starts_at": (NOON + timedelta(minutes=10)).isoformat()}
    await take(QUARTER)
    assert (await client.post("/offices/clerks-1/holds", json=body)).status_code == 201
    assert await call() == 0


async def test_a_clerk_who_is_ill_calls_nobody(
    client: httpx.AsyncClient, take: Take, call: Any, signed_in: Any
) -> None:
    body = {
        "lane": 0,
        "starts_at": (NOON - timedelta(hours=1)).isoformat(),
        "ends_at": (NOON + timedelta(hours=1)).isoformat(),
        "reason": "sick",
    }
    blocked = await client.post("/office/blocked-times", json=body, headers=signed_in("lead", "clerks-1"))
    assert blocked.status_code == 201, blocked.text
    assert (await take())["estimate_seconds"] == 3600
    assert await call() == 0


async def test_a_call_that_runs_over_keeps_its_clerk(
    take: Take, call: Any, present: Any, end: Any, pass_time: Any
) -> None:
    talking, waiting = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON)
    await pass_time(6, waiting)
    assert await call() == 0
    assert 0 < (await present(waiting))["estimate_seconds"] <= 120
    await end("completed", talk_seconds=400)
    assert await call() == 1
    assert (await present(talking))["state"] == "gone"


async def test_a_case_that_a_clerk_forgot_to_finish_does_not_keep_the_lane_for_ever(
    take: Take, call: Any, end: Any, pass_time: Any
) -> None:
    _, waiting = await take(), await take()
    await call()
    await end("booked", call_started_at=NOON, talk_seconds=300)
    await pass_time(19, waiting)
    assert await call() == 0
    await pass_time(2, waiting)
    assert await call() == 1


async def test_an_appointment_to_which_nobody_came_frees_the_lane_at_its_end(
    take: Take, call: Any, book: Any, clock: Any, pass_time: Any
) -> None:
    await book("clerks-1", starts_at=NOON.isoformat())
    waiting = await take()
    assert waiting["estimate_seconds"] == 5 * 60
    assert await call() == 0
    await pass_time(5, waiting)
    assert await call() == 1


async def test_the_rest_of_a_missed_appointment_flows_to_the_queue(
    client: httpx.AsyncClient, take: Take, call: Any, book: Any, pass_time: Any, signed_in: Any
) -> None:
    missed = (await book("clerks-1", starts_at=NOON.isoformat(), services=[{"service_id": QUARTER}])).json()
    waiting = await take()
    await pass_time(2, waiting)
    assert await call() == 0
    path = f"/office/appointments/{missed['appointment_id']}/no-show"
    assert (await client.post(path, headers=signed_in("clerk", "clerks-1"))).is_success
    assert await call() == 1


async def test_a_slot_that_was_given_back_flows_to_the_queue_when_it_begins(
    depart: Any, client: httpx.AsyncClient, take: Take, call: Any, book: Any, pass_time: Any, clock: Any
) -> None:
    at = NOON + timedelta(minutes=5)
    taken = (await book("clerks-1", starts_at=at.isoformat())).json()
    headers = {"Authorization": f"Bearer {taken['link'].split('#')[1]}"}
    waiting = await take(QUARTER)
    assert await call() == 0
    assert (await client.post("/appointment/cancellation", headers=headers)).status_code == 200
    assert await call() == 1
    assert (await depart(waiting)).json()["code"] == "already_called"


async def test_a_clerk_has_their_pause_after_a_call_that_was_short(
    take: Take, call: Any, end: Any, pass_time: Any, clock: Any
) -> None:
    _, second = await take(office="town"), await take(office="town", service=QUARTER)
    third = await take(office="town")
    assert await call("town") == 2
    await pass_time(2, second, third)
    await end("completed", talk_seconds=100, changed_at=clock.now)
    await pass_time(4, third)
    assert await call("town") == 0
    await pass_time(1, third)
    assert await call("town") == 1


@pytest.mark.parametrize(
    "now",
    ["call_started_at = :noon", "state = 'completed', talk_seconds = 60, changed_at = :noon"],
    ids=["talk", "rest"],
)
async def test_clerks_of_another_office_who_talk_or_rest_are_none_of_ours(
    database: Database, take: Take, call: Any, now: str
) -> None:
    for _ in range(2):
        await take(office="clerks-2")
    assert await call("clerks-2") == 2
    async with database.transaction() as tx:
        await tx.execute(f"UPDATE ours.appointment SET {now}", noon=NOON)  # noqa: S608 - this test's words
    for _ in range(2):
        await take(office="town")
    assert await call("town") == 2


async def test_an_option_that_left_the_catalogue_ends_one_number_and_nobody_elses(
    take: Take, call: Any, present: Any, database: Any
) -> None:
    gone, next_one = await take(), await take()
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE ours.walk_in SET services = jsonb_set(services, '{0,options}', '{\"belegart\": \"gone\"}')"
            " WHERE id = (SELECT id FROM ours.walk_in ORDER BY number LIMIT 1)"
        )
    assert [await call(), await call()] == [0, 1]  # the worker looks again in two seconds
    states = [(await present(ticket))["state"] for ticket in (gone, next_one)]
    assert states == ["gone", "called"]


async def test_one_offices_trouble_is_told_once_all_others_had_their_turn() -> None:
    served = []

    async def act(office: Any) -> None:
        served.append(office)
        if office == "broken":
            raise ValueError(office)

    with pytest.raises(ValueError, match="broken"):
        await in_turn(["broken", "sound"], act)  # type: ignore[list-item]  # an office is anything here
    assert served == ["broken", "sound"]


async def test_what_was_just_given_back_is_had_by_who_is_here_and_not_yet_by_the_public(
    client: httpx.AsyncClient, take: Take, call: Any, present: Any, database: Database
) -> None:
    """A freed slot returns late, lest bots take it; whoever took a number is no bot (docs/adr/0012)."""
    ticket = await take(QUARTER)
    until = NOON + timedelta(hours=1)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO freed_slot (id, office, lane, starts_at, ends_at, public_at, freed_at)"
            " VALUES (gen_random_uuid(), 'clerks-1', 0, :low, :high, :high, :low)",
            low=NOON,
            high=until,
        )
    shown = await client.get(
        "/offices/clerks-1/slots", params={"services": QUARTER, "from": "2026-06-02", "to": "2026-06-02"}
    )
    assert not [slot for slot in shown.json()["slots"] if slot["starts_at"] < until.isoformat().replace("+00:00", "Z")]
    assert (await present(ticket))["estimate_seconds"] == 0
    assert await call() == 1
    assert (await present(ticket))["state"] == "called"
