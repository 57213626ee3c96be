"""The background of the rooms: seats stay refreshed, absences become departures, and what was lost is made good."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.problems import Problem, is_transient
from signaling import store, usecases
from signaling.hub import Hub
from signaling.rooms import GRACE_MS, Place
from signaling.sockets import Participant, monotonic
from signaling.tickets import Claim

log = structlog.get_logger(__name__)

Transactions = Callable[[], AbstractAsyncContextManager[Transaction]]

_PULSE_SECONDS: Final = 1.0
#: A restart of Redis takes about this long; sockets outlive it. Longer, and we let go.
_REDIS_PATIENCE_SECONDS: Final = 3.0
_RECONCILE_SECONDS: Final = 5.0
GRACE: Final = timedelta(milliseconds=GRACE_MS)


class Presence:
    """The workers. Each `async` method without arguments runs until cancelled."""

    def __init__(self, hub: Hub, transactions: Transactions, clock: Clock) -> None:
        self._hub = hub
        self._transactions = transactions
        self._clock = clock
        self._connected: dict[UUID, tuple[str, datetime]] = {}
        self._somebody_connected = asyncio.Event()

    async def pulse(self) -> None:
        """Every second: silent sockets are closed, the living ones' seats refreshed."""
        last_success, failures = monotonic(), 0
        while True:
            self._hub.drop_silent(monotonic())
            try:
                await self._refresh()
                last_success, failures = monotonic(), 0
            except RedisError as error:
                failures += 1
                away = monotonic() - last_success
                log.warning("redis_away", error=type(error).__name__, seconds=round(away, 1))
                # One slow answer on a busy machine is no outage.
                if failures > 1 and away > _REDIS_PATIENCE_SECONDS:
                    self._hub.drop_all()
            await asyncio.sleep(_PULSE_SECONDS)

    async def _refresh(self) -> None:
        held = list(self._hub.participants.values())
        if held:
            self._hub.refreshed(held, await self._hub.rooms.refresh([(p.place, p.seat) for p in held]))
        await self._hub.drop_signed_out()
        at_work: dict[str, set[str]] = {}
        for connection in self._hub.connections:
            if connection.clerk_id is not None:
                at_work.setdefault(connection.office, set()).add(str(connection.clerk_id))
        for office, clerks in at_work.items():
            await self._hub.rooms.clerks_at_work(office, sorted(clerks))

    async def departures(self) -> None:
        """Every second: whoever was away for longer than the grace has left."""
        # After a restart of everything, people get their grace to come back before they count as gone.
        await asyncio.sleep(GRACE.total_seconds())
        while True:
            try:
                due = await self._hub.rooms.due_departures()
                occupied = await self._hub.rooms.occupied(due)
            except RedisError as error:
                log.warning("redis_away", error=type(error).__name__)
                due, occupied = [], []
            for place, present in zip(due, occupied, strict=True):
                if not present:
                    await self.left(place, at=self._clock() - GRACE)
            await asyncio.sleep(_PULSE_SECONDS)

    async def left(self, place: Place, *, at: datetime) -> None:
        """Record and tell that somebody is gone. When the database is away, `reconcile` brings the matter up again."""
        async with self._transactions() as tx:
            office = await store.office_of(tx, place.appointment_id)
            if office is None:
                return
            await usecases.depart(tx, place.appointment_id, office, place.role, at=at)
        await self._hub.announce(office)

    def connected(self, participant: Participant) -> None:
        """An answer went through: the call runs. Recorded in the background, so that the relay waits for nothing."""
        self._connected.setdefault(participant.appointment_id, (participant.office, self._clock()))
        self._somebody_connected.set()

    async def calls(self) -> None:
        """Record the calls that began, trying again until the database takes them."""
        while True:
            if not self._connected:
                self._somebody_connected.clear()
                await self._somebody_connected.wait()
            appointment_id, (office, at) = next(iter(self._connected.items()))
            try:
                async with self._transactions() as tx:
                    await usecases.start_call(tx, appointment_id, office, at=at)
            except Exception as error:
                if not is_transient(error):
                    del self._connected[appointment_id]
                    raise
                log.warning("database_away", error=type(error).__name__)
                await asyncio.sleep(_PULSE_SECONDS)
                continue
            del self._connected[appointment_id]
            await self._hub.announce(office)

    async def reconcile(self) -> None:
        """Every five seconds: make the sockets here and the list of departures agree with what is committed."""
        while True:
            await asyncio.sleep(_RECONCILE_SECONDS)
            await self.agree()

    async def agree(self) -> None:
        """One round of `reconcile`. Raises the database's errors."""
        here = list(self._hub.participants.values())
        async with self._transactions() as tx:
            committed = await store.committed(tx, [p.place for p in here]) if here else {}
            recorded = await store.present_places(tx)
        for participant in here:
            if participant.place in committed:
                await self._agree(participant, committed[participant.place])
        try:
            await self._hub.rooms.expect(recorded)
        except RedisError as error:
            log.warning("redis_away", error=type(error).__name__)

    async def _agree(self, participant: Participant, committed: store.Present) -> None:
        room = committed.room
        if room.state != "open":
            self._hub.end(participant, room.state)
            return
        if participant.generation is not None and participant.generation < room.link_generation:
            self._hub.end(participant, "rescheduled")
            return
        self._hub.set_admitted(participant, room.admitted)
        if room.stage is not None and room.revision is not None:
            self._hub.show_stage(participant, room.stage, room.revision)
        if not committed.recorded and participant.seat.connection in self._hub.participants:
            try:
                async with self._transactions() as tx:
                    await usecases.join(tx, _claim(participant), now=self._clock())
            except Problem:
                return  # it closed this very moment; the next round ends the connection
            await self._hub.announce(participant.office)


def _claim(participant: Participant) -> Claim:
    return Claim(
        role=participant.role,
        office=participant.office,
        appointment_id=participant.appointment_id,
        clerk_id=participant.clerk_id,
        generation=participant.generation,
        session=participant.session,
        sign_in=participant.sign_in,
    )
