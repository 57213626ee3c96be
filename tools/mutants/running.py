"""Runs the tests of one mutant after the other, each in a process of its own, against a copy of the package.

The working tree is never touched. A process is forked from one that has imported the libraries already, so that a
mutant costs its tests and little more.
"""

import importlib
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
from tools.mutants.planting import Mutant
from tools.mutants.recording import PACKAGES, ROOT

Fate = Literal["killed", "survived", "timeout", "uncovered"]
#: Beyond what the tests take alone: a machine has other things to do, and servers start.
_PATIENCE_SECONDS: Final = 60
_LIBRARIES: Final = (
    "alembic.command",
    "asyncpg",
    "fastapi",
    "hypothesis",
    "nats",
    "redis.asyncio",
    "sqlmodel",
    "uvicorn",
)


@dataclass(frozen=True)
class Job:
    """A mutant, and the tests that meet it, in the order in which they run."""

    mutant: Mutant
    package: str
    tests: Sequence[str]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant. `output`: what the tests printed."""

    job: Job
    fate: Fate
    seconds: float
    output: str


@dataclass(frozen=True)
class _Running:
    job: Job
    pid: int
    begun: float
    output: Path
    folder: Path


def warm_up() -> None:
    """Import what every test imports, but nothing of ours: the children take it along."""
    for library in _LIBRARIES:
        importlib.import_module(library)


def run_all(jobs: Sequence[Job], at_once: int, until: float = math.inf) -> Iterator[Outcome]:
    """The outcomes, as they come; on `until` of the monotonic clock what has none yet is left alone."""
    waiting, running = list(reversed(jobs)), dict[int, _Running]()
    with _folders(at_once) as free:
        try:
            while (waiting or running) and time.monotonic() < until:
                while waiting and free:
                    job = waiting.pop()
                    if not job.tests:
                        yield Outcome(job, "uncovered", 0.0, "")
                        continue
                    begun = _begin(job, free.pop())
                    running[begun.pid] = begun
                for ended, outcome in _ended(running):
                    free.append(ended.folder)
                    yield outcome
                time.sleep(0.05)
        finally:
            for left in running.values():
                _end(left)


def _ended(running: dict[int, _Running]) -> list[tuple[_Running, Outcome]]:
    """Those that are over, taken from the running ones."""
    over = []
    for each in list(running.values()):
        pid, status = os.waitpid(each.pid, os.WNOHANG)
        took = time.monotonic() - each.begun
        if pid:
            code = os.waitstatus_to_exitcode(status)
            fate: Fate = "survived" if code == 0 else "killed"
        elif took > _PATIENCE_SECONDS + 4 * each.job.seconds:
            _end(each)
            fate = "timeout"
        else:
            continue
        del running[each.pid]
        over.append((each, Outcome(each.job, fate, took, each.output.read_text(errors="replace"))))
    return over


def _begin(job: Job, folder: Path) -> _Running:
    """Starts the tests of a mutant in a process of its own."""
    source, copy = PACKAGES[job.package], folder / job.package
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("src", "migrations"):
        if (source / part).is_dir():
            shutil.copytree(source / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / job.mutant.path.relative_to(source)
    target.write_bytes(job.mutant.applied(target.read_bytes()))
    output = folder / "output"
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        _child(job, copy / "src", output)
    return _Running(job, pid, time.monotonic(), output, folder)


def _child(job: Job, source: Path, output: Path) -> None:
    """What the forked process does; it never returns."""
    code = 3
    try:
        os.setsid()
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.path.insert(0, str(source))
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(source)
        os.chdir(ROOT)
        code = pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", *job.tests])
        sys.stdout.flush()
    finally:
        os._exit(code)


def _end(running: _Running) -> None:
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(running.pid, 0)


@contextmanager
def _folders(count: int) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="schalter-mutants-") as parent:
        # PostgreSQL's unprivileged user need not come here: its data has a folder of its own.
        folders = [Path(parent) / str(number) for number in range(count)]
        for folder in folders:
            folder.mkdir()
        yield folders
