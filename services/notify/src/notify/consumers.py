"""The bus door: each event that a citizen should hear of becomes a message to send, or erases those sent."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from chassis.clock import Clock
from chassis.consumer import Consumer, InboxRow
from chassis.database import Transaction
from contracts.base import Event, Meta
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
    ConfirmationAsked,
    LinkAsked,
    RemindersChosen,
    SlotOffered,
    WaitingEnded,
    WaitingJoined,
)
from contracts.casework import CaseAborted, CaseCompleted
from contracts.offices import Offices
from contracts.payment import PaymentCaptured, PaymentRefunded
from notify import absence, choosing, links, readdressing, usecases
from notify.model import Claim, Message

E = TypeVar("E", bound=Event)


class Outgoing(Protocol):
    """Who sends what is queued."""

    def wake(self) -> None:
        """There is something to send."""
        ...

    def offer(self, tx: Transaction, now: datetime) -> Claim | None:
        """A claim for one message of this transaction, if it could be sent at once."""
        ...

    def promise(self, tx: Transaction, message: Message) -> Callable[[], None]:
        """`message` is put under the claim that was offered, and is sent once `tx` has committed.

        Returns what takes it back, as long as `tx` is under way.
        """
        ...


class Queued:
    """Nobody here sends; what is queued waits until somebody claims it."""

    def wake(self) -> None:
        """Nobody sleeps."""

    def offer(self, tx: Transaction, now: datetime) -> Claim | None:
        """Never."""
        return None

    def promise(self, tx: Transaction, message: Message) -> Callable[[], None]:
        """Nothing was offered, so nothing can be taken back."""
        return lambda: None


def consumers(offices: Offices, clock: Clock, outgoing: Outgoing) -> list[Consumer[Any]]:
    """The consumers of notify. What they queue goes to `outgoing`, by hand if it is free and else by the table."""

    def queueing(kind: type[E], queue: Callable[..., Awaitable[Message | None]]) -> Consumer[E]:
        async def handle(tx: Transaction, event: E, meta: Meta) -> None:
            now = clock()
            claim = outgoing.offer(tx, now)
            message = await queue(tx, event, meta.id, now, claim)
            if claim and message:
                outgoing.promise(tx, message)
            else:
                tx.after_commit(outgoing.wake)

        return Consumer(kind, handle)

    async def confirm(tx: Transaction, event: BookingCompleted, meta: Meta, inbox: InboxRow) -> bool | None:
        if event.channel == "waiting_list":
            return None  # the mail that they wait is dropped with it: more than one statement
        now = clock()
        claim = outgoing.offer(tx, now)
        message = usecases.confirmation(event, meta.id, now, claim)
        take_back = outgoing.promise(tx, message) if claim else None  # written while the database is busy
        outcome = await usecases.confirm_at_once(offices, tx, event, message, now, claim, inbox)
        if take_back and outcome.recipient == message.recipient:
            return True
        if take_back:
            take_back()
        if claim and outcome.recipient:
            outgoing.promise(tx, replace(message, recipient=outcome.recipient))
        elif outcome.recipient:
            tx.after_commit(outgoing.wake)
        return outcome.fresh

    async def erased(tx: Transaction, event: BookingErased, meta: Meta) -> None:
        await usecases.forget(tx, event)

    async def given_up(tx: Transaction, event: CaseAborted, meta: Meta) -> None:
        await absence.stop_reminding(tx, event, meta.id, clock())

    async def resumed(tx: Transaction, event: BookingResumed, meta: Meta) -> None:
        await absence.welcome_back(tx, event, meta.id, clock())

    async def chosen(tx: Transaction, event: RemindersChosen, meta: Meta) -> None:
        await choosing.choose_reminders(tx, event, meta.id, clock())

    return [
        replace(queueing(BookingCompleted, partial(usecases.confirm_booking, offices)), at_once=confirm),
        queueing(BookingRescheduled, partial(usecases.tell_move, offices)),
        queueing(BookingContactChanged, partial(readdressing.write_elsewhere, offices)),
        queueing(BookingCancelled, usecases.tell_cancellation),
        queueing(BookingNoShow, absence.tell_no_show),
        Consumer(BookingResumed, resumed),
        Consumer(RemindersChosen, chosen),
        queueing(ConfirmationAsked, links.ask_to_confirm),
        queueing(LinkAsked, links.send_link_again),
        queueing(SlotOffered, usecases.offer_slot),
        queueing(WaitingJoined, usecases.welcome_to_the_list),
        queueing(WaitingEnded, usecases.tell_waiting_is_over),
        Consumer(BookingErased, erased),
        queueing(CaseCompleted, usecases.say_goodbye),
        Consumer(CaseAborted, given_up),
        queueing(PaymentCaptured, usecases.send_receipt),
        queueing(PaymentRefunded, usecases.tell_refund),
    ]
