"""What became of a request, in one short line for each step of its way: `schalter trace` reads them.

They are written on every normal path, so they go round the logging machinery (a line costs a twentieth of it) and are
gathered for a moment. That is why a step says ids, kinds and numbers alone: nothing here is looked through any more.
"""

import asyncio
import json
import sys
from typing import Final, TextIO

import orjson

from chassis.clock import utc_now

#: So long lines may gather; a process that is killed takes them with it.
_GATHER_SECONDS: Final = 0.05
_MOST: Final = 500


class Steps:
    """The steps of one process, written to `stream` as JSON, one a line."""

    def __init__(self, service: str, stream: TextIO, *, on: bool = True) -> None:
        self._service = service
        self._stream = stream
        self._on = on
        self._lines: list[bytes] = []
        self._kept: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, event: str, said: dict[str, str | float | None]) -> None:
        """`event` happened now. What is None in `said` is left out. Outside of an event loop it is written at once."""
        if not self._on:
            return
        line: dict[str, str | float] = {"event": event, "level": "info", "service": self._service, "timestamp": _now()}
        line |= {name: value for name, value in said.items() if value is not None}
        try:
            self._lines.append(orjson.dumps(line))
        except TypeError:  # text that is none, half a character of UTF-16
            self._lines.append(json.dumps(line).encode())
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_GATHER_SECONDS, self.flush)
        elif len(self._lines) >= _MOST:
            self._write()

    def flush(self) -> None:
        """Write what has gathered."""
        self._loop = None
        self._write()

    def _write(self) -> None:
        """Whoever reads too slowly gets the newest of it with the next lines; some of it perhaps twice."""
        # What was taken of those that are kept may end within a line: the next one begins on its own.
        begin = "\n" if self._kept else ""
        lines, self._lines, self._kept = [*self._kept, *self._lines], [], []
        if lines:
            try:
                self._stream.write(begin + b"\n".join([*lines, b""]).decode())
                self._stream.flush()
            except BlockingIOError:
                self._kept = lines[-_MOST:]
            except (OSError, ValueError):
                pass  # nobody reads any more; no request fails for that


def _now() -> str:
    """As structlog's lines have it."""
    return utc_now().isoformat().replace("+00:00", "Z")


_steps = Steps("", sys.stdout, on=False)


def configure(service: str, stream: TextIO, *, on: bool) -> None:
    """From now on steps are those of `service`, and go to `stream`; not `on`: nowhere."""
    global _steps
    flush()
    _steps = Steps(service, stream, on=on)


def step(event: str, *, correlation_id: str | None, trace_id: str | None = None, **said: str | float | None) -> None:
    """`event` (a word of `schalter trace`) happened to what `correlation_id` began.

    `said`: ids, kinds, numbers, route templates; never what somebody typed.
    """
    _steps.add(event, {"correlation_id": correlation_id, "trace_id": trace_id, **said})


def flush() -> None:
    """Write what has gathered: before the process ends."""
    _steps.flush()
