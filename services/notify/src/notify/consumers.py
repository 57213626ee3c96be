"""The bus door: each event that a citizen should hear of becomes a message to send, or erases those sent."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from chassis.clock import Clock
from chassis.consumer import Consumer
from chassis.database import Transaction
from contracts.base import Event, Meta
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    SlotOffered,
    WaitingJoined,
)
from contracts.casework import CaseAborted, CaseCompleted
from contracts.offices import Offices
from contracts.payment import PaymentCaptured
from notify import usecases

E = TypeVar("E", bound=Event)


def consumers(offices: Offices, clock: Clock, wake: Callable[[], None]) -> list[Consumer[Any]]:
    """The consumers of notify. `wake` tells the sender that there is something to send."""

    def queueing(kind: type[E], queue: Callable[[Transaction, E, UUID, datetime], Awaitable[None]]) -> Consumer[E]:
        async def handle(tx: Transaction, event: E, meta: Meta) -> None:
            await queue(tx, event, meta.id, clock())
            tx.after_commit(wake)

        return Consumer(kind, handle)

    return [
        queueing(BookingCompleted, partial(usecases.confirm_booking, offices)),
        queueing(BookingRescheduled, partial(usecases.tell_move, offices)),
        queueing(BookingCancelled, usecases.tell_cancellation),
        queueing(BookingNoShow, usecases.tell_no_show),
        queueing(SlotOffered, usecases.offer_slot),
        queueing(WaitingJoined, usecases.welcome_to_the_list),
        queueing(BookingErased, usecases.forget),
        queueing(CaseCompleted, usecases.say_goodbye),
        queueing(CaseAborted, usecases.stop_reminding),
        queueing(PaymentCaptured, usecases.send_receipt),
    ]
