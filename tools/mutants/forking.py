"""pytest in processes of its own, forked from one that has imported the libraries: all it costs is the tests."""

import importlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
_LIBRARIES: Final = (
    "alembic.command",
    "altcha",
    "asyncpg",
    "fastapi",
    "holidays",
    "httpx",
    "hypothesis",
    "icalendar",
    "jsonschema",
    "jwt",
    "nats",
    "phonenumbers",
    "psycopg",
    "pwdlib",
    "redis.asyncio",
    "schemathesis",
    "sqlmodel",
    "structlog",
    "typst",
    "uvicorn",
)


@dataclass(frozen=True)
class Process:
    """A running pytest. `begun`: of the monotonic clock; `output`: the file that has what it prints."""

    pid: int
    begun: float
    output: Path

    def code(self) -> int | None:
        """How it ended (pytest's exit codes), or None while it runs. To be asked no more once it has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def end(self) -> None:
        """Whatever it does: it and the servers that it started are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def told(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""


def warm_up() -> None:
    """Import what every test imports, but nothing of ours: the processes take it along."""
    for library in _LIBRARIES:
        importlib.import_module(library)


def begin(
    arguments: Sequence[str], output: Path, environment: Mapping[str, str], source: Path | None = None
) -> Process:
    """Starts pytest. `source`: a folder whose packages come before the installed ones."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        _child(arguments, output, environment, source)
    with suppress(OSError):
        os.setpgid(pid, pid)  # here as well as there: who ends it at once meets its group
    return Process(pid, time.monotonic(), output)


def _child(arguments: Sequence[str], output: Path, environment: Mapping[str, str], source: Path | None) -> None:
    """What the forked process does; it never returns."""
    code = 3
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.dont_write_bytecode = True
        os.environ.update(environment)
        if source:
            sys.path.insert(0, str(source))
            os.environ["PYTHONPATH"] = str(source)
        os.chdir(ROOT)
        code = pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments])
        sys.stdout.flush()
    finally:
        os._exit(code)
