"""What the templates are told of an event, kept with its message."""

from collections.abc import Mapping, Sequence

from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingNoShow,
    BookingRescheduled,
    ConfirmationAsked,
    LinkAsked,
    Need,
    SlotOffered,
    WaitingEnded,
    WaitingJoined,
)
from contracts.casework import CaseCompleted
from contracts.payment import PaymentCaptured, PaymentRefunded
from notify.model import Context

_Appointment = (
    BookingCompleted | BookingRescheduled | BookingContactChanged | BookingCancelled | BookingNoShow | LinkAsked
)


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


def readdressed(event: BookingContactChanged) -> Context:
    """Of an appointment whose mails go to another address from now on."""
    return appointment(event, event.needs) | {
        "link_token": event.link_token,
        "generation": event.link_generation,
        "channel": event.channel,
        "address_changed": event.changed_by,
    }


def asked_to_confirm(event: ConfirmationAsked) -> Context:
    """Of a time that is kept until somebody says that the address is theirs. It may be a stranger's: no name, no
    services."""
    return {
        "name": "",
        "time_zone": event.citizen.time_zone,
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat(),
        "confirm_token": event.confirm_token,
        "expires_at": event.expires_at.isoformat(),
    }


def link_again(event: LinkAsked) -> Context:
    """Of an appointment whose link was asked for again."""
    return appointment(event) | {
        "link_token": event.link_token,
        "generation": event.link_generation,
        "link_asked": 1,
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
        "generation": event.link_generation,
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


def waiting_ended(event: WaitingEnded) -> Context:
    """Of somebody who is on the waiting list no more."""
    return _asked_for(event) | {"ended": event.reason, "keeps_appointment": int(event.keeps_appointment)}


def papers(appointment: Mapping[str, object] | None) -> Context:
    """The link that shows receipt and application, by what is known of the appointment; empty while nothing is."""
    token = (appointment or {}).get("link_token")
    return {"link_token": token} if isinstance(token, str) else {}


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


def appointment(event: _Appointment, needs: Sequence[Need] = ()) -> Context:
    """Of any appointment."""
    return _slot(event) | {"reference": event.reference, "needs": [str(need) for need in needs]}


def _slot(event: _Appointment | SlotOffered) -> Context:
    return _asked_for(event) | {
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat(),
    }


def _asked_for(
    event: _Appointment | SlotOffered | WaitingJoined | WaitingEnded,
) -> Context:
    return {
        "name": event.citizen.name,
        "time_zone": event.citizen.time_zone,
        "services": [service.service_id for service in event.services],
        "persons": [service.persons for service in event.services],
        "options": [service.options for service in event.services],
    }
