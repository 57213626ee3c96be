"""The bus door: every event has its effect once, in whatever order events arrive."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from casework.consumers import consumers
from chassis.consumer import Poison
from contracts import notify, payment, signaling
from contracts.base import Event, Meta
from contracts.booking import BookedService, BookingCancelled, BookingCompleted
from contracts.topology import CONSUMES

SUBJECTS = [event.SUBJECT for event in CONSUMES["casework"]]


async def case_of(world: Any, appointment_id: UUID) -> Mapping[str, Any]:
    (row,) = await world.rows("SELECT * FROM ours.case_file WHERE appointment_id = :id", id=appointment_id)
    found: Mapping[str, Any] = row
    return found


def cancelled(event: BookingCompleted) -> BookingCancelled:
    shared = event.model_dump(
        include={"office", "appointment_id", "reference", "services", "starts_at", "ends_at", "citizen"}
    )
    return BookingCancelled(**shared, cancelled_by="citizen")


def test_every_event_of_the_topology_has_a_consumer(directory: Any) -> None:
    assert [consumer.event for consumer in consumers(directory)] == list(CONSUMES["casework"])


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_sample_twice_has_one_effect(
    world: Any, samples: Mapping[str, tuple[Meta, Event]], subject: str
) -> None:
    # All samples are of one appointment: each test takes them to an appointment of its own.
    appointment_id = uuid4()

    def mine(of: str) -> tuple[Meta, Event]:
        meta, event = samples[of]
        return (
            meta.model_copy(update={"id": uuid4(), "subject": str(appointment_id)}),
            event.model_copy(update={"appointment_id": appointment_id}),
        )

    if subject != BookingCompleted.SUBJECT:
        meta, event = mine(BookingCompleted.SUBJECT)
        await world.deliver(event, meta)
    meta, event = mine(subject)
    assert await world.deliver(event, meta)
    after = await case_of(world, appointment_id)
    published = await world.published(appointment_id)
    assert not await world.deliver(event, meta)
    assert await case_of(world, appointment_id) == after
    assert await world.published(appointment_id) == published


class TestOpening:
    async def test_a_booking_opens_a_case_with_one_application_per_service(self, world: Any) -> None:
        event, case_id = await world.open(services=["personalausweis", "anmeldung"])
        rows = await world.rows("SELECT service_id FROM application WHERE case_id = :id ORDER BY position", id=case_id)
        assert [row["service_id"] for row in rows] == ["personalausweis", "anmeldung"]
        assert await world.published(event.appointment_id) == ["casework.case_opened.v1"]

    async def test_a_second_event_of_the_same_booking_changes_nothing(self, world: Any) -> None:
        event, case_id = await world.open()
        assert await world.deliver(event)
        assert await world.case_id(event.appointment_id) == case_id
        assert await world.published(event.appointment_id) == ["casework.case_opened.v1"]

    async def test_an_unknown_service_is_poison(self, world: Any) -> None:
        with pytest.raises(Poison, match="unknown service moon-landing"):
            await world.open(services=["moon-landing"])

    async def test_services_keep_their_own_options(self, world: Any) -> None:
        services = (
            BookedService(service_id="fuehrungszeugnis", options={"belegart": "O"}),
            BookedService(service_id="anmeldung"),
        )
        event, case_id = await world.open(services=[])
        assert await world.rows("SELECT 1 FROM application WHERE case_id = :id", id=case_id) == []
        other = event.model_copy(update={"appointment_id": uuid4(), "services": services})
        await world.deliver(other)
        rows = await world.rows(
            "SELECT entries FROM application_content JOIN application USING (application_id)"
            " WHERE case_id = :id ORDER BY position",
            id=await world.case_id(other.appointment_id),
        )
        assert [row["entries"] for row in rows] == [{"belegart": "O", "scope": "national", "exemption": "none"}, {}]


class TestOvertaking:
    async def test_a_cancellation_may_come_first(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        assert await world.deliver(cancelled(late))
        assert await world.rows("SELECT 1 FROM ours.case_file WHERE appointment_id = :id", id=late.appointment_id) == []
        await world.deliver(late)
        assert (await case_of(world, late.appointment_id))["state"] == "cancelled"
        assert await world.rows("SELECT 1 FROM parked_event WHERE appointment_id = :id", id=late.appointment_id) == []

    async def test_what_another_office_said_first_has_no_effect(self, world: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        await world.deliver(cancelled(late).model_copy(update={"office": "demo"}))
        await world.deliver(late)
        assert (await case_of(world, late.appointment_id))["state"] == "open"

    async def test_early_events_are_applied_in_the_order_of_time(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        late = event.model_copy(update={"appointment_id": uuid4()})
        who = {"office": late.office, "appointment_id": late.appointment_id}
        waiting = signaling.ParticipantWaiting(**who, role="citizen", since=clock())
        left = signaling.ParticipantLeft(**who, role="citizen", at=clock() + timedelta(seconds=9))
        await world.deliver(left, Meta.of(left, now=clock() + timedelta(seconds=9)))
        await world.deliver(waiting, Meta.of(waiting, now=clock()))
        await world.deliver(late)
        assert (await case_of(world, late.appointment_id))["presence"] == "absent"


class TestEffects:
    async def test_presence(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        who = {"office": event.office, "appointment_id": event.appointment_id}
        steps: list[tuple[Event, str]] = [
            (signaling.ParticipantWaiting(**who, role="citizen", since=clock()), "waiting"),
            (signaling.ParticipantLeft(**who, role="clerk", at=clock()), "waiting"),
            (signaling.CallStarted(**who, started_at=clock()), "in_call"),
            (signaling.CallEnded(**who, ended_at=clock(), seconds=60), "waiting"),
            (signaling.ParticipantLeft(**who, role="citizen", at=clock()), "absent"),
        ]
        for reported, presence in steps:
            clock.advance(seconds=1)
            await world.deliver(reported)
            assert (await case_of(world, event.appointment_id))["presence"] == presence

    async def test_presence_is_no_news_for_the_room(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        who = {"office": event.office, "appointment_id": event.appointment_id}
        await world.deliver(signaling.ParticipantWaiting(**who, role="citizen", since=clock()))
        assert await world.published(event.appointment_id) == ["casework.case_opened.v1"]

    async def test_a_cancellation_kills_the_link_and_the_case(self, call: Any, world: Any) -> None:
        await world.deliver(cancelled(call.booked))
        gone = await world.client.get("/citizen/case", headers=call.citizen)
        assert (gone.status_code, gone.json()["code"]) == (410, "link_expired")
        closed = await call.act("stage", {"stage": "identity"})
        assert (closed.status_code, closed.json()["code"]) == (409, "case_closed")

    async def test_the_technical_check_shows_in_the_agenda(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id}
        good = signaling.CheckFinished(
            **who, outcome="limited", rtt_ms=80, camera=True, microphone=True, network=True, at=clock()
        )
        await world.deliver(good)
        assert (await call.view())["technical_check"]["outcome"] == "limited"

    async def test_the_mail_with_the_link_is_watched(self, call: Any, world: Any, clock: Any) -> None:
        who = {"office": call.booked.office, "appointment_id": call.booked.appointment_id}
        told = {**who, "cause": uuid4(), "at": clock()}
        await world.deliver(notify.Delivered(**told, kind="confirmation"))
        assert (await call.view())["mail"] == "delivered"
        await world.deliver(notify.Failed(**told, kind="receipt", reason="refused"))
        view = await call.view()
        assert view["mail"] == "delivered"
        assert view["audit"][-1]["action"] == "mail_failed"
        await world.deliver(notify.Failed(**told, kind="confirmation", reason="refused"))
        assert (await call.view())["mail"] == "failed"

    async def test_admitting_assigns(self, world: Any, clock: Any) -> None:
        event, _ = await world.open()
        clerk_id = uuid4()
        admitted = signaling.Admitted(
            office=event.office, appointment_id=event.appointment_id, clerk_id=clerk_id, at=clock()
        )
        await world.deliver(admitted)
        row = await case_of(world, event.appointment_id)
        assert (row["clerk_id"], row["state"]) == (clerk_id, "in_progress")

    async def test_a_failed_payment_can_be_made_good(self, call: Any, clock: Any) -> None:
        await call.settle()
        await call.act("payment-request")
        clock.advance(minutes=1)
        await call.paid(payment.PaymentFailed, reason="declined")
        assert (await call.view())["payment"]["state"] == "failed"
        clock.advance(minutes=1)
        await call.paid(payment.PaymentAuthorised, order_id=UUID(int=6))
        assert (await call.act("completion")).status_code == 200

    async def test_an_event_of_another_office_touches_nothing(self, call: Any, world: Any, clock: Any) -> None:
        foreign = cancelled(call.booked).model_copy(update={"office": "demo"})
        await world.deliver(foreign)
        assert (await call.view())["state"] == "in_progress"
