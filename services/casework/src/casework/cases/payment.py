"""The fee of a case, as far as casework needs to know it. The order itself belongs to the payment service."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

PaymentState = Literal["none", "requested", "authorised", "captured", "failed", "voided"]
#: What a report may follow: money that was taken is never untaken by a late message about the reservation.
_FOLLOWS: Mapping[str, frozenset[str]] = {
    "authorised": frozenset({"requested", "failed"}),
    "captured": frozenset({"requested", "authorised", "failed", "voided"}),
    "failed": frozenset({"requested", "authorised"}),
    "voided": frozenset({"requested", "authorised", "failed"}),
}


@dataclass(frozen=True)
class Payment:
    """The state of the one order of a case. Also the report of such a state, as the payment service sends it."""

    state: PaymentState = "none"
    amount_cents: int = 0
    currency: str = "EUR"
    items: tuple[Mapping[str, Any], ...] = ()
    order_id: UUID | None = None
    provider: str = ""
    receipt_number: str | None = None
    at: datetime | None = None

    def secures(self, amount_cents: int) -> bool:
        """The provider holds exactly this amount for the office, or has paid it already."""
        return self.state in ("authorised", "captured") and self.amount_cents == amount_cents

    def after(self, report: "Payment") -> "Payment":
        """This payment after `report`; unchanged when the report is a repetition, late, or about other money."""
        if self.state not in _FOLLOWS.get(report.state, frozenset()):
            return self
        # Reports overtake each other: "declined" at the first try says nothing about the second. Taken is taken.
        if self.at and report.at and report.at < self.at and report.state != "captured":
            return self
        # A second try is a new order. What becomes of the first no longer matters once the second is authorised.
        if self.state == "authorised" and report.state in ("failed", "voided") and report.order_id != self.order_id:
            return self
        # An amount other than the one asked for is not this fee: the payment service refuses it, and so does this.
        if report.state in ("authorised", "captured") and report.amount_cents != self.amount_cents:
            return self
        return replace(
            self,
            state=report.state,
            order_id=report.order_id,
            provider=report.provider,
            receipt_number=report.receipt_number or self.receipt_number,
            at=report.at,
        )
