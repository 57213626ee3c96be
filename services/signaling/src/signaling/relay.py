"""Messages between instances: every instance has one Redis channel, its mailbox, and one that all hear.

Worthless a second later, so nothing is stored: a lost message is made good by the next refresh of the seats.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, Literal

from redis.asyncio import Redis

from signaling.rooms import Seat

#: `frame` carries what to send as it is, `joined` and `left` the seat opposite, `stage` a stage and its revision,
#: `moved` the generation of the link that is good now and why older ones end, `closed` the reason, the rest nothing.
Kind = Literal["frame", "joined", "left", "admitted", "dismissed", "stage", "moved", "renewed", "closed"]
_OFFICES: Final = "signaling:offices"
_POLL_SECONDS: Final = 1.0


class Mailbox:
    """Sends to connections of other instances, and hands over what arrives for this one's.

    `deliver(connection, kind, payload)` and `office_changed(office)` are called in the event loop and must not block.
    """

    def __init__(
        self,
        redis: Redis,
        deliver: Callable[[str, Kind, str], None],
        office_changed: Callable[[str], None],
    ) -> None:
        self.instance = secrets.token_hex(6)
        self._redis = redis
        self._deliver = deliver
        self._office_changed = office_changed
        self.listening = asyncio.Event()

    async def send(self, seat: Seat, kind: Kind, payload: str = "") -> None:
        """Hand something to a connection of another instance. Raises RedisError."""
        await self._redis.publish(_channel(seat.instance), f"{seat.connection} {kind} {payload}")

    async def announce(self, office: str) -> None:
        """Tell all instances that somebody came, went or was admitted in this office. Raises RedisError."""
        await self._redis.publish(_OFFICES, office)

    async def run(self) -> None:
        """Listen until cancelled; raises RedisError when the connection is lost (whoever runs this starts it again)."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(_channel(self.instance), _OFFICES)
            self.listening.set()
            try:
                while True:
                    message = await pubsub.get_message(timeout=_POLL_SECONDS)
                    if message is not None:
                        self._take(message["channel"], message["data"])
            finally:
                self.listening.clear()

    def _take(self, channel: str, data: str) -> None:
        if channel == _OFFICES:
            self._office_changed(data)
            return
        connection, kind, payload = data.split(" ", 2)
        self._deliver(connection, kind, payload)  # type: ignore[arg-type]  # written by `send` of this very version


def _channel(instance: str) -> str:
    return f"signaling:instance:{instance}"
