"""One child process that never outlives us: started, waited for, stopped."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from schalter.embedded.errors import PartFailedError

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 20_000_000
#: What others send, so that the last line of the log is about something else.
_FROM_OUTSIDE = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
# Loaded before any fork: a child between fork and exec must not import or allocate much.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Owner:
    """The unprivileged user that a program runs as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to run and how to see that it serves."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    owner: Owner | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    #: Sent by the kernel should we be killed: parts with children of their own need one that lets them clean up.
    orphan_signal: signal.Signals = signal.SIGKILL


class Process:
    """A running `Program`. Start it from a thread that lives as long as the process shall (Linux ties the two)."""

    def __init__(self, program: Program) -> None:
        """Starts the program at once. Raises PartFailedError when it cannot be run at all."""
        self.program = program
        self.started = time.monotonic()
        _keep_short(program.log)
        parent = os.getpid()

        def tie_to_parent() -> None:
            if _libc is None:
                return
            _libc.prctl(_PR_SET_PDEATHSIG, int(program.orphan_signal), 0, 0, 0)
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

        owner = program.owner
        with program.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                # A session of its own: Ctrl-C in the terminal reaches the supervisor alone.
                self._popen = subprocess.Popen(
                    program.argv,
                    env={**os.environ, **program.env},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=tie_to_parent,
                    cwd="/" if owner else None,
                    user=owner.uid if owner else None,
                    group=owner.gid if owner else None,
                    extra_groups=[] if owner else None,
                )
            except OSError as error:
                raise PartFailedError(
                    f"{program.name} cannot be started: {error.strerror}: {program.argv[0]}"
                ) from None

    @property
    def pid(self) -> int:
        """The process id, also the id of its process group."""
        return self._popen.pid

    def ended(self) -> bool:
        """Whether the process has ended (and was reaped)."""
        return self._popen.poll() is not None

    def how_it_ended(self) -> str:
        """In words, with the last line it wrote where that says why: for a log or an error message."""
        code = self._popen.poll()
        if code is None:
            return "is still running"
        if -code in _FROM_OUTSIDE:  # nobody could write down why
            return f"was killed by {signal.Signals(-code).name} (signal {-code})"
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        last = self.last_line()
        return f"{how}: {last}" if last else how

    def last_line(self) -> str:
        """The last line that this run wrote to its log, shortened."""
        with self.program.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read()[-8_000:].decode(errors="replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")

    def is_ready(self) -> bool:
        """Whether the program serves. Raises PartFailedError when it has ended instead."""
        if self.ended():
            raise PartFailedError(f"{self.program.name} {self.how_it_ended()} (see {self.program.log})")
        return self.program.ready()

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Returns once the program serves. Raises PartFailedError when it ends or takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise PartFailedError(
                    f"{self.program.name} was not ready after {seconds:.0f} s (see {self.program.log})"
                )
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        """Sends the program's stop signal; does not wait."""
        if not self.ended():
            self._popen.send_signal(self.program.stop_signal)

    def stop(self, seconds: float = 10.0) -> None:
        """Ends the program and whatever it started: politely first, by force after `seconds`."""
        self.ask_to_stop()
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """kill -9, as a test or a power cut would."""
        self._popen.kill()
        self._popen.wait()


def _keep_short(log: Path) -> None:
    """Moves a log that grew large aside; one older generation is kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
