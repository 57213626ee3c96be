"""Events of the payment service. Amounts are those that the provider confirmed, never those that a client sent."""

from typing import ClassVar, Literal

from contracts.base import AppointmentEvent, Cents, Instant
from contracts.ids import CaseId, OrderId


class _PaymentEvent(AppointmentEvent):
    case_id: CaseId
    order_id: OrderId
    provider: str
    amount_cents: Cents
    currency: Literal["EUR"] = "EUR"
    at: Instant


class PaymentAuthorised(_PaymentEvent):
    """The money is reserved; it is taken when the case completes."""

    SUBJECT: ClassVar[str] = "payment.authorised.v1"


class PaymentCaptured(_PaymentEvent):
    """The money was taken."""

    SUBJECT: ClassVar[str] = "payment.captured.v1"

    receipt_number: str


class PaymentRefunded(_PaymentEvent):
    """Money that was taken was given back, at the provider. Told again when more is: `refunded_cents` is all so far."""

    SUBJECT: ClassVar[str] = "payment.refunded.v1"

    refunded_cents: Cents
    receipt_number: str


class PaymentFailed(_PaymentEvent):
    """The provider refused, or the reservation ran out. The citizen may try again while the case is open."""

    SUBJECT: ClassVar[str] = "payment.failed.v1"

    reason: Literal["declined", "expired", "amount_mismatch", "provider_error"]


class PaymentVoided(_PaymentEvent):
    """The reservation was given back."""

    SUBJECT: ClassVar[str] = "payment.voided.v1"
