"""What an office's clerks see in their lobby and its waiting citizens are told: sent again whenever it changes."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from redis.exceptions import RedisError

from chassis.clock import Clock
from chassis.problems import is_transient
from signaling import store
from signaling.hub import Hub
from signaling.model import Desk, Guest, outlooks
from signaling.presence import Transactions
from signaling.protocol import Lobby, LobbyEntry, Waiting
from signaling.rooms import Place
from signaling.sockets import Participant, Watcher

log = structlog.get_logger(__name__)

#: Presence that ends by itself (a killed instance) announces nothing, so offices are looked at this often anyway.
_LOOK_SECONDS: Final = 2.0
#: A thousand people who reconnect at once cause ten looks per second, not a thousand.
_PAUSE_SECONDS: Final = 0.1


class Offices:
    """Keeps the lobbies and the waiting citizens of this instance informed."""

    def __init__(self, hub: Hub, transactions: Transactions, clock: Clock) -> None:
        self._hub = hub
        self._transactions = transactions
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled: look at the offices that changed, and now and then at all that have an audience here."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._hub.office_changed.wait()
                changed = set(self._hub.changed_offices)
            except TimeoutError:
                changed = None
            self._hub.office_changed.clear()
            self._hub.changed_offices.clear()
            audience = {watcher.office for watcher in self._hub.watchers} | {p.office for p in self._waiting()}
            for office in audience if changed is None else audience & changed:
                await self._look(office)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _look(self, office: str) -> None:
        try:
            await self.show(office)
        except Exception as error:
            if not isinstance(error, RedisError) and not is_transient(error):
                raise
            # The audience keeps what it saw last; the next look is two seconds away.
            log.warning("office_not_shown", error=type(error).__name__)

    async def show(self, office: str) -> None:
        """Send the office's audience what changed for them. Raises RedisError, or the database's errors."""
        async with self._transactions() as tx:
            guests = await store.guests(tx, office)
            desk = await store.desk(tx, office, self._clock())
        present = await self._hub.rooms.occupied([Place(guest.appointment_id, "citizen") for guest in guests])
        at_work = await self._hub.rooms.clerks_at_work(office)
        self._tell_watchers(office, guests, present)
        self._tell_waiting(office, guests, desk, at_work)

    def _tell_watchers(self, office: str, guests: Sequence[Guest], present: Sequence[bool]) -> None:
        watchers: list[Watcher] = [watcher for watcher in self._hub.watchers if watcher.office == office]
        if not watchers:
            return
        entries = [
            LobbyEntry(
                appointment_id=guest.appointment_id,
                since=guest.since,
                starts_at=guest.starts_at,
                admitted=guest.admitted,
                present=here,
            )
            for guest, here in zip(guests, present, strict=True)
        ]
        frame = Lobby(waiting=entries).text()
        for watcher in watchers:
            if watcher.shown != frame:
                watcher.shown = frame
                watcher.transport.send(frame)

    def _tell_waiting(self, office: str, guests: Sequence[Guest], desk: Desk, at_work: set[str]) -> None:
        busy = {str(clerk_id) for clerk_id, _ in desk.running}
        found = outlooks(guests, desk, len(at_work - busy), self._clock())
        for citizen in self._waiting():
            outlook = found.get(citizen.appointment_id)
            if citizen.office != office or outlook is None:
                continue
            frame = Waiting(
                ahead=outlook.ahead, estimate_seconds=outlook.estimate_seconds, clerk_present=bool(at_work)
            ).text()
            if citizen.waiting != frame:
                citizen.waiting = frame
                citizen.transport.send(frame)

    def _waiting(self) -> list[Participant]:
        return [p for p in self._hub.participants.values() if p.role == "citizen" and not p.admitted]
