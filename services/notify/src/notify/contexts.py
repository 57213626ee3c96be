"""What the templates are told of an event, kept with its message."""

from collections.abc import Sequence

from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingNoShow,
    BookingRescheduled,
    Need,
    SlotOffered,
    WaitingJoined,
)
from contracts.casework import CaseCompleted
from contracts.payment import PaymentCaptured, PaymentRefunded
from notify.model import Context


def booked(event: BookingCompleted) -> Context:
    """Of an appointment that stands."""
    return appointment(event, event.needs) | {
        "link_token": event.link_token,
        "generation": event.link_generation,
        "channel": event.channel,
    }


def moved(event: BookingRescheduled) -> Context:
    """Of an appointment that has another time and another link."""
    return appointment(event, event.needs) | {
        "link_token": event.link_token,
        "generation": event.link_generation,
        "previous_starts_at": event.previous_starts_at.isoformat(),
        "rescheduled_by": event.rescheduled_by,
    }


def cancelled(event: BookingCancelled, generation: int) -> Context:
    """Of an appointment that is off, whose newest link had `generation`."""
    return appointment(event) | {"cancelled_by": event.cancelled_by, "generation": generation}


def offered(event: SlotOffered, reference: str | None) -> Context:
    """Of an offer; `reference` is that of the appointment that would move."""
    return _slot(event) | {
        "reference": reference,
        "current_starts_at": event.current_starts_at.isoformat() if event.current_starts_at else None,
        "offer_token": event.offer_token,
        "expires_at": event.expires_at.isoformat(),
    }


def listed(event: WaitingJoined) -> Context:
    """Of somebody on the waiting list without an appointment."""
    return _asked_for(event) | {
        "first_day": event.first_day.isoformat() if event.first_day else None,
        "last_day": event.last_day.isoformat() if event.last_day else None,
        "waiting_token": event.link_token,
        "waits_until": event.ends_at.isoformat(),
    }


def completed(event: CaseCompleted) -> Context:
    """Of a matter that is done."""
    return {
        "reference": event.reference,
        "name": event.citizen.name,
        "services": list(event.services),
        "amount_cents": event.amount_cents,
    }


def paid(event: PaymentCaptured, reference: str, name: str) -> Context:
    """Of a payment; the event names nobody."""
    return {
        "reference": reference,
        "name": name,
        "receipt_number": event.receipt_number,
        "amount_cents": event.amount_cents,
        "at": event.at.isoformat(),
    }


def refunded(event: PaymentRefunded, reference: str, name: str) -> Context:
    """Of money that was given back."""
    return {
        "reference": reference,
        "name": name,
        "receipt_number": event.receipt_number,
        "amount_cents": event.amount_cents,
        "refunded_cents": event.refunded_cents,
    }


def appointment(
    event: BookingCompleted | BookingRescheduled | BookingCancelled | BookingNoShow, needs: Sequence[Need] = ()
) -> Context:
    """Of any appointment."""
    return _slot(event) | {"reference": event.reference, "needs": [str(need) for need in needs]}


def _slot(event: BookingCompleted | BookingRescheduled | BookingCancelled | BookingNoShow | SlotOffered) -> Context:
    return _asked_for(event) | {
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat(),
    }


def _asked_for(
    event: BookingCompleted | BookingRescheduled | BookingCancelled | BookingNoShow | SlotOffered | WaitingJoined,
) -> Context:
    return {
        "name": event.citizen.name,
        "time_zone": event.citizen.time_zone,
        "services": [service.service_id for service in event.services],
        "persons": [service.persons for service in event.services],
    }
