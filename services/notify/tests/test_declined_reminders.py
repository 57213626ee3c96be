"""Who has declined reminders of an appointment is sent none, by either way, whatever becomes of the appointment."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.database import Database
from contracts.booking import CitizenContact
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import usecases
from notify.errors import UnknownRecipient
from notify.mail import Composer
from notify.reminders import plan_anew, remind

Apply = Callable[..., Awaitable[bool]]
BOOKED, MOVED, READDRESSED = "booking.completed.v1", "booking.rescheduled.v1", "booking.contact_changed.v1"
CHOSEN, FORGOTTEN = "booking.reminders_chosen.v1", "booking.erased.v1"
START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
DAY, HALF_HOUR = timedelta(days=1), timedelta(minutes=30)
BY_PHONE = CitizenContact(name="Amélie", email="a@example.org", language="de", phone="+491712345678")


@pytest.fixture(autouse=True)
def a_week_before(clock: Any) -> None:
    clock.now = START - timedelta(days=7)


@pytest.fixture
def reminded(database: Database, clock: Any) -> Callable[..., Awaitable[list[str]]]:
    """`await reminded(until)`: time passes, the worker works; by which ways reminders are to be sent then."""

    async def pass_time(until: datetime) -> list[str]:
        for clock.now in (START - DAY, START - HALF_HOUR, until):
            if clock.now <= until:
                await remind(database, clock(), lambda: None, sms=True)
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT channel FROM ours.message WHERE kind = 'reminder' AND state = 'pending' ORDER BY channel"
            )
        return [row["channel"] for row in rows]

    return pass_time


async def test_no_reminder_goes_out_by_either_way(apply: Apply, reminded: Any) -> None:
    await apply(BOOKED, citizen=BY_PHONE)
    await apply(CHOSEN)
    assert await reminded(START - DAY) == []
    assert await reminded(START) == []


async def test_what_waits_to_be_sent_is_dropped(apply: Apply, reminded: Any) -> None:
    await apply(BOOKED, citizen=BY_PHONE)
    assert await reminded(START - DAY) == ["mail", "sms"]
    await apply(CHOSEN)
    assert await reminded(START - DAY) == []


async def test_other_mails_about_the_appointment_go_out_as_ever(apply: Apply, database: Database, clock: Any) -> None:
    await apply(BOOKED)
    await apply(CHOSEN)
    await apply(MOVED, link_generation=2)
    assert [message.kind for message in await usecases.claim_due(database, clock())] == ["rescheduled"]


@pytest.mark.parametrize("after", [MOVED, READDRESSED, "settings"])
async def test_it_holds_when_reminders_are_planned_anew(
    apply: Apply,
    database: Database,
    clock: Any,
    reminded: Any,
    offices: Mapping[str, Office],
    after: str,
) -> None:
    await apply(BOOKED)
    await apply(CHOSEN)
    if after == "settings":
        demo = offices["demo"]
        changed = demo.model_copy(update={"notify": demo.notify.model_copy(update={"reminder_minutes": (120,)})})
        await plan_anew({**offices, "demo": changed}, database, clock())
    else:
        await apply(after, link_generation=2, starts_at=START + DAY, ends_at=START + DAY + HALF_HOUR)
    assert await reminded(START + DAY - HALF_HOUR) == []


async def test_who_wants_them_again_gets_those_to_come(apply: Apply, reminded: Any) -> None:
    await apply(BOOKED)
    await apply(CHOSEN)
    assert await reminded(START - DAY) == []
    await apply(CHOSEN, wanted=True, revision=2)
    assert await reminded(START - DAY) == [], "its time has passed"
    assert await reminded(START - HALF_HOUR) == ["mail"]


async def test_the_latest_choice_holds_in_whatever_order_they_arrive(apply: Apply, database: Database) -> None:
    for order in permutations((1, 2, 3)):
        appointment_id = uuid4()
        await apply(BOOKED, appointment_id=appointment_id)
        for revision in order:
            await apply(CHOSEN, appointment_id=appointment_id, wanted=revision == 2, revision=revision)
        async with database.transaction() as tx:
            row = await tx.row("SELECT reminders_declined FROM recipient WHERE appointment_id = :id", id=appointment_id)
        assert row == {"reminders_declined": True}, order


async def test_one_that_comes_before_its_booking_waits_for_it(apply: Apply) -> None:
    with pytest.raises(UnknownRecipient):
        await apply(CHOSEN)


async def test_another_office_declines_nothing_of_ours(apply: Apply, reminded: Any) -> None:
    await apply(BOOKED)
    with pytest.raises(UnknownRecipient):
        await apply(CHOSEN, office="heidelberg")
    assert await reminded(START - DAY) == ["mail"]


async def test_nor_does_a_clerk_send_one_again(
    apply: Apply, client: httpx.AsyncClient, clerk_token: Any, clock: Any, reminded: Any
) -> None:
    await apply(BOOKED)
    await reminded(START - DAY)
    await apply(CHOSEN)
    path = "/appointments/0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10/messages"
    headers = {"Authorization": f"Bearer {clerk_token('demo', now=clock())}", "Idempotency-Key": uuid4().hex}
    found = (await client.get(path, headers=headers)).json()["messages"]
    (old,) = [one["message_id"] for one in found if one["kind"] == "reminder"]
    answer = await client.post(f"{path}/{old}/resend", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_resendable")


async def test_what_was_chosen_is_forgotten_with_the_person(apply: Apply, database: Database) -> None:
    await apply(BOOKED)
    await apply(CHOSEN)
    await apply(FORGOTTEN)
    await apply(CHOSEN, revision=2)
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT reminders_declined FROM ours.recipient")
    assert rows == [{"reminders_declined": False}]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_mail_leads_there_by_a_link_that_no_server_sees_and_the_sms_to_the_mail(
    apply: Apply,
    database: Database,
    clock: Any,
    reminded: Any,
    offices: Mapping[str, Office],
    language: str,
    plain: bool,
) -> None:
    citizen = BY_PHONE.model_copy(update={"language": language, "plain_language": plain})
    await apply(BOOKED, citizen=citizen, link_token="a.good.link")
    await reminded(START - DAY)
    claimed = await usecases.claim_due(database, clock())
    mail, short = (
        next(one for one in claimed if one.channel == way and one.kind == "reminder") for way in ("mail", "sms")
    )
    composer = Composer(
        offices, load_catalogue(), public_origin="https://town.example", sender="Town <town@town.example>"
    )
    written = composer.compose(mail, clock()).read()
    for form in ("plain", "html"):
        body = written.get_body((form,))
        assert body is not None
        assert "https://town.example/demo/reminders#a.good.link" in str(body.get_content())
    assert written["List-Unsubscribe"] is None, "mail programs would put away what we write about the appointment, too"
    line = composer.short(short, clock())
    assert ("Erinnerungen" if language == "de" else "reminders") in line
    assert "http" not in line
