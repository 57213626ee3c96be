"""PayPal's JSON, and what it means as a snapshot."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from payment.model import Phase, Snapshot

_VALUE: Final = re.compile(r"([0-9]{1,9})\.([0-9]{2})")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _path_safe(value: str) -> str:
    """Ids become parts of addresses."""
    if not _ID.fullmatch(value):
        raise ValueError("not an id")
    return value


Id = Annotated[str, AfterValidator(_path_safe)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class PayPalMoney(_Part):
    """An amount as PayPal writes it."""

    currency_code: str
    value: str

    @property
    def cents(self) -> int:
        """Integer cents; -1, which equals no order's amount, for what is not written as euros and cents."""
        match = _VALUE.fullmatch(self.value)
        return int(match[1]) * 100 + int(match[2]) if match else -1


class PayPalAuthorization(_Part):
    id: Id
    status: str
    amount: PayPalMoney


class PayPalCapture(_Part):
    id: Id
    status: str
    amount: PayPalMoney


class PayPalRefund(_Part):
    status: str
    amount: PayPalMoney


class PayPalPayments(_Part):
    authorizations: tuple[PayPalAuthorization, ...] = ()
    captures: tuple[PayPalCapture, ...] = ()
    refunds: tuple[PayPalRefund, ...] = ()


class PayPalUnit(_Part):
    amount: PayPalMoney | None = None
    payments: PayPalPayments = PayPalPayments()


class PayPalLink(_Part):
    href: str
    rel: str


class PayPalOrder(_Part):
    id: Id
    status: str
    purchase_units: tuple[PayPalUnit, ...] = ()
    links: tuple[PayPalLink, ...] = ()

    def link(self, rel: str) -> str | None:
        """The address of a relation, if PayPal gave one."""
        return next((link.href for link in self.links if link.rel == rel), None)


def money(cents: int, currency: str) -> dict[str, str]:
    """An amount for a request."""
    return {"currency_code": currency, "value": f"{cents // 100}.{cents % 100:02d}"}


_ORDER_PHASES: Final[dict[str, Phase]] = {
    "CREATED": "created",
    "SAVED": "created",
    "PAYER_ACTION_REQUIRED": "created",
    "APPROVED": "approved",
    "VOIDED": "voided",
    "COMPLETED": "pending",
}
_AUTHORIZATION_PHASES: Final[dict[str, Phase]] = {
    "CREATED": "authorised",
    "PENDING": "pending",
    "PARTIALLY_CAPTURED": "pending",
    "CAPTURED": "pending",  # its capture is not listed yet
    "DENIED": "declined",
    "EXPIRED": "expired",
    "VOIDED": "voided",
}
_TAKEN: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_REFUSED: Final = frozenset({"DECLINED", "FAILED"})


def snapshot_of_order(order: PayPalOrder) -> Snapshot:
    """What an order with its payments means. Orders of this service have one purchase unit and one authorization."""
    unit = order.purchase_units[0] if order.purchase_units else PayPalUnit()
    payments = unit.payments
    if not payments.authorizations:
        phase = _ORDER_PHASES.get(order.status, "pending")
        amount = unit.amount
        return Snapshot(phase, amount.cents if amount else -1, amount.currency_code if amount else "")
    refunded = sum(refund.amount.cents for refund in payments.refunds if refund.status in ("COMPLETED", "PENDING"))
    reserved = payments.authorizations[-1]
    # A refused attempt may stand beside the one that took the money.
    taken = next((capture for capture in payments.captures if capture.status in _TAKEN), None)
    return _combine(reserved, taken or next(iter(payments.captures), None), refunded)


def snapshot_of_parts(reserved: PayPalAuthorization, taken: PayPalCapture | None) -> Snapshot:
    """The same from an authorization and its capture alone."""
    whole = taken.amount.cents if taken and taken.status == "REFUNDED" else 0
    return _combine(reserved, taken, whole)


def _combine(reserved: PayPalAuthorization, taken: PayPalCapture | None, refunded: int) -> Snapshot:
    phase, amount = _AUTHORIZATION_PHASES.get(reserved.status, "pending"), reserved.amount
    if taken and taken.status in _TAKEN:
        phase, amount = "captured", taken.amount
    elif taken and taken.status in _REFUSED:
        phase = "declined"
    elif taken:
        phase = "pending"
    return Snapshot(
        phase,
        amount.cents,
        amount.currency_code,
        authorization_id=reserved.id,
        capture_id=taken.id if taken else None,
        refunded_cents=max(refunded, 0),
    )
