"""What is over is over: an erased link, a state that no act fits any more, days gone by, people who waited."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from booking.appointments import endings, store
from booking.errors import NotMissed
from booking.retention.worker import erase_what_is_over
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT = datetime.fromisoformat("2026-06-02T06:00:00+00:00")
ENDED = ("cancelled", "completed", "aborted", "no_show")


def bearer(link: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {link.split('#')[1]}", "Idempotency-Key": uuid4().hex}


async def put(database: Database, **columns: object) -> None:
    """The one appointment is like this from now on."""
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    async with database.transaction() as tx:
        await tx.execute(f"UPDATE ours.appointment SET {sets}", **columns)  # noqa: S608 - named by tests


class TestAnErasedAppointment:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/appointment", None),
            ("GET", "/appointment/data", None),
            ("GET", "/appointment/calendar", None),
            ("GET", "/appointment/slots", None),
            ("POST", "/appointment/cancellation", None),
            ("POST", "/appointment/rescheduling", {"starts_at": "2026-06-03T12:00:00Z"}),
            ("POST", "/appointment/contact", {"email": "erika@example.com"}),
            ("POST", "/appointment/erasure", None),
            ("PUT", "/appointment/waiting", {}),
        ],
    )
    async def test_its_newest_link_opens_nothing(
        self, client: httpx.AsyncClient, book: Any, database: Database, clock: Any, method: str, path: str, body: Any
    ) -> None:
        """The signature is good, and so is the generation: what is erased stays closed all the same."""
        booked = (await book()).json()
        await put(database, erased_at=clock.now)
        answer = await client.request(method, path, headers=bearer(booked["link"]), json=body)
        assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")

    async def test_it_cannot_be_missed(
        self, client: httpx.AsyncClient, book: Any, database: Database, clock: Any, signed_in: Any
    ) -> None:
        booked = (await book()).json()
        await put(database, erased_at=clock.now)
        clock.now = SLOT + timedelta(minutes=20)
        path = f"/office/appointments/{booked['appointment_id']}/no-show"
        answer = await client.post(path, headers=signed_in())
        assert (answer.status_code, answer.json()["code"]) == (409, "not_missed")


class TestNobodyIsMissedTwice:
    """ "Did not come" is said of an appointment that is still expected, and of no other."""

    @pytest.mark.parametrize("state", ENDED[:-1])
    async def test_not_by_a_clerk(
        self,
        client: httpx.AsyncClient,
        book: Any,
        database: Database,
        clock: Any,
        signed_in: Any,
        stored: Any,
        state: str,
    ) -> None:
        booked = (await book()).json()
        await put(database, state=state)
        clock.now = SLOT + timedelta(minutes=20)
        path = f"/office/appointments/{booked['appointment_id']}/no-show"
        answer = await client.post(path, headers=signed_in())
        assert (answer.status_code, answer.json()["code"]) == (409, NotMissed.code)
        assert [row["state"] for row in await stored("appointment")] == [state]
        assert "booking.no_show.v1" not in [row["subject"] for row in await stored("outbox")]

    @pytest.mark.parametrize("state", ENDED)
    async def test_not_by_casework(self, book: Any, database: Database, clock: Any, stored: Any, state: str) -> None:
        booked = (await book()).json()
        await put(database, state=state)
        async with database.transaction() as tx:
            appointment_id: Any = UUID(booked["appointment_id"])
            await endings.nobody_came(tx, "heidelberg", appointment_id, actor="system", at=clock.now)
        assert [row["state"] for row in await stored("appointment")] == [state]
        assert "booking.no_show.v1" not in [row["subject"] for row in await stored("outbox")]


async def test_the_limit_under_one_address_counts_what_is_to_come(book: Any, database: Database, clock: Any) -> None:
    booked = (await book()).json()
    starts_at = datetime.fromisoformat(booked["starts_at"])
    email = "ERIKA@example.org"

    async def still_to_come(now: datetime) -> int:
        async with database.transaction() as tx:
            return await store.open_under(tx, "heidelberg", email, now)

    ends_at = datetime.fromisoformat(booked["ends_at"])
    assert await still_to_come(starts_at) == 1
    assert await still_to_come(ends_at - timedelta(seconds=1)) == 1
    assert await still_to_come(ends_at) == 0
    await put(database, state="cancelled")
    assert await still_to_come(starts_at) == 0


async def test_two_people_may_move_with_the_same_key(client: httpx.AsyncClient, book: Any, stored: Any) -> None:
    """A key is a browser's own: two browsers that come upon the same one do not get one another's answer."""
    links = [(await book(name=name)).json()["link"] for name in ("Erika", "Max")]
    headers = [bearer(link) | {"Idempotency-Key": "the-very-same-key"} for link in links]
    body = {"starts_at": "2026-06-03T12:00:00Z"}
    moved = [await client.post("/appointment/rescheduling", headers=header, json=body) for header in headers]
    assert [answer.status_code for answer in moved] == [200, 200], moved[1].text
    assert moved[0].json()["appointment_id"] != moved[1].json()["appointment_id"]
    assert [row["link_generation"] for row in await stored("appointment")] == [2, 2]


async def test_who_waited_beside_an_appointment_goes_with_it(app: Any, room: Any, clock: Any, stored: Any) -> None:
    """Retention leaves neither the entry nor the offers that they had."""
    gone = await room.book(SLOT + timedelta(hours=2), "Gone")
    await room.wait(SLOT + timedelta(hours=4), "Anna")
    await room.cancel(gone)
    await room.round()
    (entry,) = await stored("waiting_entry")
    assert [row["entry_id"] for row in await stored("slot_offer")] == [entry["id"]]
    clock.now = SLOT + timedelta(days=400)
    await erase_what_is_over({}, app.state.database, clock.now)
    assert {row["email"] for row in await stored("appointment")} == {""}
    assert await stored("waiting_entry") == await stored("slot_offer") == []
