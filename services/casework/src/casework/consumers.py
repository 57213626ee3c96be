"""The bus door: what other services report, applied to the case of the appointment.

Every subject has its own consumer, so that events overtake each other. One that arrives before its booking is parked
and applied when the case opens; an appointment's events are serialised by a lock, so that none slips in between.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from casework.applications.form import draft, prefilled
from casework.applications.model import Application
from casework.cases import store
from casework.cases.model import SYSTEM, Case, Fact, Person
from casework.cases.payment import Payment
from casework.cases.usecases import changing
from casework.directory import Directory
from casework.tables import ParkedEvent
from chassis.consumer import Consumer, Poison
from chassis.database import Transaction
from contracts import notify, payment, signaling
from contracts.base import Event, Meta
from contracts.booking import BookedService, BookingCancelled, BookingCompleted
from contracts.casework import CaseOpened
from contracts.ids import CaseId
from contracts.topology import CONSUMES, EVENTS


def consumers(directory: Directory) -> Sequence[Consumer[Any]]:
    """All consumers of this service, as the topology lists them."""

    async def completed(tx: Transaction, event: BookingCompleted, meta: Meta) -> None:
        await open_case(tx, directory, event, meta)

    return [
        Consumer(event, completed) if event is BookingCompleted else Consumer(event, report)
        for event in CONSUMES["casework"]
    ]


async def open_case(tx: Transaction, directory: Directory, event: BookingCompleted, meta: Meta) -> None:
    """Open the case of a booked appointment, with one application per service, and apply what arrived too early.

    Raises Poison for a service that the catalogue does not have. A case that exists stays as it is.
    """
    await _serialise(tx, event)
    if await store.of_event(tx, event) is not None:
        return
    if unknown := [booked.service_id for booked in event.services if booked.service_id not in directory.catalogue]:
        raise Poison(f"unknown service {unknown[0]}")
    case = Case(
        case_id=uuid4(),
        office=event.office,
        appointment_id=event.appointment_id,
        reference=event.reference,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        language=event.citizen.language,
        link_generation=event.link_generation,
        person=Person(event.citizen.name, event.citizen.email, event.citizen.time_zone),
        applications=[_application(directory, event, booked, meta) for booked in event.services],
        facts=[Fact(meta.time, SYSTEM, "case_opened")],
    )
    await store.add(tx, case, meta.time)
    opened = CaseOpened(office=event.office, appointment_id=event.appointment_id, case_id=CaseId(case.case_id))
    await tx.publish(opened)
    early = await _unpark(tx, event)
    async with changing(tx, case):
        for reported, told in early:
            apply(case, reported, told)


async def report(tx: Transaction, event: Event, meta: Meta) -> None:
    """Apply what another service reports, or park it until the case exists."""
    await _serialise(tx, event)
    case = await store.of_event(tx, event)
    if case is None:
        await _park(tx, event, meta)
        return
    async with changing(tx, case):
        apply(case, event, meta)


def apply(case: Case, event: Event, meta: Meta) -> None:
    """What `event` means for `case`. Presence is ordered by the time at which it was published."""
    match event:
        case BookingCancelled():
            case.cancel(event.cancelled_by, meta.time)
        case signaling.ParticipantWaiting(role="citizen"):
            case.see("waiting", meta.time, since=event.since)
        case signaling.ParticipantLeft(role="citizen"):
            case.see("absent", meta.time)
        case signaling.Admitted():
            case.admitted(event.clerk_id, event.at)
        case signaling.CallStarted():
            case.see("in_call", meta.time)
            case.note(event.started_at, "call_started")
        case signaling.CallEnded():
            if case.presence == "in_call":
                case.see("waiting", meta.time, since=event.ended_at)
            case.note(event.ended_at, "call_ended", seconds=str(event.seconds))
        case signaling.CheckFinished():
            case.technical_check = event.model_dump(mode="json", exclude={"office", "appointment_id"})
            case.note(event.at, "technical_check", outcome=event.outcome)
        case payment.PaymentAuthorised():
            case.pay(_payment("authorised", event), event.at)
        case payment.PaymentCaptured():
            case.pay(_payment("captured", event, event.receipt_number), event.at)
        case payment.PaymentFailed():
            case.pay(_payment("failed", event), event.at)
        case payment.PaymentVoided():
            case.pay(_payment("voided", event), event.at)
        case notify.Delivered():
            case.told(event.kind, "delivered", event.at)
        case notify.Failed():
            case.told(event.kind, "failed", event.at)
        case _:
            pass  # the clerk's own presence: known from the case's assignment


def _application(directory: Directory, event: BookingCompleted, booked: BookedService, meta: Meta) -> Application:
    service = directory.offered(event.office, booked.service_id)
    application = Application(uuid4(), service.id, service.needs_identity, service.needs_signature)
    start = draft(
        service,
        prefilled(service, booked.options),
        office=event.office,
        appointment_id=event.appointment_id,
        reference=event.reference,
        language=event.citizen.language,
        today=directory.today(event.office, meta.time),
    )
    application.edit(start, application.revision)
    return application


def _payment(state: Any, event: Any, receipt_number: str | None = None) -> Payment:
    return Payment(
        state=state,
        amount_cents=event.amount_cents,
        order_id=event.order_id,
        provider=event.provider,
        receipt_number=receipt_number,
        at=event.at,
    )


async def _serialise(tx: Transaction, event: Event) -> None:
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=str(event.appointment_id))


async def _park(tx: Transaction, event: Event, meta: Meta) -> None:
    parked = ParkedEvent(
        event_id=meta.id,
        appointment_id=event.appointment_id,
        subject=event.SUBJECT,
        headers=meta.headers(),
        body=event.model_dump(mode="json"),
        received_at=meta.time,
    )
    await tx.session.merge(parked)


async def _unpark(tx: Transaction, event: Event) -> list[tuple[Event, Meta]]:
    rows = await tx.rows(
        "DELETE FROM parked_event WHERE appointment_id = :appointment_id RETURNING subject, headers, body",
        appointment_id=event.appointment_id,
    )
    early = [(EVENTS[row["subject"]].model_validate(row["body"]), Meta.from_headers(row["headers"])) for row in rows]
    own = [(reported, meta) for reported, meta in early if reported.office == event.office]
    return sorted(own, key=lambda pair: pair[1].time)
