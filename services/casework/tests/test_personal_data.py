"""What the registry says is what happens: of an unfinished case nothing is left that names or describes the citizen."""

from typing import Any
from uuid import uuid4

from personal import cells, holding, left, unfilled

from casework.personal_data import REGISTRY
from contracts import signaling
from contracts.booking import BookingCancelled, BookingErased, CitizenContact
from contracts.casework import CaseAborted
from contracts.payment import PaymentAuthorised

PERSON = CitizenContact(
    name="Ottilie Planted",
    email="ottilie@planted.example",
    language="de",
    time_zone="Asia/Kathmandu",
    phone="+496221580123",
)
#: What is written down of a person and nowhere else in these tests.
WORDS = (
    "Ottilie Planted",
    "planted.example",
    "Kathmandu",
    "+496221580123",
    "Plantedstein",
    "Plantedweg",
    "planted note",
)


def erased(event: Any, clock: Any) -> BookingErased:
    return BookingErased(office=event.office, appointment_id=event.appointment_id, erased_at=clock())


async def filled(begin: Any, clock: Any) -> Any:
    """A case in which everything was done but paying."""
    call = await begin(citizen=PERSON, needs=("interpreter",))
    who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id}
    found = {"outcome": "good", "rtt_ms": 80, "camera": True, "microphone": True, "network": True, "at": clock()}
    await call.world.deliver(signaling.CheckFinished(**who, **found))
    await call.world.deliver(signaling.ParticipantWaiting(**who, role="citizen", since=clock()))
    assert (await call.identify(note="a planted note")).status_code == 200
    values = {**call.values("fuehrungszeugnis"), "birth_place": "Plantedstein", "address": "Plantedweg 1\n51147 Köln"}
    saved = await call.save(values)
    assert (await call.confirm(saved)).status_code == 200
    assert (await call.sign(saved)).status_code == 200
    return call


async def test_after_erasing_nothing_of_the_citizen_is_left_anywhere(begin: Any, world: Any, clock: Any) -> None:
    call = await filled(begin, clock)
    url, about = world.database.url, call.booked.appointment_id
    before = await cells(url, REGISTRY, about)
    tables = ("case_file", "person", "identity_check", "application_content", "signature")
    # It was filled in without a mistake.
    assert unfilled(REGISTRY, before, tables) == ["application_content.errors"]
    await world.deliver(erased(call.booked, clock))
    # It comes late, and was told before.
    who = {"office": call.booked.office, "appointment_id": about}
    clock.advance(seconds=1)
    await world.deliver(signaling.ParticipantWaiting(**who, role="citizen", since=clock()))
    assert left(REGISTRY, before, await cells(url, REGISTRY, about)) == []
    assert await holding(url, WORDS) == []


async def test_of_a_completed_case_all_is_kept_and_the_trail_names_nobody(begin: Any, world: Any, clock: Any) -> None:
    call = await filled(begin, clock)
    await call.act("payment-request")
    await call.paid(PaymentAuthorised)
    assert (await call.act("completion")).is_success
    await world.deliver(erased(call.booked, clock))
    found = await holding(world.database.url, WORDS)
    # The event that tells of the completion names whom to write to, and goes with the outbox.
    kept = {"person", "identity_check", "application_content", "outbox"}
    assert {table.partition(":")[0] for table in found} == kept


async def test_who_is_told_of_before_they_have_booked_is_not_kept_for_ever(world: Any, clock: Any) -> None:
    """A booking that never comes: nothing else would ever take the event away."""
    known, _ = await world.open()
    stranger = PERSON.model_copy(update={"name": "Early Bird", "email": "early@bird.example"})
    early = known.model_copy(update={"appointment_id": uuid4(), "citizen": stranger})
    fields = early.model_dump(exclude={"link_token", "channel", "link_generation", "needs"})
    await world.deliver(BookingCancelled(**fields, cancelled_by="citizen"))
    words = ("Early Bird", "early@bird.example")
    assert await holding(world.database.url, words) == [f"parked_event: {word}" for word in words]
    clock.advance(days=45, seconds=1)
    another = early.model_copy(update={"appointment_id": uuid4()})
    await world.deliver(erased(another, clock))
    assert await holding(world.database.url, words) == []


async def test_another_office_forgets_nobody_of_ours(world: Any, clock: Any) -> None:
    known, _ = await world.open()
    early = known.model_copy(update={"appointment_id": uuid4()})
    fields = early.model_dump(exclude={"link_token", "channel", "link_generation", "needs"})
    await world.deliver(BookingCancelled(**fields, cancelled_by="citizen"))
    await world.deliver(erased(early.model_copy(update={"office": "demo"}), clock))
    await world.deliver(BookingCancelled(**fields, cancelled_by="citizen"))
    parked = await world.rows("SELECT subject FROM parked_event WHERE appointment_id = :id", id=early.appointment_id)
    assert sorted(row["subject"] for row in parked) == ["booking.cancelled.v1"] * 2 + ["booking.erased.v1"]


async def test_whoever_is_erased_while_the_clerk_works_gets_their_money_back(
    begin: Any, world: Any, clock: Any
) -> None:
    """Of an appointment that is over booking tells nothing else; what was reserved goes with the case."""
    call = await begin()
    await call.settle()
    assert (await call.act("payment-request")).is_success
    await call.paid(PaymentAuthorised)
    clock.advance(hours=3)
    about, office = call.booked.appointment_id, call.booked.office
    for _ in range(2):
        await world.deliver(BookingErased(office=office, appointment_id=about, erased_at=clock()))
    assert (await world.published(about)).count(CaseAborted.SUBJECT) == 1
