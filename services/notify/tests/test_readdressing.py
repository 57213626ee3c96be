"""A corrected address: the link goes there, what was lost too, and nothing more to the one before, a stranger's."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from chassis.database import Database
from contracts.booking import BookingContactChanged, CitizenContact
from contracts.catalogue import load_catalogue
from contracts.offices import Office
from notify import usecases
from notify.mail import Composer
from notify.model import Trouble

Apply = Callable[..., Awaitable[bool]]
BOOKED, MOVED, OFFERED = "booking.completed.v1", "booking.rescheduled.v1", "booking.slot_offered.v1"
CHANGED, DONE, PAID = "booking.contact_changed.v1", "casework.case_completed.v1", "payment.captured.v1"
START = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
RIGHT = "amelie@gmail.com"


@pytest.fixture(autouse=True)
def a_week_before(clock: Any) -> None:
    clock.now = START - timedelta(days=7)


@pytest.fixture
def corrected(apply: Apply, samples: Mapping[str, Any]) -> Callable[..., Awaitable[bool]]:
    """`await corrected(email, generation)`: booking tells of another address, and of the link that came with it."""

    async def hear(email: str = RIGHT, generation: int = 2, **changes: Any) -> bool:
        citizen = citizen_of(samples).model_copy(update={"email": email, "phone": changes.pop("phone", None)})
        return await apply(CHANGED, citizen=citizen, link_generation=generation, **changes)

    return hear


def citizen_of(samples: Mapping[str, Any]) -> CitizenContact:
    return citizen_event(samples).citizen


def citizen_event(samples: Mapping[str, Any]) -> BookingContactChanged:
    event = samples[CHANGED][1]
    assert isinstance(event, BookingContactChanged)
    return event


async def mails(database: Database) -> list[tuple[str, str, str]]:
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT kind, state, recipient FROM ours.message ORDER BY kind, state, recipient")
    return [(row["kind"], row["state"], row["recipient"]) for row in rows]


async def links(database: Database) -> list[tuple[str, str]]:
    """Which link goes out with what waits to be sent."""
    async with database.transaction() as tx:
        rows = await tx.rows(
            "SELECT kind, context FROM ours.message WHERE state = 'pending' AND context ? 'link_token'"
        )
    return sorted((row["kind"], row["context"]["link_token"]) for row in rows)


async def waiting_for(database: Database) -> set[str]:
    return {recipient for _, state, recipient in await mails(database) if state == "pending"}


async def went_out(database: Database, state: str = "delivered") -> None:
    async with database.transaction() as tx:
        await tx.execute("UPDATE ours.message SET state = :state WHERE state = 'pending'", state=state)


async def test_the_link_goes_to_the_new_address_and_the_mail_with_the_old_one_is_not_sent(
    apply: Apply, corrected: Any, database: Database
) -> None:
    await apply(BOOKED)
    await corrected()
    assert await mails(database) == [
        ("confirmation", "dropped", "amelie@example.org"),
        ("confirmation", "pending", RIGHT),
    ]


async def test_heard_twice_it_is_written_once(apply: Apply, database: Database) -> None:
    await apply(BOOKED)
    assert await apply(CHANGED)
    assert not await apply(CHANGED)
    assert len([state for _, state, _ in await mails(database) if state == "pending"]) == 1


async def test_reminders_and_all_that_follows_go_there_whatever_others_still_say(
    apply: Apply, corrected: Any, database: Database, samples: Mapping[str, Any]
) -> None:
    await apply(BOOKED)
    await corrected(phone="+491712345678")
    async with database.transaction() as tx:
        assert len(await tx.rows("SELECT 1 FROM reminder")) == 2
        (row,) = await tx.rows("SELECT phone FROM ours.recipient")
    assert row["phone"] == "+491712345678"
    for subject in (DONE, PAID, "payment.refunded.v1", "booking.cancelled.v1"):  # with the address that they knew
        await apply(subject)
    assert await waiting_for(database) == {RIGHT}


async def test_in_whatever_order_the_newest_link_decides_where_to_write(
    apply: Apply, corrected: Any, database: Database, samples: Mapping[str, Any]
) -> None:
    newest = citizen_of(samples).model_copy(update={"email": RIGHT})
    told: list[Callable[[Any], Awaitable[bool]]] = [
        lambda id_: apply(BOOKED, appointment_id=id_),
        lambda id_: corrected("first@example.org", 2, appointment_id=id_),
        lambda id_: corrected(RIGHT, 3, appointment_id=id_),
        lambda id_: apply(MOVED, appointment_id=id_, link_generation=4, citizen=newest),
    ]
    for order in permutations(range(4)):
        appointment_id = uuid4()
        for index in order:
            await told[index](appointment_id)
        await apply(PAID, appointment_id=appointment_id)
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT kind, recipient FROM ours.message"
                " WHERE appointment_id = :id AND state = 'pending' ORDER BY kind",
                id=appointment_id,
            )
        assert [(row["kind"], row["recipient"]) for row in rows] == [("receipt", RIGHT), ("rescheduled", RIGHT)], order


async def test_during_the_call_the_link_stays_and_the_address_is_the_new_one(
    apply: Apply, corrected: Any, database: Database
) -> None:
    await apply(BOOKED)
    await went_out(database, "failed")
    await corrected(generation=1, changed_by="office")
    await apply(DONE)
    assert ("confirmation", "pending", RIGHT) in await mails(database)
    assert await waiting_for(database) == {RIGHT}


async def test_after_the_end_what_went_astray_goes_out_once_more_and_no_link_to_an_appointment_that_is_over(
    apply: Apply, corrected: Any, database: Database
) -> None:
    await apply(BOOKED)
    await apply(DONE)
    await apply(PAID)
    await went_out(database)
    for _ in range(2):
        await corrected(changed_by="office")
    pending = [kind for kind, state, recipient in await mails(database) if (state, recipient) == ("pending", RIGHT)]
    assert pending == ["completion", "receipt"]


async def test_when_the_link_alone_is_renewed_nothing_comes_twice_and_what_waits_has_the_new_one(
    apply: Apply, corrected: Any, database: Database
) -> None:
    await apply(BOOKED)
    await apply(DONE)
    await went_out(database)
    await apply(PAID)
    await corrected("amelie@example.org", changed_by="office", link_token="new.link.token")
    assert await links(database) == [("receipt", "new.link.token")]
    await went_out(database)
    await corrected("amelie@example.org", 3, changed_by="office", link_token="a.third.link")
    assert await links(database) == [("link", "a.third.link")]


@pytest.mark.parametrize("end", ["casework.case_aborted.v1", "booking.no_show.v1"])
async def test_when_nothing_else_brings_it_the_link_is_written_by_itself(
    apply: Apply, corrected: Any, database: Database, end: str
) -> None:
    await apply(BOOKED)
    await apply(end)
    await went_out(database)
    for _ in range(2):
        await corrected(changed_by="office", link_token="new.link.token")
    assert ("link", "new.link.token") in await links(database)
    assert await waiting_for(database) == {RIGHT}


async def test_of_an_appointment_that_is_long_over_nothing_is_confirmed(
    apply: Apply, corrected: Any, database: Database, clock: Any, samples: Mapping[str, Any]
) -> None:
    await apply(BOOKED)
    await went_out(database)
    clock.now = citizen_event(samples).ends_at + timedelta(hours=1)
    await corrected(changed_by="office")
    assert [kind for kind, state, _ in await mails(database) if state == "pending"] == ["confirmation"], "it runs late"
    await went_out(database)
    clock.now += timedelta(hours=1)
    await corrected(generation=3, changed_by="office")
    assert [kind for kind, state, _ in await mails(database) if state == "pending"] == ["link"]


async def test_of_a_cancelled_appointment_no_link_is_written(apply: Apply, corrected: Any, database: Database) -> None:
    await apply(BOOKED)
    await apply("booking.cancelled.v1")
    await went_out(database)
    await corrected(changed_by="office")
    assert [kind for kind, state, _ in await mails(database) if state == "pending"] == ["cancellation"]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_of_two_corrections_under_one_link_the_later_one_holds(
    apply: Apply, corrected: Any, database: Database, order: tuple[int, int]
) -> None:
    await apply(BOOKED)
    await went_out(database)
    for revision in order:
        email, phone = (RIGHT, "+491711111111") if revision == 2 else ("typo@example.org", None)
        await corrected(email, 1, changed_by="office", revision=revision, phone=phone)
    await apply(PAID)
    assert ("receipt", "pending", RIGHT) in await mails(database)
    async with database.transaction() as tx:
        (known,) = await tx.rows("SELECT phone FROM ours.recipient")
    assert known["phone"] == "+491711111111"


async def test_what_is_just_being_sent_elsewhere_is_written_once_more_and_not_tried_again(
    apply: Apply, corrected: Any, database: Database, clock: Any
) -> None:
    await apply(BOOKED)
    await apply(DONE)
    await went_out(database)
    await apply(PAID)
    (on_the_wire,) = await usecases.claim_due(database, clock())
    await corrected(changed_by="office")
    await usecases.settle_trouble(database, on_the_wire, Trouble.UNREACHABLE, clock())
    assert [mail for mail in await mails(database) if mail[0] == "receipt"] == [
        ("receipt", "dropped", on_the_wire.recipient),
        ("receipt", "pending", RIGHT),
    ]


async def test_of_an_offer_whose_link_alone_is_renewed_only_the_good_one_is_sent(
    apply: Apply, corrected: Any, database: Database, samples: Mapping[str, Any], clock: Any
) -> None:
    await apply(BOOKED)
    offer = {"appointment_id": samples[BOOKED][1].appointment_id, "expires_at": clock() + timedelta(hours=1)}
    await apply(OFFERED, **offer, link_generation=1, offer_token="strayed")
    await corrected("amelie@example.org", phone="+491712345678")
    await apply(OFFERED, **offer, link_generation=2, offer_token="good")
    async with database.transaction() as tx:
        rows = await tx.rows("SELECT context FROM ours.message WHERE kind = 'slot_offer' AND state = 'pending'")
    assert [row["context"]["offer_token"] for row in rows] == ["good"]


async def test_the_same_address_again_repeats_nothing_but_the_link(
    apply: Apply, corrected: Any, database: Database
) -> None:
    await apply(BOOKED)
    await apply("payment.refunded.v1")
    await went_out(database)
    await corrected("Amelie@example.org")
    assert [kind for kind, state, _ in await mails(database) if state == "pending"] == ["confirmation"]


async def test_an_offer_is_sent_with_its_new_link_alone_whichever_comes_first(
    apply: Apply, corrected: Any, database: Database, samples: Mapping[str, Any], clock: Any
) -> None:
    right = citizen_of(samples).model_copy(update={"email": RIGHT})
    soon = clock() + timedelta(hours=1)
    told: list[Callable[[Any], Awaitable[bool]]] = [
        lambda id_: apply(OFFERED, appointment_id=id_, link_generation=1, expires_at=soon),
        lambda id_: corrected(RIGHT, 2, appointment_id=id_),
        lambda id_: apply(OFFERED, appointment_id=id_, link_generation=2, citizen=right, expires_at=soon),
    ]
    for order in permutations(range(3)):
        appointment_id = uuid4()
        await apply(BOOKED, appointment_id=appointment_id)
        for index in order:
            await told[index](appointment_id)
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT recipient FROM ours.message WHERE appointment_id = :id AND kind = 'slot_offer'"
                " AND state = 'pending'",
                id=appointment_id,
            )
        assert [row["recipient"] for row in rows] == [RIGHT], order


async def test_who_is_forgotten_is_not_written_to(apply: Apply, corrected: Any, database: Database) -> None:
    await apply("booking.erased.v1")
    await corrected()
    assert await mails(database) == []


async def test_a_lost_confirmation_is_told_lost_no_more(
    apply: Apply, corrected: Any, database: Database, clock: Any
) -> None:
    await apply(BOOKED)
    (lost,) = await usecases.claim_due(database, clock())
    await usecases.settle_trouble(database, lost, Trouble.INVALID_ADDRESS, clock())
    await corrected()
    (fresh,) = await usecases.claim_due(database, clock())
    assert (fresh.recipient, fresh.kind) == (RIGHT, "confirmation")
    assert fresh.id != lost.id


@pytest.mark.parametrize(
    ("language", "plain", "says"),
    [
        ("de", False, "an diese E-Mail-Adresse"),
        ("en", False, "at this e-mail address"),
        ("de", True, "Nehmen Sie nur den Link aus dieser E-Mail"),
        ("en", True, "Use only the link in this e-mail"),
    ],
)
async def test_the_mail_says_why_it_comes_and_carries_the_entry_that_calendars_know(
    apply: Apply,
    corrected: Any,
    database: Database,
    clock: Any,
    offices: Mapping[str, Office],
    language: Any,
    plain: bool,
    says: str,
) -> None:
    await apply(BOOKED)
    (first,) = await usecases.claim_due(database, clock())
    await corrected()
    (second,) = await usecases.claim_due(database, clock())
    composer = Composer(offices, load_catalogue(), public_origin="https://s.example", sender="noreply@s.example")

    def entry(message: Any) -> str:
        mail = composer.compose(message).read()
        return next(str(part.get_content()) for part in mail.iter_attachments()).replace("\r\n", "\n")

    def line(text: str, name: str) -> str:
        return next(each for each in text.split("\n") if each.startswith(name))

    assert line(entry(first), "UID") == line(entry(second), "UID")
    assert [line(entry(each), "SEQUENCE") for each in (first, second)] == ["SEQUENCE:0", "SEQUENCE:1"]
    body = composer.compose(replace(second, language=language, plain_language=plain)).read().get_body(("plain",))
    assert body is not None
    assert says in " ".join(str(body.get_content()).split())
