"""Which tests run which lines of a package: recorded once, and again when its code or its tests have changed."""

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import coverage

ROOT: Final = Path(__file__).resolve().parents[2]
RECORDS: Final = ROOT / ".cache" / "mutants"
PACKAGES: Final = {
    **{name: ROOT / "libs" / name for name in ("contracts", "chassis")},
    **{name: ROOT / "services" / name for name in ("booking", "signaling", "casework", "payment", "notify")},
}
#: What tests may need to tidy up when there is no time.
_ORDERLY_SECONDS: Final = 10


@dataclass(frozen=True)
class Record:
    """`tests`: by file and line, who runs it. `seconds`: how long each test takes, with what it needs set up."""

    tests: dict[Path, dict[int, list[str]]]
    seconds: dict[str, float]

    @cached_property
    def spread(self) -> Counter[str]:
        """How many lines each test runs."""
        return Counter(test for lines in self.tests.values() for tests in lines.values() for test in tests)

    def running(self, places: Collection[tuple[Path, int]]) -> set[str]:
        """The tests that run any of these lines."""
        return {test for path, line in places for test in self.tests.get(path, {}).get(line, ()) if test}

    def of_file(self, path: Path) -> set[str]:
        """The tests that run anything in this file."""
        return {test for tests in self.tests.get(path, {}).values() for test in tests if test}


def record(package: str, jobs: int, *, as_recorded: bool = False) -> Record:
    """The record of a package, made anew if the last one is older than what it tells of. Fails if a test does.

    `as_recorded`: an old one is good enough.
    """
    folder = RECORDS / package
    stamp, now = folder / "stamp", _digest(PACKAGES[package])
    if not stamp.exists() or (stamp.read_text() != now and not as_recorded):
        _make(package, folder, jobs)
        stamp.write_text(now)
    return _read(folder)


def record_of(package: str, tests: Sequence[Path], until: float = math.inf) -> Record:
    """The record of some files of tests alone, kept nowhere; on `until` of the monotonic clock, of what ran so far."""
    with tempfile.TemporaryDirectory(prefix="schalter-record-") as folder:
        if time.monotonic() < until:
            _make(package, Path(folder), 1, tests, until)
        return _read(Path(folder))


def _make(package: str, folder: Path, jobs: int, tests: Sequence[Path] = (), until: float = math.inf) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    print(f"mutants: recording which tests of {package} run which lines", flush=True)
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutants.recorder", "-m", "not journey"]
        + (["-n", str(jobs), "--dist", "loadfile"] if jobs > 1 else [])
        + [str(path) for path in tests or [PACKAGES[package]]],
        cwd=ROOT,
        env=os.environ
        | {
            "SCHALTER_MUTANTS_RECORD": str(folder / "lines"),
            "SCHALTER_MUTANTS_SOURCES": str(PACKAGES[package] / "src"),
            "PYTHONPATH": str(ROOT),
            "COVERAGE_CORE": "ctrace",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = _until_end(running, until)
    finally:
        running.kill()
    if running.returncode and time.monotonic() < until:
        sys.exit(f"mutants: the tests of {package} fail without any mutant\n{told[-4000:]}")


def _until_end(running: "subprocess.Popen[str]", until: float) -> str:
    """What it printed. When time is up pytest is asked to end in order, and writes down what it knows by then."""
    seconds = None if until == math.inf else max(0.0, until - time.monotonic())
    with suppress(subprocess.TimeoutExpired):
        return running.communicate(timeout=seconds)[0]
    running.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        return running.communicate(timeout=_ORDERLY_SECONDS)[0]
    running.kill()
    return running.communicate()[0]


def _read(folder: Path) -> Record:
    tests: dict[Path, dict[int, list[str]]] = {}
    seconds: dict[str, float] = {}
    for file in sorted(folder.glob("lines.*")):
        if file.suffix == ".json":
            seconds |= json.loads(file.read_text())
            continue
        data = coverage.CoverageData(str(file))
        data.read()
        for path in data.measured_files():
            lines = tests.setdefault(Path(path), {})
            for line, contexts in data.contexts_by_lineno(path).items():
                lines.setdefault(line, []).extend(contexts)
    return Record(tests, seconds)


def _digest(package: Path) -> str:
    read = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        read.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return read.hexdigest()
