"""Plants small wrongs into the program, one at a time, and sees whether the tests that run the place notice.

    make mutants                                           60 of all packages
    make mutants ARGS="--only booking --count 30 --seed 7"
    make mutants ARGS="--only booking --kind office"       every filter for the office that can be lost
    make mutants ARGS="--changed origin/main --count 12"   in the lines that have changed since, by the tests that have

It prints the survivors and the score. The first run of a package records which test runs which line. Those of which
nobody can tell the difference are listed in equivalent.toml, each with the reason, and are not planted.
"""

import argparse
import math
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tools.mutants.changes import Changes, changes_since
from tools.mutants.forking import ROOT, warm_up
from tools.mutants.planting import SKIPPED, Mutant, mutants_of, references
from tools.mutants.recording import PACKAGES, OutOfTime, Record, TestsFail, record, tests_of
from tools.mutants.running import Job, Outcome, run_all

#: Who meets a mutant with so much of tests and does not notice lets it live.
BUDGET_SECONDS: Final = 120.0
#: A constant is looked for where it is used, also by way of other constants.
_DEPTH: Final = 4
#: A sample says that too little is noticed when this would be as unlikely if enough were.
_CHANCE: Final = 0.05


def main() -> None:
    """The command."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("mutants: stopped"))
    wanted = _arguments()
    until = time.monotonic() + (wanted.seconds or math.inf)
    dice = random.Random(wanted.seed)
    warm_up()
    try:
        jobs = _jobs_of_changes(wanted, changes_since(wanted.changed), dice) if wanted.changed else _jobs(wanted, dice)
    except TestsFail as failure:
        sys.exit(f"mutants: {failure}")
    outcomes: list[Outcome] = []
    for outcome in run_all(jobs, wanted.jobs, until):
        outcomes.append(outcome)
        if wanted.verbose or outcome.fate in ("survived", "uncovered"):
            print(f"{outcome.fate:9} {_told(outcome)}", flush=True)
    _sum_up(outcomes)
    if _is_less(_noticed(outcomes), len(outcomes), wanted.at_least / 100):
        sys.exit(f"mutants: less than {wanted.at_least:g} % noticed")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=PACKAGES, default=list(PACKAGES), help="packages")
    parser.add_argument("--count", type=int, default=60, help="how many, taken at random; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", nargs="+", help="office, sql, lua, guard, rule, act or value")
    parser.add_argument("--file", default="", help="only files whose path holds this")
    parser.add_argument("--changed", metavar="COMMIT", help="only lines and tests that have changed since then")
    parser.add_argument("--seconds", type=float, default=0, help="no longer than this; what is left is not planted")
    parser.add_argument("--at-least", type=float, default=0, help="the percent to notice, or it fails; chance aside")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    parser.add_argument("--verbose", action="store_true", help="print also who was noticed")
    return parser.parse_args()


def _files(package: str) -> list[Path]:
    return sorted(path for path in (PACKAGES[package] / "src").rglob("*.py") if path.name not in SKIPPED)


def _found(wanted: argparse.Namespace) -> list[tuple[str, Mutant]]:
    return [
        (package, mutant)
        for package in wanted.only
        for path in _files(package)
        if wanted.file in str(path)
        for mutant in mutants_of(path)
        if not wanted.kind or mutant.kind in wanted.kind
    ]


def _some(wanted: argparse.Namespace, found: list[tuple[str, Mutant]], dice: random.Random) -> list[tuple[str, Mutant]]:
    if 0 < wanted.count < len(found):
        return [found[index] for index in sorted(dice.sample(range(len(found)), wanted.count))]
    return found


def _jobs(wanted: argparse.Namespace, dice: random.Random) -> list[Job]:
    chosen = _some(wanted, _found(wanted), dice)
    packages = sorted({package for package, _ in chosen})
    records = {package: record(package, tests_of(package), wanted.jobs) for package in packages}
    return _met(chosen, records)


def _jobs_of_changes(wanted: argparse.Namespace, changes: Changes, dice: random.Random) -> list[Job]:
    """Mutants of changed lines that changed tests run: what a change says of itself has to hold.

    Packages whose changed tests do not all run in half of the time are left alone, the quick ones coming first: a
    mutant is judged by all that the change says of it, however large the change is.
    """
    found = [(package, mutant) for package, mutant in _found(wanted) if changes.touch(mutant.path, mutant.line)]
    tests = {package: changes.tests(PACKAGES[package]) for package in {package for package, _ in found}}
    enough = time.monotonic() + (wanted.seconds / 2 or math.inf)
    records, late = dict[str, Record](), list[str]()
    for package, files in sorted(tests.items(), key=lambda item: _cost(*item)):
        try:
            records |= {package: record(package, files, wanted.jobs, enough)} if files else {}
        except OutOfTime:
            late.append(package)
        except TestsFail as failure:
            print(f"mutants: nothing is planted in {package}: {failure}")
    if late:
        print(f"mutants: nothing is planted in {', '.join(late)}: the changed tests take longer than half of the time")
    met = [job for job in _met([one for one in found if one[0] in records], records) if job.tests]
    taken = dice.sample(met, min(wanted.count or len(met), len(met)))
    return sorted(taken, key=lambda job: job.seconds)


def _cost(package: str, files: Sequence[Path]) -> tuple[bool, int]:
    """The more it is the longer the tests take: those that share fixtures start servers."""
    return (PACKAGES[package] / "tests" / "conftest.py").exists(), len(files)


def _met(chosen: Iterable[tuple[str, Mutant]], records: dict[str, Record]) -> list[Job]:
    uses = {name: references(_files(name)) for name in records}
    return [_job(name, mutant, records[name], uses[name]) for name, mutant in chosen]


Uses = dict[str, list[tuple[Path, int, str | None]]]


def _job(package: str, mutant: Mutant, known: Record, uses: Uses) -> Job:
    if mutant.name is None:
        met = known.running([(mutant.path, line) for line in mutant.lines])
    else:
        met = known.running(_where_used(mutant.name, uses, _DEPTH))
    if mutant.name is not None:
        met |= {test for test in known.seconds if mutant.name in _words(ROOT / test.partition("::")[0])}
    if not met and mutant.lines and mutant.name is not None:
        met = known.of_file(mutant.path)
    tests, seconds = _within_budget(met, known, first="test_actors" if mutant.kind == "office" else "")
    return Job(mutant, package, tests, seconds)


@cache
def _words(tests: Path) -> set[str]:
    """The names in a file of tests: who makes a thing there meets its defaults, and may run no line of ours for it."""
    return set(re.findall(r"\w+", tests.read_text())) if tests.exists() else set()


def _where_used(name: str, uses: Uses, depth: int) -> set[tuple[Path, int]]:
    places = set[tuple[Path, int]]()
    for path, line, owner in uses.get(name, ()):
        if owner is None:
            places.add((path, line))
        elif depth and owner != name:
            places |= _where_used(owner, uses, depth - 1)
    return places


def _within_budget(met: Iterable[str], known: Record, first: str) -> tuple[list[str], float]:
    """The tests of a mutant up to the budget, file by file.

    Files named `first` come first. Of each test one case comes before second cases, of each file one test before
    second ones, as another file asks about something else, and who runs little else, and so looks closely, before
    others.
    """
    cases, tests = Counter[str](), Counter[str]()
    ranked = list[tuple[bool, int, int, int, str]]()
    for test in sorted(met, key=lambda test: (known.spread[test], test)):
        file, function = test.partition("::")[0], test.partition("[")[0]
        ranked.append((first not in test, cases[function], tests[file], len(ranked), test))
        cases[function] += 1
        tests[file] += 1
    seconds, files = 0.0, dict[str, list[str]]()
    for *_, test in sorted(ranked):
        cost = known.seconds.get(test, 1.0)
        if not files or seconds + cost <= BUDGET_SECONDS:
            files.setdefault(test.partition("::")[0], []).append(test)
            seconds += cost
    return [test for tests in files.values() for test in tests], seconds


def _told(outcome: Outcome) -> str:
    mutant = outcome.job.mutant
    was = mutant.was if len(mutant.was) <= 70 else f"{mutant.was[:67]}..."
    place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
    return f"{place} [{mutant.kind}] {was}  =>  {mutant.new or 'nothing'}  ({len(outcome.job.tests)} tests)"


def _sum_up(outcomes: Sequence[Outcome]) -> None:
    for package in dict.fromkeys(outcome.job.package for outcome in outcomes):
        of_package = [outcome for outcome in outcomes if outcome.job.package == package]
        print(f"mutants: {package}: {_score(of_package)}")
    print(f"mutants: {_score(outcomes)}, {sum(outcome.seconds for outcome in outcomes):.0f} s of tests")


def _score(outcomes: Sequence[Outcome]) -> str:
    return f"{_noticed(outcomes)} of {len(outcomes)} noticed, {_share(outcomes):.1f} %"


def _share(outcomes: Sequence[Outcome]) -> float:
    return 100 * _noticed(outcomes) / len(outcomes) if outcomes else 100.0


def _noticed(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.fate in ("killed", "timeout") for outcome in outcomes)


def _is_less(noticed: int, tried: int, share: float) -> bool:
    """Whether that few of those tried would hardly be noticed by chance, if each were with this probability."""
    as_few = sum(math.comb(tried, n) * share**n * (1 - share) ** (tried - n) for n in range(noticed + 1))
    return as_few < _CHANCE


if __name__ == "__main__":
    main()
