"""The HTTP door: the citizen's order, and the provider's webhooks."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from prometheus_client import Counter
from pydantic import BaseModel

from chassis.http import Now, Tx, bearer
from chassis.metrics import at_zero
from contracts.actors import Citizen
from contracts.casework import PaymentItem
from contracts.ids import OrderId
from payment import usecases
from payment.errors import WebhookRefused
from payment.model import Order, Reason, State
from payment.settlement import Settlement

WEBHOOKS = Counter("schalter_payment_webhooks_total", "Webhooks by what became of them.", ("outcome",))
at_zero(WEBHOOKS, ("accepted", "repeated", "refused"))

Payer = Annotated[Citizen, Depends(bearer(Citizen))]


async def _settlement(request: Request) -> Settlement:
    settlement: Settlement = request.app.state.settlement
    return settlement


Desk = Annotated[Settlement, Depends(_settlement)]


class OrderView(BaseModel):
    """What the payer sees of an order."""

    order_id: OrderId
    state: State
    amount_cents: int
    currency: Literal["EUR"]
    items: tuple[PaymentItem, ...]
    provider: str
    reason: Reason | None
    """Why it failed."""
    receipt_number: str | None
    refunded_cents: int

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        """The view of `order`."""
        return cls(
            order_id=order.id,
            state=order.state,
            amount_cents=order.amount_cents,
            currency=order.currency,
            items=order.items,
            provider=order.provider,
            reason=order.reason,
            receipt_number=order.receipt_number,
            refunded_cents=order.refunded_cents,
        )


class ApprovalView(BaseModel):
    """Where the payer's browser goes to approve the payment, in a window of its own."""

    order_id: OrderId
    approval_url: str


router = APIRouter()


@router.get("/citizen/order", tags=["citizen"])
async def get_order(payer: Payer, tx: Tx) -> OrderView:
    """The order of this appointment. 404 `order_not_found` while the clerk has not asked for a payment."""
    return OrderView.of(await usecases.current_order(tx, payer))


@router.post("/citizen/order/approval", tags=["citizen"])
async def post_approval(payer: Payer, desk: Desk) -> ApprovalView:
    """Begin to pay, or go on with it: repeating it gives the same address. After a failure it starts a new order.

    409 `order_settled` when nothing is left to approve, 503 `provider_unavailable` when the provider is away.
    """
    order = await desk.start_approval(payer)
    return ApprovalView(order_id=order.id, approval_url=order.approval_url or "")


@router.post("/citizen/order/authorisation", tags=["citizen"])
async def post_authorisation(payer: Payer, desk: Desk) -> OrderView:
    """The payer is back: reserve what was approved. Answers the order as the provider confirms it."""
    return OrderView.of(await desk.confirm_approval(payer))


@router.post("/webhooks/paypal", status_code=204, tags=["provider"])
async def post_paypal_webhook(request: Request, desk: Desk, now: Now) -> None:
    """PayPal's webhooks. The raw body is verified before anything is read from it; a repetition is accepted again."""
    try:
        notice = await desk.provider.verify(request.headers, await request.body(), now)
    except WebhookRefused:
        WEBHOOKS.labels("refused").inc()
        raise
    async with desk.database.transaction() as tx:
        fresh = await usecases.receive_webhook(tx, notice, now)
    WEBHOOKS.labels("accepted" if fresh else "repeated").inc()
