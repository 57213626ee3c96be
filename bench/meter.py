"""Rounds of measurement: anchor and subject take turns, so that what else the machine does hits both alike."""

import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import psutil

from bench.load import Tally


@dataclass(frozen=True)
class Round:
    """One short round: what came back, how long it took, and the CPU time of the measured process."""

    tally: Tally
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Figures:
    """The median over the rounds. Times in seconds; `cpu` is CPU time of the service's process per request.

    `cpu_undisturbed` is that of the best round: a neighbour on the machine makes a request cost more CPU time, never
    less. It is what a fixed figure of somebody else may be compared with.
    """

    requests_per_second: float
    cpu: float
    cpu_undisturbed: float
    p50: float
    p99: float
    requests: int

    @property
    def per_cpu_second(self) -> float:
        """Requests per second of CPU time, undisturbed."""
        return 1 / self.cpu_undisturbed if self.cpu_undisturbed else 0.0

    @classmethod
    def of(cls, rounds: list[Round]) -> "Figures":
        """The medians of `rounds`."""
        cpu = [each.cpu_seconds / max(1, each.tally.requests) for each in rounds]
        return cls(
            requests_per_second=statistics.median(each.tally.requests / each.seconds for each in rounds),
            cpu=statistics.median(cpu),
            cpu_undisturbed=min(cpu),
            p50=statistics.median(each.tally.quantile(0.5) for each in rounds),
            p99=statistics.median(each.tally.quantile(0.99) for each in rounds),
            requests=sum(each.tally.requests for each in rounds),
        )


def cpu_seconds(pid: int) -> float:
    """User and system time that process `pid` has used so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


Measure = Callable[[], Awaitable[Round]]


async def take_turns(subjects: Mapping[str, Measure], rounds: int) -> dict[str, Figures]:
    """Each subject once per round, in turn, after a round to warm up that does not count."""
    taken: dict[str, list[Round]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, measure in subjects.items():
            done = await measure()
            if number:
                taken[name].append(done)
    return {name: Figures.of(each) for name, each in taken.items()}


def expect(tally: Tally, *statuses: int) -> None:
    """Raises RuntimeError when something else than `statuses` was answered: then nothing was measured."""
    if unexpected := {status: count for status, count in tally.statuses.items() if status not in statuses}:
        raise RuntimeError(f"unexpected answers: {unexpected}")
