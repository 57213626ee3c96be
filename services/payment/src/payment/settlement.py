"""Bringing an order and the provider's books together: remote calls between short transactions, never inside one.

Whatever dies in between, the work list still names the order; whoever takes it up reads the books first. Two at once do
no harm either: the provider recognises repetitions, and the row lock lets every fact be published once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from chassis.clock import Clock
from chassis.database import Database
from contracts.actors import Citizen
from contracts.ids import OrderId
from contracts.offices import Office
from payment import jobs, store, usecases
from payment.errors import NothingToApprove, ProviderUnavailable
from payment.model import Act, Order, Snapshot, next_act
from payment.providers.base import Provider, Return

log = structlog.get_logger(__name__)

_ROUNDS: Final = 4
"""Approve, reserve, take: more acts than that in a row mean that provider and model disagree."""


class Undecided(ProviderUnavailable):
    """The provider's books still ask for an act after all rounds; the order is looked at again later."""


@dataclass(frozen=True)
class Settlement:
    """The provider, and everything its answers are written down with."""

    database: Database
    provider: Provider
    offices: Mapping[str, Office]
    public_origin: str
    clock: Clock

    async def start_approval(self, citizen: Citizen) -> Order:
        """The citizen wants to pay: an order with the address of the approval page.

        Repeating it answers the same address while the provider knows the order; after a failure it begins anew.
        Raises OrderNotFound, LinkExpired, NothingToApprove, ProviderUnavailable.
        """
        order = await self._current(citizen)
        if order.state in ("approval_pending", "authorised"):
            order = await self.attend(order.id)
        if order.state == "failed":
            async with self.database.transaction() as tx:
                order = await usecases.retry_order(tx, order, self.clock())
        if order.state == "requested":
            approval = await self.provider.create(order, self._return_of(order))
            async with self.database.transaction() as tx:
                order = await usecases.link_provider_order(
                    tx, order.id, approval.provider_order_id, approval.url, self.clock()
                )
        if order.state != "approval_pending":
            raise NothingToApprove("The payment is settled or was withdrawn.", state=order.state)
        return order

    async def confirm_approval(self, citizen: Citizen) -> Order:
        """The citizen is back from the provider: reserve what was approved, and answer how the order stands now.

        When the provider does not answer, the order as known is answered; the worker goes on with it.
        """
        order = await self._current(citizen)
        if order.state != "approval_pending":
            return order
        try:
            return await self.attend(order.id)
        except ProviderUnavailable:
            return order

    async def attend(self, order_id: OrderId) -> Order:
        """Settle one order now, on the record: the work list has it until it is done."""
        async with self.database.transaction() as tx:
            job = await jobs.take(tx, order_id, self.clock())
        return await self.work(job)

    async def work(self, job: jobs.Job) -> Order:
        """Do a leased job. Raises what went wrong, after putting the job back with a pause."""
        try:
            order = await self.advance(job.order_id)
        except Exception as error:
            async with self.database.transaction() as tx:
                await jobs.postpone(tx, job, type(error).__name__, self.clock())
            raise
        async with self.database.transaction() as tx:
            await jobs.finish(tx, job)
        return order

    async def advance(self, order_id: UUID) -> Order:
        """Read the books, act if they ask for it, write down what is new; until nothing is left to do."""
        async with self.database.transaction() as tx:
            order = await store.by_id(tx, order_id)
        if order.provider_order_id is None:
            return order
        snapshot = await self.provider.read(order)
        for _ in range(_ROUNDS):
            async with self.database.transaction() as tx:
                order = await usecases.record_snapshot(tx, order.id, snapshot, self.offices, self.clock())
            act = next_act(order, snapshot)
            if act is None:
                return order
            snapshot = await self._perform(act, order)
        log.error("settlement_undecided", order_id=str(order.id), phase=snapshot.phase)
        raise Undecided

    async def _perform(self, act: Act, order: Order) -> Snapshot:
        match act:
            case "authorise":
                return await self.provider.authorise(order)
            case "capture":
                return await self.provider.capture(order)
            case "void":
                return await self.provider.void(order)

    async def _current(self, citizen: Citizen) -> Order:
        async with self.database.transaction() as tx:
            return await usecases.current_order(tx, citizen)

    def _return_of(self, order: Order) -> Return:
        page = f"{self.public_origin}/{order.office}/payment-return?state="
        payee = self.offices[order.office].name.in_language(order.language)
        return Return(f"{page}approved", f"{page}cancelled", payee)
