"""What the payment service does, one function and one transaction each. None of them calls the provider."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import uuid4

import structlog
from prometheus_client import Counter

from chassis.consumer import Poison
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.base import AppointmentEvent
from contracts.booking import (
    BookingCancelled,
    BookingContactChanged,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.casework import CaseAborted, CaseCompleted, PaymentRequested
from contracts.ids import AppointmentId, OfficeSlug, OrderId
from contracts.offices import Office
from contracts.payment import PaymentAuthorised, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided
from payment import jobs, store
from payment.errors import LinkExpired, OrderNotFound
from payment.model import Fact, Order, Snapshot, aimed, observe, receipt_number, released, successor
from payment.providers.base import Notice

log = structlog.get_logger(__name__)

Offices = Mapping[str, Office]
UNPAID: Final = Counter("schalter_payment_completed_unpaid_total", "Cases completed without the payment they owe.")


async def request_payment(
    tx: Transaction, event: PaymentRequested, *, requested_at: datetime, provider: str, now: datetime
) -> None:
    """Open the case's order. Once per case: a repeated request over the same amount is the same request.

    Another amount replaces an order that is not taken yet; what was reserved under the old one is given back. A request
    for an appointment that is already cancelled, aborted or missed is not opened: events overtake each other.
    """
    if event.amount_cents != sum(item.amount_cents for item in event.items) or event.amount_cents == 0:
        raise Poison(f"amount {event.amount_cents} is not the sum of its items, or nothing")
    await store.lock(tx, event.appointment_id)
    if await store.closed(tx, event.appointment_id):
        return
    before = await store.of_case(tx, event.office, event.case_id)
    if before:
        stands = before.live and before.aim != "release"  # what is being given back is asked for anew
        if event.amount_cents == before.amount_cents and (stands or before.state == "captured"):
            return
        if requested_at <= before.requested_at or before.aim == "take" or before.state == "captured":
            log.warning("request_ignored", order_id=str(before.id), state=before.state)
            return
        if before.live:
            given_up, _ = released(before)
            await store.save(tx, replace(given_up, superseded=True), now)
            await jobs.enqueue(tx, before.id, now)
    order = Order(
        id=OrderId(uuid4()),
        office=event.office,
        appointment_id=event.appointment_id,
        case_id=event.case_id,
        reference=event.reference,
        amount_cents=event.amount_cents,
        currency=event.currency,
        items=event.items,
        language=event.language,
        provider=provider,
        requested_at=requested_at,
    )
    await store.insert(tx, order, now)


async def complete_case(tx: Transaction, event: CaseCompleted, now: datetime) -> None:
    """The case is done: take what is reserved. The provider is called afterwards, by the worker."""
    if event.amount_cents == 0:
        return
    await store.lock(tx, event.appointment_id)
    order = await store.of_case(tx, event.office, event.case_id)
    if order is None or order.amount_cents != event.amount_cents or order.state in ("failed", "voided"):
        UNPAID.inc()
        log.error("completed_without_payment", case_id=str(event.case_id), state=order.state if order else None)
        return
    await store.save(tx, aimed(order, "take"), now)
    await jobs.enqueue(tx, order.id, now)


async def abort_case(tx: Transaction, event: CaseAborted, now: datetime) -> None:
    """The case ends without result: give back what is reserved."""
    if event.reason == "citizen_absent" and not await _latest(tx, event, event.aborted_at):
        return
    await _release(tx, event.office, event.appointment_id, link_dead=False, now=now)


async def cancel_appointment(tx: Transaction, event: BookingCancelled, now: datetime) -> None:
    """The appointment is off: give back what is reserved, and its link is dead."""
    await _release(tx, event.office, event.appointment_id, link_dead=True, now=now)


async def renew_link(tx: Transaction, event: BookingRescheduled | BookingContactChanged) -> None:
    """The appointment has another link, perhaps another time. What is reserved stays so: it is for the same case."""
    await store.put_newest_link(tx, event.office, event.appointment_id, event.link_generation)


async def miss_appointment(tx: Transaction, event: BookingNoShow, now: datetime) -> None:
    """The citizen did not come: give back what is reserved. Their link still shows them what became of it."""
    if await _latest(tx, event, event.marked_at):
        await _release(tx, event.office, event.appointment_id, link_dead=False, now=now)


async def resume_appointment(tx: Transaction, event: BookingResumed) -> None:
    """The citizen came after all: the case may ask for a payment again. What was given back stays so."""
    if await _latest(tx, event, event.resumed_at):
        await store.reopen(tx, event.office, event.appointment_id)


async def _latest(tx: Transaction, event: AppointmentEvent, at: datetime) -> bool:
    await store.lock(tx, event.appointment_id)
    return await store.tell_absence(tx, event.office, event.appointment_id, at)


async def _release(
    tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId, *, link_dead: bool, now: datetime
) -> None:
    await store.lock(tx, appointment_id)
    await store.close(tx, office, appointment_id, link_dead=link_dead, now=now)
    for before in await store.of_appointment(tx, office, appointment_id):
        order, facts = released(before)
        if order == before:
            continue
        await store.save(tx, order, now)
        await publish(tx, order, facts, now)
        if not facts:
            await jobs.enqueue(tx, order.id, now)


async def current_order(tx: Transaction, citizen: Citizen) -> Order:
    """The order of the citizen's appointment. Raises LinkExpired for a dead link, OrderNotFound without an order."""
    closed = await store.closed(tx, citizen.sub)
    if closed and closed.link_dead:
        raise LinkExpired("The appointment was cancelled.")
    newest = await store.newest_link(tx, citizen.sub)
    if newest is not None and citizen.gen < newest:
        raise LinkExpired("It was replaced; please use the link of the newest e-mail.")
    order = await store.current(tx, citizen)
    if order is None:
        raise OrderNotFound("The clerk has not asked for a payment yet.")
    return order


async def retry_order(tx: Transaction, failed: Order, now: datetime) -> Order:
    """A new order after a failed one, while the case is open; of two at once both get the same."""
    await store.lock(tx, failed.appointment_id)
    if not await store.closed(tx, failed.appointment_id) and failed.aim == "reserve":
        await store.insert(tx, successor(failed, uuid4(), now), now)
    return await store.of_case(tx, failed.office, failed.case_id) or failed


async def link_provider_order(
    tx: Transaction, order_id: OrderId, provider_order_id: str, approval_url: str, now: datetime
) -> Order:
    """The provider knows the order now and waits for the payer."""
    order = await store.locked(tx, order_id)
    if order.state != "requested":
        return order  # somebody was quicker with the same provider's order, or it was given up meanwhile
    order = replace(order, state="approval_pending", provider_order_id=provider_order_id, approval_url=approval_url)
    await store.save(tx, order, now)
    return order


async def record_snapshot(
    tx: Transaction, order_id: OrderId, snapshot: Snapshot, offices: Offices, now: datetime
) -> Order:
    """Write down what the provider's books say, and publish what is new in it, in one transaction."""
    before = await store.locked(tx, order_id)
    order, facts = observe(before, snapshot)
    await store.checked(tx, order_id, now)
    if order == before:
        return order
    if "captured" in facts:
        office = offices[order.office]
        year = now.astimezone(office.zone).year
        count = await store.count_receipt(tx, order.office, year)
        order = replace(order, receipt_number=receipt_number(office.reference_prefix, year, count))
    await store.save(tx, order, now)
    await publish(tx, order, facts, now)
    if order.reason == "amount_mismatch" and facts:
        log.error("amount_mismatch", order_id=str(order.id), wanted=order.amount_cents, found=snapshot.amount_cents)
    return order


async def receive_webhook(tx: Transaction, notice: Notice, now: datetime) -> bool:
    """Take a genuine webhook as a hint to read the provider's books again. Returns whether it was news.

    Nothing of its content becomes state: an old or repeated one can do no more than cause a look.
    """
    order_id = await store.id_by_references(tx, notice.references)
    fresh = await store.accept_webhook(tx, notice.transmission_id, notice.event_id, notice.event_type, order_id, now)
    if fresh and order_id:
        await jobs.enqueue(tx, order_id, now)
    return fresh


async def publish(tx: Transaction, order: Order, facts: tuple[Fact, ...], now: datetime) -> None:
    """Tell the other services. Of a superseded order nobody waits for news, except of money taken or given back."""
    for fact in facts:
        if order.superseded and fact not in ("captured", "refunded"):
            continue
        common = {
            "office": order.office,
            "appointment_id": order.appointment_id,
            "case_id": order.case_id,
            "order_id": order.id,
            "provider": order.provider,
            "amount_cents": order.amount_cents,
            "currency": order.currency,
            "at": now,
        }
        match fact:
            case "authorised":
                await tx.publish(PaymentAuthorised.model_validate(common))
            case "captured":
                await tx.publish(PaymentCaptured.model_validate(common | {"receipt_number": order.receipt_number}))
            case "refunded":
                told = {"refunded_cents": order.refunded_cents, "receipt_number": order.receipt_number}
                await tx.publish(PaymentRefunded.model_validate(common | told))
            case "failed":
                await tx.publish(PaymentFailed.model_validate(common | {"reason": order.reason}))
            case "voided":
                await tx.publish(PaymentVoided.model_validate(common))
