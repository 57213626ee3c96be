"""Which tests run which lines of a package: recorded file by file, and again when a file or what it ran has changed."""

import hashlib
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from tools.mutants.forking import ROOT, Process, begin

RECORDS: Final = ROOT / ".cache" / "mutants"
PACKAGES: Final = {
    **{name: ROOT / "libs" / name for name in ("contracts", "chassis")},
    **{name: ROOT / "services" / name for name in ("booking", "signaling", "casework", "payment", "notify")},
}
#: pytest's words for "passed" and "no test is left": a file may have journeys alone.
_FINE: Final = (0, 5)


class TestsFail(Exception):
    """Tests fail without any mutant, and so would prove nothing. The text has what they printed."""


class OutOfTime(Exception):
    """The time was over before every file had been recorded."""


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
        return {test for path, line in places for test in self.tests.get(path, {}).get(line, ())}

    def of_file(self, path: Path) -> set[str]:
        """The tests that run anything in this file."""
        return {test for tests in self.tests.get(path, {}).values() for test in tests}


def tests_of(package: str) -> list[Path]:
    """The package's files of tests."""
    return sorted((PACKAGES[package] / "tests").rglob("test_*.py"))


def record(package: str, files: Iterable[Path], at_once: int, until: float = math.inf) -> Record:
    """The record of some of a package's files of tests, made anew where the last one is older than what it tells of.

    Raises TestsFail if a test does, OutOfTime on `until` of the monotonic clock: half a record would blame the tests
    that it knows for what the others see. What has been recorded by then is kept in both cases.
    """
    folder = RECORDS / package
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(files)
    missing = sorted((file for file in files if not _is_current(package, file)), key=lambda file: -file.stat().st_size)
    if missing and time.monotonic() >= until:
        raise OutOfTime
    if missing:
        print(f"mutants: recording which tests of {package} run which lines, files: {len(missing)}", flush=True)
        _make(package, missing, at_once, until)
    return _read([_kept(package, file) for file in files])


def _make(package: str, files: Sequence[Path], at_once: int, until: float) -> None:
    waiting, running, failed = list(reversed(files)), dict[Path, Process](), list[str]()
    with ExitStack() as after, tempfile.TemporaryDirectory(prefix="schalter-record-") as folder:
        after.callback(_end, running)
        while waiting or running:
            if time.monotonic() >= until:
                raise OutOfTime
            while waiting and len(running) < at_once:
                file = waiting.pop()
                running[file] = _begin(package, file, Path(folder))
            for file, process in list(running.items()):
                code = process.code()
                if code is None:
                    continue
                del running[file]
                if code in _FINE:
                    _keep(package, file, Path(folder) / f"{_name(package, file)}.json")
                else:
                    failed.append(process.told()[-4000:])
            time.sleep(0.05)
    if failed:
        raise TestsFail(f"the tests of {package} fail without any mutant\n" + "\n".join(failed))


def _end(running: Mapping[Path, Process]) -> None:
    for process in running.values():
        process.end()


def _begin(package: str, file: Path, folder: Path) -> Process:
    name = _name(package, file)
    return begin(
        ["-p", "tools.mutants.recorder", "-m", "not journey", str(file)],
        folder / f"{name}.output",
        {
            "SCHALTER_MUTANTS_RECORD": str(folder / f"{name}.json"),
            "SCHALTER_MUTANTS_SOURCE": str(PACKAGES[package] / "src"),
        },
    )


def _name(package: str, file: Path) -> str:
    return ".".join(file.relative_to(PACKAGES[package] / "tests").with_suffix("").parts)


def _kept(package: str, file: Path) -> Path:
    return RECORDS / package / f"{_name(package, file)}.json"


def _keep(package: str, file: Path, told: Path) -> None:
    """Beside what it says: the digest of everything that it tells of."""
    known = json.loads(told.read_text())
    ran = [path for path, lines in known["lines"].items() if any(any(tests) for tests in lines.values())]
    known["of"] = {str(path): _digest(path) for path in [file, *_shared(package), *map(Path, ran)]}
    _kept(package, file).write_text(json.dumps(known))


def _is_current(package: str, file: Path) -> bool:
    kept = _kept(package, file)
    if not kept.exists():
        return False
    of: dict[str, str] = json.loads(kept.read_text())["of"]
    return {str(file), *map(str, _shared(package))} <= of.keys() and all(
        Path(path).exists() and _digest(Path(path)) == digest for path, digest in of.items()
    )


@cache
def _shared(package: str) -> list[Path]:
    """What a package's tests have in common."""
    files = sorted((PACKAGES[package] / "tests").rglob("*.py"))
    return [ROOT / "conftest.py", *(path for path in files if not path.name.startswith("test_"))]


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(kept: Iterable[Path]) -> Record:
    tests: dict[Path, dict[int, list[str]]] = {}
    seconds: dict[str, float] = {}
    for file in kept:
        known = json.loads(file.read_text())
        seconds |= known["seconds"]
        for path, lines in known["lines"].items():
            of_path = tests.setdefault(Path(path), {})
            for line, runners in lines.items():
                of_path.setdefault(int(line), []).extend(filter(None, runners))
    return Record(tests, seconds)
