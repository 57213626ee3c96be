"""Lua scripts for Redis on one connection that all requests share: sent together, answered in their order.

The client's own way (a connection from the pool, retries, time-outs, parsing, each with its coroutines) costs 75 µs of
CPU per call; this costs 20 at most, and a booking makes four calls.
"""

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import parse_url
from redis.exceptions import NoScriptError, RedisError, ResponseError

from chassis.redis_figures import CountedRedis, note

_NO_SCRIPT: Final = "NOSCRIPT"


class _Line(asyncio.Protocol):
    """One connection to Redis."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._reader = hiredis.Reader(encoding="utf-8")
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, *command: str | int | float) -> "asyncio.Future[Any]":
        """Sends `command`. The future raises ResponseError, or ConnectionError or TimeoutError when no answer comes."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if self._transport is None or self._transport.is_closing():
            answer.set_exception(ConnectionError("the line to Redis is closed"))
            return answer
        if not self._waiting:
            self._watch = loop.call_later(self._seconds, self._suspect)
        self._waiting.append(answer)
        if not self._unsent:
            loop.call_soon(self._send)  # what other requests ask in the same turn of the loop goes with it
        self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type] # as its documentation says
        return answer

    def _send(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def hang_up(self, error: OSError | None = None) -> None:
        """Ends the line; whoever still waits gets `error`."""
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(error or ConnectionError("Redis hung up"))

    def _suspect(self) -> None:
        # It may be us who are slow: what has come meanwhile is read before the second look.
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(0.01, self.hang_up, TimeoutError("Redis does not answer"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:  # False: the rest is still to come
            answer = self._waiting.popleft()
            if answer.done():  # nobody waits any more
                continue
            if isinstance(reply, hiredis.ReplyError):
                text = str(reply)
                answer.set_exception(NoScriptError(text) if text.startswith(_NO_SCRIPT) else ResponseError(text))
            else:
                answer.set_result(reply)
        if self._waiting:
            self._watch = asyncio.get_running_loop().call_later(self._seconds, self._suspect)

    def connection_lost(self, exc: Exception | None) -> None:
        self.hang_up()


class ScriptLine:
    """The line of one process to one Redis: dialled when first needed, and again when it broke."""

    def __init__(self, url: str, seconds: float) -> None:
        """`seconds`: how long Redis may be silent while somebody waits; dialling may take four times as long."""
        self._address: dict[str, Any] = dict(parse_url(url))
        self._seconds = seconds
        self._line: _Line | None = None
        self._dialling: asyncio.Task[_Line] | None = None

    async def run(self, *command: str | int | float) -> Any:
        """The answer to `command`. Once more if the line breaks: scripts are made to be repeated."""
        try:
            return await self._run(*command)
        except (RedisError, OSError) as error:
            note(error)
            raise

    async def _run(self, *command: str | int | float) -> Any:
        line = self._line
        if line is None or not line.open:
            line = await self._dialled_line()
        try:
            return await line.ask(*command)
        except ConnectionError:
            line = await self._dialled_line()
            return await line.ask(*command)

    async def ping(self) -> None:
        """Raises OSError unless Redis answers over this line."""
        await self.run("PING")

    async def _dialled_line(self) -> _Line:
        if self._line is not None and self._line.open:
            return self._line
        if self._dialling is None:
            # A task of its own: it goes on for the others when whoever asked first stops waiting.
            self._dialling = asyncio.create_task(self._dialled())
            self._dialling.add_done_callback(self._dialling_ended)
        return await asyncio.shield(self._dialling)

    async def _dialled(self) -> _Line:
        async with asyncio.timeout(4 * self._seconds):
            self._line = await self._dial()
        return self._line

    def _dialling_ended(self, task: "asyncio.Task[_Line]") -> None:
        self._dialling = None
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; that nobody does is no news

    async def _dial(self) -> _Line:
        address = self._address
        secure = ssl.create_default_context() if "connection_class" in address else None
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: _Line(self._seconds), address.get("host", "localhost"), address.get("port", 6379), ssl=secure
        )
        try:
            if password := address.get("password"):
                await line.ask("AUTH", *filter(None, [address.get("username")]), password)
            if database := address.get("db"):
                await line.ask("SELECT", database)
        except BaseException:
            line.hang_up()
            raise
        return line

    def close(self) -> None:
        """Hangs up."""
        if self._dialling is not None:
            self._dialling.cancel()
        if self._line is not None:
            self._line.hang_up()


class Script:
    """A script, called as those of redis-py are."""

    def __init__(self, line: ScriptLine, source: str) -> None:
        self._line, self._source = line, source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str] = (), args: Sequence[str | int | float] = ()) -> Any:
        """Runs it. Its text travels only when this Redis has not seen it before.

        Raises what the client's own do: RedisError, and OSError (so TimeoutError, too) when Redis is away.
        """
        try:
            return await self._line.run("EVALSHA", self._digest, len(keys), *keys, *args)
        except NoScriptError:
            return await self._line.run("EVAL", self._source, len(keys), *keys, *args)


class ScriptingRedis(CountedRedis):
    """A Redis client whose registered scripts go over a line of their own. Made by `connect`."""

    line: ScriptLine

    def register_script(self, script: str) -> Script:  # type: ignore[override] # called alike, which is all that callers do
        """A callable that runs `script`."""
        return Script(self.line, script)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes everything."""
        self.line.close()
        await super().aclose(close_connection_pool)


def connect(url: str, seconds: float, **options: Any) -> ScriptingRedis:
    """A client for `url` whose scripts are answered within `seconds`; `options` are those of `Redis.from_url`."""
    client = cast(ScriptingRedis, ScriptingRedis.from_url(url, **options))
    client.line = ScriptLine(url, seconds)
    return client
