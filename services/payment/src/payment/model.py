"""The rules of a payment order. Plain values in, plain values out: no clock, no database, no provider.

An order only ever moves forward. What the provider says is always a snapshot of its books, read anew, so snapshots may
come repeated, late and in any order: money that was taken is never untaken by an older reading.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from contracts.casework import PaymentItem
from contracts.ids import AppointmentId, CaseId, OfficeSlug, OrderId
from contracts.text import Language

State = Literal["requested", "approval_pending", "authorised", "captured", "failed", "voided"]
Aim = Literal["reserve", "take", "release"]
"""What the case wants: hold the money (still open), take it (completed), or give it back (aborted, cancelled)."""
Phase = Literal["created", "approved", "pending", "authorised", "captured", "declined", "expired", "voided", "missing"]
"""Where the provider is. `pending`: it works on something and is to be asked again."""
Reason = Literal["declined", "expired", "amount_mismatch", "provider_error"]
Act = Literal["authorise", "capture", "void"]
Fact = Literal["authorised", "captured", "refunded", "failed", "voided"]

LIVE: Final = frozenset[State]({"requested", "approval_pending", "authorised"})


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to get one case paid. A case has at most one live order; after a failure a new one may follow."""

    id: OrderId
    office: OfficeSlug
    appointment_id: AppointmentId
    case_id: CaseId
    reference: str
    amount_cents: int
    currency: Literal["EUR"]
    items: tuple[PaymentItem, ...]
    language: Language
    provider: str
    requested_at: datetime
    state: State = "requested"
    aim: Aim = "reserve"
    superseded: bool = False
    """Replaced by an order over another amount: only its money still matters, nobody waits for its news."""
    provider_order_id: str | None = None
    approval_url: str | None = None
    authorization_id: str | None = None
    capture_id: str | None = None
    refunded_cents: int = 0
    reason: Reason | None = None
    receipt_number: str | None = None

    @property
    def live(self) -> bool:
        """Whether it may still come to a payment."""
        return self.state in LIVE and not self.superseded


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the provider's books say of one order now."""

    phase: Phase
    amount_cents: int = 0
    currency: str = ""
    authorization_id: str | None = None
    capture_id: str | None = None
    refunded_cents: int = 0


def matches(order: Order, snapshot: Snapshot) -> bool:
    """Whether the provider speaks of the money that was asked for."""
    return (snapshot.amount_cents, snapshot.currency) == (order.amount_cents, order.currency)


def observe(order: Order, snapshot: Snapshot) -> tuple[Order, tuple[Fact, ...]]:
    """`order` after reading `snapshot`, and the facts that are new, in the order in which they happened.

    Repeating a snapshot yields nothing new. A capture implies the authorisation that nobody saw.
    """
    seen = replace(
        order,
        authorization_id=snapshot.authorization_id or order.authorization_id,
        capture_id=snapshot.capture_id or order.capture_id,
        refunded_cents=max(order.refunded_cents, snapshot.refunded_cents),
    )
    refunded: tuple[Fact, ...] = ("refunded",) if seen.refunded_cents > order.refunded_cents else ()
    if order.state == "captured":
        return seen, refunded
    if snapshot.phase == "captured" and matches(order, snapshot):
        earlier: tuple[Fact, ...] = ("authorised",) if order.state in ("requested", "approval_pending") else ()
        return replace(seen, state="captured", reason=None), (*earlier, "captured", *refunded)
    if order.state not in LIVE:
        return seen, ()
    match snapshot.phase:
        case "captured" | "authorised" | "approved" if not matches(order, snapshot):
            return _failed(seen, "amount_mismatch")
        case "authorised" if order.state != "authorised":
            return replace(seen, state="authorised"), ("authorised",)
        case "declined":
            return _failed(seen, "declined")
        case "expired":
            return _failed(seen, "expired")
        case "voided":
            return replace(seen, state="voided"), ("voided",)
        case "created" | "approved" | "missing" if order.aim == "release" and order.state != "authorised":
            # Nothing is reserved, and nothing will be: the provider's order lapses by itself.
            return replace(seen, state="voided"), ("voided",)
        case "missing":
            return _failed(seen, "provider_error" if order.state == "authorised" else "expired")
    return seen, ()


def _failed(order: Order, reason: Reason) -> tuple[Order, tuple[Fact, ...]]:
    return replace(order, state="failed", reason=reason), ("failed",)


def next_act(order: Order, snapshot: Snapshot) -> Act | None:
    """What to ask the provider for, so that its books come to agree with what the case wants.

    A reservation is never left with an order that has no use for it.
    """
    unwanted = order.aim == "release" or not order.live or not matches(order, snapshot)
    match snapshot.phase:
        case "approved" if not unwanted and order.state != "authorised":
            return "authorise"
        case "authorised" if unwanted and order.state != "captured":
            return "void"
        case "authorised" if order.aim == "take" and order.state != "captured":
            return "capture"
    return None


def aimed(order: Order, aim: Aim) -> Order:
    """`order` with the case's decision. The first decision stands: a completed case is not aborted afterwards."""
    return replace(order, aim=aim) if order.aim == "reserve" else order


def released(order: Order) -> tuple[Order, tuple[Fact, ...]]:
    """`order` given up. Without a provider's order there is nothing to undo, and it is voided at once."""
    order = aimed(order, "release")
    if order.state == "requested" and order.aim == "release":
        return replace(order, state="voided"), ("voided",)
    return order, ()


def successor(order: Order, identity: UUID, now: datetime) -> Order:
    """A fresh order for the same money, after `order` failed while its case is still open."""
    return Order(
        id=OrderId(identity),
        office=order.office,
        appointment_id=order.appointment_id,
        case_id=order.case_id,
        reference=order.reference,
        amount_cents=order.amount_cents,
        currency=order.currency,
        items=order.items,
        language=order.language,
        provider=order.provider,
        requested_at=now,
    )


def receipt_number(prefix: str, year: int, count: int) -> str:
    """Readable and unique within an office, for example HD-2026-000042."""
    return f"{prefix}-{year}-{count:06d}"
