"""What the registry says is what happens: after erasing nothing of the person is left, asked for or by the clock."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from personal import Cells, cells, holding, left, unfilled

from chassis import traces
from chassis.database import Database
from chassis.personal_data import stored_about
from contracts.booking import BookingCompleted, CitizenContact
from notify import retention
from notify.personal_data import REGISTRY

BOOKED, CORRECTED, FORGOTTEN = "booking.completed.v1", "booking.contact_changed.v1", "booking.erased.v1"
CHOSEN = "booking.reminders_chosen.v1"
PERSON = CitizenContact(
    name="Ottilie Planted",
    email="ottilie@planted.example",
    language="de",
    time_zone="Asia/Kathmandu",
    phone="+496221580123",
    plain_language=True,
)
WORDS = ("Ottilie Planted", "planted.example", "Kathmandu", "+496221580123", "first-link", "second-link")
Apply = Callable[..., Awaitable[bool]]


@pytest.fixture
async def filled(apply: Apply, database: Database, samples: Any) -> Cells:
    """Everything about an appointment: it was booked, its address corrected, reminders were declined, and words about
    absence said."""
    about = samples[BOOKED][1].appointment_id
    with traces.carrying({"correlation_id": "planted"}):
        await apply(BOOKED, citizen=PERSON, link_token="first-link", link_generation=1)
    corrected = PERSON.model_copy(update={"email": "again@planted.example"})
    await apply(CORRECTED, appointment_id=about, citizen=corrected, link_token="second-link", link_generation=2)
    await apply(CHOSEN, appointment_id=about)
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.recipient SET absence_told_at = now()")
    before = await cells(database.url, REGISTRY, about)
    assert unfilled(REGISTRY, before, ("recipient", "message", "reminder")) == []
    return before


async def test_after_erasing_nothing_of_the_person_is_left_anywhere(
    filled: Cells, apply: Apply, database: Database, samples: Any
) -> None:
    event: BookingCompleted = samples[BOOKED][1]
    await apply(FORGOTTEN, appointment_id=event.appointment_id)
    assert left(REGISTRY, filled, await cells(database.url, REGISTRY, event.appointment_id)) == []
    assert await holding(database.url, WORDS) == []


async def test_nor_when_the_clock_erases(filled: Cells, database: Database, offices: Any, samples: Any) -> None:
    event: BookingCompleted = samples[BOOKED][1]
    await retention.erase_what_is_over(offices, database, event.ends_at + timedelta(days=400))
    assert left(REGISTRY, filled, await cells(database.url, REGISTRY, event.appointment_id)) == []
    assert await holding(database.url, WORDS) == []


async def test_nor_in_the_answer_to_a_clerk_who_had_a_mail_sent_again(
    filled: Cells, apply: Apply, client: httpx.AsyncClient, database: Database, samples: Any, clerk_token: Any
) -> None:
    """It is kept for three days, and showed who it was by a part of the address."""
    event: BookingCompleted = samples[BOOKED][1]
    headers = {"Authorization": f"Bearer {clerk_token(event.office)}", "Idempotency-Key": "again-please"}
    path = f"/appointments/{event.appointment_id}/messages"
    written = (await client.get(path, headers=headers)).json()["messages"]
    (mail,) = {one["message_id"] for one in written if one["state"] != "dropped"}
    first = await client.post(f"{path}/{mail}/resend", json={}, headers=headers)
    assert (first.status_code, first.json()["address"]) == (202, "a…@planted.example"), first.text
    again = await client.post(f"{path}/{mail}/resend", json={}, headers=headers)
    assert again.json() == first.json()
    await apply(FORGOTTEN, appointment_id=event.appointment_id)
    assert await holding(database.url, WORDS) == []


async def test_what_is_handed_out_opens_nothing(apply: Any, database: Any, samples: Any) -> None:
    event = samples["booking.completed.v1"][1]
    await apply("booking.completed.v1", link_token="a-live-token", link_generation=1)
    told = await stored_about(database.url, REGISTRY, event.appointment_id)
    assert event.citizen.email in str(told)
    assert "a-live-token" not in str(told)
