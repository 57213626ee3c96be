"""What the simulated provider knows and decides: orders, authorizations, captures, refunds. No HTTP, no waiting.

Names and states follow PayPal's Orders v2 and Payments v2. Every change is announced through `announce`.
"""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.paypal.errors import invalid, not_found, unprocessable
from simulators.paypal.money import Amount

Json = dict[str, Any]
_ALPHABET = string.ascii_uppercase + string.digits
_AUTHORIZATION_DAYS = 29


def new_id() -> str:
    """Seventeen capitals and digits, as PayPal's ids look."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(17))


def rfc3339(moment: datetime) -> str:
    """UTC with seconds, as PayPal writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Refund:
    """Money given back from a capture."""

    id: str
    cents: int
    created: datetime


@dataclass
class Capture:
    """Money taken."""

    id: str
    cents: int
    status: str
    created: datetime
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded_cents(self) -> int:
        """How much of it went back."""
        return sum(refund.cents for refund in self.refunds)


@dataclass
class Authorization:
    """Money reserved."""

    id: str
    cents: int
    status: str
    created: datetime
    captures: list[Capture] = field(default_factory=list)


@dataclass
class Order:
    """What a payer is asked to approve."""

    id: str
    status: str
    intent: str
    unit: Json
    cents: int
    currency: str
    return_url: str
    cancel_url: str
    brand_name: str
    has_source: bool
    created: datetime
    authorization: Authorization | None = None


@dataclass
class Ledger:
    """The provider's books. Methods check what PayPal checks and raise PayPalError."""

    announce: Callable[[str, "Order", Capture | Refund | None], None]
    orders: dict[str, Order] = field(default_factory=dict)
    decline_authorize: int = 0
    """So many of the next authorizations are refused."""
    decline_capture: int = 0
    """So many of the next captures are refused."""

    def create(self, request: Json) -> Order:
        """POST /v2/checkout/orders: one purchase unit, intent AUTHORIZE."""
        if request.get("intent") != "AUTHORIZE":
            raise invalid("INVALID_PARAMETER_VALUE", "This simulator knows the intent AUTHORIZE.")
        units = request.get("purchase_units")
        if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
            raise invalid("INVALID_ARRAY_MAX_ITEMS", "Exactly one purchase unit is needed.")
        amount = _amount(units[0].get("amount"))
        _check_items(units[0], amount)
        source = request.get("payment_source", {})
        context = source.get("paypal", {}).get("experience_context") or request.get("application_context") or {}
        return_url, cancel_url = str(context.get("return_url", "")), str(context.get("cancel_url", ""))
        if not all(url.startswith(("https://", "http://")) for url in (return_url, cancel_url)):
            raise invalid("INVALID_PARAMETER_SYNTAX", "return_url and cancel_url must be addresses.")
        order = Order(
            id=new_id(),
            status="PAYER_ACTION_REQUIRED" if "paypal" in source else "CREATED",
            intent="AUTHORIZE",
            unit=units[0],
            cents=amount.cents,
            currency=amount.currency_code,
            return_url=return_url,
            cancel_url=cancel_url,
            brand_name=str(context.get("brand_name", "")),
            has_source="paypal" in source,
            created=datetime.now(UTC),
        )
        self.orders[order.id] = order
        return order

    def order(self, order_id: str) -> Order:
        """One order, or RESOURCE_NOT_FOUND."""
        if order := self.orders.get(order_id):
            return order
        raise not_found()

    def approve(self, order_id: str) -> Order:
        """The payer agrees on the approval page. Twice is once."""
        order = self.order(order_id)
        if order.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
            order.status = "APPROVED"
            self.announce("CHECKOUT.ORDER.APPROVED", order, None)
        return order

    def authorize(self, order_id: str) -> Order:
        """POST /v2/checkout/orders/{id}/authorize: reserves the money."""
        order = self.order(order_id)
        if order.authorization:
            raise unprocessable("ORDER_ALREADY_AUTHORIZED", "Order already authorized.")
        if order.status != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
        if self.decline_authorize:
            self.decline_authorize -= 1
            order.status = "PAYER_ACTION_REQUIRED"
            raise unprocessable(
                "INSTRUMENT_DECLINED", "The instrument presented was declined by the processor or bank."
            )
        order.status = "COMPLETED"
        order.authorization = Authorization(new_id(), order.cents, "CREATED", datetime.now(UTC))
        self.announce("PAYMENT.AUTHORIZATION.CREATED", order, None)
        return order

    def authorization(self, authorization_id: str) -> tuple[Order, Authorization]:
        """One authorization with its order, or RESOURCE_NOT_FOUND."""
        for order in self.orders.values():
            if order.authorization and order.authorization.id == authorization_id:
                return order, order.authorization
        raise not_found()

    def capture(self, authorization_id: str, request: Json) -> tuple[Order, Capture]:
        """POST /v2/payments/authorizations/{id}/capture: takes the money, once and in full."""
        order, authorization = self.authorization(authorization_id)
        if authorization.status == "VOIDED":
            raise unprocessable("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured.")
        if authorization.status == "EXPIRED":
            raise unprocessable("AUTHORIZATION_EXPIRED", "An expired authorization cannot be captured.")
        if authorization.status != "CREATED":
            raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has already been captured.")
        amount = _amount(request["amount"]) if request.get("amount") else Amount.of(authorization.cents, order.currency)
        if amount.currency_code != order.currency:
            raise unprocessable("AUTH_CAPTURE_CURRENCY_MISMATCH", "Currency of capture must match the authorization.")
        if amount.cents > authorization.cents:
            raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds the allowable limit.")
        declined = self.decline_capture > 0
        self.decline_capture -= declined
        status = "DECLINED" if declined else "COMPLETED"
        capture = Capture(new_id(), amount.cents, status, datetime.now(UTC))
        authorization.captures.append(capture)
        authorization.status = "DENIED" if declined else "CAPTURED"
        self.announce("PAYMENT.CAPTURE.DECLINED" if declined else "PAYMENT.CAPTURE.COMPLETED", order, capture)
        return order, capture

    def void(self, authorization_id: str) -> Order:
        """POST /v2/payments/authorizations/{id}/void: gives the reservation back."""
        order, authorization = self.authorization(authorization_id)
        if authorization.status == "VOIDED":
            raise unprocessable("PREVIOUSLY_VOIDED", "Authorization has been previously voided.")
        if authorization.status == "CAPTURED":
            raise unprocessable("PREVIOUSLY_CAPTURED", "Authorization has been previously captured.")
        authorization.status = "VOIDED"
        self.announce("PAYMENT.AUTHORIZATION.VOIDED", order, None)
        return order

    def expire(self, authorization_id: str) -> None:
        """Time passes: the reservation runs out (PayPal: after 29 days)."""
        _, authorization = self.authorization(authorization_id)
        authorization.status = "EXPIRED"

    def captured(self, capture_id: str) -> tuple[Order, Capture]:
        """One capture with its order, or RESOURCE_NOT_FOUND."""
        for order in self.orders.values():
            for capture in order.authorization.captures if order.authorization else ():
                if capture.id == capture_id:
                    return order, capture
        raise not_found()

    def refund(self, capture_id: str, request: Json) -> tuple[Order, Capture, Refund]:
        """POST /v2/payments/captures/{id}/refund: never more than what is left."""
        order, capture = self.captured(capture_id)
        left = capture.cents - capture.refunded_cents
        if left == 0:
            raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
        cents = _amount(request["amount"]).cents if request.get("amount") else left
        if cents > left:
            raise unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund amount exceeds the captured amount.")
        refund = Refund(new_id(), cents, datetime.now(UTC))
        capture.refunds.append(refund)
        capture.status = "REFUNDED" if capture.refunded_cents == capture.cents else "PARTIALLY_REFUNDED"
        self.announce("PAYMENT.CAPTURE.REFUNDED", order, refund)
        return order, capture, refund


def expires(authorization: Authorization) -> datetime:
    """When the reservation runs out."""
    return authorization.created + timedelta(days=_AUTHORIZATION_DAYS)


def _amount(raw: object) -> Amount:
    try:
        amount = Amount.model_validate(raw)
        positive = amount.cents > 0
    except ValueError as error:
        raise invalid("INVALID_PARAMETER_SYNTAX", "The amount is malformed.") from error
    if not positive:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
    return amount


def _check_items(unit: Json, amount: Amount) -> None:
    items = unit.get("items")
    if not items:
        return
    breakdown = unit["amount"].get("breakdown", {}).get("item_total")
    if not breakdown:
        raise unprocessable("ITEM_TOTAL_REQUIRED", "If item details are specified, the item total is required.")
    total = sum(_item_cents(item) for item in items)
    if total != _amount(breakdown).cents:
        raise unprocessable("ITEM_TOTAL_MISMATCH", "Should equal sum of (unit_amount * quantity) across all items.")
    if total != amount.cents:
        raise unprocessable("AMOUNT_MISMATCH", "Should equal item_total plus tax, shipping and the like.")


def _item_cents(item: object) -> int:
    if not isinstance(item, dict) or not str(item.get("quantity", "")).isdecimal() or not item.get("name"):
        raise invalid("MISSING_REQUIRED_PARAMETER", "An item needs name, quantity and unit_amount.")
    if len(str(item["name"])) > 127:
        raise invalid("INVALID_STRING_LENGTH", "An item's name has at most 127 characters.")
    return _amount(item.get("unit_amount")).cents * int(item["quantity"])
