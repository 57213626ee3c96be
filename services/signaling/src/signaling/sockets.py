"""One WebSocket: a sending side that never blocks the caller, a rate limit, and when it was last heard."""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from signaling.protocol import CLOSE_SILENT, Role
from signaling.rooms import Place, Seat

#: Frames that may wait for a slow reader before it counts as dead; a whole ICE negotiation is about 40.
_BACKLOG: Final = 256
#: How long a close frame may take before the socket is cut.
_CLOSE_SECONDS: Final = 2.0


class Transport(Protocol):
    """The sending side of a socket. Neither call blocks or raises."""

    def send(self, frame: str) -> None:
        """Queue a text frame."""

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued; the first call counts."""


class Outgoing:
    """The transport over an ASGI WebSocket: a bounded queue and a task that empties it.

    A peer that does not read must not hold up the one who sends to it, so sending is never awaited by the sender.
    """

    __slots__ = ("_closing", "_cut", "_frames", "_reader", "_socket", "_wake")

    def __init__(self, socket: WebSocket, reader: "asyncio.Task[None]") -> None:
        self._socket = socket
        self._reader = reader
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._cut: asyncio.TimerHandle | None = None

    def send(self, frame: str) -> None:
        """Queue a text frame; a reader that is `_BACKLOG` frames behind is disconnected."""
        if self._closing is not None:
            return
        if len(self._frames) >= _BACKLOG:
            self.close(CLOSE_SILENT, "not reading")
            return
        self._frames.append(frame)
        self._wake.set()

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued, or cut the socket when that takes too long."""
        if self._closing is None:
            self._closing = (code, reason)
            self._wake.set()
            self._cut = asyncio.get_running_loop().call_later(_CLOSE_SECONDS, self._reader.cancel)

    @property
    def closing(self) -> bool:
        """Whether `close` was called."""
        return self._closing is not None

    async def finish(self, writer: "asyncio.Task[None]") -> None:
        """At the end of the reading side: let a close frame out, or stop at once when there is none to send."""
        if self._cut is not None:
            self._cut.cancel()
        if self._closing is not None:
            await asyncio.wait({writer}, timeout=_CLOSE_SECONDS)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)

    async def run(self) -> None:
        """Send what is queued, until closed or disconnected."""
        try:
            while True:
                while self._frames:
                    await self._socket.send_text(self._frames.popleft())
                if self._closing is not None:
                    await self._socket.close(*self._closing)
                    return
                self._wake.clear()
                await self._wake.wait()
        except (WebSocketDisconnect, RuntimeError):
            # The client went first; the reading side sees that too and ends the connection.
            return


class Allowance:
    """A token bucket: `rate` messages per second, `burst` at once; big messages cost more (one per 4 KB)."""

    __slots__ = ("_burst", "_rate", "_then", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._then = now

    def spend(self, size: int, now: float) -> bool:
        """Take a message of `size` characters; False when the sender is too fast."""
        self._tokens = min(self._burst, self._tokens + (now - self._then) * self._rate) - 1 - size // 4096
        self._then = now
        return self._tokens >= 0


@dataclass(slots=True, eq=False)
class Connection:
    """An accepted socket of somebody known. `heard` is in monotonic seconds."""

    office: str
    actor: str
    clerk_id: UUID | None
    session: str
    transport: Transport
    allowance: Allowance
    heard: float
    sign_in: UUID | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class Participant(Connection):
    """Somebody in a room: the seat opposite, the newest revision and the last word on waiting, as they were told.

    `generation` is that of the link by which a citizen came in.
    """

    place: Place
    seat: Seat
    admitted: bool
    peer: Seat | None = None
    generation: int | None = None
    revision: int = -1
    waiting: str = ""

    @property
    def role(self) -> Role:
        """Citizen or clerk."""
        return self.place.role

    @property
    def appointment_id(self) -> UUID:
        """The room."""
        return self.place.appointment_id


@dataclass(slots=True, eq=False)
class Watcher(Connection):
    """A clerk who watches the lobby of their office. `shown` is the last frame sent, to send changes only."""

    shown: str = ""


def new_connection_id() -> str:
    """Never guessed and never used again."""
    return secrets.token_hex(8)


def monotonic() -> float:
    """Seconds for measuring silence and rates."""
    return time.monotonic()
