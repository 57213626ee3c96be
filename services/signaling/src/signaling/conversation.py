"""The WebSocket door: who comes in by which ticket, and what each message does."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import structlog
from redis.exceptions import RedisError
from starlette.websockets import WebSocket, WebSocketDisconnect

from chassis.clock import Clock
from chassis.problems import Problem, is_transient
from signaling import metrics, protocol, usecases
from signaling.hub import UNAVAILABLE, Hub
from signaling.model import Room
from signaling.presence import Presence, Transactions
from signaling.protocol import (
    CLOSE_DONE,
    CLOSE_FLOOD,
    CLOSE_FORBIDDEN,
    CLOSE_MALFORMED,
    CLOSE_TICKET,
    CLOSE_UNAVAILABLE,
    Admit,
    Candidate,
    ClientMessage,
    Closed,
    Description,
    Dismiss,
    Error,
    Heartbeat,
    Hello,
    IceServers,
    IceServersRequest,
    Leave,
    OwnSeat,
    PathFound,
    Peer,
    ProtocolError,
    RestartRequest,
    StageView,
    Welcome,
)
from signaling.rooms import Place, Seat
from signaling.settings import Settings
from signaling.sockets import Allowance, Outgoing, Participant, Watcher, monotonic, new_connection_id
from signaling.tickets import Claim, Tickets
from signaling.turn import ice_servers

log = structlog.get_logger(__name__)

#: Below the size of the connection pool, so that the background and the tickets always get through.
_JOINING_AT_ONCE: Final = 6
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NOT_ADMITTED: Final = Error(code="not_admitted", detail="The clerk has not let the person in.").text()
_FORBIDDEN: Final = Error(code="forbidden", detail="This is not yours to do.").text()


class Left(Exception):
    """The client said goodbye."""


def same_origin(origin: str | None, public_url: str) -> bool:
    """Whether a page of ours opened the socket: browsers always say where from, and other pages' scripts cannot lie."""
    return origin is not None and _origin(origin) == _origin(public_url)


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None


@dataclass(frozen=True)
class Door:
    """Everything a conversation needs."""

    settings: Settings
    hub: Hub
    presence: Presence
    tickets: Tickets
    transactions: Transactions
    clock: Clock
    joining: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_JOINING_AT_ONCE))

    async def serve(self, socket: WebSocket) -> None:
        """One WebSocket from handshake to end."""
        if not same_origin(socket.headers.get("origin"), self.settings.public_origin):
            await socket.close(CLOSE_FORBIDDEN)  # before `accept` this answers the handshake with 403
            return
        await socket.accept()
        reader = asyncio.current_task()
        assert reader is not None
        transport = Outgoing(socket, reader)
        writer = asyncio.create_task(transport.run())
        try:
            await self._converse(socket, transport)
        except ProtocolError as error:
            transport.close(error.code, error.reason)
        except RedisError as error:
            log.warning("redis_away", error=type(error).__name__)
            transport.send(UNAVAILABLE)
            transport.close(CLOSE_UNAVAILABLE, "unavailable")
        except asyncio.CancelledError:
            if not transport.closing:
                raise
            reader.uncancel()  # our own cut of a socket that would not close
        finally:
            await transport.finish(writer)

    async def _converse(self, socket: WebSocket, transport: Outgoing) -> None:
        try:
            async with asyncio.timeout(protocol.HELLO_SECONDS):
                hello = protocol.parse(await _frame(socket))
                if not isinstance(hello, Hello):
                    raise ProtocolError(CLOSE_MALFORMED, "hello comes first")
                claim = await self.tickets.redeem(hello.ticket)
            if claim is None:
                raise ProtocolError(CLOSE_TICKET, "ticket unknown, used or expired")
            connection = await self._enter(claim, hello.epoch, transport)
        except TimeoutError:
            raise ProtocolError(CLOSE_TICKET, "no hello") from None
        except WebSocketDisconnect:
            return
        try:
            await self._listen(socket, connection)
        except WebSocketDisconnect:
            return
        except Left:
            if isinstance(connection, Participant):
                await self._leave(connection)
            transport.send(Closed(reason="left").text())
            transport.close(CLOSE_DONE, "left")
        finally:
            await self._release(connection)

    async def _enter(self, claim: Claim, epoch: str, transport: Outgoing) -> Participant | Watcher:
        """Turn a redeemed ticket into a connection and welcome it. Raises ProtocolError when the room is over."""
        now = monotonic()
        allowance = Allowance(self.settings.relay_rate, self.settings.relay_burst, now)
        if claim.appointment_id is None or claim.role == "lobby":
            watcher = Watcher(claim.office, claim.actor, claim.clerk_id, claim.session, transport, allowance, now)
            watcher.sign_in = claim.sign_in
            self.hub.add(watcher)
            transport.send(_welcome(claim, epoch, None, None))
            await self.hub.announce(claim.office)
            return watcher
        try:
            # A thousand who reconnect at once queue here: the pool itself gives up after two seconds.
            async with self.joining, self.transactions() as tx:
                room = await usecases.join(tx, claim, now=self.clock())
        except Problem as problem:
            state = problem.extra.get("state")
            if state in ("completed", "aborted", "cancelled"):
                transport.send(Closed(reason=protocol.CLOSED_REASON.validate_python(state)).text())
                raise ProtocolError(CLOSE_DONE, str(state)) from problem
            transport.send(Error(code=problem.code, detail=problem.detail).text())
            raise ProtocolError(CLOSE_FORBIDDEN, problem.code) from problem
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("join_refused", error=type(error).__name__)
            transport.send(UNAVAILABLE)
            raise ProtocolError(CLOSE_UNAVAILABLE, "unavailable") from error
        seat = Seat(self.hub.mailbox.instance, new_connection_id(), epoch)
        participant = Participant(
            claim.office,
            claim.actor,
            claim.clerk_id,
            claim.session,
            transport,
            allowance,
            now,
            Place(claim.appointment_id, claim.role),
            seat,
            room.admitted,
            generation=claim.generation,
            sign_in=claim.sign_in,
        )
        await self._sit_down(participant, room, claim)
        return participant

    async def _sit_down(self, participant: Participant, room: Room, claim: Claim) -> None:
        replaced, peer = await self.hub.rooms.take(participant.place, participant.seat)
        participant.peer = peer
        if room.revision is not None:
            participant.revision = room.revision
        self.hub.add(participant)
        participant.transport.send(_welcome(claim, participant.seat.epoch, room, peer))
        if replaced is not None:
            await self.hub.tell(replaced, "closed", "replaced")
        if peer is not None:
            await self.hub.tell(peer, "joined", str(participant.seat))
        await self.hub.announce(participant.office)

    async def _listen(self, socket: WebSocket, connection: Participant | Watcher) -> None:
        transport, allowance = connection.transport, connection.allowance
        while True:
            frame = await _frame(socket)
            connection.heard = now = monotonic()
            if not allowance.spend(len(frame), now):
                raise ProtocolError(CLOSE_FLOOD, "too many messages")
            if frame == protocol.HEARTBEAT:
                transport.send(protocol.HEARTBEAT)
                continue
            await self._act(connection, protocol.parse(frame))

    async def _act(self, connection: Participant | Watcher, message: ClientMessage) -> None:
        match message:
            case Heartbeat():
                connection.transport.send(protocol.HEARTBEAT)
            case Leave():
                raise Left
            case Hello():
                raise ProtocolError(CLOSE_MALFORMED, "hello comes once")
            case _ if isinstance(connection, Watcher):
                connection.transport.send(_FORBIDDEN)
            case Description() | Candidate() | RestartRequest():
                await self._relay(connection, message)
            case IceServersRequest():
                servers = ice_servers(self.settings.turn_urls, self.settings.turn_key, connection.session, self.clock())
                connection.transport.send(IceServers(ice_servers=servers).text())
            case PathFound():
                await self._count(connection, message)
            case Admit() | Dismiss():
                await self._decide(connection, admit=isinstance(message, Admit))

    async def _count(self, teller: Participant, message: PathFound) -> None:
        """A browser says what it likes, as often as it likes: of what is promised, one call is one."""
        if not teller.admitted:
            return
        with suppress(RedisError):  # a figure is nothing to end a call for
            if message.again or await self.hub.rooms.first_told(teller.place):
                metrics.path_found(teller.role, message)

    async def _relay(self, sender: Participant, message: Description | Candidate | RestartRequest) -> None:
        if not sender.admitted:
            sender.transport.send(_NOT_ADMITTED)
            return
        await self.hub.relay(sender, protocol.relay(message, sender.seat.epoch))
        if isinstance(message, Description) and message.description.type == "answer" and sender.peer is not None:
            self.presence.connected(sender)

    async def _decide(self, clerk: Participant, *, admit: bool) -> None:
        if clerk.clerk_id is None:
            clerk.transport.send(_FORBIDDEN)
            raise ProtocolError(CLOSE_FORBIDDEN, "forbidden")
        decide = usecases.admit if admit else usecases.dismiss
        try:
            async with self.transactions() as tx:
                await decide(tx, clerk.appointment_id, clerk.office, clerk.clerk_id, now=self.clock())
        except Problem as problem:
            clerk.transport.send(Error(code=problem.code, detail=problem.detail).text())
            return
        except Exception as error:
            if not is_transient(error):
                raise
            clerk.transport.send(UNAVAILABLE)
            return
        self.hub.set_admitted(clerk, admit)
        if clerk.peer is not None:
            await self.hub.tell(clerk.peer, "admitted" if admit else "dismissed")
        await self.hub.announce(clerk.office)

    async def _leave(self, participant: Participant) -> None:
        """A goodbye needs no grace."""
        await self._release(participant)
        try:
            await self.hub.rooms.forget(participant.place)
            await self.presence.left(participant.place, at=self.clock())
        except Exception as error:
            if not isinstance(error, RedisError) and not is_transient(error):
                raise
            log.warning("left_later", error=type(error).__name__)  # the end of the grace tells it

    async def _release(self, connection: Participant | Watcher) -> None:
        """Give the seat up, unless a newer connection has it; the other side and the office hear of it."""
        self.hub.remove(connection)
        if isinstance(connection, Watcher):
            return
        try:
            ours, peer = await self.hub.rooms.release(connection.place, connection.seat)
        except RedisError as error:
            log.warning("seat_expires", error=type(error).__name__)
            return
        if ours:
            if peer is not None:
                await self.hub.tell(peer, "left", str(connection.seat))
            await self.hub.announce(connection.office)


async def _frame(socket: WebSocket) -> str:
    """The next text frame. Raises WebSocketDisconnect at the end, ProtocolError for a binary frame."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    frame: str | None = message.get("text")
    if frame is None:
        raise ProtocolError(CLOSE_MALFORMED, "binary frame")
    return frame


def _welcome(claim: Claim, epoch: str, room: Room | None, peer: Seat | None) -> str:
    stage = None
    if room is not None and room.stage is not None and room.revision is not None:
        stage = StageView(stage=room.stage, revision=room.revision)
    return Welcome(
        role="citizen" if claim.role == "citizen" else "clerk",
        office=claim.office,
        appointment_id=claim.appointment_id,
        self=OwnSeat(epoch=epoch),
        admitted=room is not None and room.admitted,
        peer=None if peer is None else Peer(present=True, epoch=peer.epoch),
        stage=stage,
    ).text()
