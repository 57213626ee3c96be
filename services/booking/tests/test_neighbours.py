"""One installation, many offices: whatever one of them does takes no time of another's.

The twin office mirrors ours, and so cannot show it: what is taken there is taken here as well.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from booking.timetable.store import held_between
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT, LATER = "2026-06-02T06:00:00Z", "2026-06-02T07:00:00Z"
MONDAY = datetime(2026, 6, 1, 7, tzinfo=UTC)
#: Two offices with the same hours: the lanes of the smaller one are among those of the larger.
LARGER, OURS, SERVICE = "clerks-2", "clerks-1", "fuehrungszeugnis"


@pytest.fixture
def full(
    client: httpx.AsyncClient, book: Any, signed_in: Any, edit_timetable: Any, database: Database
) -> Callable[..., Awaitable[None]]:
    """`await full(how)`: nothing is free in the larger office at SLOT any more."""

    async def fill(how: str) -> None:
        if how == "edited":
            for hours in ([], [{"weekday": "tue", "opens": "15:00", "closes": "16:00"}]):
                assert (await edit_timetable(LARGER, opening_hours=hours)).status_code == 200
            return
        if how == "freed":
            async with database.transaction() as tx:
                await tx.execute(
                    """
                    INSERT INTO freed_slot (id, office, lane, starts_at, ends_at, public_at, freed_at)
                    SELECT gen_random_uuid(), :office, lane, CAST(:low AS timestamptz), CAST(:high AS timestamptz),
                           CAST(:low AS timestamptz), :now FROM generate_series(0, 1) AS lanes (lane)
                    """,
                    office=LARGER,
                    low=MONDAY + timedelta(hours=23),
                    high=MONDAY + timedelta(hours=24),
                    now=MONDAY,
                )
            return
        for lane in range(2):
            if how == "blocked":
                time = {"lane": lane, "starts_at": SLOT, "ends_at": LATER, "reason": "sick"}
                answer = await client.post("/office/blocked-times", json=time, headers=signed_in("lead", LARGER))
            elif how == "held":
                wish = {"services": [SERVICE], "starts_at": SLOT}
                answer = await client.post(f"/offices/{LARGER}/holds", json=wish)
            else:
                answer = await book(LARGER, email=f"erika{lane}@example.org")
            assert answer.is_success, answer.text

    return fill


@pytest.fixture
def free(client: httpx.AsyncClient) -> Callable[[str], Awaitable[list[str]]]:
    """`await free(office)`: what is free there on the day of SLOT."""

    async def read(office: str) -> list[str]:
        query = {"services": SERVICE, "from": SLOT[:10], "days": "1"}
        answer = await client.get(f"/offices/{office}/slots", params=query)
        return [slot["starts_at"] for slot in answer.json()["slots"]]

    return read


@pytest.mark.parametrize("how", ["booked", "blocked", "freed", "held", "edited"])
async def test_what_is_taken_in_another_office_is_free_in_ours(book: Any, free: Any, full: Any, how: str) -> None:
    before = await free(OURS)
    await full(how)
    assert SLOT not in await free(LARGER)
    assert await free(OURS) == before
    assert (await book(OURS)).status_code == 201


@pytest.mark.parametrize("how", ["booked", "blocked", "held"])
async def test_what_was_freed_in_ours_is_offered_though_another_office_is_full(full: Any, room: Any, how: str) -> None:
    gone = await room.book(datetime(2026, 6, 2, 6, tzinfo=UTC), "Gone")
    await room.wait(datetime(2026, 6, 2, 10, tzinfo=UTC), "Anna")
    await full(how)
    await room.cancel(gone)
    await room.round()
    assert await room.offices() == [("Anna", "open")]


async def test_who_is_ill_in_ours_is_away_though_the_same_is_said_in_another_office(
    client: httpx.AsyncClient, signed_in: Any, free: Any, full: Any
) -> None:
    await full("blocked")
    time = {"lane": 0, "starts_at": SLOT, "ends_at": LATER, "reason": "sick"}
    answer = await client.post("/office/blocked-times", json=time, headers=signed_in("lead", OURS))
    assert answer.status_code == 201
    assert SLOT not in await free(OURS)


async def test_what_was_hardly_taken_is_free_at_once_though_somebody_waits_in_another_office(
    client: httpx.AsyncClient, book: Any, free: Any, room: Any
) -> None:
    await room.joins("Anna")
    booked = (await book(OURS)).json()
    link = {"Authorization": f"Bearer {booked['link'].split('#')[1]}"}
    assert (await client.post("/appointment/cancellation", headers=link)).is_success
    assert SLOT in await free(OURS)


async def test_who_considers_an_offer_of_another_office_is_asked_by_ours_too(database: Database, room: Any) -> None:
    gone = await room.book(datetime(2026, 6, 2, 6, tzinfo=UTC), "Gone")
    await room.joins("Anna")
    async with database.transaction() as tx:
        await tx.execute("""
            WITH theirs AS (
                INSERT INTO waiting_entry (id, office, minutes, services, name, email, language, state, since,
                                           changed_at, plain_language)
                SELECT gen_random_uuid(), 'demo', minutes, services, name, email, language, 'offered', since, since,
                       false
                  FROM ours.waiting_entry
                RETURNING id, since)
            INSERT INTO slot_offer (id, office, entry_id, freed_id, appointment_id, lane, starts_at, ends_at, state,
                                    offered_at, expires_at)
            SELECT gen_random_uuid(), 'demo', id, gen_random_uuid(), gen_random_uuid(), 0, since + interval '1 day',
                   since + interval '25 hours', 'open', since, since + interval '2 hours'
              FROM theirs""")
    await room.cancel(gone)
    await room.round()
    assert [mail.citizen.name for mail in await room.mails()] == ["Anna"]


@pytest.mark.parametrize("how", ["booked", "blocked"])
async def test_a_new_clerk_gets_our_next_lane_however_many_another_office_has(
    full: Any, edit_timetable: Any, how: str
) -> None:
    await full(how)
    answer = await edit_timetable(OURS, clerks=[{"lane": 0, "name": "A"}, {"name": "B"}])
    assert [clerk["lane"] for clerk in answer.json()["clerks"]] == [0, 1]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "from before versions were kept"])
async def test_our_timetable_is_remembered_however_often_another_office_edits_its_own(
    database: Database, app: FastAPI, full: Any, edit_timetable: Any, kept: bool
) -> None:
    await full("edited")
    await edit_timetable(OURS, opening_hours=[])
    async with database.transaction() as tx:
        if not kept:
            await tx.execute("DELETE FROM timetable_version WHERE office = :office", office=OURS)
        held = await held_between(tx, app.state.deps.offices[OURS].office, MONDAY, MONDAY + timedelta(days=1))
    assert [(each.since, len(each.timetable.opening_hours) > 0) for each in held] == [(None, True), (MONDAY, False)]
