"""What a durable consumer is handed, the moment it comes: requests for it stand at the bus before it exists.

The client's own `fetch` makes a request anew every second; what comes to the one that it has just given up waits out
the next one (see docs/adr/0018).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from secrets import token_hex
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NotJSMessageError

from chassis.bus import MISSING_SECONDS, Bus

log = structlog.get_logger(__name__)

#: How long a request stands. The bus says when it ends, so nobody waits for that.
_EXPIRES_SECONDS: Final = 60.0
#: While nothing comes the bus says so often that it still knows of a request. Two such words missing: asked anew.
_HEARTBEAT_SECONDS: Final = 1.0
_SILENCE_SECONDS: Final = 2.5
#: Who works on a message longer tells the bus so often, which else would hand it out again.
_BEAT_SECONDS: Final = 0.5
#: After a refusal, so that what stays wrong is not asked for in a loop.
_PAUSE_SECONDS: Final = 0.1
#: How long the rest of a backlog is waited for, which is on its way.
_REST_SECONDS: Final = 0.05
#: What the bus says of a request: it still stands; it has ended as it should; there is no such consumer.
_HEARTBEAT, _ENDED, _NOBODY = "100", ("404", "408"), "503"


class Pull:
    """The messages of one durable consumer, by their number in its stream.

    At most `ahead` are in hand, here and not yet released (a request's worth more after an outage). As long as they
    are, the bus hands them to nobody else. One that is not there is waited for.
    """

    def __init__(self, bus: Bus, stream: str, consumer: str, *, ahead: int, expires: float = _EXPIRES_SECONDS) -> None:
        self._bus = bus
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._consumer = consumer
        self._from = (stream, consumer)
        self._strangers: set[str] = set()
        self._ahead = ahead
        self._expires = expires
        self._inbox = ""
        self._round = ""
        self._asked = 0
        self._heard = 0.0
        self._in_hand: dict[int, Msg] = {}
        self._waiting: dict[int, Msg] = {}
        self._news = asyncio.Event()
        self._refused = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """A block during which requests stand."""
        self._in_hand.clear()
        self._waiting.clear()
        client = self._bus.client
        self._inbox = client.new_inbox()
        subscription = await client.subscribe(f"{self._inbox}.*", cb=self._came)
        self._bus.on_reconnect(self._anew)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each) for each in (self._watch(), self._beat())]
                await self._anew()
                yield
                for task in tasks:
                    task.cancel()
        finally:
            self._bus.off_reconnect(self._anew)
            with suppress(NatsError):  # without it the bus would go on handing messages to nobody
                await subscription.unsubscribe()

    async def take(self, most: int) -> dict[int, Msg]:
        """What has come, oldest first, at most `most`; waits until there is something.

        Of a backlog as much as there is: the last message says how many wait behind it, and they are on their way.
        """
        while not self._waiting:
            await self._some_news()
        with suppress(TimeoutError):
            if self._more_to_come(most):
                async with asyncio.timeout(_REST_SECONDS):
                    while self._more_to_come(most):
                        await self._some_news()
        taken = dict(islice(self._waiting.items(), most))
        for number in taken:
            del self._waiting[number]
        return taken

    async def release(self, numbers: Iterable[int]) -> None:
        """These of the messages taken are done with, and as many others may come."""
        for number in numbers:
            self._in_hand.pop(number, None)
        await self._top_up()

    async def _some_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _more_to_come(self, most: int) -> bool:
        if not self._asked or len(self._waiting) >= most:
            return False
        return self._waiting[next(reversed(self._waiting))].metadata.num_pending > 0

    async def _came(self, message: Msg) -> None:
        if not (self._is_ours(message) if message.reply else message.subject == self._round):
            return  # another's, or the end of a request that counts no more
        self._heard = asyncio.get_running_loop().time()
        if message.reply:
            self._bus.note_found(self._consumer)
            self._asked = max(0, self._asked - 1)
            number = message.metadata.sequence.stream
            if number not in self._in_hand:  # else it comes again, and is being worked on
                self._in_hand[number] = self._waiting[number] = message
                self._news.set()
            await self._top_up()
        else:
            await self._told(message.headers or {})

    def _is_ours(self, message: Msg) -> bool:
        """Whether our consumer handed it out, which the bus alone writes into a message. Others may have theirs hand
        something out to here, of another kind that reads like ours (docs/adr/0032).
        """
        try:
            by = message.metadata
        except (NotJSMessageError, ValueError):
            return False
        if (by.stream, by.consumer) == self._from:
            return True
        if by.consumer not in self._strangers:
            self._strangers.add(by.consumer)
            log.error("handed_by_another", consumer=self._consumer, by=by.consumer)
        return False

    async def _told(self, headers: dict[str, str]) -> None:
        status, why = headers.get("Status", ""), headers.get("Description", "")
        if status == _NOBODY or "Consumer Deleted" in why:
            self._bus.note_missing(self._consumer)
            self._refused = True
            return
        self._bus.note_found(self._consumer)
        if status in _ENDED:
            self._asked = max(0, self._asked - int(headers.get("Nats-Pending-Messages", self._asked)))
            await self._top_up()
        elif status != _HEARTBEAT:
            # Another leader, a shutdown: asked again by the watch.
            log.info("pull_refused", consumer=self._consumer, status=status, why=why)
            self._refused = True

    async def _watch(self) -> None:
        """Ask again what was refused, and what the bus has silently forgotten."""
        while True:
            await asyncio.sleep(MISSING_SECONDS if self._consumer in self._bus.missing else _PAUSE_SECONDS)
            silent = asyncio.get_running_loop().time() - self._heard > _SILENCE_SECONDS
            if self._refused or (silent and self._asked):
                await self._anew()

    async def _beat(self) -> None:
        """Tell the bus of every message that takes longer that somebody is still at work on it."""
        before: set[int] = set()
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            for number, message in list(self._in_hand.items()):
                if number in before and self._bus.connected:
                    with suppress(NatsError):  # then it comes again, and is known
                        await message.in_progress()
            before = set(self._in_hand)

    async def _anew(self) -> None:
        """Ask as if nothing had been asked for: of what was asked over another line the bus knows nothing."""
        self._refused = False
        self._heard = asyncio.get_running_loop().time()
        # The monitoring port tells all of them where we listen, but not this: so nobody speaks for the bus.
        self._round = f"{self._inbox}.{token_hex(16)}"
        self._asked = 0
        await self._top_up()

    async def _top_up(self) -> None:
        room = self._ahead - len(self._in_hand) - self._asked
        if room <= 0 or (self._asked and 2 * room < self._ahead) or self._refused or not self._bus.connected:
            return  # what is asked without a line would be sent later, beside what is asked then
        self._asked += room
        request = {
            "batch": room,
            "expires": int(self._expires * 1e9),
            "idle_heartbeat": int(min(_HEARTBEAT_SECONDS, self._expires / 2) * 1e9),
        }
        with suppress(NatsError):  # the line broke this moment; asked again once it is back
            await self._bus.client.publish(self._subject, json.dumps(request).encode(), reply=self._round)
