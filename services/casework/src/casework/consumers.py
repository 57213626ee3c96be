"""The bus door: what other services report, applied to the case of the appointment.

Every subject has its own consumer, so that events overtake each other. One that arrives before its booking is parked
and applied when the case opens; an appointment's events are serialised by a lock, so that none slips in between.
"""

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from casework.applications.form import Heading, draft, prefilled
from casework.applications.model import Application
from casework.applications.naming import title
from casework.cases import store
from casework.cases.booked import Booked, Person
from casework.cases.facts import Fact
from casework.cases.model import CITIZEN, SYSTEM, Case
from casework.cases.payment import Payment
from casework.cases.usecases import announce_abortion, changing
from casework.directory import Directory
from casework.tables import ParkedEvent
from chassis.consumer import Consumer, Poison
from chassis.database import Transaction
from chassis.outbox import KEEP_INBOX
from contracts import notify, payment, signaling
from contracts.base import AppointmentEvent, Event, Meta
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
from contracts.casework import CaseOpened
from contracts.ids import CaseId
from contracts.topology import CONSUMES, EVENTS

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: What is parked about an appointment of an office.
_THEIRS: Final = "FROM parked_event WHERE appointment_id = :id AND body ->> 'office' = :office"


def consumers(directory: Directory) -> Sequence[Consumer[Any]]:
    """All consumers of this service, as the topology lists them."""

    async def completed(tx: Transaction, event: BookingCompleted, meta: Meta) -> None:
        await open_case(tx, directory, event, meta)

    return [
        Consumer(event, completed) if event is BookingCompleted else Consumer(event, report)
        for event in CONSUMES["casework"]
    ]


async def open_case(tx: Transaction, directory: Directory, event: BookingCompleted, meta: Meta) -> None:
    """Open the case of a booked appointment, with its applications, and apply what arrived too early.

    A service for several persons gets an application for each, unless its form is for all of them. Raises Poison for a
    service that the catalogue does not have. A case that exists stays as it is.
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
        person=_person(event),
        needs=event.needs,
        applications=[
            _application(directory, event, booked, person, meta)
            for booked in event.services
            for person in _persons(directory, booked)
        ],
        facts=[Fact(meta.time, SYSTEM, "case_opened")],
    )
    await store.add(tx, case, meta.time)
    opened = CaseOpened(office=event.office, appointment_id=event.appointment_id, case_id=CaseId(case.case_id))
    await tx.publish(opened)
    for reported, told in await _unpark(tx, event):
        await _change(tx, case, reported, told)


async def report(tx: Transaction, event: AppointmentEvent, meta: Meta) -> None:
    """Apply what another service reports, or park it until the case exists."""
    await _serialise(tx, event)
    case = await store.of_event(tx, event)
    if case is None:
        await _park(tx, event, meta)
    else:
        await _change(tx, case, event, meta)


async def _change(tx: Transaction, case: Case, event: Event, meta: Meta) -> None:
    closed = case.closed
    async with changing(tx, case):
        apply(case, event, meta)
    if closed or not case.closed:
        return
    match event:
        case BookingNoShow():
            await announce_abortion(tx, case, "citizen_absent", event.marked_at, actor=_actor(meta))
        case BookingErased():  # of an appointment that is over booking tells nothing else, and money may be reserved
            await announce_abortion(tx, case, "citizen_wish", event.erased_at, actor=_actor(meta))


def apply(case: Case, event: Event, meta: Meta) -> None:
    """What `event` means for `case`. Presence is ordered by the time at which it was published."""
    match event:
        case BookingRescheduled():
            case.move(_booked(event), event.rescheduled_by, _actor(meta), meta.time)
        case BookingContactChanged():
            case.readdress(_booked(event), event.changed_by, _actor(meta), meta.time)
        case BookingCancelled():
            case.cancel(event.cancelled_by, _actor(meta), meta.time)
        case BookingNoShow():
            case.miss(_actor(meta), event.marked_at)
        case BookingResumed():
            case.resume(_actor(meta), event.resumed_at)
        case BookingErased():
            case.forget(event.erased_at)
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
        case signaling.CheckFinished() if not case.erased:
            case.technical_check = event.model_dump(mode="json", exclude={"office", "appointment_id"})
            case.note(event.at, "technical_check", outcome=event.outcome)
        case payment.PaymentAuthorised():
            case.pay(_payment("authorised", event), event.at)
        case payment.PaymentCaptured():
            case.pay(_payment("captured", event, event.receipt_number), event.at)
        case payment.PaymentRefunded():
            case.note(event.at, "payment_refunded", refunded_cents=str(event.refunded_cents))
        case payment.PaymentFailed():
            case.pay(_payment("failed", event), event.at)
        case payment.PaymentVoided():
            case.pay(_payment("voided", event), event.at)
        case notify.Delivered():
            case.told(event.kind, "delivered", event.at)
        case notify.Failed():
            case.told(event.kind, "failed", event.at)
        case _:
            pass  # the clerk's own presence: known from the case's assignment; devices of somebody who is forgotten


def _actor(meta: Meta) -> str:
    """Who did it, for the audit trail: the clerk whom the publisher names, the citizen, or a machine."""
    kind, _, name = (meta.actor or "").partition(":")
    if kind == "clerk" and _UUID.fullmatch(name):
        return f"clerk:{name}"
    return CITIZEN if kind == CITIZEN else SYSTEM


def _person(event: BookingCompleted | BookingRescheduled | BookingContactChanged) -> Person:
    citizen = event.citizen
    return Person(citizen.name, citizen.email, citizen.time_zone, citizen.phone)


def _booked(event: BookingRescheduled | BookingContactChanged) -> Booked:
    return Booked(
        reference=event.reference,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        link_generation=event.link_generation,
        person=_person(event),
        needs=event.needs,
        contact_revision=event.revision if isinstance(event, BookingContactChanged) else 0,
    )


def _persons(directory: Directory, booked: BookedService) -> Sequence[int | None]:
    """The persons who get an application each, from 1; None alone for one application."""
    if booked.persons == 1 or directory.service(booked.service_id).one_form:
        return [None]
    return range(1, booked.persons + 1)


def _application(
    directory: Directory, event: BookingCompleted, booked: BookedService, person: int | None, meta: Meta
) -> Application:
    service = directory.offered(event.office, booked.service_id)
    application = Application(
        uuid4(), service.id, service.needs_identity, service.needs_signature, person=person, persons=booked.persons
    )
    start = draft(
        service,
        prefilled(service, booked.options),
        Heading(
            event.office,
            event.appointment_id,
            event.reference,
            event.citizen.language,
            title(service, application),
        ),
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


async def _serialise(tx: Transaction, event: AppointmentEvent) -> None:
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=str(event.appointment_id))


async def _park(tx: Transaction, event: AppointmentEvent, meta: Meta) -> None:
    """Keep `event` until its booking comes, or cannot any more. Of who is to be forgotten nothing but that is kept."""
    await tx.execute("DELETE FROM parked_event WHERE received_at < :before", before=meta.time - KEEP_INBOX)
    if isinstance(event, notify.Delivered | notify.Failed) and event.kind in ("waiting_list", "slot_offer"):
        return  # they can be for somebody who has no appointment, so that a case may never come
    if isinstance(event, BookingErased):
        await tx.execute(f"DELETE {_THEIRS}", id=event.appointment_id, office=event.office)
    elif await _is_erased(tx, event):
        return
    parked = ParkedEvent(
        event_id=meta.id,
        appointment_id=event.appointment_id,
        subject=event.SUBJECT,
        headers=meta.headers(),
        body=event.model_dump(mode="json"),
        received_at=meta.time,
    )
    await tx.session.merge(parked)


async def _is_erased(tx: Transaction, event: AppointmentEvent) -> bool:
    row = await tx.row(
        f"SELECT 1 {_THEIRS} AND subject = :subject",
        id=event.appointment_id,
        office=event.office,
        subject=BookingErased.SUBJECT,
    )
    return row is not None


async def _unpark(tx: Transaction, event: AppointmentEvent) -> list[tuple[Event, Meta]]:
    rows = await tx.rows(
        "DELETE FROM parked_event WHERE appointment_id = :appointment_id RETURNING subject, headers, body",
        appointment_id=event.appointment_id,
    )
    early = [(EVENTS[row["subject"]].model_validate(row["body"]), Meta.from_headers(row["headers"])) for row in rows]
    own = [(reported, meta) for reported, meta in early if reported.office == event.office]
    return sorted(own, key=lambda pair: pair[1].time)
