"""Bus door: booking opens and closes rooms, casework moves what they show.

Sockets are told before the commit, and told again if the event comes again: a room that closed without telling would
keep people waiting. Whoever misses it all the same is told by `Presence.reconcile`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis.clock import Clock
from chassis.consumer import Consumer
from chassis.database import Transaction
from contracts.base import Event, Meta
from contracts.booking import BookingCancelled, BookingCompleted, BookingErased, BookingNoShow, BookingRescheduled
from contracts.casework import ApplicationConfirmed, CaseAborted, CaseCompleted, CaseOpened, Signed, StageChanged
from signaling import store, usecases
from signaling.hub import Hub
from signaling.model import Ending
from signaling.protocol import CaseChanged


class RoomUnknown(Exception):
    """An event overtook booking.completed; it is tried again."""


class Consumers:
    """The handlers of all events that rooms care about."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock

    def all(self) -> Sequence[Consumer[Any]]:
        """For the composition root: exactly what contracts.topology says that signaling consumes."""
        return (
            Consumer(BookingCompleted, self.booked),
            Consumer(BookingRescheduled, self.rescheduled),
            Consumer(BookingCancelled, self.cancelled),
            Consumer(BookingNoShow, self.missed),
            Consumer(BookingErased, self.erased),
            Consumer(CaseOpened, self.noticed),
            Consumer(StageChanged, self.stage_changed),
            Consumer(ApplicationConfirmed, self.noticed),
            Consumer(Signed, self.noticed),
            Consumer(CaseCompleted, self.completed),
            Consumer(CaseAborted, self.aborted),
        )

    async def booked(self, tx: Transaction, event: BookingCompleted, _: Meta) -> None:
        """The room exists from now on."""
        await store.open_room(
            tx, event.appointment_id, event.office, event.starts_at, event.ends_at, event.link_generation
        )

    async def rescheduled(self, tx: Transaction, event: BookingRescheduled, _: Meta) -> None:
        """Another time and another link: whoever waits with the old one is told and shown out; nobody is admitted."""
        now = self._clock()
        if await usecases.reschedule(tx, event, now=now):
            await self._hub.tell_room(event.appointment_id, "moved", str(event.link_generation))
            await self._hub.announce(event.office)

    async def cancelled(self, tx: Transaction, event: BookingCancelled, _: Meta) -> None:
        """The link is dead; whoever is in the room is told and shown out."""
        await store.ensure_cancelled(tx, event.appointment_id, event.office, event.starts_at, event.ends_at)
        await self._end(tx, event, "cancelled")

    async def missed(self, tx: Transaction, event: BookingNoShow, _: Meta) -> None:
        """The citizen did not come: the room closes as after an abortion, also when the booking is still on its way."""
        await store.ensure_closed(tx, event.appointment_id, event.office, event.starts_at, event.ends_at)
        await self._end(tx, event, "aborted")

    async def erased(self, tx: Transaction, event: BookingErased, _: Meta) -> None:
        """The citizen is to be forgotten (GDPR Art. 17): when they were here, for how long, and with whom, goes."""
        await self._end(tx, event, "cancelled")
        await store.erase_room(tx, event.appointment_id, event.office, event.erased_at)

    async def completed(self, tx: Transaction, event: CaseCompleted, _: Meta) -> None:
        """The matter is finished."""
        await self._require_room(tx, event)
        await self._end(tx, event, "completed")

    async def aborted(self, tx: Transaction, event: CaseAborted, _: Meta) -> None:
        """The matter could not be finished in this call."""
        await self._require_room(tx, event)
        await self._end(tx, event, "aborted")

    async def stage_changed(self, tx: Transaction, event: StageChanged, _: Meta) -> None:
        """What the room shows changed."""
        await self._require_room(tx, event)
        await store.set_stage(tx, event.appointment_id, event.office, event.stage, event.revision)
        await self._hub.tell_room(event.appointment_id, "stage", f"{event.stage} {event.revision}")

    async def noticed(self, tx: Transaction, event: Event, _: Meta) -> None:
        """Something happened to the case that both sides want to see at once; nothing of it is kept here."""
        frame = CaseChanged(subject=event.SUBJECT).text()
        await self._hub.tell_room(UUID(str(event.appointment_id)), "frame", frame)

    async def _end(self, tx: Transaction, event: Event, ending: Ending) -> None:
        await usecases.end_room(tx, event.appointment_id, event.office, ending, now=self._clock())
        await self._hub.tell_room(event.appointment_id, "closed", ending)
        await self._hub.announce(event.office)

    async def _require_room(self, tx: Transaction, event: Event) -> None:
        if await store.room(tx, event.appointment_id, event.office) is None:
            raise RoomUnknown(f"no room for {event.SUBJECT}")
