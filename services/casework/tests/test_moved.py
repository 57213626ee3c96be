"""Appointments that move, are missed or are forgotten: what becomes of their case, in whatever order events arrive."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from casework.cases import audit, store
from contracts import notify, signaling
from contracts.base import Event, Meta
from contracts.booking import (
    BookedService,
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.payment import PaymentAuthorised

CLERK = UUID("7b1f0c52-2f5e-4a35-9b58-5a0c2d9b6e11")
SHARED = {"office", "appointment_id", "reference", "services", "starts_at", "ends_at", "citizen", "needs"}


def moved(event: BookingCompleted, generation: int = 2, days: int = 1, **changes: Any) -> BookingRescheduled:
    """The booking, so many days later."""
    later = timedelta(days=days)
    fields = event.model_dump(include=SHARED) | {
        "starts_at": event.starts_at + later,
        "ends_at": event.ends_at + later,
        "previous_starts_at": event.starts_at,
        "previous_ends_at": event.ends_at,
        "link_token": "not-read-here",
        "link_generation": generation,
        "rescheduled_by": "citizen",
    }
    return BookingRescheduled(**fields | changes)


def readdressed(event: BookingCompleted, generation: int = 2, **changes: Any) -> BookingContactChanged:
    """The booking, with another address."""
    citizen = event.citizen.model_copy(update={"email": "right@example.org", "phone": "+491712345678"})
    fields = event.model_dump(include=SHARED) | {"citizen": citizen, "changed_by": "citizen"}
    return BookingContactChanged(**fields | {"link_token": "not-read-here", "link_generation": generation} | changes)


def missed(event: BookingCompleted, clock: Any) -> BookingNoShow:
    return BookingNoShow(**event.model_dump(include=SHARED - {"needs"}), marked_at=clock())


def resumed(event: BookingCompleted, at: datetime) -> BookingResumed:
    fields = event.model_dump(include={"office", "appointment_id", "reference", "starts_at", "ends_at"})
    return BookingResumed(**fields, link_generation=1, resumed_at=at)


def erased(event: BookingCompleted, clock: Any) -> BookingErased:
    return BookingErased(office=event.office, appointment_id=event.appointment_id, erased_at=clock())


def by_clerk(event: Event, clock: Any) -> Meta:
    return Meta.of(event, now=clock(), actor=f"clerk:{CLERK}")


async def case_of(world: Any, appointment_id: UUID) -> Mapping[str, Any]:
    (row,) = await world.rows("SELECT * FROM ours.case_file WHERE appointment_id = :id", id=appointment_id)
    found: Mapping[str, Any] = row
    return found


async def last_entry(call: Any) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = (await call.view())["audit"][-1]
    return entry


class TestMoved:
    async def test_the_case_is_on_the_agenda_of_the_new_day_and_nobody_has_it(self, call: Any, world: Any) -> None:
        await world.deliver(moved(call.booked))
        assert (await call.get("/agenda?date=2026-11-24"))["cases"] == []
        (line,) = [
            each
            for each in (await call.get("/agenda?date=2026-11-25"))["cases"]
            if each["appointment_id"] == str(call.booked.appointment_id)
        ]
        assert (line["state"], line["clerk"], line["mail"], line["presence"]) == ("open", None, "pending", "absent")

    async def test_the_old_link_is_dead_and_the_new_one_good(self, call: Any, world: Any) -> None:
        await world.deliver(moved(call.booked))
        old = await world.client.get("/citizen/case", headers=call.citizen)
        assert (old.status_code, old.json()["code"]) == (410, "link_expired")
        await call.get("/citizen/case", world.citizen(call.booked, generation=2))

    async def test_the_trail_says_who_moved_it_from_when_to_when(self, call: Any, world: Any, clock: Any) -> None:
        event = moved(call.booked, rescheduled_by="office")
        await world.deliver(event, by_clerk(event, clock))
        entry = await last_entry(call)
        assert (entry["action"], entry["actor"]) == ("appointment_moved", f"clerk:{CLERK}")
        assert entry["detail"] == {"by": "office", "before": "2026-11-24T08:00:00Z", "after": "2026-11-25T08:00:00Z"}

    async def test_what_was_done_before_the_move_stays(self, call: Any, world: Any) -> None:
        await call.settle()
        await world.deliver(moved(call.booked))
        (application,) = (await call.view())["applications"]
        assert application["signed_at"]
        assert (await call.act("assignment")).status_code == 200

    async def test_contact_and_needs_are_the_newest(self, call: Any, world: Any) -> None:
        citizen = call.booked.citizen.model_copy(update={"name": "Ayşe Kaya", "phone": "+4962211234567"})
        await world.deliver(moved(call.booked, citizen=citizen, needs=("sign_language_interpreter",)))
        view = await call.view()
        assert (view["citizen_name"], view["phone"]) == ("Ayşe Kaya", "+4962211234567")
        assert view["needs"] == ["sign_language_interpreter"]

    async def test_an_older_move_never_wins(self, world: Any) -> None:
        event, _ = await world.open()
        await world.deliver(moved(event, generation=3, days=3))
        await world.deliver(moved(event, generation=2, days=2))
        row = await case_of(world, event.appointment_id)
        assert (row["link_generation"], row["starts_at"]) == (3, event.starts_at + timedelta(days=3))

    async def test_a_move_may_come_before_its_booking(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        for generation in (3, 2):
            await world.deliver(moved(late, generation=generation, days=generation))
        await world.deliver(late)
        row = await case_of(world, late.appointment_id)
        assert (row["link_generation"], row["starts_at"]) == (3, late.starts_at + timedelta(days=3))

    async def test_a_finished_case_stays_finished_under_its_new_link(self, call: Any, world: Any) -> None:
        await call.settle()
        await call.act("payment-request")
        await call.paid(PaymentAuthorised)
        await call.act("completion")
        await world.deliver(moved(call.booked))
        assert (await call.get("/citizen/case", world.citizen(call.booked, generation=2)))["state"] == "completed"

    async def test_a_cancelled_appointment_is_not_brought_back(self, world: Any) -> None:
        event, _ = await world.open()
        fields = event.model_dump(include=SHARED - {"needs"})
        await world.deliver(BookingCancelled(**fields, cancelled_by="citizen"))
        await world.deliver(moved(event))
        assert (await case_of(world, event.appointment_id))["state"] == "cancelled"

    async def test_only_the_mail_with_the_new_link_counts(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id, "cause": uuid4()}
        before = clock()
        clock.advance(minutes=1)
        await world.deliver(moved(call.booked))
        await world.deliver(notify.Delivered(**who, kind="confirmation", at=before))
        await world.deliver(notify.Delivered(**who, kind="rescheduled", at=before))
        assert (await call.view())["mail"] == "pending"
        await world.deliver(notify.Delivered(**who, kind="rescheduled", at=clock() + timedelta(seconds=1)))
        assert (await call.view())["mail"] == "delivered"


class TestReaddressed:
    async def test_the_case_stays_as_it_is_and_only_the_new_link_is_good(self, call: Any, world: Any) -> None:
        before = await call.view()
        event = readdressed(call.booked)
        meta = Meta.of(event, now=before["audit"][-1]["at"], actor="citizen")
        for _ in range(2):
            await world.deliver(event, meta)
        after = await call.view()
        assert (after["state"], after["stage"], after["starts_at"]) == tuple(
            before[name] for name in ("state", "stage", "starts_at")
        )
        assert after["phone"] == "+491712345678"
        assert [entry["action"] for entry in after["audit"]].count("contact_changed") == 1
        assert "right@" not in str(after["audit"])
        old = await world.client.get("/citizen/case", headers=call.citizen)
        assert (old.status_code, old.json()["code"]) == (410, "link_expired")
        await call.get("/citizen/case", world.citizen(call.booked, generation=2))

    async def test_that_the_mail_was_lost_is_not_said_any_more(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id, "kind": "confirmation"}
        await world.deliver(notify.Failed(**who, cause=uuid4(), at=clock(), reason="invalid_address"))
        assert (await call.view())["mail"] == "failed"
        clock.advance(minutes=1)
        await world.deliver(readdressed(call.booked))
        assert (await call.view())["mail"] == "pending"
        await world.deliver(notify.Delivered(**who, cause=uuid4(), at=clock() + timedelta(seconds=1)))
        assert (await call.view())["mail"] == "delivered"

    async def test_in_the_call_the_link_stays_and_the_address_is_the_new_one(self, call: Any, world: Any) -> None:
        await world.deliver(readdressed(call.booked, generation=1, changed_by="office"))
        await call.get("/citizen/case", call.citizen)
        assert (await call.view())["phone"] == "+491712345678"

    async def test_of_two_corrections_in_the_call_the_later_one_holds(self, call: Any, world: Any) -> None:
        wrong = call.booked.citizen.model_copy(update={"phone": "+491700000000"})
        await world.deliver(readdressed(call.booked, generation=1, revision=2))
        await world.deliver(readdressed(call.booked, generation=1, revision=1, citizen=wrong))
        assert (await call.view())["phone"] == "+491712345678"

    async def test_with_moves_and_its_booking_in_whatever_order_it_leads_to_one_case(self, world: Any) -> None:
        first, _ = await world.open()
        for order in permutations(range(4)):
            event = first.model_copy(update={"appointment_id": uuid4()})
            later = {"starts_at": event.starts_at + timedelta(days=2), "ends_at": event.ends_at + timedelta(days=2)}
            told = [event, readdressed(event, 2), moved(event, 3, 2), readdressed(event, 4, **later)]
            for index in order:
                await world.deliver(told[index])
            row = await case_of(world, event.appointment_id)
            people = await world.rows("SELECT email FROM person WHERE case_id = :id", id=row["case_id"])
            assert (row["link_generation"], row["starts_at"], people[0]["email"]) == (
                4,
                event.starts_at + timedelta(days=2),
                "right@example.org",
            ), order


class TestMissed:
    async def test_the_case_is_aborted_by_whoever_marked_it_and_everybody_is_told(
        self, call: Any, world: Any, clock: Any
    ) -> None:
        event = missed(call.booked, clock)
        await world.deliver(event, by_clerk(event, clock))
        view = await call.view()
        assert (view["state"], view["abort_reason"]) == ("aborted", "citizen_absent")
        entry = view["audit"][-1]
        assert (entry["actor"], entry["detail"]) == (f"clerk:{CLERK}", {"reason": "citizen_absent"})
        assert (await world.published(call.booked.appointment_id)).count("casework.case_aborted.v1") == 1

    async def test_what_the_clerk_has_aborted_is_not_aborted_again(self, call: Any, world: Any, clock: Any) -> None:
        await call.act("abortion", {"reason": "citizen_absent"})
        await world.deliver(missed(call.booked, clock))
        assert (await world.published(call.booked.appointment_id)).count("casework.case_aborted.v1") == 1

    async def test_a_completed_case_was_not_missed(self, call: Any, world: Any, clock: Any) -> None:
        await call.settle()
        await call.act("payment-request")
        await call.paid(PaymentAuthorised)
        await call.act("completion")
        await world.deliver(missed(call.booked, clock))
        assert (await call.view())["state"] == "completed"
        assert "casework.case_aborted.v1" not in await world.published(call.booked.appointment_id)

    async def test_whoever_is_in_the_call_has_come_after_all(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id}
        await world.deliver(signaling.CallStarted(**who, started_at=clock()))
        refused = await call.act("abortion", {"reason": "citizen_absent"})
        assert (refused.status_code, refused.json()["code"]) == (409, "citizen_here")
        await world.deliver(missed(call.booked, clock))
        assert (await call.view())["state"] == "in_progress"
        assert "casework.case_aborted.v1" not in await world.published(call.booked.appointment_id)

    async def test_it_may_come_before_its_booking(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        await world.deliver(missed(late, clock))
        await world.deliver(late)
        assert (await case_of(world, late.appointment_id))["state"] == "aborted"
        assert (await world.published(late.appointment_id))[-1] == "casework.case_aborted.v1"


PERSONAL = ("Ayşe", "Öztürk", "ayse@", "1984-", "August 1984", "Heidestra", "+49622")
KEPT_FROM = ("case_file", "person", "identity_check", "application", "application_content", "signature", "parked_event")


async def everything(world: Any) -> str:
    """All that casework's tables hold of people, as text."""
    return str([await world.rows(f"SELECT * FROM {table}") for table in KEPT_FROM])  # noqa: S608 - our own tables


class TestForgotten:
    @pytest.fixture(autouse=True)
    async def empty(self, world: Any) -> None:
        await world.rows("TRUNCATE signature, application_content, identity_check, person, parked_event")

    async def test_of_an_unfinished_case_a_skeleton_remains(self, begin: Any, world: Any, clock: Any) -> None:
        call = await begin(needs=("interpreter",))
        await call.settle()
        assert "Öztürk" in await everything(world)
        await world.deliver(erased(call.booked, clock))
        stored = await everything(world)
        assert [word for word in PERSONAL if word in stored] == []
        view = await call.view()
        assert (view["state"], view["needs"]) == ("cancelled", [])
        assert [view[key] for key in ("citizen_name", "phone", "email")] == [None, None, None]
        assert (view["identity_check"], view["applications"][0]["values"]) == (None, {})
        assert [entry["action"] for entry in view["audit"][-2:]] == ["appointment_cancelled", "data_erased"]
        assert await call.get("/agenda")

    async def test_an_aborted_case_stays_aborted(self, call: Any, world: Any, clock: Any) -> None:
        await call.act("abortion", {"reason": "technical"})
        await world.deliver(erased(call.booked, clock))
        view = await call.view()
        assert (view["state"], view["citizen_name"]) == ("aborted", None)

    async def test_the_trail_is_still_sound_and_cannot_be_forgotten(self, call: Any, world: Any, clock: Any) -> None:
        await call.settle()
        await world.deliver(erased(call.booked, clock))
        async with world.database.transaction() as tx:
            trail = await store.trail(tx, call.case_id)
            length, head = await store.audit_end(tx, call.case_id)
        assert audit.first_broken(call.case_id, trail, length, head) is None

    async def test_a_completed_case_is_kept_as_the_law_says_and_its_link_is_dead(
        self, call: Any, world: Any, clock: Any
    ) -> None:
        await call.settle()
        await call.act("payment-request")
        await call.paid(PaymentAuthorised)
        await call.act("completion")
        await world.deliver(erased(call.booked, clock))
        view = await call.view()
        assert (view["state"], view["citizen_name"]) == ("completed", "Ayşe Öztürk")
        assert view["applications"][0]["document"]
        assert (view["audit"][-1]["action"], view["audit"][-1]["detail"]) == (
            "erasure_deferred",
            {"ground": "GDPR Art. 17 (3) b"},
        )
        assert (await world.client.get("/citizen/case", headers=call.citizen)).status_code == 410

    async def test_asking_twice_is_noted_once(self, call: Any, world: Any, clock: Any) -> None:
        for _ in range(2):
            await world.deliver(erased(call.booked, clock))
        actions = [entry["action"] for entry in (await call.view())["audit"]]
        assert actions.count("data_erased") == 1

    async def test_what_still_arrives_brings_nothing_back(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id}
        good = {"outcome": "good", "rtt_ms": 80, "camera": True, "microphone": True, "network": True, "at": clock()}
        await world.deliver(erased(call.booked, clock))
        await world.deliver(moved(call.booked, generation=9))
        await world.deliver(signaling.CheckFinished(**who, **good))
        stored = await everything(world)
        assert [word for word in PERSONAL if word in stored] == []
        assert (await call.view())["technical_check"] is None

    async def test_it_may_come_first_and_then_nothing_else_is_parked(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        await world.deliver(moved(late, generation=2))
        await world.deliver(erased(late, clock))
        await world.deliver(moved(late, generation=3))
        parked = await world.rows("SELECT subject FROM parked_event WHERE appointment_id = :id", id=late.appointment_id)
        assert [row["subject"] for row in parked] == ["booking.erased.v1"]
        await world.deliver(late)
        assert (await case_of(world, late.appointment_id))["state"] == "cancelled"
        case_id = await world.case_id(late.appointment_id)
        assert await world.rows("SELECT 1 FROM person WHERE case_id = :id", id=case_id) == []


def ended(kind: str, event: BookingCompleted, clock: Any) -> Event:
    if kind == "cancelled":
        return BookingCancelled(**event.model_dump(include=SHARED - {"needs"}), cancelled_by="citizen")
    return missed(event, clock) if kind == "missed" else erased(event, clock)


class TestAnyOrder:
    @pytest.mark.parametrize(("kind", "state"), [("cancelled", "cancelled"), ("missed", "aborted")])
    async def test_booking_moves_and_end_lead_to_one_case_whichever_comes_first(
        self, world: Any, clock: Any, kind: str, state: str
    ) -> None:
        first, _ = await world.open()
        for order in permutations(range(4)):
            event = first.model_copy(update={"appointment_id": uuid4()})
            told = [event, moved(event, 2, 2), moved(event, 3, 3), ended(kind, event, clock)]
            for index in order:
                await world.deliver(told[index])
            row = await case_of(world, event.appointment_id)
            assert (row["state"], row["link_generation"], row["starts_at"]) == (
                state,
                3,
                event.starts_at + timedelta(days=3),
            ), order
            subjects = await world.published(event.appointment_id)
            assert subjects.count("casework.case_aborted.v1") == (kind == "missed"), order

    async def test_who_is_to_be_forgotten_is_forgotten_whatever_comes_before_or_after(
        self, world: Any, clock: Any
    ) -> None:
        first, _ = await world.open()
        for order in permutations(range(4)):
            event = first.model_copy(update={"appointment_id": uuid4()})
            told = [event, moved(event, 2, 2), ended("cancelled", event, clock), ended("erased", event, clock)]
            for index in order:
                await world.deliver(told[index])
            row = await case_of(world, event.appointment_id)
            people = await world.rows("SELECT 1 FROM person WHERE case_id = :id", id=row["case_id"])
            parked = await world.rows("SELECT 1 FROM parked_event WHERE appointment_id = :id", id=event.appointment_id)
            assert (row["state"], people, parked) == ("cancelled", [], []), order

    async def test_events_at_the_same_moment_do_not_lose_one_another(self, world: Any, clock: Any) -> None:
        first, _ = await world.open()
        for _ in range(5):
            event = first.model_copy(update={"appointment_id": uuid4()})
            told = [event, moved(event, 2, 2), moved(event, 3, 3), ended("missed", event, clock)]
            await asyncio.gather(*(world.deliver(one) for one in told))
            row = await case_of(world, event.appointment_id)
            assert (row["state"], row["link_generation"]) == ("aborted", 3)


class TestOffers:
    @pytest.mark.parametrize("kind", ["waiting_list", "slot_offer"])
    @pytest.mark.parametrize("outcome", [notify.Delivered, notify.Failed])
    async def test_a_mail_to_somebody_without_an_appointment_is_not_waited_for(
        self, world: Any, clock: Any, outcome: type[Event], kind: str
    ) -> None:
        told: dict[str, Any] = {"office": "heidelberg", "appointment_id": uuid4(), "cause": uuid4(), "at": clock()}
        reason = {"reason": "refused"} if outcome is notify.Failed else {}
        await world.deliver(outcome(**told, kind=kind, **reason))
        parked = await world.rows("SELECT 1 FROM parked_event WHERE appointment_id = :id", id=told["appointment_id"])
        assert parked == []

    async def test_one_to_somebody_with_an_appointment_says_nothing_of_the_mail_with_the_link(
        self, call: Any, world: Any, clock: Any
    ) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id, "cause": uuid4()}
        await world.deliver(notify.Failed(**who, kind="slot_offer", at=clock(), reason="refused"))
        view = await call.view()
        assert (view["mail"], view["audit"][-1]["detail"]) == ("pending", {"kind": "slot_offer"})


async def test_the_applications_stay_when_the_appointment_moves(world: Any) -> None:
    services = (BookedService(service_id="anmeldung"), BookedService(service_id="fuehrungszeugnis"))
    event, case_id = await world.open(services=[])
    other = event.model_copy(update={"appointment_id": uuid4(), "services": services})
    await world.deliver(other)
    await world.deliver(moved(other))
    case_id = await world.case_id(other.appointment_id)
    rows = await world.rows("SELECT service_id FROM application WHERE case_id = :id ORDER BY position", id=case_id)
    assert [row["service_id"] for row in rows] == ["anmeldung", "fuehrungszeugnis"]


class TestCameAfterAll:
    @pytest.mark.parametrize("by", ["booking", "clerk"])
    async def test_the_case_goes_on_with_whoever_had_it(self, call: Any, world: Any, clock: Any, by: str) -> None:
        await call.act("assignment")
        if by == "booking":
            await world.deliver(missed(call.booked, clock))
        else:
            await call.act("abortion", {"reason": "citizen_absent"})
        clock.advance(minutes=2)
        event = resumed(call.booked, clock())
        for _ in range(2):
            await world.deliver(event, by_clerk(event, clock))
        view = await call.view()
        assert (view["state"], view["stage"], view["abort_reason"]) == ("in_progress", "talk", None)
        assert [entry["action"] for entry in view["audit"]].count("case_resumed") == 1
        assert view["audit"][-1]["actor"] == f"clerk:{CLERK}"

    async def test_what_was_asked_for_is_asked_for_anew(self, call: Any, world: Any, clock: Any) -> None:
        await call.settle()
        await world.deliver(missed(call.booked, clock))
        await world.deliver(resumed(call.booked, clock() + timedelta(minutes=2)))
        assert (await call.view())["payment"]["state"] == "none"

    async def test_in_whatever_order_it_is_told_the_latest_word_holds(self, world: Any, clock: Any) -> None:
        first, _ = await world.open()
        for last, state in (("resumed", "open"), ("missed", "aborted")):
            for order in permutations(range(3 if last == "resumed" else 4)):
                event = first.model_copy(update={"appointment_id": uuid4()})
                again = missed(event, clock).model_copy(update={"marked_at": clock() + timedelta(minutes=9)})
                told = [event, missed(event, clock), resumed(event, clock() + timedelta(minutes=2)), again]
                for index in order:
                    await world.deliver(told[index])
                assert (await case_of(world, event.appointment_id))["state"] == state, (last, order)

    async def test_nothing_comes_back_that_ended_otherwise(self, call: Any, world: Any, clock: Any) -> None:
        await call.act("assignment")
        await call.act("abortion", {"reason": "technical"})
        await world.deliver(resumed(call.booked, clock()))
        assert (await call.view())["state"] == "aborted"

    async def test_who_was_never_missing_does_not_come_back(self, call: Any, world: Any, clock: Any) -> None:
        await call.act("assignment")
        await world.deliver(resumed(call.booked, clock()))
        view = await call.view()
        assert (view["state"], [entry["action"] for entry in view["audit"]].count("case_resumed")) == ("in_progress", 0)

    async def test_who_came_in_the_same_moment_has_come(self, call: Any, world: Any, clock: Any) -> None:
        event = missed(call.booked, clock)
        await world.deliver(event)
        await world.deliver(resumed(call.booked, event.marked_at))
        assert (await call.view())["state"] == "in_progress"

    async def test_of_who_is_forgotten_nothing_comes_back(self, call: Any, world: Any, clock: Any) -> None:
        await world.deliver(missed(call.booked, clock))
        await world.deliver(erased(call.booked, clock))
        await world.deliver(resumed(call.booked, clock() + timedelta(minutes=2)))
        row = await case_of(world, call.booked.appointment_id)
        assert (row["state"], row["erasure_requested_at"] is not None) == ("aborted", True)
