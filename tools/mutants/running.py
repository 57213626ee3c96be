"""Runs the tests of one mutant after the other against a copy of the package. The working tree is never touched."""

import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tools.mutants.forking import Process, begin
from tools.mutants.planting import Mutant
from tools.mutants.recording import PACKAGES

Fate = Literal["killed", "survived", "timeout", "uncovered"]
#: Beyond what the tests take alone: a machine has other things to do, and servers start.
_PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True)
class Job:
    """A mutant, and the tests that meet it, in the order in which they run."""

    mutant: Mutant
    package: str
    tests: Sequence[str]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    job: Job
    fate: Fate
    seconds: float


@dataclass(frozen=True)
class _Running:
    job: Job
    process: Process
    folder: Path


def run_all(jobs: Sequence[Job], at_once: int, until: float = math.inf) -> Iterator[Outcome]:
    """The outcomes, as they come; on `until` of the monotonic clock what has none yet is left alone."""
    waiting, running = list(reversed(jobs)), list[_Running]()
    with _folders(at_once) as free:
        try:
            while (waiting or running) and time.monotonic() < until:
                while waiting and free:
                    job = waiting.pop()
                    if not job.tests:
                        yield Outcome(job, "uncovered", 0.0)
                        continue
                    running.append(_begin(job, free.pop()))
                for each in list(running):
                    outcome = _outcome(each)
                    if outcome:
                        running.remove(each)
                        free.append(each.folder)
                        yield outcome
                time.sleep(0.05)
        finally:
            for left in running:
                left.process.end()


def _outcome(running: _Running) -> Outcome | None:
    """What became of it, or None while its tests run and nobody has lost patience."""
    code, took = running.process.code(), time.monotonic() - running.process.begun
    if code is not None:
        return Outcome(running.job, "killed" if code else "survived", took)
    if took > _PATIENCE_SECONDS + 4 * running.job.seconds:
        running.process.end()
        return Outcome(running.job, "timeout", took)
    return None


def _begin(job: Job, folder: Path) -> _Running:
    """Starts the tests of a mutant in a process of its own."""
    source, copy = PACKAGES[job.package], folder / job.package
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("src", "migrations"):
        if (source / part).is_dir():
            shutil.copytree(source / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / job.mutant.path.relative_to(source)
    target.write_bytes(job.mutant.applied(target.read_bytes()))
    return _Running(job, begin(["-x", *job.tests], folder / "output", {}, copy / "src"), folder)


@contextmanager
def _folders(count: int) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="schalter-mutants-") as parent:
        # PostgreSQL's unprivileged user need not come here: its data has a folder of its own.
        folders = [Path(parent) / str(number) for number in range(count)]
        for folder in folders:
            folder.mkdir()
        yield folders
