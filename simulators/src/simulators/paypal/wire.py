"""How orders, authorizations, captures and refunds look in PayPal's JSON."""

from simulators.paypal.ledger import Authorization, Capture, Json, Ledger, Order, Refund, expires, rfc3339
from simulators.paypal.money import Amount


class Wire:
    """Serialises the books; knows the addresses that links need."""

    def __init__(self, api_url: str, public_url: str) -> None:
        self._api = api_url
        self._public = public_url

    def order(self, order: Order, *, minimal: bool = False) -> Json:
        """An order; `minimal` is what PayPal answers without `Prefer: return=representation`."""
        body: Json = {"id": order.id, "status": order.status, "links": self._order_links(order)}
        if minimal:
            return body
        unit = dict(order.unit)
        unit.setdefault("reference_id", "default")
        if authorization := order.authorization:
            captures = authorization.captures
            unit["payments"] = {"authorizations": [self.authorization(order, authorization)]}
            if captures:
                unit["payments"]["captures"] = [self.capture(order, capture) for capture in captures]
            if refunds := [self.refund(order, c, r) for c in captures for r in c.refunds]:
                unit["payments"]["refunds"] = refunds
        body |= {"intent": order.intent, "purchase_units": [unit], "create_time": rfc3339(order.created)}
        if order.has_source:
            body["payment_source"] = {"paypal": {}}
        return body

    def authorization(self, order: Order, authorization: Authorization) -> Json:
        """An authorization as GET /v2/payments/authorizations/{id} shows it."""
        address = f"{self._api}/v2/payments/authorizations/{authorization.id}"
        return self._custom(order) | {
            "id": authorization.id,
            "status": authorization.status,
            "amount": Amount.of(authorization.cents, order.currency).model_dump(),
            "create_time": rfc3339(authorization.created),
            "expiration_time": rfc3339(expires(authorization)),
            "supplementary_data": {"related_ids": {"order_id": order.id}},
            "links": [
                _link(address, "self"),
                _link(f"{address}/capture", "capture", "POST"),
                _link(f"{address}/void", "void", "POST"),
                _link(f"{self._api}/v2/checkout/orders/{order.id}", "up"),
            ],
        }

    def capture(self, order: Order, capture: Capture) -> Json:
        """A capture as GET /v2/payments/captures/{id} shows it."""
        address = f"{self._api}/v2/payments/captures/{capture.id}"
        related = {"order_id": order.id}
        up = f"{self._api}/v2/checkout/orders/{order.id}"
        if order.authorization:
            related["authorization_id"] = order.authorization.id
            up = f"{self._api}/v2/payments/authorizations/{order.authorization.id}"
        return self._custom(order) | {
            "id": capture.id,
            "status": capture.status,
            "amount": Amount.of(capture.cents, order.currency).model_dump(),
            "final_capture": True,
            "create_time": rfc3339(capture.created),
            "supplementary_data": {"related_ids": related},
            "links": [_link(address, "self"), _link(f"{address}/refund", "refund", "POST"), _link(up, "up")],
        }

    def refund(self, order: Order, capture: Capture, refund: Refund) -> Json:
        """A refund, which names its capture only by the link `up`, as PayPal's does."""
        return self._custom(order) | {
            "id": refund.id,
            "status": "COMPLETED",
            "amount": Amount.of(refund.cents, order.currency).model_dump(),
            "create_time": rfc3339(refund.created),
            "links": [
                _link(f"{self._api}/v2/payments/refunds/{refund.id}", "self"),
                _link(f"{self._api}/v2/payments/captures/{capture.id}", "up"),
            ],
        }

    def resource(self, event_type: str, order: Order, part: Capture | Refund | None) -> tuple[str, Json]:
        """(resource_type, resource) of a webhook event."""
        if isinstance(part, Capture):
            return "capture", self.capture(order, part)
        if isinstance(part, Refund):
            captures = order.authorization.captures if order.authorization else []
            capture = next(capture for capture in captures if part in capture.refunds)
            return "refund", self.refund(order, capture, part)
        if event_type.startswith("PAYMENT.AUTHORIZATION") and order.authorization:
            return "authorization", self.authorization(order, order.authorization)
        return "checkout-order", self.order(order)

    def _order_links(self, order: Order) -> list[Json]:
        address = f"{self._api}/v2/checkout/orders/{order.id}"
        links = [_link(address, "self")]
        if order.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
            rel = "payer-action" if order.has_source else "approve"
            links.append(_link(f"{self._public}/checkoutnow?token={order.id}", rel))
        if order.status == "APPROVED":
            links.append(_link(f"{address}/authorize", "authorize", "POST"))
        return links

    @staticmethod
    def _custom(order: Order) -> Json:
        return {name: order.unit[name] for name in ("custom_id", "invoice_id") if name in order.unit}


def count_captures(ledger: Ledger) -> dict[str, int]:
    """How often money was taken per order id: what a test of "exactly once" asks."""
    return {
        order.id: sum(capture.status != "DECLINED" for capture in order.authorization.captures)
        for order in ledger.orders.values()
        if order.authorization
    }


def _link(href: str, rel: str, method: str = "GET") -> Json:
    return {"href": href, "rel": rel, "method": method}
