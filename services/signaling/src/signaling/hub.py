"""The connections of this instance, and how something reaches a connection wherever it is."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, get_args
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chassis.metrics import at_zero
from signaling import protocol
from signaling.protocol import (
    CLOSE_DONE,
    CLOSE_REPLACED,
    CLOSE_SILENT,
    CLOSE_TICKET,
    CLOSE_UNAVAILABLE,
    CLOSED_REASON,
    DEAD_SECONDS,
    CaseChanged,
    Closed,
    ClosedReason,
    Error,
    PeerJoined,
    Role,
)
from signaling.relay import Kind, Mailbox
from signaling.rooms import Refreshed, Rooms, Seat
from signaling.sockets import Connection, Participant, Watcher
from signaling.tickets import SignIns

log = structlog.get_logger(__name__)

CONNECTIONS: Final = Gauge(
    "schalter_signaling_connections", "Open sockets of people who are known. Sum of processes.", ("role",)
)
at_zero(CONNECTIONS, (*get_args(Role), "lobby"))
RELAYED: Final = Counter(
    "schalter_signaling_relayed_total",
    "Messages passed on between the two sides, within a process or over Redis.",
    ("way",),
)
at_zero(RELAYED, ("local", "redis"))
ENDED: Final = Counter("schalter_signaling_connections_ended_total", "Sockets closed by the server.", ("reason",))
at_zero(ENDED, (*get_args(ClosedReason), "silent", "signed_out", "unavailable"))

UNAVAILABLE: Final = Error(code="unavailable", detail="Please connect again in a moment.").text()


class Hub:
    """Everybody connected to this instance."""

    def __init__(self, redis: Redis) -> None:
        self.rooms = Rooms(redis)
        self.sign_ins = SignIns(redis)
        self.mailbox = Mailbox(redis, self.deliver, self._office_changed)
        self.participants: dict[str, Participant] = {}
        self.watchers: set[Watcher] = set()
        self.changed_offices: set[str] = set()
        self.office_changed = asyncio.Event()

    async def ping(self) -> None:
        """Raise unless Redis answers and this instance hears its mailbox."""
        await self.rooms.ping()
        if not self.mailbox.listening.is_set():
            raise ConnectionError("mailbox")

    @property
    def connections(self) -> Iterable[Connection]:
        """Participants and watchers."""
        return [*self.participants.values(), *self.watchers]

    def add(self, connection: Participant | Watcher) -> None:
        """From now on messages reach it."""
        if isinstance(connection, Watcher):
            self.watchers.add(connection)
            CONNECTIONS.labels("lobby").inc()
        else:
            self.participants[connection.seat.connection] = connection
            CONNECTIONS.labels(connection.role).inc()

    def remove(self, connection: Participant | Watcher) -> None:
        """Forget it; doing so again changes nothing."""
        if isinstance(connection, Watcher):
            if connection in self.watchers:
                self.watchers.remove(connection)
                CONNECTIONS.labels("lobby").dec()
        elif self.participants.pop(connection.seat.connection, None) is not None:
            CONNECTIONS.labels(connection.role).dec()

    async def relay(self, sender: Participant, frame: str) -> None:
        """Pass `frame` to the other side: directly when it is connected here, else through its instance's mailbox.

        When nobody is there it is dropped: whoever comes is told by `peer-joined`, and negotiation starts anew.
        """
        peer = sender.peer
        if peer is None:
            return
        local = self.participants.get(peer.connection)
        if local is not None:
            local.transport.send(frame)
            RELAYED.labels("local").inc()
        elif peer.instance != self.mailbox.instance:
            await self.mailbox.send(peer, "frame", frame)
            RELAYED.labels("redis").inc()

    async def tell(self, seat: Seat, kind: Kind, payload: str = "") -> None:
        """Hand something to the connection in `seat`, wherever it is. A lost one is made good by `reconcile`."""
        if seat.instance == self.mailbox.instance:
            self.deliver(seat.connection, kind, payload)
            return
        try:
            await self.mailbox.send(seat, kind, payload)
        except RedisError as error:
            log.warning("message_lost", kind=kind, error=type(error).__name__)

    async def tell_room(self, appointment_id: UUID, kind: Kind, payload: str = "") -> None:
        """Hand something to everybody in a room, on all instances."""
        try:
            seats = await self.rooms.seats(appointment_id)
        except RedisError as error:
            log.warning("message_lost", kind=kind, error=type(error).__name__)
            # Those who are here can be told without asking where they are.
            seats = [p.seat for p in self.participants.values() if p.appointment_id == appointment_id]
        for seat in seats:
            await self.tell(seat, kind, payload)

    async def announce(self, office: str) -> None:
        """Tell every instance, this one too, that the office's waiting room changed."""
        try:
            await self.mailbox.announce(office)
        except RedisError as error:
            log.warning("message_lost", kind="office", error=type(error).__name__)

    def deliver(self, connection: str, kind: Kind, payload: str) -> None:
        """What arrived for a connection of this instance; one that is gone by now is ignored."""
        participant = self.participants.get(connection)
        if participant is None:
            return
        match kind:
            case "frame":
                participant.transport.send(payload)
            case "joined":
                self._seen(participant, Seat.read(payload))
            case "left":
                if participant.peer is not None and str(participant.peer) == payload:
                    self._seen(participant, None)
            case "admitted":
                self.set_admitted(participant, True)
            case "dismissed":
                self.set_admitted(participant, False)
            case "stage":
                stage, revision = payload.split(" ")
                self.show_stage(participant, stage, int(revision))
            case "moved":
                self.moved(participant, int(payload), "rescheduled")
            case "renewed":
                self.moved(participant, int(payload), "expired")
            case "closed":
                self.end(participant, CLOSED_REASON.validate_python(payload))

    def set_admitted(self, participant: Participant, admitted: bool) -> None:
        """Tell both sides alike, once per change."""
        if participant.admitted != admitted:
            participant.admitted = admitted
            participant.waiting = ""
            participant.transport.send(protocol.ADMITTED if admitted else protocol.DISMISSED)

    def show_stage(self, participant: Participant, stage: str, revision: int) -> None:
        """Pass a newer revision on."""
        if revision > participant.revision:
            participant.revision = revision
            changed = CaseChanged(subject="casework.stage_changed.v1", stage=stage, revision=revision)
            participant.transport.send(changed.text())

    def moved(self, participant: Participant, generation: int, reason: ClosedReason) -> None:
        """The appointment has another link: an older one's holder is shown out for `reason`, nobody is admitted."""
        if participant.generation is not None and participant.generation < generation:
            self.end(participant, reason)
        else:
            self.set_admitted(participant, False)

    def end(self, participant: Participant, reason: ClosedReason) -> None:
        """The server ends the connection and says why; the seat is given up when the socket is."""
        ENDED.labels(reason).inc()
        participant.transport.send(Closed(reason=reason).text())
        participant.transport.close(CLOSE_REPLACED if reason == "replaced" else CLOSE_DONE, reason)

    def refreshed(self, held: Sequence[Participant], found: Sequence[Refreshed]) -> None:
        """Act on what the refresh of the seats found: somebody replaced here from elsewhere, came or went unheard."""
        for participant, seats in zip(held, found, strict=True):
            if seats.holder != participant.seat:
                self.end(participant, "replaced")
            elif seats.peer != participant.peer:
                self._seen(participant, seats.peer)

    def drop_silent(self, now: float) -> None:
        """Close sockets that said nothing for `DEAD_SECONDS`."""
        for connection in self.connections:
            if now - connection.heard > DEAD_SECONDS:
                ENDED.labels("silent").inc()
                connection.transport.close(CLOSE_SILENT, "no heartbeat")

    async def drop_signed_out(self) -> None:
        """Close the sockets of clerks whose sign-in is over: who signs in again gets a new one."""
        held = {each.sign_in for each in self.connections if each.sign_in is not None}
        ended = await self.sign_ins.ended(held)
        for connection in self.connections:
            if connection.sign_in in ended:
                ENDED.labels("signed_out").inc()
                connection.transport.close(CLOSE_TICKET, "signed out")

    def drop_all(self) -> None:
        """Redis is away: say so and let go. Clients come back by themselves; running calls do not notice."""
        for connection in self.connections:
            ENDED.labels("unavailable").inc()
            connection.transport.send(UNAVAILABLE)
            connection.transport.close(CLOSE_UNAVAILABLE, "unavailable")

    def _office_changed(self, office: str) -> None:
        self.changed_offices.add(office)
        self.office_changed.set()

    @staticmethod
    def _seen(participant: Participant, peer: Seat | None) -> None:
        if participant.peer != peer:
            participant.peer = peer
            participant.transport.send(protocol.PEER_LEFT if peer is None else PeerJoined(epoch=peer.epoch).text())
