"""What payment stores about whom (`contracts.personal_data`): no name, no address; an order is its appointment's."""

from typing import Final

from chassis.personal_data import NOTHING, shared_tables
from contracts.personal_data import (
    AFTER_ACCOUNTING,
    APPOINTMENT,
    LANGUAGE,
    LINK,
    PAYMENT,
    PRESENCE,
    Cell,
    Registry,
    Stays,
    Table,
)

_ACCOUNTING: Final = Stays("a legal obligation to account for it (GDPR Art. 17 (3) b)")
_NAMELESS: Final = Stays("it knows the appointment by its id alone")
_OF: Final = "appointment_id = :appointment"

_ORDER: Final = Table(
    "payment_order",
    goes=AFTER_ACCOUNTING,
    of=_OF,
    cells={
        "reference": Cell(PAYMENT, _ACCOUNTING),
        "amount_cents": Cell(PAYMENT, _ACCOUNTING),
        "currency": Cell(PAYMENT, _ACCOUNTING),
        "items": Cell(PAYMENT, _ACCOUNTING),
        "refunded_cents": Cell(PAYMENT, _ACCOUNTING),
        "receipt_number": Cell(PAYMENT, _ACCOUNTING),
        "provider": Cell(PAYMENT, _ACCOUNTING),
        "provider_order_id": Cell(PAYMENT, _ACCOUNTING),
        "authorization_id": Cell(PAYMENT, _ACCOUNTING),
        "capture_id": Cell(PAYMENT, _ACCOUNTING),
        "state": Cell(PAYMENT, _ACCOUNTING),
        "reason": Cell(PAYMENT, _ACCOUNTING),
        "requested_at": Cell(PAYMENT, _ACCOUNTING),
        "created_at": Cell(PAYMENT, _ACCOUNTING),
        "changed_at": Cell(PAYMENT, _ACCOUNTING),
        "approval_url": Cell(LINK, Stays("the provider opens it to who pays, and to nobody afterwards")),
        "language": Cell(LANGUAGE, Stays("one of two languages tells nobody apart")),
    },
    nothing=("id", "office", "appointment_id", "case_id", "aim", "superseded", "checked_at"),
)

_CLOSED: Final = Table(
    "closed_appointment",
    goes=AFTER_ACCOUNTING,
    of=_OF,
    cells={"closed_at": Cell(APPOINTMENT, _NAMELESS)},
    nothing=("appointment_id", "office", "link_dead"),
)

_ABSENCE: Final = Table(
    "absence",
    goes=AFTER_ACCOUNTING,
    of=_OF,
    cells={"told_at": Cell(PRESENCE, _NAMELESS)},
    nothing=("appointment_id", "office"),
)

REGISTRY: Final = Registry(
    "payment",
    tables=(_ORDER, _CLOSED, _ABSENCE, *shared_tables(Stays("its events know the appointment by its id alone"))),
    nothing=NOTHING
    | {
        # Of a provider's answer its status, of a webhook whose order it is: neither its body nor the payer.
        "order_job": ("order_id", "generation", "attempts", "due_at", "leased_until", "last_error"),
        "webhook_delivery": ("transmission_id", "event_id", "event_type", "order_id", "received_at"),
        "newest_link": ("appointment_id", "office", "generation"),
        "receipt_counter": ("office", "year", "last"),
    },
)
