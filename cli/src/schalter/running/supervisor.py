"""Keeps programs running: starts, waits for health, restarts the dead with backoff, stops all."""

import itertools
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from schalter.embedded import PartFailedError, Process, Program

_BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
#: A part that ran this long is well again: its next failure begins a new series.
_WELL_AFTER = 30.0
_STOP_SECONDS = 8.0


@dataclass
class _Charge:
    program: Program
    process: Process
    ready: bool = False
    failures: int = 0
    restart_at: float | None = None
    down_since: float = field(default_factory=time.monotonic)


class Supervisor:
    """Single-threaded: every call comes from the main thread, to which the kernel ties the children's lives."""

    def __init__(self, say: Callable[[str], None], changed: Callable[[], None] = lambda: None) -> None:
        """`say` gets one line for everything worth telling; `changed` is called when process ids have."""
        self._say = say
        self._changed = changed
        self._groups: list[list[_Charge]] = []
        self._signals = 0
        # Signals wake us through a socket: locks are not safe in signal handlers.
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def listen_for_signals(self) -> None:
        """Ctrl-C, SIGTERM or a closed terminal end `run`; a second one ends it without manners."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup is respected
            signal.signal(signal.SIGHUP, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    @property
    def stopping(self) -> bool:
        """Whether a signal asked us to end."""
        return self._signals > 0

    def pids(self) -> dict[str, int]:
        """The process ids of all parts, by name."""
        return {charge.program.name: charge.process.pid for charge in self._charges()}

    def start(self, programs: Iterable[Program], seconds: float = 120.0) -> None:
        """Starts `programs` side by side and returns once all serve, or a signal came.

        Raises PartFailedError for the first that ends, or is not ready in time; `stop` is then still to be called.
        """
        fresh: list[_Charge] = []
        self._groups.append(fresh)
        for program in programs:
            fresh.append(_Charge(program, Process(program)))
        deadline = time.monotonic() + seconds
        while waiting := [charge for charge in fresh if not charge.ready]:
            for charge in waiting:
                charge.ready = charge.process.is_ready()
            if self.stopping:
                return
            if time.monotonic() > deadline:
                late = waiting[0]
                raise PartFailedError(
                    f"{late.program.name} was not ready after {seconds:.0f} s (see {late.program.log})"
                )
            self._nap(0.05)

    def run(self) -> None:
        """Watches and restarts until a signal comes."""
        while not self.stopping:
            for charge in self._charges():
                self._look_after(charge)
            urgent = any(not charge.ready for charge in self._charges())
            self._nap(0.05 if urgent else 1.0)

    def stop(self) -> None:
        """Stops everything, the group started last first; returns when all is gone."""
        for group in reversed(self._groups):
            for charge in group:
                charge.process.ask_to_stop()
            deadline = time.monotonic() + _STOP_SECONDS
            for charge in group:
                while not charge.process.ended() and time.monotonic() < deadline and self._signals < 2:
                    time.sleep(0.02)
                charge.process.stop(0.0)
        self._groups.clear()

    def _charges(self) -> list[_Charge]:
        return list(itertools.chain.from_iterable(self._groups))

    def _look_after(self, charge: _Charge) -> None:
        name, now = charge.program.name, time.monotonic()
        if charge.restart_at is not None:
            if now >= charge.restart_at:
                self._restart(charge)
        elif charge.process.ended():
            charge.failures = 0 if charge.ready and now - charge.process.started > _WELL_AFTER else charge.failures
            if charge.ready:
                charge.down_since = now
            pause = _BACKOFF[min(charge.failures, len(_BACKOFF) - 1)]
            self._say(f"{name} {charge.process.how_it_ended()}. Starting it again in {pause:g} s.")
            charge.failures += 1
            charge.ready = False
            charge.restart_at = now + pause
        elif not charge.ready and charge.program.ready():
            charge.ready = True
            self._say(f"{name} is back after {now - charge.down_since:.1f} s.")
            self._changed()

    def _restart(self, charge: _Charge) -> None:
        charge.restart_at = None
        try:
            charge.process = Process(charge.program)
        except PartFailedError as error:
            self._say(str(error))
            charge.restart_at = time.monotonic() + _BACKOFF[-1]
        self._changed()

    def _nap(self, seconds: float) -> None:
        select.select([self._woken], [], [], seconds)
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
