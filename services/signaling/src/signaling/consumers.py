"""Bus door: booking opens and closes rooms, casework moves what they show.

Sockets are told before the commit, and told again if the event comes again: a room that closed without telling would
keep people waiting. Whoever misses it all the same is told by `Presence.reconcile`.
"""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from redis.exceptions import RedisError

from chassis.clock import Clock
from chassis.consumer import Consumer
from chassis.database import Transaction
from chassis.problems import Busy
from contracts.base import AppointmentEvent, Meta
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingErased,
    BookingNoShow,
    BookingRescheduled,
    BookingResumed,
)
from contracts.casework import (
    ApplicationConfirmed,
    CaseAborted,
    CaseCompleted,
    CaseOpened,
    SessionsEnded,
    Signed,
    StageChanged,
)
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
            Consumer(BookingContactChanged, self.contact_changed),
            Consumer(BookingCancelled, self.cancelled),
            Consumer(BookingNoShow, self.missed),
            Consumer(BookingResumed, self.resumed),
            Consumer(BookingErased, self.erased),
            Consumer(CaseOpened, self.noticed),
            Consumer(StageChanged, self.stage_changed),
            Consumer(ApplicationConfirmed, self.noticed),
            Consumer(Signed, self.noticed),
            Consumer(CaseCompleted, self.completed),
            Consumer(CaseAborted, self.aborted),
            Consumer(SessionsEnded, self.signed_out),
        )

    async def booked(self, tx: Transaction, event: BookingCompleted, _: Meta) -> None:
        """The room exists from now on."""
        await store.open_room(
            tx, event.appointment_id, event.office, event.starts_at, event.ends_at, event.link_generation
        )

    async def rescheduled(self, tx: Transaction, event: BookingRescheduled, _: Meta) -> None:
        """Another time and another link: whoever waits with the old one is told and shown out; nobody is admitted."""
        await self._renew(tx, event, "moved")

    async def contact_changed(self, tx: Transaction, event: BookingContactChanged, _: Meta) -> None:
        """Another link, for the one before may lie with a stranger: whoever waits by it is shown out."""
        await self._renew(tx, event, "renewed")

    async def signed_out(self, tx: Transaction, event: SessionsEnded, _: Meta) -> None:
        """What the clerk has open ends within a second, on every instance, and opens no more.

        While Redis is away it waits, as for the database: nothing tells of it again, and access tokens are still out.
        """
        try:
            await self._hub.sign_ins.end(event.sessions)
        except RedisError as error:
            raise Busy("Redis does not answer.") from error

    async def cancelled(self, tx: Transaction, event: BookingCancelled, _: Meta) -> None:
        """The link is dead; whoever is in the room is told and shown out."""
        await store.ensure_cancelled(tx, event.appointment_id, event.office, event.starts_at, event.ends_at)
        await self._end(tx, event, "cancelled")

    async def missed(self, tx: Transaction, event: BookingNoShow, _: Meta) -> None:
        """The citizen did not come: the room closes as after an abortion, also when the booking is still on its way.

        Whoever is in the call has come after all, whatever was said meanwhile.
        """
        room = await store.room(tx, event.appointment_id, event.office)
        if room is not None and room.admitted:
            return
        await store.ensure_closed(tx, event.appointment_id, event.office, event.starts_at, event.ends_at)
        if await store.tell_absence(tx, event.appointment_id, event.office, event.marked_at):
            await self._end(tx, event, "aborted")

    async def resumed(self, tx: Transaction, event: BookingResumed, _: Meta) -> None:
        """Missed, here now: the room opens again, for the link that is good."""
        appointment_id, office = event.appointment_id, event.office
        await store.open_room(tx, appointment_id, office, event.starts_at, event.ends_at, event.link_generation)
        if await store.tell_absence(tx, appointment_id, office, event.resumed_at):
            await store.reopen_room(tx, appointment_id, office)
            await self._hub.announce(office)

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
        absent = event.reason == "citizen_absent"
        if not absent or await store.tell_absence(tx, event.appointment_id, event.office, event.aborted_at):
            await self._end(tx, event, "aborted")

    async def stage_changed(self, tx: Transaction, event: StageChanged, _: Meta) -> None:
        """What the room shows changed."""
        await self._require_room(tx, event)
        await store.set_stage(tx, event.appointment_id, event.office, event.stage, event.revision)
        await self._hub.tell_room(event.appointment_id, "stage", f"{event.stage} {event.revision}")

    async def noticed(self, tx: Transaction, event: AppointmentEvent, _: Meta) -> None:
        """Something happened to the case that both sides want to see at once; nothing of it is kept here."""
        if not await self._ours(tx, event):
            return
        frame = CaseChanged(subject=event.SUBJECT).text()
        await self._hub.tell_room(UUID(str(event.appointment_id)), "frame", frame)

    async def _renew(
        self, tx: Transaction, event: BookingRescheduled | BookingContactChanged, kind: Literal["moved", "renewed"]
    ) -> None:
        if await usecases.renew_link(tx, event, now=self._clock()):
            await self._hub.tell_room(event.appointment_id, kind, str(event.link_generation))
            await self._hub.announce(event.office)

    async def _end(self, tx: Transaction, event: AppointmentEvent, ending: Ending) -> None:
        if not await self._ours(tx, event):
            return
        await usecases.end_room(tx, event.appointment_id, event.office, ending, now=self._clock())
        await self._hub.tell_room(event.appointment_id, "closed", ending)
        await self._hub.announce(event.office)

    async def _ours(self, tx: Transaction, event: AppointmentEvent) -> bool:
        """Whether no other office has a room for this appointment."""
        return await store.office_of(tx, event.appointment_id) in (None, event.office)

    async def _require_room(self, tx: Transaction, event: AppointmentEvent) -> None:
        if await store.room(tx, event.appointment_id, event.office) is None:
            raise RoomUnknown(f"no room for {event.SUBJECT}")
