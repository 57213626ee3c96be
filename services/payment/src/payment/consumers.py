"""The bus door: decisions of casework and booking become decisions about money."""

from typing import Any

from chassis.clock import Clock
from chassis.consumer import Consumer, Poison
from chassis.database import Transaction
from contracts.base import Event, Meta
from contracts.booking import (
    BookingCancelled,
    BookingContactChanged,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.casework import CaseAborted, CaseCompleted, PaymentRequested
from payment import usecases
from payment.usecases import Offices


def consumers(offices: Offices, provider: str, clock: Clock) -> tuple[Consumer[Any], ...]:
    """One consumer per event of CONSUMES["payment"]. An office that is not configured is poison, not a default."""

    def known(event: Event) -> None:
        if event.office not in offices:
            raise Poison(f"unknown office {event.office}")

    async def payment_requested(tx: Transaction, event: PaymentRequested, meta: Meta) -> None:
        known(event)
        await usecases.request_payment(tx, event, requested_at=meta.time, provider=provider, now=clock())

    async def case_completed(tx: Transaction, event: CaseCompleted, _: Meta) -> None:
        known(event)
        await usecases.complete_case(tx, event, clock())

    async def case_aborted(tx: Transaction, event: CaseAborted, _: Meta) -> None:
        known(event)
        await usecases.abort_case(tx, event, clock())

    async def booking_cancelled(tx: Transaction, event: BookingCancelled, _: Meta) -> None:
        known(event)
        await usecases.cancel_appointment(tx, event, clock())

    async def booking_rescheduled(tx: Transaction, event: BookingRescheduled, _: Meta) -> None:
        known(event)
        await usecases.renew_link(tx, event)

    async def contact_changed(tx: Transaction, event: BookingContactChanged, _: Meta) -> None:
        known(event)
        await usecases.renew_link(tx, event)

    async def booking_no_show(tx: Transaction, event: BookingNoShow, _: Meta) -> None:
        known(event)
        await usecases.miss_appointment(tx, event, clock())

    async def booking_resumed(tx: Transaction, event: BookingResumed, _: Meta) -> None:
        known(event)
        await usecases.resume_appointment(tx, event)

    return (
        Consumer(PaymentRequested, payment_requested),
        Consumer(CaseCompleted, case_completed),
        Consumer(CaseAborted, case_aborted),
        Consumer(BookingRescheduled, booking_rescheduled),
        Consumer(BookingContactChanged, contact_changed),
        Consumer(BookingCancelled, booking_cancelled),
        Consumer(BookingNoShow, booking_no_show),
        Consumer(BookingResumed, booking_resumed),
    )
