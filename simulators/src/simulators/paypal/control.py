"""A small interface for tests and demonstrations: what the provider shall do badly next. Never behind the gateway."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from simulators.paypal.ledger import Json
from simulators.paypal.rest import Rest
from simulators.paypal.webhooks import Sender
from simulators.paypal.wire import count_captures


class Control(BaseModel):
    """Only what is given changes; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")

    hold_webhooks: bool | None = None
    lose_webhooks: bool | None = None
    webhook_copies: Annotated[int, Field(ge=1, le=20)] | None = None
    shuffle_webhooks: bool | None = None
    lose_capture_answers: Annotated[int, Field(ge=0)] | None = None
    silence_seconds: Annotated[float, Field(ge=0, le=600)] | None = None
    refuse_calls: Annotated[int, Field(ge=0)] | None = None
    decline_authorizations: Annotated[int, Field(ge=0)] | None = None
    decline_captures: Annotated[int, Field(ge=0)] | None = None


class Forgery(BaseModel):
    """A body to be signed with the genuine key, for example one that tells an old story."""

    model_config = ConfigDict(extra="forbid")

    event_type: str
    body: str
    age_seconds: float = 0.0


def router(rest: Rest, sender: Sender) -> APIRouter:
    """The routes under /simulator/."""
    routes = APIRouter(prefix="/simulator")

    @routes.get("/control")
    async def state() -> Json:
        return {
            "held": [transmission.view() for transmission in sender.held],
            "sent": [transmission.view() for transmission in sender.sent],
            "captures": count_captures(rest.ledger),
            "orders": {order.id: rest.wire.order(order) for order in rest.ledger.orders.values()},
        }

    @routes.post("/control")
    async def change(control: Control) -> Json:
        targets = {
            "hold_webhooks": (sender, "hold"),
            "lose_webhooks": (sender, "lose"),
            "webhook_copies": (sender, "copies"),
            "shuffle_webhooks": (sender, "shuffle"),
            "lose_capture_answers": (rest.faults, "lose_answer"),
            "silence_seconds": (rest.faults, "silence_seconds"),
            "refuse_calls": (rest.faults, "refuse"),
            "decline_authorizations": (rest.ledger, "decline_authorize"),
            "decline_captures": (rest.ledger, "decline_capture"),
        }
        for name, value in control.model_dump(exclude_none=True).items():
            target, attribute = targets[name]
            setattr(target, attribute, value)
        return await state()

    @routes.post("/control/release")
    async def release() -> Json:
        return {"released": sender.release()}

    @routes.post("/control/sign")
    async def sign(forgery: Forgery) -> Json:
        sent_at = datetime.now(UTC) - timedelta(seconds=forgery.age_seconds)
        return sender.sign(forgery.event_type, forgery.body.encode(), sent_at=sent_at).view()

    @routes.post("/control/forget/{order_id}")
    async def forget(order_id: str) -> Json:
        del rest.ledger.orders[rest.ledger.order(order_id).id]
        return {"forgotten": order_id}

    @routes.post("/control/expire/{order_id}")
    async def expire(order_id: str) -> Json:
        order = rest.ledger.order(order_id)
        if order.authorization:
            rest.ledger.expire(order.authorization.id)
        return rest.wire.order(order)

    @routes.post("/control/amount/{order_id}")
    async def amount(order_id: str, cents: Annotated[int, Body(embed=True, gt=0)]) -> Json:
        """The payer's provider asks for another sum than the merchant wrote: merchants must re-read it."""
        order = rest.ledger.order(order_id)
        order.cents = cents
        order.unit = order.unit | {"amount": {"currency_code": order.currency, "value": f"{cents / 100:.2f}"}}
        return rest.wire.order(order)

    return routes
