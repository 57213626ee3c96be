"""What every payment provider can do for this service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payment.model import Order, Snapshot


@dataclass(frozen=True, slots=True)
class Approval:
    """The provider's own order, and where the payer approves it."""

    provider_order_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Return:
    """Where the payer's browser goes afterwards, and the name shown as the payee."""

    approved_url: str
    cancelled_url: str
    payee: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook proven to be the provider's. It only says where to look."""

    transmission_id: str
    event_id: str
    event_type: str
    references: frozenset[str]


class Provider(Protocol):
    """Remote calls. All may be repeated: the provider recognises a repetition by the order's id.

    Every method raises ProviderUnavailable when the outcome is unknown; then `read` tells later what happened. Each act
    answers with the provider's books after it, also when it refused because somebody else had acted before.
    """

    name: str

    async def create(self, order: Order, back: Return) -> Approval:
        """Open the provider's order over exactly the order's amount, to be approved by the payer."""
        ...

    async def read(self, order: Order) -> Snapshot:
        """The provider's books on this order now. The order has a provider_order_id."""
        ...

    async def authorise(self, order: Order) -> Snapshot:
        """Reserve the money that the payer approved."""
        ...

    async def capture(self, order: Order) -> Snapshot:
        """Take the reserved money, in full and once."""
        ...

    async def void(self, order: Order) -> Snapshot:
        """Give the reservation back."""
        ...

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """The webhook's notice. Raises WebhookRefused unless it is genuine and recent; `body` is the raw request."""
        ...
